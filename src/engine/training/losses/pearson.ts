/**
 * CoDiEmb's first similarity loss: L = 1 − corr(x, y) of predicted cosines and labels (biased moments). Any scale and
 * level of the cosines is as good as another; 0 where the labels, or the cosines, are all equal.
 */
import type { GraphWriter } from '../graphWriter';
import { type Loss, dotOf, meanOf } from './matrix';

/** Labels or cosines closer together than this (variance) are equal. */
const VARIANCE_FLOOR = 1e-12;

/** Gradients of losses over a list of similarities. */
export interface SimilarityGradients {
  readonly similarities: Float64Array;
}

export function pearsonLoss(
  similarities: Float64Array,
  labels: ArrayLike<number>,
): Loss<SimilarityGradients> {
  const count = similarities.length;
  const target = standardLabels(labels);
  const mean = meanOf(similarities);
  const centred = similarities.map((x) => x - mean);
  const deviation = Math.sqrt(dotOf(centred, centred) / count);
  if (!target || deviation ** 2 <= VARIANCE_FLOOR)
    return { value: 0, gradients: { similarities: new Float64Array(count) } };
  const correlation = dotOf(centred, target) / (count * deviation);
  const gradient = centred.map(
    (x, i) => -(target[i]! - (correlation * x) / deviation) / (count * deviation),
  );
  return { value: 1 - correlation, gradients: { similarities: gradient } };
}

/** Labels to mean 0 and variance 1; undefined where all are equal. */
export function standardLabels(labels: ArrayLike<number>): Float64Array | undefined {
  const mean = meanOf(labels);
  const centred = Float64Array.from(labels, (y) => y - mean);
  const variance = dotOf(centred, centred) / centred.length;
  return variance <= VARIANCE_FLOOR ? undefined : centred.map((y) => y / Math.sqrt(variance));
}

/** Writes it for cosines `[n, 1]` and `standardLabels` `[n, 1]`; returns the scalar. */
export function writePearsonLoss(
  writer: GraphWriter,
  names: { readonly similarities: string; readonly standardLabels: string },
): string {
  const { similarities } = names;
  const centred = writer.sub(similarities, writer.reduceMean(similarities));
  const variance = writer.reduceMean(writer.square(centred));
  const floor = writer.constant(VARIANCE_FLOOR);
  const covariance = writer.reduceMean(writer.mul(centred, names.standardLabels));
  const correlation = writer.div(covariance, writer.sqrt(writer.max(variance, floor)));
  const isSpread = writer.greater(variance, floor);
  return writer.mul(isSpread, writer.sub(writer.constant(1), correlation));
}
