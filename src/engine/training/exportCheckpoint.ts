/**
 * Trained weights into a checkpoint in the layout of the base, so that anything that ran the base runs the result. With
 * weights as the base has them, only their data changes. With 32-bit floats the graph is written anew, its trained
 * matrices unrounded; mixed, the others stay in 8 bits, and every arithmetic leaves the trained ones alone.
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { systemCode } from '../../base/errors';
import { type Checkpoint, readModelBytes } from '../encoders/checkpoint';
import { buildGraph, foldDequantizers } from '../encoders/graphs';
import { keepFloats } from '../encoders/int8Token';
import { decodeModel, encodeModel } from '../onnx/codec';
import { graphOf } from '../onnx/graph';
import { dimsOf, floatsOf, makeTensor, type Model } from '../onnx/model';
import { exportModel, unknownWeight } from './exportModel';
import { ADAPTER_DOWN, ADAPTER_UP, unpackTables } from './surgery';

/** New values of weights, by the names that the base's graph has for them. */
export type NewWeights = ReadonlyMap<
  string,
  { readonly dims: readonly number[]; readonly data: Float32Array }
>;

/** Trained weights as the base's graph has them: adapters multiplied out and added to the matrices they stand beside. */
export function mergeAdapters(baseBytes: Uint8Array, trained: NewWeights): NewWeights {
  const names = [...trained.keys()];
  if (!names.some((name) => name.endsWith(ADAPTER_DOWN))) return trained;
  const graph = graphOf(decodeModel(buildGraph(baseBytes, 'fp32')));
  const out = new Map(
    [...trained].filter(([name]) => !name.endsWith(ADAPTER_DOWN) && !name.endsWith(ADAPTER_UP)),
  );
  for (const name of names.filter((name) => name.endsWith(ADAPTER_DOWN))) {
    const matrix = name.slice(0, -ADAPTER_DOWN.length);
    const tensor = graph.initializer(matrix);
    if (!tensor) throw unknownWeight(matrix);
    const data = Float32Array.from(floatsOf(tensor));
    addProduct(data, trained.get(name)!, trained.get(matrix + ADAPTER_UP)!);
    out.set(matrix, { dims: dimsOf(tensor), data });
  }
  return out;
}

/** sum += A B. */
function addProduct(
  sum: Float32Array,
  a: { readonly dims: readonly number[]; readonly data: Float32Array },
  b: { readonly dims: readonly number[]; readonly data: Float32Array },
): void {
  const [rows = 0, rank = 0] = a.dims;
  const columns = b.dims[1] ?? 0;
  for (let i = 0; i < rows; i++)
    for (let r = 0; r < rank; r++) {
      const factor = a.data[i * rank + r]!;
      for (let j = 0; j < columns; j++) sum[i * columns + j]! += factor * b.data[r * columns + j]!;
    }
}

/** Files beside the model that a checkpoint may have; they decide how texts are read. */
const SIDE_FILES = [
  'config.json',
  'tokenizer.json',
  '1_Pooling/config.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  'modules.json',
];

/** Fills an empty folder with the checkpoint. `card` becomes its model card. */
export async function exportCheckpoint(
  base: Checkpoint,
  weights: NewWeights,
  folder: string,
  options: { readonly weights: 'as-base' | 'fp32' | 'mixed'; readonly card: string },
): Promise<void> {
  const bytes = await readModelBytes(base.modelFile);
  const model =
    options.weights === 'as-base'
      ? exportModel(bytes, weights)
      : options.weights === 'fp32'
        ? encodeModel(withFloats(buildGraph(bytes, 'fp32'), weights))
        : encodeMixed(bytes, weights);
  await fs.writeFile(path.join(folder, 'model.onnx'), model);
  for (const name of SIDE_FILES) await copyIfThere(base.folder, folder, name);
  await fs.writeFile(path.join(folder, 'MODEL_CARD.md'), options.card);
}

async function copyIfThere(from: string, to: string, name: string): Promise<void> {
  try {
    const bytes = await fs.readFile(path.join(from, name));
    await fs.mkdir(path.dirname(path.join(to, name)), { recursive: true });
    await fs.writeFile(path.join(to, name), bytes);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error;
  }
}

/** The model with what was trained as floats, tables included, and the new weights in their places. */
function withFloats(bytes: Uint8Array, weights: NewWeights): Model {
  const model = decodeModel(bytes);
  const graph = graphOf(model);
  foldDequantizers(graph, (name) => weights.has(name));
  if ([...weights.keys()].some((name) => !graph.initializer(name))) unpackTables(graph);
  for (const [name, { dims, data }] of weights) {
    const known = graph.initializer(name);
    if (!known || dimsOf(known).join() !== dims.join()) throw unknownWeight(name);
    graph.setInitializer(makeTensor(name, data, dims));
  }
  return model;
}

function encodeMixed(bytes: Uint8Array, weights: NewWeights): Uint8Array {
  const model = withFloats(bytes, weights);
  const graph = graphOf(model);
  // The bytes that became floats are of no use any more.
  graph.removeUnused();
  graph.sort();
  const matrices = [...weights].filter(([, { dims }]) => dims.length === 2);
  keepFloats(
    model,
    matrices.map(([name]) => name),
  );
  return encodeModel(model);
}
