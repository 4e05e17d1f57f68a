/**
 * From a model file to a graph that can be trained: weights of 8 bits become floats, formulas get one spelling, what
 * is trained becomes an input, and what training adds is put in: adapters, dropout, pooling. Everything here changes
 * the graph it is given.
 */
import type { Random } from '../../base/random';
import { foldDequantizers } from '../encoders/graphs';
import type { Pooling } from '../encoders/pooling';
import { dequantize } from '../encoders/weights';
import { decodeModel } from '../onnx/codec';
import { type Graph, graphOf } from '../onnx/graph';
import {
  DataType,
  type Model,
  type Node,
  type Tensor,
  dimsOf,
  floatsOf,
  int8sOf,
  makeTensor,
  makeValue,
} from '../onnx/model';
import { canonicalize } from './canonical';
import type { GraphWriter } from './graphWriter';
import type { Dim, TensorTypes } from './shapes';
import type { Weight } from './weights';

/** A model file as training works on it: 32-bit weights, operator set 17 or later, one spelling for every formula. */
export function readForward(bytes: Uint8Array): { readonly model: Model; readonly graph: Graph } {
  const model = decodeModel(bytes);
  const graph = graphOf(model);
  graph.check();
  foldDequantizers(graph);
  canonicalize(model, graph);
  return { model, graph };
}

/**
 * Makes tables of 8 bits, which are looked up as they are and scaled row by row, tables of floats, so that they can be
 * trained. They need four times the memory, so this is asked for.
 */
export function unpackTables(graph: Graph): void {
  for (const { name, product, ids, table, scales } of packedTables(graph)) {
    const dims = dimsOf(table);
    const floats = dequantize({ values: int8sOf(table), scales: floatsOf(scales), dims, axis: 0 });
    graph.setInitializer(makeTensor(name, floats, dims));
    graph.remove([product]);
    graph.add({ op: 'Gather', inputs: [name, ids], outputs: product.output });
  }
  graph.removeUnused();
  graph.sort();
}

/** A table of 8 bits with a scale a row, and the node that gives the floats of the rows looked up. */
export interface PackedTable {
  /** What the table is called when it is one of floats. */
  readonly name: string;
  readonly product: Node;
  readonly ids: string;
  readonly table: Tensor;
  readonly scales: Tensor;
}

export function packedTables(graph: Graph): PackedTable[] {
  const makerOf = (name: string): Node | undefined => graph.producerOf(name);
  return graph.nodes.flatMap((product) => {
    const [rows, scale] = product.opType === 'Mul' ? product.input.map(makerOf) : [];
    const packed = rows?.opType === 'Cast' ? makerOf(rows.input[0]!) : undefined;
    if (packed?.opType !== 'Gather' || scale?.opType !== 'Gather') return [];
    const table = graph.initializer(packed.input[0]!);
    const scales = graph.initializer(scale.input[0]!);
    if (table?.dataType !== DataType.INT8 || scales?.dims.length !== 2) return [];
    const name = table.name.endsWith('.int8') ? table.name.slice(0, -5) : `${table.name}.float`;
    return [{ name, product, ids: packed.input[1]!, table, scales }];
  });
}

/** Makes initialisers inputs of the graph, so that sessions share them and steps change them. Returns their values. */
export function feedWeights(
  graph: Graph,
  weights: readonly Pick<Weight, 'name'>[],
): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  for (const { name } of weights) {
    const tensor = graph.initializer(name)!;
    values.set(name, Float32Array.from(floatsOf(tensor)));
    graph.removeInitializer(name);
    graph.proto.input.push(makeValue(name, DataType.FLOAT, dimsOf(tensor)));
  }
  return values;
}

/** How the two matrices of an adapter are called, behind the name of the matrix they stand beside. */
export const ADAPTER_DOWN = '.lora_A';
export const ADAPTER_UP = '.lora_B';

export interface AdapterOptions {
  /** Columns of the first matrix, rows of the second. */
  readonly rank: number;
  readonly random: Random;
}

/**
 * Puts a low-rank adapter beside each matrix: x W becomes x W + x A B, with A random and B zero, so that at first
 * nothing changes. Returns the adapters' weights, which are initialisers. Hu et al., "LoRA" (2021).
 */
export function addAdapters(
  write: GraphWriter,
  matrices: readonly Weight[],
  { rank, random }: AdapterOptions,
): Weight[] {
  const { graph } = write;
  return matrices.flatMap(({ name, dims, layer }) => {
    const [inputCount = 0, outputCount = 0] = dims;
    const down = {
      name: name + ADAPTER_DOWN,
      dims: [inputCount, rank],
      kind: 'adapter',
      layer,
    } as const;
    const up = {
      name: name + ADAPTER_UP,
      dims: [rank, outputCount],
      kind: 'adapter',
      layer,
    } as const;
    const spread = Math.sqrt(3 / inputCount);
    const start = Float32Array.from(
      { length: inputCount * rank },
      () => spread * (2 * random() - 1),
    );
    graph.setInitializer(makeTensor(down.name, start, down.dims));
    graph.setInitializer(makeTensor(up.name, new Float32Array(rank * outputCount), up.dims));
    for (const product of graph.consumersOf(name)) {
      const [x = '', matrix] = product.input;
      if (product.opType !== 'MatMul' || matrix !== name) continue;
      // The readers of x W are to read the sum, the sum itself x W.
      insertAfter(graph, product.output[0]!, (made) =>
        write.add(made, write.matmul(write.matmul(x, down.name), up.name)),
      );
    }
    return [down, up];
  });
}

/** Writes nodes behind a value and makes all that read it so far read what they make. */
function insertAfter(graph: Graph, name: string, write: (name: string) => string): void {
  const place = graph.freshName(`${name}/place`);
  graph.replaceUses(name, place);
  graph.replaceUses(place, write(name));
}

/** Where a model drops numbers in training: after attention's softmax, or where a layer's result is added. */
export interface DropoutPlace {
  readonly value: string;
  readonly kind: 'attention' | 'hidden';
}

/** BERT's places: the embeddings, attention's shares, and what each of the two halves of a layer gives. */
export function dropoutPlaces(graph: Graph): DropoutPlace[] {
  const norms = graph.nodes.filter(({ opType }) => opType === 'LayerNormalization');
  const places: DropoutPlace[] = norms.slice(0, 1).map(({ output }) => hidden(output[0]!));
  for (const node of graph.nodes) {
    if (node.opType === 'Softmax') places.push({ value: node.output[0]!, kind: 'attention' });
    if (node.opType !== 'LayerNormalization') continue;
    const sum = graph.producerOf(node.input[0]!);
    const branch = sum?.input.find((name) => isProductWithBias(graph, name));
    if (branch !== undefined) places.push(hidden(branch));
  }
  return places;
}

function hidden(value: string): DropoutPlace {
  return { value, kind: 'hidden' };
}

function isProductWithBias(graph: Graph, name: string): boolean {
  const node = graph.producerOf(name);
  const isProduct = (input: string): boolean => graph.producerOf(input)?.opType === 'MatMul';
  return node?.opType === 'Add' && node.input.some(isProduct);
}

/** A mask that the caller feeds: 0 where a number is dropped, 1 / (1 - p) elsewhere; all ones drop nothing. */
export interface DropoutMask {
  readonly input: string;
  readonly dims: readonly Dim[];
}

/** Multiplies each place with a mask, a new input of the graph. */
export function addDropout(
  write: GraphWriter,
  places: readonly DropoutPlace[],
  types: TensorTypes,
): DropoutMask[] {
  const { graph } = write;
  return places.map(({ value }, index) => {
    const { type, dims } = types.get(value)!;
    const input = graph.freshName(`dropout.${index}`);
    graph.proto.input.push(makeValue(input, type, dims));
    insertAfter(graph, value, (name) => write.mul(name, input));
    return { input, dims };
  });
}

/** What goes into each layer, the first one's input first, and the last one's result behind it. */
export function hiddenStates(graph: Graph, weights: readonly Weight[]): string[] {
  const layers = [...new Set(weights.flatMap(({ layer }) => layer ?? []))].sort((a, b) => a - b);
  const inputs = layers.map((layer) => {
    const first = weights.find((weight) => weight.layer === layer && weight.kind === 'matrix')!;
    return graph.consumersOf(first.name)[0]!.input[0]!;
  });
  return [...inputs, graph.outputs[0]!.name];
}

/** Adds the embedding of each text: its token states pooled by the mask and scaled to norm 1, `[texts, dimension]`. */
export function addPooling(
  write: GraphWriter,
  states: string,
  attentionMask: string,
  pooling: Pooling,
): string {
  return write.normalize(POOLERS[pooling](write, states, attentionMask));
}

type Pooler = (write: GraphWriter, states: string, attentionMask: string) => string;

const POOLERS: Readonly<Record<Pooling, Pooler>> = {
  cls: (write, states) => write.squeeze(write.slice(states, 1, 0, 1), [1]),
  max(write, states, mask) {
    const isToken = write.op('Greater', [counted(write, mask), write.constant(0)]);
    const most = write.where(isToken, states, write.constant(-Infinity));
    return write.reduceMax(most, [1], 'drop');
  },
  mean(write, states, mask) {
    const counts = counted(write, mask);
    return write.div(sumOfTokens(write, states, counts), tokenCount(write, counts));
  },
  meanSqrtLength(write, states, mask) {
    const counts = counted(write, mask);
    return write.div(sumOfTokens(write, states, counts), write.sqrt(tokenCount(write, counts)));
  },
};

/** 1 for a token and 0 for padding, `[texts, tokens, 1]`. */
function counted(write: GraphWriter, mask: string): string {
  return write.unsqueeze(write.toFloat(mask), [2]);
}

function sumOfTokens(write: GraphWriter, states: string, counts: string): string {
  return write.reduceSum(write.mul(states, counts), [1], 'drop');
}

function tokenCount(write: GraphWriter, counts: string): string {
  return write.max(write.reduceSum(counts, [1], 'drop'), write.constant(1));
}
