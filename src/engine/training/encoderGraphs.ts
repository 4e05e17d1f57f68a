/**
 * The graphs that train an encoder, made from its model file. `embed` is the forward part with pooling; `gradient` runs
 * the same again and adds to the weights' gradients what follows from that of the embeddings; `step` has the loss inside
 * as well, for batches that are one chunk. All take the weights as inputs, so they share one copy.
 *
 *   embed      weights, ids, mask                                        -> embeddings
 *   gradient   weights, ids, mask, gradient of the embeddings, sums      -> sums
 *   step       weights, ids, mask, inputs of the loss, sums              -> loss, sums
 */
import { create } from '@bufbuild/protobuf';
import { NearmissError } from '../../base/errors';
import type { Random } from '../../base/random';
import type { Pooling } from '../encoders/pooling';
import { decodeModel, encodeModel } from '../onnx/codec';
import { ValueInfoProtoSchema } from '../onnx/generated/onnx_pb';
import { type Graph, graphOf } from '../onnx/graph';
import { DataType, type Model, dimsOfValue, makeValue, opsetOf } from '../onnx/model';
import { differentiate } from './autodiff';
import { GraphWriter } from './graphWriter';
import { type SampleSizes, type TensorTypes, inferTypes } from './shapes';
import {
  type DropoutMask,
  type DropoutPlace,
  addAdapters,
  addDropout,
  addPooling,
  dropoutPlaces,
  feedWeights,
  hiddenStates,
  readForward,
  unpackTables,
} from './surgery';
import { type Selection, type Weight, listWeights, selectWeights } from './weights';

export interface EncoderGraphOptions {
  /** How token states become an embedding; left out for a cross-encoder, whose output is a score already. */
  readonly pooling?: Pooling;
  /** Pools the states behind so many layers too and puts them behind the embedding, `[texts, 2 * dimension]`. */
  readonly middleLayer?: number;
  /** Which weights are trained. */
  readonly selection?: Selection;
  /** Trains adapters of this rank beside the selected matrices, and nothing else. */
  readonly adapters?: { readonly rank: number; readonly random: Random };
  /** Where numbers are dropped by masks that are fed; nowhere when left out. */
  readonly dropout?: readonly DropoutPlace['kind'][];
  /** The loss of batches that are one chunk. */
  readonly loss?: LossPart;
}

export interface LossPart {
  /** Writes the loss of `encoded`, with inputs of its own, and returns the scalar's name. */
  readonly write: (write: GraphWriter, encoded: string) => string;
  /** Two sizes to try for open dimensions, where the loss cannot do with any. */
  readonly sizes?: SampleSizes;
}

export interface EncoderGraphs {
  readonly embed: Uint8Array;
  readonly gradient: Uint8Array;
  /** There when a loss was given. */
  readonly step?: Uint8Array;
  readonly trained: readonly Weight[];
  /** All weights to feed, trained or not. */
  readonly fed: readonly (Weight & { readonly data: Float32Array })[];
  /** Inputs to feed in all three graphs where dropout is on. */
  readonly masks: readonly DropoutMask[];
}

/** Names of what the graphs take and give beside the model's own inputs and weights. */
export const ENCODED = 'training/encoded';
export const ENCODED_GRADIENT = 'training/encoded.gradient';
export const LOSS = 'training/loss';

/** The input with the sum so far of a weight's gradient, and the output with the new one. */
export function sumNames(weight: string): { readonly input: string; readonly output: string } {
  return { input: `training/sum/${weight}`, output: `training/newSum/${weight}` };
}

/** Builds the graphs. Throws a NearmissError('model') where a weight that is to be trained cannot be. */
export async function buildEncoderGraphs(
  bytes: Uint8Array,
  options: EncoderGraphOptions,
): Promise<EncoderGraphs> {
  const { model, graph } = readForward(bytes);
  if (options.selection?.tables) unpackTables(graph);
  const write = new GraphWriter(graph, 'training/', { opset: opsetOf(model) });
  const own = listWeights(graph);
  const selected = selectWeights(own, options.selection ?? {});
  const masks = options.dropout ? await addMasks(model, write, options.dropout) : [];
  const adapters =
    options.adapters && addAdapters(write, selected.filter(isMatrix), options.adapters);
  const trained = adapters ?? selected;
  nameOutput(write, options, own);
  const types = await inferTypes(model);
  const weights = [...own, ...(adapters ?? [])];
  const values = feedWeights(graph, weights);
  const embed = encodeModel(model);
  const { loss } = options;
  return {
    embed,
    gradient: gradientGraph(decodeModel(embed), types, trained),
    ...(loss && { step: await stepGraph(decodeModel(embed), trained, loss) }),
    trained,
    fed: weights.map((weight) => ({ ...weight, data: values.get(weight.name)! })),
    masks,
  };
}

function isMatrix({ kind }: Weight): boolean {
  return kind === 'matrix';
}

async function addMasks(
  model: Model,
  write: GraphWriter,
  kinds: readonly DropoutPlace['kind'][],
): Promise<DropoutMask[]> {
  const types = await inferTypes(model);
  const places = dropoutPlaces(write.graph).filter(({ kind }) => kinds.includes(kind));
  return addDropout(write, places, types);
}

/** Makes the embeddings, or the scores, the only output. */
function nameOutput(
  write: GraphWriter,
  { pooling, middleLayer }: EncoderGraphOptions,
  weights: readonly Weight[],
): void {
  const { graph } = write;
  const states = graph.outputs[0]!.name;
  const pool = (name: string): string =>
    pooling ? addPooling(write, name, 'attention_mask', pooling) : name;
  const middle = middleLayer === undefined ? undefined : middleStates(graph, weights, middleLayer);
  const encoded =
    middle === undefined ? pool(states) : write.concat([pool(states), pool(middle)], 1);
  graph.rename(new Map([[encoded, ENCODED]]));
  setOutputs(graph, [ENCODED]);
  graph.removeUnused();
  graph.sort();
}

function middleStates(graph: Graph, weights: readonly Weight[], layer: number): string {
  const states = hiddenStates(graph, weights);
  if (layer < states.length - 1) return states[layer]!;
  throw new NearmissError(
    'usage',
    `The model has ${states.length - 1} layers, so ${layer} is not one in the middle`,
    'Lower sts.middle.layer in the recipe',
  );
}

function gradientGraph(model: Model, types: TensorTypes, trained: readonly Weight[]): Uint8Array {
  const graph = graphOf(model);
  const { type, dims } = types.get(ENCODED)!;
  graph.proto.input.push(makeValue(ENCODED_GRADIENT, type, dims));
  const options = { types, seed: ENCODED_GRADIENT, opset: opsetOf(model) };
  const gradients = differentiate(graph, ENCODED, trained.map(nameOf), options);
  return withSums(model, graph, gradients, []);
}

async function stepGraph(
  model: Model,
  trained: readonly Weight[],
  { write: writeLoss, sizes }: LossPart,
): Promise<Uint8Array> {
  const graph = graphOf(model);
  const opset = opsetOf(model);
  const loss = writeLoss(new GraphWriter(graph, 'loss/', { opset }), ENCODED);
  graph.rename(new Map([[loss, LOSS]]));
  setOutputs(graph, [LOSS]);
  const types = await inferTypes(model, sizes);
  const gradients = differentiate(graph, LOSS, trained.map(nameOf), { types, opset });
  return withSums(model, graph, gradients, [LOSS]);
}

function nameOf({ name }: Weight): string {
  return name;
}

/** Adds each gradient to the sum that is fed, and makes the new sums outputs. */
function withSums(
  model: Model,
  graph: Graph,
  gradients: ReadonlyMap<string, string>,
  others: readonly string[],
): Uint8Array {
  for (const [weight, gradient] of gradients) {
    const { input, output } = sumNames(weight);
    const fed = graph.inputs.find(({ name }) => name === weight)!;
    graph.proto.input.push(makeValue(input, DataType.FLOAT, dimsOfValue(fed)));
    graph.add({ op: 'Add', inputs: [input, gradient], outputs: [output] });
  }
  setOutputs(graph, [...others, ...[...gradients.keys()].map((name) => sumNames(name).output)]);
  graph.removeUnused();
  graph.sort();
  graph.check();
  return encodeModel(model);
}

function setOutputs(graph: Graph, names: readonly string[]): void {
  graph.proto.output = names.map((name) => create(ValueInfoProtoSchema, { name }));
}
