/**
 * How good rankings and similarities are, one function a measure. Ranking measures take what was returned, best first;
 * correlations take two lists of one length.
 */
import { fallingRanks } from './losses/rankDivergence';

/** Share of (relevant, marked not relevant) pairs whose scores stand the right way round; ties count one half. */
export function nearMissAccuracy(relevant: readonly number[], wrong: readonly number[]): number {
  const right = relevant.map((score, i) => (score > wrong[i]! ? 1 : score === wrong[i]! ? 0.5 : 0));
  return mean(right);
}

/** 1 / the rank of the first relevant result among the first k; 0 when there is none. */
export function reciprocalRankAt(k: number, isRelevant: readonly boolean[]): number {
  const at = isRelevant.slice(0, k).indexOf(true);
  return at < 0 ? 0 : 1 / (at + 1);
}

/** Share of all `relevantCount` relevant results that are among the first k. */
export function recallAt(k: number, isRelevant: readonly boolean[], relevantCount: number): number {
  return isRelevant.slice(0, k).filter(Boolean).length / relevantCount;
}

/**
 * Discounted gain of the first k against the best possible order: gain 2^rel − 1, discount log₂(rank + 1).
 * `relevances` are those of the results, `ideal` those of all judged documents in any order.
 */
export function ndcgAt(
  k: number,
  relevances: readonly number[],
  ideal: readonly number[] = relevances,
): number {
  const best = gainAt(
    k,
    [...ideal].sort((a, b) => b - a),
  );
  return best === 0 ? 0 : gainAt(k, relevances) / best;
}

function gainAt(k: number, relevances: readonly number[]): number {
  return relevances
    .slice(0, k)
    .reduce((sum, relevance, i) => sum + (2 ** relevance - 1) / Math.log2(i + 2), 0);
}

/** Pearson's correlation; 0 where either list is constant. */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const [meanX, meanY] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i]! - meanX, y[i]! - meanY];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
}

/** Spearman's rank correlation, ties by their mean rank. */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return pearson(fallingRanks(x), fallingRanks(y));
}

export interface PairClassification {
  readonly f1: number;
  /** Pairs with this similarity or more are taken for alike. */
  readonly threshold: number;
  readonly precision: number;
  readonly recall: number;
}

/** The best F1 that any threshold on the similarities reaches; the highest threshold of equals. */
export function pairClassification(
  similarities: ArrayLike<number>,
  isAlike: readonly boolean[],
): PairClassification {
  const order = [...isAlike.keys()].sort((a, b) => similarities[b]! - similarities[a]!);
  const total = isAlike.filter(Boolean).length;
  let best: PairClassification = { f1: 0, threshold: Infinity, precision: 0, recall: 0 };
  let found = 0;
  order.forEach((pair, i) => {
    if (isAlike[pair]) found++;
    const threshold = similarities[pair]!;
    // A threshold takes all pairs of its similarity or none.
    if (similarities[order[i + 1] ?? -1] === threshold) return;
    const f1 = (2 * found) / (i + 1 + total);
    if (f1 > best.f1) best = { f1, threshold, precision: found / (i + 1), recall: found / total };
  });
  return best;
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return values.length === 0 ? 0 : sum / values.length;
}
