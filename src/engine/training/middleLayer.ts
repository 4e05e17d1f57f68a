/**
 * A bi-encoder cut off behind one of its middle layers: an embedding space of its own for mining (training-methods,
 * section 6). What a middle layer finds alike is nearer to the words than what the last one does, so its hard negatives
 * are others; it takes a share of the last one's time.
 */
import { create } from '@bufbuild/protobuf';
import { NearmissError } from '../../base/errors';
import { createEmbedder } from '../encoders/biEncoder';
import { type Checkpoint, readModelBytes } from '../encoders/checkpoint';
import { createWideSession } from '../encoders/lanes';
import { loadTokenizer } from '../encoders/tokenizer';
import type { Embedder } from '../encoders/types';
import { encodeModel } from '../onnx/codec';
import { ValueInfoProtoSchema } from '../onnx/generated/onnx_pb';
import { hiddenStates, readForward } from './surgery';
import { listWeights } from './weights';

/** The states behind so many layers as the only output, and nothing behind them. Throws a NearmissError('usage') where there is no such layer. */
function cutBehindLayer(bytes: Uint8Array, layer: number): Uint8Array {
  const { model, graph } = readForward(bytes);
  const states = hiddenStates(graph, listWeights(graph));
  const layerCount = states.length - 1;
  if (layer < 1 || layerCount <= layer)
    throw new NearmissError(
      'usage',
      `The model has ${layerCount} layers, so ${layer} is not one in the middle`,
      layerCount > 1 ? `Name one from 1 to ${layerCount - 1}` : 'Use another checkpoint',
    );
  graph.proto.output = [create(ValueInfoProtoSchema, { name: states[layer]! })];
  graph.removeUnused();
  graph.sort();
  graph.check();
  return encodeModel(model);
}

/** Embeds by a middle layer, pooled as the checkpoint pools its last one. Who asks disposes it. */
export async function openMiddleLayer(
  checkpoint: Checkpoint,
  layer: number,
  threads?: number,
): Promise<Embedder> {
  const graph = cutBehindLayer(await readModelBytes(checkpoint.modelFile), layer);
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const session = await createWideSession(graph, threads);
  return createEmbedder({ checkpoint, tokenizer, session, arithmetic: `fp32-layer-${layer}` });
}
