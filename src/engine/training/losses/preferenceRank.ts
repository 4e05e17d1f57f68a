/**
 * CoDiEmb's PRO (preference rank optimisation): each item against all items of lower label, its tail. With
 * w_j = y_k − y_j the logits are x_k/τ · max w for the item and x_j/τ · w_j for its tail; cross-entropy on the item,
 * averaged over items whose tail is not empty. A larger weight shall raise a logit, so the cosines are shifted by 1
 * where any is negative. Labels run from 0 to 1: a gap of 5 would blow the logits up.
 */
import type { GraphWriter } from '../graphWriter';
import { type Loss, type Matrix, crossEntropyRows, dotOf, rowOf, zeros } from './matrix';
import type { SimilarityGradients } from './pearson';
import { writeEntropyRows } from './writing';

/** Labels closer together than this are equal. */
const LABEL_FLOOR = 1e-8;

/** The comparisons that labels ask for. Row r is about item `items[r]`. */
export interface Preferences {
  readonly items: readonly number[];
  /** `[rows, n]`: what a cosine is multiplied with. */
  readonly weights: Matrix;
  /** `[rows, n]`: -Infinity outside the item and its tail. */
  readonly offsets: Matrix;
}

/** Which items are compared with which, and how strongly. No rows where all labels are equal. */
function preferencesOf(labels: ArrayLike<number>): Preferences {
  const y = Float64Array.from(labels);
  const lowest = Math.min(...y);
  const items = [...y.keys()].filter((k) => y[k]! - lowest > LABEL_FLOOR);
  const weights = zeros(items.length, y.length);
  const offsets = zeros(items.length, y.length);
  items.forEach((k, r) => {
    const tail = y.map((other) => (y[k]! - other > LABEL_FLOOR ? y[k]! - other : 0));
    rowOf(weights, r).set(tail);
    rowOf(weights, r)[k] = Math.max(...tail);
    rowOf(offsets, r).set(tail.map((w, j) => (w > 0 || j === k ? 0 : -Infinity)));
  });
  return { items, weights, offsets };
}

/** L_PRO; `rows` are the terms of the items that have a tail, in input order. */
export function preferenceRank(
  similarities: Float64Array,
  labels: ArrayLike<number>,
  temperature: number,
): Loss<SimilarityGradients> & { readonly rows: Float64Array } {
  const { items, weights, offsets } = preferencesOf(labels);
  const gradient = new Float64Array(similarities.length);
  if (items.length === 0)
    return { value: 0, rows: new Float64Array(), gradients: { similarities: gradient } };
  const shift = similarities.some((x) => x < 0) ? 1 : 0;
  const logits = zeros(items.length, similarities.length);
  weights.data.forEach((weight, at) => {
    const x = similarities[at % similarities.length]! + shift;
    logits.data[at] = (x / temperature) * weight + offsets.data[at]!;
  });
  const entropy = crossEntropyRows(logits, items);
  const back = entropy.back(new Float64Array(items.length).fill(1 / (items.length * temperature)));
  back.data.forEach((g, at) => (gradient[at % gradient.length]! += g * weights.data[at]!));
  const ones = new Float64Array(items.length).fill(1 / items.length);
  return {
    value: dotOf(entropy.rows, ones),
    rows: entropy.rows,
    gradients: { similarities: gradient },
  };
}

/** `Preferences` as matrices for the graph. */
export interface PreferenceFeeds {
  readonly weights: Matrix;
  readonly offsets: Matrix;
  /** One-hot `[rows, n]`. */
  readonly targets: Matrix;
}

export function preferenceFeeds(labels: ArrayLike<number>): PreferenceFeeds {
  const { items, weights, offsets } = preferencesOf(labels);
  const targets = zeros(weights.rows, weights.columns);
  items.forEach((k, r) => (rowOf(targets, r)[k] = 1));
  return { weights, offsets, targets };
}

/** Writes L_PRO for cosines `[n, 1]`; returns the scalar. */
export function writePreferenceRank(
  writer: GraphWriter,
  similarities: string,
  feeds: Readonly<Record<keyof PreferenceFeeds, string>>,
  temperature: number,
): string {
  const lowest = writer.neg(writer.reduceMax(writer.neg(similarities)));
  const shift = writer.greater(writer.constant(0), lowest);
  const shifted = writer.transpose(writer.add(similarities, shift));
  const logits = writer.mul(feeds.weights, writer.scale(shifted, 1 / temperature));
  const { targets, offsets } = feeds;
  return writer.reduceMean(writeEntropyRows(writer, { logits, targets, offsets }));
}
