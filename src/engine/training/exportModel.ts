/**
 * Trained weights back into the model file they came from. Its form stays: what was stored in 8 bits is rounded to 8
 * bits again, with a scale a column or a row as before. What loaded the old file loads the new one, and the same weights
 * give the same file.
 */
import { type Random, seededRandom } from '../../base/random';
import { NearmissError } from '../../base/errors';
import { type Dequantizer, readDequantizer, requantize } from '../encoders/weights';
import { decodeModel, encodeModel } from '../onnx/codec';
import { type Graph, graphOf } from '../onnx/graph';
import { dimsOf, floatsOf, int8sOf, makeTensor } from '../onnx/model';
import { constantTensor } from '../onnx/constants';
import { packedTables } from './surgery';

/** The model file with these weights in place of its own, by the names they have in training. */
export function exportModel(
  bytes: Uint8Array,
  weights: ReadonlyMap<string, { readonly data: Float32Array }>,
): Uint8Array {
  const model = decodeModel(bytes);
  const graph = graphOf(model);
  const random = seededRandom(1);
  for (const [name, { data }] of weights) replaceWeight(graph, name, data, random);
  return encodeModel(model);
}

function replaceWeight(graph: Graph, name: string, floats: Float32Array, random: Random): void {
  const maker = graph.producerOf(name);
  const dequantizer = maker?.opType === 'DequantizeLinear' && readDequantizer(graph, maker);
  if (maker && dequantizer) {
    const [values = '', scales = ''] = maker.input;
    const known = { ...dequantizer, names: { values, scales } };
    return replaceQuantized(graph, floats, known, random);
  }
  const tensor = constantTensor(graph, name);
  if (tensor) {
    Object.assign(tensor, makeTensor(tensor.name, floats, dimsOf(tensor)));
    return;
  }
  const packed = packedTables(graph).find((table) => table.name === name);
  if (!packed) throw unknownWeight(name);
  const { table, scales } = packed;
  const names = { values: table.name, scales: scales.name };
  const form = { values: int8sOf(table), scales: floatsOf(scales), dims: dimsOf(table), axis: 0 };
  replaceQuantized(graph, floats, { ...form, names }, random);
}

/** Values and scales in place of those that are there, in the same shapes. */
function replaceQuantized(
  graph: Graph,
  floats: Float32Array,
  { names, ...form }: Dequantizer & { readonly names: { values: string; scales: string } },
  random: Random,
): void {
  const { values, scales } = requantize(floats, form, random);
  const scaleDims = dimsOf(graph.initializer(names.scales)!);
  graph.setInitializer(makeTensor(names.values, values, form.dims));
  graph.setInitializer(makeTensor(names.scales, scales, scaleDims));
}

/** The error for a weight of a training run that the model file does not have. */
export function unknownWeight(name: string): NearmissError {
  return new NearmissError(
    'model',
    `The trained weight ${name} has no place of its own in the base model's file`,
    'Train with "weights": "fp32" in the recipe, or with another export of the base',
  );
}
