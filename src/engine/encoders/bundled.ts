/** The checkpoints that come with the product, ready to use. */
import * as path from 'node:path';
import { NearmissError } from '../../base/errors';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import { createEmbedder } from './biEncoder';
import {
  type Checkpoint,
  readCheckpoint,
  readFingerprints,
  readModelBytes,
  verifyCheckpoint,
} from './checkpoint';
import { createReranker } from './crossEncoder';
import { type Arithmetic, buildGraph } from './graphs';
import { createWideSession } from './lanes';
import { type Session, type SessionOptions, createSession } from './session';
import { loadTokenizer } from './tokenizer';
import type { Embedder, Reranker, Tokenizer } from './types';

/** Both encoders and the tokenizer they share; disposing ends both sessions. */
export interface Encoders extends Disposable {
  readonly tokenizer: Tokenizer;
  readonly embedder: Embedder;
  readonly reranker: Reranker;
}

export interface EncoderOptions {
  readonly arithmetic?: Arithmetic;
  readonly threads?: number;
}

/** Loads both bundled checkpoints of the installation at `root`, checked by fingerprint. */
export async function loadBundledEncoders(
  root: string,
  { arithmetic = 'fp32', threads = 1 }: EncoderOptions = {},
): Promise<Encoders> {
  const store = new DisposableStore();
  try {
    const [bi, cross] = await Promise.all([
      readBundledCheckpoint(root, 'bi-encoder'),
      readBundledCheckpoint(root, 'cross-encoder'),
    ]);
    const open = async (checkpoint: Checkpoint): Promise<Session> => {
      const bytes = await readModelBytes(checkpoint.modelFile);
      return createWideSession(buildGraph(bytes, arithmetic), threads);
    };
    const tokenizer = await loadTokenizer(bi.folder);
    const biParts = { checkpoint: bi, tokenizer, session: await open(bi), arithmetic };
    const embedder = store.add(createEmbedder(biParts));
    const crossParts = { checkpoint: cross, tokenizer, session: await open(cross) };
    const reranker = store.add(createReranker(crossParts));
    return { tokenizer, embedder, reranker, dispose: () => store.dispose() };
  } catch (error) {
    store.dispose();
    throw error;
  }
}

/** A session of the checkpoint's graph, rebuilt for the arithmetic. Who passes it on disposes it. */
export async function openSession(
  checkpoint: Checkpoint,
  arithmetic: Arithmetic,
  options: SessionOptions = {},
): Promise<Session> {
  const bytes = await readModelBytes(checkpoint.modelFile);
  return createSession(buildGraph(bytes, arithmetic), options);
}

/** One bundled checkpoint, its fingerprint checked against the recorded one. */
export async function readBundledCheckpoint(
  root: string,
  name: 'bi-encoder' | 'cross-encoder',
): Promise<Checkpoint> {
  const models = path.join(root, 'models');
  const expected = (await readFingerprints(models))[name];
  if (expected === undefined) {
    throw new NearmissError('model', `No fingerprint is recorded for the model ${name}`);
  }
  const checkpoint = await readCheckpoint(path.join(models, name));
  verifyCheckpoint(checkpoint, expected);
  return checkpoint;
}
