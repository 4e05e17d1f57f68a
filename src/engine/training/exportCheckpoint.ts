/**
 * Trained weights into a checkpoint in the layout of the base, so that anything that ran the base runs the result. With
 * weights as the base has them, the base's bytes are copied and only data is overwritten: every other byte stays. With
 * 32-bit floats the graph is written anew, its trained matrices unrounded.
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { BugError, NearmissError, systemCode } from '../../base/errors';
import { type Checkpoint, readModelBytes } from '../encoders/checkpoint';
import { buildGraph } from '../encoders/graphs';
import { INT8_LIMIT } from '../encoders/weights';
import { decodeModel, encodeModel } from '../onnx/codec';
import { graphOf } from '../onnx/graph';
import { DataType, type Node, dimsOf, floatsOf, intAttribute, makeTensor } from '../onnx/model';
import { type TensorSpan, locateTensors, overwriteTensor } from '../onnx/wire';

/** New values of weights, by the names that the base's graph has for them. */
export type NewWeights = ReadonlyMap<
  string,
  { readonly dims: readonly number[]; readonly data: Float32Array }
>;

/** What `addAdapters` calls the two matrices beside one. */
const [DOWN, UP] = ['.lora_A', '.lora_B'];

/** Trained weights as the base's graph has them: adapters multiplied out and added to the matrices they stand beside. */
export function mergeAdapters(baseBytes: Uint8Array, trained: NewWeights): NewWeights {
  const names = [...trained.keys()];
  if (!names.some((name) => name.endsWith(DOWN))) return trained;
  const graph = graphOf(decodeModel(buildGraph(baseBytes, 'fp32')));
  const out = new Map([...trained].filter(([name]) => !name.endsWith(DOWN) && !name.endsWith(UP)));
  for (const name of names.filter((name) => name.endsWith(DOWN))) {
    const matrix = name.slice(0, -DOWN.length);
    const tensor = graph.initializer(matrix);
    if (!tensor) throw unknownWeight(matrix);
    const data = Float32Array.from(floatsOf(tensor));
    addProduct(data, trained.get(name)!, trained.get(matrix + UP)!);
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
  options: { readonly weights: 'as-base' | 'fp32'; readonly card: string },
): Promise<void> {
  const bytes = Uint8Array.from(await readModelBytes(base.modelFile));
  const model = options.weights === 'fp32' ? inFloats(bytes, weights) : overwritten(bytes, weights);
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

/** The graph with 8-bit matrices as floats, and the new weights in their places. */
function inFloats(bytes: Uint8Array, weights: NewWeights): Uint8Array {
  const model = decodeModel(buildGraph(bytes, 'fp32'));
  const graph = graphOf(model);
  for (const [name, { dims, data }] of weights) {
    const known = graph.initializer(name);
    if (!known || dimsOf(known).join() !== dims.join()) throw unknownWeight(name);
    graph.setInitializer(makeTensor(name, data, dims));
  }
  return encodeModel(model);
}

/** The same bytes with other numbers; a matrix in 8 bits is rounded anew, one scale an output column. */
function overwritten(bytes: Uint8Array, weights: NewWeights): Uint8Array {
  const spans = locateTensors(bytes);
  const graph = graphOf(decodeModel(bytes));
  for (const [name, weight] of weights) {
    const plain = spans.get(name);
    if (plain?.dataType === DataType.FLOAT) {
      overwriteTensor(bytes, plain, weight.data);
      continue;
    }
    const maker = graph.producerOf(name);
    const [values, scales] = maker?.opType === 'DequantizeLinear' ? maker.input : [];
    const spanOf = (input: string | undefined): TensorSpan => {
      const span = spans.get(input ?? '');
      if (!span) throw unknownWeight(name);
      return span;
    };
    const quantized = quantize(weight, maker, spanOf(scales));
    overwriteTensor(bytes, spanOf(values), quantized.values);
    overwriteTensor(bytes, spanOf(scales), quantized.scales);
  }
  return bytes;
}

/** Signed bytes with a scale for each index of the dequantiser's axis, or one for all where the base has one. */
function quantize(
  { dims, data }: { readonly dims: readonly number[]; readonly data: Float32Array },
  maker: Node | undefined,
  scaleSpan: TensorSpan,
): { readonly values: Int8Array; readonly scales: Float32Array } {
  if (!maker) throw new BugError('Only a DequantizeLinear has scales');
  const scaleCount = scaleSpan.dims.reduce((product, dim) => product * dim, 1);
  const axis = intAttribute(maker, 'axis', 1);
  const onAxis = axis < 0 ? axis + dims.length : axis;
  const inner = dims.slice(onAxis + 1).reduce((product, dim) => product * dim, 1);
  const indexOf = (at: number): number =>
    scaleCount === 1 ? 0 : Math.floor(at / inner) % dims[onAxis]!;
  const largest = new Float32Array(scaleCount);
  data.forEach((value, at) => {
    const index = indexOf(at);
    largest[index] = Math.max(largest[index]!, Math.abs(value));
  });
  const scales = largest.map((most) => (most === 0 ? 1 : most / INT8_LIMIT));
  const values = Int8Array.from(data, (value, at) => Math.round(value / scales[indexOf(at)]!));
  return { values, scales };
}

function unknownWeight(name: string): NearmissError {
  return new NearmissError(
    'model',
    `The trained weight ${name} has no place of its own in the base model's file`,
    'Train with "weights": "fp32" in the recipe, or with another export of the base',
  );
}
