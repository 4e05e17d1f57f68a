/** Token states to one embedding: the four poolings of sentence-transformers. */
import { normalize } from '../../base/vector';

export type Pooling = 'mean' | 'cls' | 'max' | 'meanSqrtLength';

/** Token states `[rows, width, dimension]`, and how many tokens of each row count; the rest is padding on the right. */
export interface TokenStates {
  readonly data: Float32Array;
  readonly width: number;
  readonly dimension: number;
  readonly lengths: readonly number[];
}

/** Unit-length embeddings, one row a text, `[rows, dimension]`; the caller owns the array. */
export function pool(states: TokenStates, pooling: Pooling): Float32Array {
  const { width, dimension, lengths } = states;
  const out = new Float32Array(lengths.length * dimension);
  lengths.forEach((length, row) => {
    const start = row * width * dimension;
    const tokens = states.data.subarray(start, start + Math.max(length, 1) * dimension);
    const target = out.subarray(row * dimension, (row + 1) * dimension);
    POOLERS[pooling](tokens, target);
    normalize(target);
  });
  return out;
}

/** `tokens` is `[length, dimension]` of one text, `target` one embedding of zeros. */
type Pooler = (tokens: Float32Array, target: Float32Array) => void;

const POOLERS: Readonly<Record<Pooling, Pooler>> = {
  mean: (tokens, target) => sumInto(tokens, target, (length) => 1 / length),
  meanSqrtLength: (tokens, target) => sumInto(tokens, target, (length) => 1 / Math.sqrt(length)),
  cls: (tokens, target) => target.set(tokens.subarray(0, target.length)),
  max(tokens, target) {
    target.set(tokens.subarray(0, target.length));
    for (let i = target.length; i < tokens.length; i++) {
      const at = i % target.length;
      if (tokens[i]! > target[at]!) target[at] = tokens[i]!;
    }
  },
};

function sumInto(
  tokens: Float32Array,
  target: Float32Array,
  factorFor: (length: number) => number,
): void {
  const dimension = target.length;
  for (let start = 0; start < tokens.length; start += dimension) {
    for (let i = 0; i < dimension; i++) target[i]! += tokens[start + i]!;
  }
  const factor = factorFor(tokens.length / dimension);
  for (let i = 0; i < dimension; i++) target[i]! *= factor;
}
