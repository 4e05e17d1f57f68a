/**
 * CoDiEmb's loss for pairs with a similarity label:  L = 2 L_Pearson + ½ L_PRO + 5 L_RankKL (+ L_Mid).  It looks at the
 * order and shape of the cosines of a batch, never at their level. A batch whose labels are all equal says nothing and
 * is skipped for all terms (RankKL alone would push all cosines together). L_Mid is InfoNCE on the middle layer's
 * pooled vectors over the pairs with label 1; it exists only where the encoder itself is trained.
 */
import type { GraphWriter } from '../graphWriter';
import { contrast } from './contrast';
import { type Loss, type Matrix, matrixOf, rowOf, zeros } from './matrix';
import { type SimilarityGradients, pearsonLoss, standardLabels, writePearsonLoss } from './pearson';
import {
  type PreferenceFeeds,
  preferenceFeeds,
  preferenceRank,
  writePreferenceRank,
} from './preferenceRank';
import { idealDistribution, rankDivergence, writeRankDivergence } from './rankDivergence';

export interface SimilarityWeights {
  readonly pearson: number;
  readonly preference: number;
  readonly divergence: number;
}

/** The released code's weights; the paper leaves them open. */
const SIMILARITY_WEIGHTS: SimilarityWeights = { pearson: 2, preference: 0.5, divergence: 5 };

/** Labels from here on are positive pairs for the middle layer. */
const POSITIVE_LABEL = 1;

export function similarityLoss(
  similarities: Float64Array,
  labels: ArrayLike<number>,
  temperature: number,
  weights: SimilarityWeights = SIMILARITY_WEIGHTS,
): Loss<SimilarityGradients> {
  const gradient = new Float64Array(similarities.length);
  if (!standardLabels(labels)) return { value: 0, gradients: { similarities: gradient } };
  const terms: [number, Loss<SimilarityGradients>][] = [
    [weights.pearson, pearsonLoss(similarities, labels)],
    [weights.preference, preferenceRank(similarities, labels, temperature)],
    [weights.divergence, rankDivergence(similarities, labels, temperature)],
  ];
  for (const [weight, { gradients }] of terms)
    gradients.similarities.forEach((g, i) => (gradient[i]! += weight * g));
  return {
    value: terms.reduce((sum, [weight, { value }]) => sum + weight * value, 0),
    gradients: { similarities: gradient },
  };
}

/** L_Mid on `[n, D]` vectors of a middle layer; 0 where fewer than two pairs are positive. */
export function middleLayerLoss(
  first: Matrix,
  second: Matrix,
  labels: ArrayLike<number>,
  temperature: number,
): Loss<{ readonly first: Matrix; readonly second: Matrix }> {
  const rows = positiveRows(labels);
  const gradients = {
    first: zeros(first.rows, first.columns),
    second: zeros(second.rows, second.columns),
  };
  if (rows.length < 2) return { value: 0, gradients };
  const pick = (matrix: Matrix): Matrix => matrixOf(rows.map((row) => rowOf(matrix, row)));
  const loss = contrast({ queries: pick(first), positives: pick(second), temperature });
  rows.forEach((row, i) => {
    rowOf(gradients.first, row).set(rowOf(loss.gradients.queries, i));
    rowOf(gradients.second, row).set(rowOf(loss.gradients.positives, i));
  });
  return { value: loss.value, gradients };
}

/** The rows that L_Mid takes. */
export function positiveRows(labels: ArrayLike<number>): number[] {
  return [...Array(labels.length).keys()].filter((i) => labels[i]! >= POSITIVE_LABEL);
}

/**
 * Combo MSE, for what is too small for an order (a single pair): mean (cos − y)². The second half of BSC's combo.
 */
export function squaredError(
  similarities: Float64Array,
  labels: ArrayLike<number>,
): Loss<SimilarityGradients> {
  const errors = similarities.map((x, i) => x - labels[i]!);
  return {
    value: errors.reduce((sum, error) => sum + error ** 2 / errors.length, 0),
    gradients: { similarities: errors.map((error) => (2 * error) / errors.length) },
  };
}

/** What labels give to the graph of the whole loss; undefined for a batch that must be skipped. */
export interface SimilarityFeeds extends PreferenceFeeds {
  /** `[n, 1]`. */
  readonly standardLabels: Matrix;
  readonly ideal: Matrix;
}

export function similarityFeeds(
  labels: ArrayLike<number>,
  temperature: number,
): SimilarityFeeds | undefined {
  const standard = standardLabels(labels);
  if (!standard) return undefined;
  const column = (data: Float64Array): Matrix => ({ rows: data.length, columns: 1, data });
  return {
    ...preferenceFeeds(labels),
    standardLabels: column(standard),
    ideal: column(idealDistribution(labels, temperature)),
  };
}

/** Writes the three terms for cosines `[n, 1]`; returns the scalar. */
export function writeSimilarityLoss(
  writer: GraphWriter,
  similarities: string,
  feeds: Readonly<Record<keyof SimilarityFeeds, string>>,
  temperature: number,
  weights: SimilarityWeights = SIMILARITY_WEIGHTS,
): string {
  const pearson = writePearsonLoss(writer, { similarities, ...feeds });
  const preference = writePreferenceRank(writer, similarities, feeds, temperature);
  const divergence = writeRankDivergence(writer, { similarities, ...feeds }, temperature);
  return writer.addAll([
    writer.scale(pearson, weights.pearson),
    writer.scale(preference, weights.preference),
    writer.scale(divergence, weights.divergence),
  ]);
}

/** Writes `squaredError` for cosines and labels of one shape; returns the scalar. */
export function writeSquaredError(
  writer: GraphWriter,
  names: { readonly similarities: string; readonly labels: string },
): string {
  return writer.reduceMean(writer.square(writer.sub(names.similarities, names.labels)));
}
