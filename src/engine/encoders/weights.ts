/**
 * Constant matrices as signed bytes: taken as they are where a model carries them so, rounded here where it
 * carries floats; and dequantised constants worked out once.
 */
import type { Random } from '../../base/random';
import type { Graph } from '../onnx/graph';
import {
  DataType,
  type Node,
  type Tensor,
  dimsOf,
  floatsOf,
  int8sOf,
  intAttribute,
  intsAttribute,
} from '../onnx/model';

/** Largest magnitude of a signed 8-bit weight or activation; -128 stays unused, so zero is exact. */
export const INT8_LIMIT = 127;

/** A constant matrix `[inputs, outputs]` as signed bytes and one scale an output. */
export interface QuantizedWeight {
  readonly values: Int8Array;
  readonly scales: Float32Array;
  readonly inputCount: number;
  readonly outputCount: number;
}

/** The constant matrix of that name: an initialiser, a dequantised one, or a transposed one. */
export function readWeight(graph: Graph, name: string): QuantizedWeight | undefined {
  const tensor = graph.initializer(name);
  if (tensor) return quantizeMatrix(tensor);
  const maker = graph.producerOf(name);
  if (maker?.opType === 'DequantizeLinear') return readQuantized(graph, maker);
  if (maker?.opType !== 'Transpose') return undefined;
  const source = graph.initializer(maker.input[0] ?? '');
  const order = intsAttribute(maker, 'perm') ?? [1, 0];
  return source && order.join() === '1,0' ? quantizeMatrix(source, 'transposed') : undefined;
}

/** A weight that is in 8 bits already, if it has one scale an output and zero at 0. */
function readQuantized(graph: Graph, node: Node): QuantizedWeight | undefined {
  const parts = readDequantizer(graph, node);
  if (!parts || parts.dims.length !== 2 || parts.axis !== 1) return undefined;
  const [inputCount = 0, outputCount = 0] = parts.dims;
  if (parts.scales.length !== outputCount) return undefined;
  return { values: parts.values, scales: parts.scales, inputCount, outputCount };
}

/** Rounds a float matrix to signed bytes, one scale an output column. */
function quantizeMatrix(tensor: Tensor, layout?: 'transposed'): QuantizedWeight | undefined {
  if (tensor.dataType !== DataType.FLOAT || tensor.dims.length !== 2) return undefined;
  const [rowCount = 0, columnCount = 0] = dimsOf(tensor);
  const source = floatsOf(tensor);
  const isTransposed = layout === 'transposed';
  const inputCount = isTransposed ? columnCount : rowCount;
  const outputCount = isTransposed ? rowCount : columnCount;
  const at = (input: number, output: number): number =>
    source[isTransposed ? output * inputCount + input : input * outputCount + output]!;
  const values = new Int8Array(inputCount * outputCount);
  const scales = new Float32Array(outputCount);
  for (let output = 0; output < outputCount; output++) {
    let largest = 0;
    for (let input = 0; input < inputCount; input++) {
      largest = Math.max(largest, Math.abs(at(input, output)));
    }
    scales[output] = largest / INT8_LIMIT;
    const factor = largest === 0 ? 0 : INT8_LIMIT / largest;
    for (let input = 0; input < inputCount; input++) {
      values[input * outputCount + output] = Math.round(at(input, output) * factor);
    }
  }
  return { values, scales, inputCount, outputCount };
}

/** A constant in 8 bits with zero at 0, and its scales along an axis (a single one for all of it). */
export interface Dequantizer {
  readonly values: Int8Array;
  readonly scales: Float32Array;
  readonly dims: readonly number[];
  readonly axis: number;
}

/** The constants of a DequantizeLinear node; undefined where they are not constant or of a form not known here. */
export function readDequantizer(graph: Graph, node: Node): Dequantizer | undefined {
  const [valuesName = '', scalesName = '', zeroName = ''] = node.input;
  const tensor = graph.initializer(valuesName);
  const scaleTensor = graph.initializer(scalesName);
  if (tensor?.dataType !== DataType.INT8 || scaleTensor?.dataType !== DataType.FLOAT) {
    return undefined;
  }
  if (intAttribute(node, 'block_size', 0) !== 0 || !isZero(graph, zeroName)) return undefined;
  const dims = dimsOf(tensor);
  const axis = intAttribute(node, 'axis', 1);
  const scales = floatsOf(scaleTensor);
  const onAxis = axis < 0 ? axis + dims.length : axis;
  if (scales.length !== 1 && scales.length !== dims[onAxis]) return undefined;
  return { values: int8sOf(tensor), scales, dims, axis: onAxis };
}

/** True when there is no zero point, or one that is zero all over. */
function isZero(graph: Graph, name: string): boolean {
  if (name === '') return true;
  const tensor = graph.initializer(name);
  return tensor?.dataType === DataType.INT8 && int8sOf(tensor).every((value) => value === 0);
}

/** The floats that a dequantiser stands for. */
export function dequantize({ values, scales, dims, axis }: Dequantizer): Float32Array {
  const out = new Float32Array(values.length);
  const inner = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const along = scales.length === 1 ? 1 : dims[axis]!;
  for (let i = 0; i < values.length; i++) {
    out[i] = values[i]! * scales[Math.floor(i / inner) % along]!;
  }
  return out;
}

/**
 * Floats near a dequantiser's as one of the same form. What was trained for few steps moved by less than half a step of 8
 * bits, and the nearest step gives the base back; so each value goes up or down by chance, the nearer the likelier, and
 * the sum over a matrix keeps what every value moved. A value that did not move stays as it is. A scale grows where 127
 * of its steps do not reach, and is kept elsewhere.
 */
export function requantize(
  floats: Float32Array,
  { dims, axis, scales: before }: Pick<Dequantizer, 'dims' | 'axis' | 'scales'>,
  random: Random,
): Pick<Dequantizer, 'values' | 'scales'> {
  const inner = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const scaleOf = (index: number): number => Math.floor(index / inner) % before.length;
  const scales = Float32Array.from(before);
  floats.forEach((value, index) => {
    const at = scaleOf(index);
    scales[at] = Math.max(scales[at]!, Math.abs(value) / INT8_LIMIT);
  });
  const values = Int8Array.from(floats, (value, index) => {
    const scale = scales[scaleOf(index)]!;
    if (scale === 0) return 0;
    const steps = value / scale;
    const nearest = Math.round(steps);
    // A product of a byte and its scale, divided by the scale, is off by no more than this.
    if (Math.abs(steps - nearest) < EXACT) return nearest;
    const low = Math.floor(steps);
    return Math.min(INT8_LIMIT, low + (random() < steps - low ? 1 : 0));
  });
  return { values, scales };
}

const EXACT = 1e-4;
