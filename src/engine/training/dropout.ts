/**
 * Dropout masks that are fed to a graph: a number is kept with probability 1 − p and then scaled by 1/(1−p), or it is
 * 0. A mask is a function of seed, step, view and place and nothing else. So both passes of a chunked step see the
 * same mask, a run can be repeated, a pass without dropout changes no state, and views differ.
 */
import { seededRandom } from '../../base/random';

export interface DropoutKey {
  readonly seed: number;
  readonly step: number;
  /** 0 and 1 for the two views of a text. */
  readonly view: number;
  /** Which text, row or layer the mask is for. */
  readonly place: number;
}

/** A mask of `size` numbers. With rate 0 it is all ones. */
export function dropoutMask(size: number, rate: number, key: DropoutKey): Float32Array {
  if (rate === 0) return new Float32Array(size).fill(1);
  const random = seededRandom(mixKey(key));
  const kept = 1 / (1 - rate);
  return Float32Array.from({ length: size }, () => (random() < rate ? 0 : kept));
}

/** One number from four: neighbouring keys give seeds far apart (the finaliser of MurmurHash3 after each). */
function mixKey({ seed, step, view, place }: DropoutKey): number {
  let hash = 0;
  for (const part of [seed, step, view, place]) {
    hash = (hash ^ part) >>> 0;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash = (hash ^ (hash >>> 16)) + 0x9e3779b9;
  }
  return hash >>> 0;
}
