/**
 * Which queries are held out (training-methods 11.1). By query, near-identical ones on one side, in five folds, so that each is
 * measured by a model that has not seen it; of many queries the newest fifth is the first fold. Parts that take long to
 * train are then measured on that one alone. The others are not: thirty queries are too few to tell a gain of .1 from chance.
 */
import { seededRandom, shuffle } from '../../base/random';
import { dot } from '../../base/vector';
import { foldQuery } from '../training/duplicates';
import { seedFor } from '../training/plan';
import { closeFrom } from './closeness';
import type { LearningTier } from './report';

/** Of fewer queries a fifth is too little, whatever a model takes to train. */
const POOLED_BELOW = 50;
const FOLDS = 5;
const HELD_OUT_SHARE = 0.2;
const LEAST_HELD_OUT = 8;
/** Base cosine from which two queries ask the same, and how far beyond the middle of all pairs that must be. */
const SAME_COSINE = 0.9;
const SAME_SHARE = 0.75;

export interface SplitQuery {
  readonly text: string;
  readonly time: string;
  /** Base embedding, where it has one. */
  readonly vector?: Float32Array;
}

/** A query that is held out, and whether it decides: one without an answer cannot be measured. */
export interface HeldOutQuery extends SplitQuery {
  readonly isMeasured: boolean;
}

/** Indexes of the queries that are held out; the others may be learned from. */
export type Fold = readonly number[];

/** Folds that hold every query out once; where many are measured, the newest are the first fold. */
export function splitQueries(queries: readonly HeldOutQuery[], seed: number): Fold[] {
  const clusters = clusterQueries(queries);
  const measuredCount = queries.filter(({ isMeasured }) => isMeasured).length;
  if (measuredCount < POOLED_BELOW) return equalFolds(clusters, FOLDS, seed);
  const first = newest(queries, clusters, measuredCount);
  const isFirst = new Set(first);
  const others = clusters.filter(([at]) => !isFirst.has(at!));
  return [first, ...equalFolds(others, FOLDS - 1, seed)];
}

function equalFolds(clusters: readonly number[][], most: number, seed: number): Fold[] {
  const count = Math.min(most, clusters.length);
  const order = shuffle(clusters, seededRandom(seedFor(seed, 'folds', 0)));
  const folds: number[][] = Array.from({ length: count }, () => []);
  // Large clusters first, each to the fold that has least.
  for (const cluster of [...order].sort((a, b) => b.length - a.length))
    folds.reduce((least, fold) => (fold.length < least.length ? fold : least)).push(...cluster);
  return folds.map((fold) => [...fold].sort((a, b) => a - b));
}

/** How many folds a part is measured on: so many models are trained beside that of all queries. */
export function foldCountOf(tier: LearningTier, measuredCount: number): number {
  const takesLong = tier === 'cross-encoder' || tier === 'encoder';
  return takesLong && measuredCount >= POOLED_BELOW ? 1 : FOLDS;
}

/** How it is held out, for a person. */
export function splitSentence(measuredCount: number): string {
  return measuredCount >= POOLED_BELOW
    ? 'Five folds by query, near-identical ones on one side: each query is measured by a model that has not seen it; re-ranker and encoder on the newest fifth alone'
    : 'Five folds by query, near-identical ones on one side: each query is measured by a model that has not seen it';
}

/** Groups of queries that ask the same: equal but for case and space, or close in the base space. */
export function clusterQueries(queries: readonly SplitQuery[]): number[][] {
  const vectors = queries.map(({ vector }) => vector);
  const same = closeFrom(SAME_COSINE, SAME_SHARE, vectors);
  const parent = queries.map((_, index) => index);
  const rootOf = (index: number): number => {
    let at = index;
    while (parent[at] !== at) at = parent[at]!;
    return at;
  };
  queries.forEach((a, i) => {
    for (let j = 0; j < i; j++)
      if (isSame(a, queries[j]!, same))
        parent[Math.max(rootOf(i), rootOf(j))] = Math.min(rootOf(i), rootOf(j));
  });
  const clusters = new Map<number, number[]>();
  queries.forEach((_, index) => {
    const root = rootOf(index);
    clusters.set(root, [...(clusters.get(root) ?? []), index]);
  });
  return [...clusters.values()];
}

function isSame(a: SplitQuery, b: SplitQuery, same: number): boolean {
  if (foldQuery(a.text) === foldQuery(b.text)) return true;
  return a.vector !== undefined && b.vector !== undefined && dot(a.vector, b.vector) > same;
}

/** Whole clusters, those with the newest query first, until enough of what is held out can be measured. */
function newest(
  queries: readonly HeldOutQuery[],
  clusters: readonly number[][],
  measuredCount: number,
): Fold {
  const wanted = Math.max(LEAST_HELD_OUT, Math.round(measuredCount * HELD_OUT_SHARE));
  const timeOf = (cluster: readonly number[]): string =>
    cluster.reduce(
      (last, index) => (queries[index]!.time > last ? queries[index]!.time : last),
      '',
    );
  const order = clusters
    .map((cluster) => ({ cluster, time: timeOf(cluster) }))
    .sort((a, b) => (a.time === b.time ? 0 : a.time < b.time ? 1 : -1));
  const heldOut: number[] = [];
  let count = 0;
  for (const { cluster } of order) {
    if (count >= wanted) break;
    heldOut.push(...cluster);
    count += cluster.filter((index) => queries[index]!.isMeasured).length;
  }
  return heldOut.sort((a, b) => a - b);
}
