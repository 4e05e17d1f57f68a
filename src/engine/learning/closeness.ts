/**
 * From which cosine on two embeddings say the same. The thresholds of the methods are for spaces in which texts lie far
 * apart; some models put all texts into a narrow cone, where every two are that close. There only what is much closer than
 * the middle of all pairs counts.
 */
import { type Random, seededRandom } from '../../base/random';
import { dot } from '../../base/vector';

/** Pairs that the middle is taken from. */
const PAIRS = 500;
const FEW = 4;

/** The threshold, or what lies this share of the way from the middle of all pairs to 1, whichever is larger. */
export function closeFrom(
  threshold: number,
  share: number,
  vectors: readonly (Float32Array | undefined)[],
): number {
  const known = vectors.filter((vector) => vector !== undefined);
  if (known.length < FEW) return threshold;
  const middle = middleCosine(known, seededRandom(known.length));
  return Math.max(threshold, middle + share * (1 - middle));
}

function middleCosine(vectors: readonly Float32Array[], random: Random): number {
  const draw = (): number => Math.floor(random() * vectors.length);
  const cosines = Array.from({ length: PAIRS }, () => [draw(), draw()] as const)
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => dot(vectors[a]!, vectors[b]!))
    .sort((a, b) => a - b);
  return cosines[cosines.length >> 1] ?? 0;
}
