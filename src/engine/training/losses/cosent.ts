/**
 * CoSENT (Su 2022): over all pairs of pairs that the labels order,  L = ln(1 + Σ_{y_i<y_j} e^{λ(x_i − x_j)}).  The simple
 * loss for batches too small for CoDiEmb's; it needs two different labels.
 */
import type { GraphWriter } from '../graphWriter';
import { type Loss, type Matrix, softmax, logSumExp, zeros } from './matrix';
import type { SimilarityGradients } from './pearson';

/** The published λ. */
export const COSENT_SCALE = 20;

/**
 * `[n, n]` for the differences x_i − x_j: 0 where y_i < y_j, -Infinity elsewhere, and 0 at (0, 0), whose difference
 * is 0: that is the 1 of the formula.
 */
export function cosentOffsets(labels: ArrayLike<number>): Matrix {
  const n = labels.length;
  const offsets = zeros(n, n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      if (!(labels[i]! < labels[j]!)) offsets.data[i * n + j] = i + j === 0 ? 0 : -Infinity;
  return offsets;
}

export function cosent(
  similarities: Float64Array,
  labels: ArrayLike<number>,
  scale: number = COSENT_SCALE,
): Loss<SimilarityGradients> {
  const n = similarities.length;
  const logits = cosentOffsets(labels).data.map(
    (offset, at) => offset + scale * (similarities[Math.floor(at / n)]! - similarities[at % n]!),
  );
  const gradient = new Float64Array(n);
  softmax(logits).forEach((share, at) => {
    gradient[Math.floor(at / n)]! += scale * share;
    gradient[at % n]! -= scale * share;
  });
  return { value: logSumExp(logits), gradients: { similarities: gradient } };
}

/** Writes it for cosines `[n, 1]` and `cosentOffsets` `[n, n]`; returns the scalar. */
export function writeCosent(
  writer: GraphWriter,
  names: { readonly similarities: string; readonly offsets: string },
  scale: number = COSENT_SCALE,
): string {
  const { similarities, offsets } = names;
  const differences = writer.sub(similarities, writer.transpose(similarities));
  return writer.logSumExp(writer.add(writer.scale(differences, scale), offsets));
}
