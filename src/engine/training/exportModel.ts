/**
 * Trained weights back into the model file they came from. Its form stays: what was stored in 8 bits is rounded to 8
 * bits again, with the same scales a column or a row; adapters are multiplied out and added to their matrices. What
 * loaded the old file loads the new one.
 */
import { BugError } from '../../base/errors';
import { type Dequantizer, quantize, readDequantizer } from '../encoders/weights';
import { decodeModel, encodeModel } from '../onnx/codec';
import { type Graph, graphOf } from '../onnx/graph';
import { dimsOf, floatsOf, int8sOf, makeTensor } from '../onnx/model';
import { constantTensor } from './constants';
import { ADAPTER_DOWN, ADAPTER_UP, packedTables, readForward } from './surgery';

/** The model file with these weights in place of its own, by the names they have in training. */
export function exportModel(
  bytes: Uint8Array,
  weights: ReadonlyMap<string, Float32Array>,
): Uint8Array {
  const model = decodeModel(bytes);
  const graph = graphOf(model);
  for (const [name, values] of withoutAdapters(bytes, weights)) replaceWeight(graph, name, values);
  return encodeModel(model);
}

/** Each pair of adapters turned into the whole matrix it changes: W + A B. */
function withoutAdapters(
  bytes: Uint8Array,
  weights: ReadonlyMap<string, Float32Array>,
): Map<string, Float32Array> {
  const whole = new Map([...weights].filter(([name]) => !isAdapter(name)));
  if (whole.size === weights.size) return whole;
  const { graph } = readForward(bytes);
  for (const [name, down] of weights) {
    if (!name.endsWith(ADAPTER_DOWN)) continue;
    const matrix = name.slice(0, -ADAPTER_DOWN.length);
    const tensor = graph.initializer(matrix)!;
    const up = weights.get(matrix + ADAPTER_UP)!;
    const sum = Float32Array.from(whole.get(matrix) ?? floatsOf(tensor));
    addProduct(sum, down, up, dimsOf(tensor)[1]!);
    whole.set(matrix, sum);
  }
  return whole;
}

function isAdapter(name: string): boolean {
  return name.endsWith(ADAPTER_DOWN) || name.endsWith(ADAPTER_UP);
}

/** sum += down up, all row by row; `columns` are those of sum and up. */
function addProduct(
  sum: Float32Array,
  down: Float32Array,
  up: Float32Array,
  columns: number,
): void {
  const rank = up.length / columns;
  for (let row = 0; row < sum.length / columns; row++) {
    for (let k = 0; k < rank; k++) {
      const factor = down[row * rank + k]!;
      for (let column = 0; column < columns; column++)
        sum[row * columns + column]! += factor * up[k * columns + column]!;
    }
  }
}

function replaceWeight(graph: Graph, name: string, floats: Float32Array): void {
  const maker = graph.producerOf(name);
  const dequantizer = maker?.opType === 'DequantizeLinear' && readDequantizer(graph, maker);
  if (maker && dequantizer) {
    const [values = '', scales = ''] = maker.input;
    return replaceQuantized(graph, floats, { ...dequantizer, names: { values, scales } });
  }
  const tensor = constantTensor(graph, name);
  if (tensor) {
    Object.assign(tensor, makeTensor(tensor.name, floats, dimsOf(tensor)));
    return;
  }
  const packed = packedTables(graph).find((table) => table.name === name);
  if (!packed) throw new BugError(`The model has no weight ${name}`);
  const { table, scales } = packed;
  const names = { values: table.name, scales: scales.name };
  const form = { values: int8sOf(table), scales: floatsOf(scales), dims: dimsOf(table), axis: 0 };
  replaceQuantized(graph, floats, { ...form, names });
}

/** Values and scales in place of those that are there, in the same shapes. */
function replaceQuantized(
  graph: Graph,
  floats: Float32Array,
  { names, ...form }: Dequantizer & { readonly names: { values: string; scales: string } },
): void {
  const { values, scales } = quantize(floats, form);
  const scaleDims = dimsOf(graph.initializer(names.scales)!);
  graph.setInitializer(makeTensor(names.values, values, form.dims));
  graph.setInitializer(makeTensor(names.scales, scales, scaleDims));
}
