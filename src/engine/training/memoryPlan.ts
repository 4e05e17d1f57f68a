/**
 * How many tokens a chunk may have so that a run keeps to its memory. What a step needs grows with its chunk and with
 * nothing else; the estimate comes from the sizes of the model and leans to the large side. It was fitted to measured
 * peaks (six layers of 384: 0.60, 0.73 and 1.0 GB with chunks of 512, 1024 and 2048 tokens at length 128).
 */
import type { EncoderGraphs } from './encoderGraphs';

export interface MemoryNeeds {
  /** Beside the chunk: weights, gradients, moments, kept states. */
  readonly fixedBytes: number;
  readonly tokenBytes: number;
}

export interface MemoryGiven {
  /** The recipe's limit. */
  readonly budgetBytes: number;
  /** What the system can still give this process. */
  readonly availableBytes: number;
  /** What the process has taken already. */
  readonly usedBytes: number;
}

export interface MemoryPlan {
  readonly chunkTokens: number;
  /** Said when the budget is less than what was asked for, or the chunk is. */
  readonly note?: string;
}

/** Below this many tokens a chunk is all overhead. */
export const FEWEST_CHUNK_TOKENS = 64;

const FLOAT_BYTES = 4;
/** Copies of each product's input and output that are alive at once. */
const PRODUCT_COPIES = 2;
/** The same for the attention of each token to each other. */
const ATTENTION_COPIES = 4;
/** A part of what is free is left to the other programs. */
const SHARE_OF_FREE = 0.8;

export function memoryNeeds(
  { fed, trained }: Pick<EncoderGraphs, 'fed' | 'trained'>,
  sizes: { readonly layers: number; readonly heads: number; readonly maxTokens: number },
  keep: number,
): MemoryNeeds {
  const bytesOf = (list: readonly { readonly dims: readonly number[] }[]): number =>
    list.reduce((sum, { dims }) => sum + FLOAT_BYTES * dims.reduce((a, b) => a * b, 1), 0);
  const widths = fed
    .filter(({ kind }) => kind === 'matrix')
    .reduce((sum, { dims }) => sum + dims.reduce((a, b) => a + b, 0), 0);
  const attention = ATTENTION_COPIES * sizes.layers * sizes.heads * sizes.maxTokens;
  return {
    // Gradient, two moments, the start, the state that is saved, and those that are kept.
    fixedBytes: bytesOf(fed) + (5 + keep) * bytesOf(trained),
    tokenBytes: FLOAT_BYTES * (PRODUCT_COPIES * widths + attention),
  };
}

/** The recipe's chunk, or a smaller one where that would not fit. */
export function planMemory(
  { fixedBytes, tokenBytes }: MemoryNeeds,
  { budgetBytes, availableBytes, usedBytes }: MemoryGiven,
  chunkTokens: number,
): MemoryPlan {
  const free = usedBytes + SHARE_OF_FREE * availableBytes;
  const budget = Math.min(budgetBytes, free);
  const room = Math.floor((budget - usedBytes - fixedBytes) / tokenBytes);
  const fitting = Math.min(chunkTokens, Math.max(FEWEST_CHUNK_TOKENS, room));
  if (fitting === chunkTokens) return { chunkTokens };
  const why =
    budget < budgetBytes
      ? `only ${megabytes(budget)} MB of the ${megabytes(budgetBytes)} in the recipe are free`
      : `the recipe allows ${megabytes(budgetBytes)} MB`;
  const doubt = room < FEWEST_CHUNK_TOKENS ? ', and even that may be too much' : '';
  return {
    chunkTokens: fitting,
    note: `Chunks of ${fitting} tokens, not ${chunkTokens}, for ${why}${doubt}`,
  };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
