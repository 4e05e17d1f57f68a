/** Texts to unit-length embeddings with a bi-encoder checkpoint. */
import { BugError, NearmissError } from '../../base/errors';
import { isFiniteVector } from '../../base/vector';
import { type Sequence, cutBatches, packInputs, runBatches } from './batches';
import type { Checkpoint } from './checkpoint';
import { type Pooling, pool } from './pooling';
import type { Session } from './session';
import type { FramedTokenizer } from './tokenizer';
import type { Embedder, EmbeddingSpace } from './types';

/** What an embedder runs on. It owns the session. */
export interface EmbedderParts {
  readonly checkpoint: Checkpoint;
  readonly tokenizer: FramedTokenizer;
  readonly session: Session;
  /** Name of the arithmetic of the session's graph; part of the space's id. */
  readonly arithmetic: string;
  /** Tokens of one run, padding included. */
  readonly tokenBudget?: number;
}

/** What framing looks at. */
export interface FrameParts {
  readonly tokenizer: FramedTokenizer;
  readonly checkpoint: Pick<Checkpoint, 'maxTokens'>;
}

/** From 128 to 512 tokens a run costs the same for each; from 700 on activations leave the cache. A run must be short. */
const TOKEN_BUDGET = 256;

/** The output that holds the token states, by the names exporters use; otherwise the first. */
const STATE_OUTPUTS = ['last_hidden_state', 'token_embeddings'];

export function createEmbedder(parts: EmbedderParts): Embedder {
  const { checkpoint, session } = parts;
  const space = spaceOf(checkpoint, parts.arithmetic);
  const output = STATE_OUTPUTS.find((name) => session.outputNames.includes(name));
  const states = output ?? session.outputNames[0];
  if (states === undefined) throw new NearmissError('model', 'The model has no output');
  const run = (sequences: readonly Sequence[]): Promise<Float32Array> =>
    embedBatch(parts, states, sequences);
  return {
    space,
    async embedDocuments(texts, signal) {
      const { document } = checkpoint.templates;
      const sequences = texts.map((text) => frameText(parts, document + text));
      return embedAll(parts, sequences, run, signal);
    },
    async embedQuery(text, signal) {
      signal?.throwIfAborted();
      return run([frameText(parts, checkpoint.templates.query + text)]);
    },
    dispose: () => session.dispose(),
  };
}

/** The space of a checkpoint under an arithmetic. Vectors of two spaces are never compared. */
export function spaceOf(checkpoint: Checkpoint, arithmetic: string): EmbeddingSpace {
  return {
    id: `${checkpoint.fingerprint.slice(0, 16)}-${arithmetic}`,
    checkpoint: checkpoint.fingerprint,
    arithmetic,
    dimension: checkpoint.dimension,
  };
}

/** [CLS] text [SEP], the text cut where the checkpoint's positions end. */
export function frameText({ tokenizer, checkpoint }: FrameParts, text: string): Sequence {
  const { before, after } = tokenizer.frame.single;
  const room = checkpoint.maxTokens - before.length - after.length;
  const ids = [...before, ...tokenizer.encode(text).slice(0, room), ...after];
  return { ids, secondStart: ids.length, secondType: 0 };
}

async function embedAll(
  { checkpoint, session, tokenBudget = TOKEN_BUDGET }: EmbedderParts,
  sequences: readonly Sequence[],
  run: (sequences: readonly Sequence[]) => Promise<Float32Array>,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { dimension } = checkpoint;
  const out = new Float32Array(sequences.length * dimension);
  const lengths = sequences.map((sequence) => sequence.ids.length);
  const runBatch = async (batch: readonly number[]): Promise<void> => {
    const embeddings = await run(batch.map((index) => sequences[index]!));
    batch.forEach((index, row) => {
      out.set(embeddings.subarray(row * dimension, (row + 1) * dimension), index * dimension);
    });
  };
  await runBatches(cutBatches(lengths, tokenBudget), session.laneCount ?? 1, runBatch, signal);
  return out;
}

async function embedBatch(
  { checkpoint, tokenizer, session }: EmbedderParts,
  output: string,
  sequences: readonly Sequence[],
): Promise<Float32Array> {
  const result = await session.run(packInputs(sequences, tokenizer.padId), output);
  const embeddings = poolOutput(result, sequences, checkpoint);
  if (!isFiniteVector(embeddings)) {
    throw new NearmissError(
      'model',
      `The model in ${checkpoint.folder} gives embeddings that are not finite numbers`,
      'Use another checkpoint, or provider "cpu"',
    );
  }
  return embeddings;
}

function poolOutput(
  { data, shape }: { readonly data: Float32Array; readonly shape: readonly number[] },
  sequences: readonly Sequence[],
  checkpoint: { readonly dimension: number; readonly pooling: Pooling; readonly folder: string },
): Float32Array {
  const { dimension, pooling } = checkpoint;
  const [rows, width] = shape;
  if (shape.length !== 3 || shape[2] !== dimension || width === undefined) {
    throw new NearmissError(
      'model',
      `The model in ${checkpoint.folder} gives an output of shape [${shape.join(', ')}], not [texts, tokens, ${dimension}]`,
      'Use an export with the token states as its output',
    );
  }
  if (rows !== sequences.length) throw new BugError(`${rows} rows for ${sequences.length} texts`);
  const lengths = sequences.map((sequence) => sequence.ids.length);
  return pool({ data, width, dimension, lengths }, pooling);
}
