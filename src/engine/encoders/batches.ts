/**
 * Token sequences to model inputs. Sequences are sorted by length and cut into batches by a token budget,
 * padding included: the arithmetic is fastest while a batch fits the caches, and padding is work for nothing.
 */
import type { SessionInput } from './session';

/** One framed sequence: ids, and where the second text of a pair begins (the length when there is none). */
export interface Sequence {
  readonly ids: readonly number[];
  readonly secondStart: number;
  readonly secondType: number;
}

/** Indexes of sequences that run together. The sum over a batch of its longest length never exceeds the budget, unless one alone does. */
export function cutBatches(lengths: readonly number[], tokenBudget: number): number[][] {
  const order = lengths.map((_, index) => index);
  order.sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const batches: number[][] = [];
  let batch: number[] = [];
  for (const index of order) {
    // Longest first, so the first of a batch gives its width.
    const width = lengths[batch[0] ?? index]!;
    if (batch.length > 0 && (batch.length + 1) * width > tokenBudget) {
      batches.push(batch);
      batch = [];
    }
    batch.push(index);
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** The three inputs of a BERT-like encoder, `[sequences, longest]`, padded on the right. */
export function packInputs(
  sequences: readonly Sequence[],
  padId: number,
): Record<'input_ids' | 'attention_mask' | 'token_type_ids', SessionInput> {
  const width = sequences.reduce((most, { ids }) => Math.max(most, ids.length), 1);
  const shape = [sequences.length, width];
  const ids = new BigInt64Array(sequences.length * width).fill(BigInt(padId));
  const mask = new BigInt64Array(sequences.length * width);
  const types = new BigInt64Array(sequences.length * width);
  sequences.forEach((sequence, row) => {
    const start = row * width;
    for (let i = 0; i < sequence.ids.length; i++) ids[start + i] = BigInt(sequence.ids[i]!);
    mask.fill(1n, start, start + sequence.ids.length);
    const type = BigInt(sequence.secondType);
    types.fill(type, start + sequence.secondStart, start + sequence.ids.length);
  });
  return {
    input_ids: { data: ids, shape },
    attention_mask: { data: mask, shape },
    token_type_ids: { data: types, shape },
  };
}

/**
 * Runs the batches, `laneCount` at a time, in order of their start. Between two runs of a lane waiting events
 * have their turn and the signal is looked at; the first failure ends all lanes.
 */
export async function runBatches(
  batches: readonly (readonly number[])[],
  laneCount: number,
  run: (batch: readonly number[]) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let nextIndex = 0;
  let hasFailed = false;
  const lane = async (): Promise<void> => {
    while (nextIndex < batches.length && !hasFailed) {
      try {
        signal?.throwIfAborted();
        await run(batches[nextIndex++]!);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: laneCount }, lane));
}
