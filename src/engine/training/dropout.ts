/**
 * Dropout masks: a number is kept with probability 1 − p and then scaled by 1/(1−p), or it is 0. A mask is a function of
 * its key and of nothing else. So both passes of a chunked step see the same mask, a run can be repeated, a pass without
 * dropout changes no state, and views differ.
 */
import { seededRandom } from '../../base/random';
import { seedFor } from './plan';

export interface DropoutKey {
  readonly seed: number;
  /** Which use within a step: two views of a text are two. */
  readonly purpose: string;
  readonly step: number;
}

/**
 * Draws masks of one key, one after the other, each of the size asked for. With rate 0, and without a key, which is a
 * pass without dropout, all are ones.
 */
export function dropoutMasks(
  rate: number,
  key: DropoutKey | undefined,
): (size: number) => Float64Array {
  if (rate === 0 || !key) return (size) => new Float64Array(size).fill(1);
  const random = seededRandom(seedFor(key.seed, `dropout ${key.purpose}`, key.step));
  const kept = 1 / (1 - rate);
  return (size) => Float64Array.from({ length: size }, () => (random() < rate ? 0 : kept));
}
