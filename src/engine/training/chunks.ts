/**
 * Sequences to the inputs of training graphs, chunk by chunk: sorted by length, so that a short query is never padded to
 * the length of a passage, and cut by a budget of tokens, which is what memory goes by. Dropout masks belong to a chunk
 * and a step, so that the second pass over a chunk drops what the first one did.
 */
import { type Sequence, cutBatches, packInputs } from '../encoders/batches';
import { dropoutMasks } from './dropout';
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
  const drawMask = dropoutMasks(options.dropout, noise && { seed: options.seed, ...noise });
  const masks = options.masks.map(({ input, dims }) => {
    // The batch stands first; every other open dimension is the length.
    const shape = dims.map((dim, axis) =>
      typeof dim === 'number' ? dim : axis === 0 ? rows : width,
    );
    const size = shape.reduce((product, dim) => product * dim, 1);
    return [input, { data: Float32Array.from(drawMask(size)), shape }] as const;
  });
  return { ...inputs, ...Object.fromEntries(masks) };
}
