/**
 * Sequences to the inputs of training graphs, chunk by chunk: sorted by length, so that a short query is never padded to
 * the length of a passage, and cut by a budget of tokens, which is what memory goes by. Dropout masks belong to a chunk
 * and a step, so that the second pass over a chunk drops what the first one did.
 */
import { seededRandom } from '../../base/random';
import { type Sequence, cutBatches, packInputs } from '../encoders/batches';
import { seedFor } from './plan';
import type { DropoutMask } from './surgery';
import type { ChunkInputs } from './trainableEncoder';

export interface ChunkOptions {
  readonly padId: number;
  /** Tokens of a chunk, padding included. */
  readonly tokenBudget: number;
  readonly masks: readonly DropoutMask[];
  readonly dropout: number;
  readonly seed: number;
}

/** The indexes of the sequences of each chunk. */
export function cutChunks(sequences: readonly Sequence[], tokenBudget: number): number[][] {
  return cutBatches(
    sequences.map(({ ids }) => ids.length),
    tokenBudget,
  );
}

/** Inputs of one chunk. `noise` names the masks: the same for the same text; undefined drops nothing. */
export function chunkInputs(
  sequences: readonly Sequence[],
  options: ChunkOptions,
  noise: { readonly purpose: string; readonly step: number } | undefined,
): ChunkInputs {
  const inputs = packInputs(sequences, options.padId);
  const [rows = 1, width = 1] = inputs.input_ids.shape;
  const seed = noise && seedFor(options.seed, `dropout ${noise.purpose}`, noise.step);
  const random = seed === undefined ? undefined : seededRandom(seed);
  const masks = options.masks.map(({ input, dims }) => {
    // The batch stands first; every other open dimension is the length.
    const shape = dims.map((dim, axis) =>
      typeof dim === 'number' ? dim : axis === 0 ? rows : width,
    );
    return [input, { data: drawMask(shape, options.dropout, random), shape }] as const;
  });
  return { ...inputs, ...Object.fromEntries(masks) };
}

/** 0 where a number is dropped, 1 / (1 - p) elsewhere; all ones without a generator. */
function drawMask(
  shape: readonly number[],
  dropout: number,
  random: (() => number) | undefined,
): Float32Array {
  const mask = new Float32Array(shape.reduce((product, dim) => product * dim, 1)).fill(1);
  if (!random) return mask;
  const scale = 1 / (1 - dropout);
  return mask.map(() => (random() < dropout ? 0 : scale));
}
