/**
 * CoDiEmb's RankKL: the distribution that the labels' ranks make against the one that the cosines make. Ranks run
 * from 0 by falling label, ties averaged; ideal_i = (n−1−rank_i)/(n−1);  p = softmax(ideal/τ), g = softmax(x/τ),
 * L = (1/n) Σ p_i ln(p_i/g_i),  with the gradient (g − p)/(n τ).  The 1/n is the framework's "batch mean".
 */
import type { GraphWriter } from '../graphWriter';
import { type Loss, logSumExp, softmax } from './matrix';
import type { SimilarityGradients } from './pearson';

export function rankDivergence(
  similarities: Float64Array,
  labels: ArrayLike<number>,
  temperature: number,
): Loss<SimilarityGradients> {
  const count = similarities.length;
  const p = idealDistribution(labels, temperature);
  const logits = similarities.map((x) => x / temperature);
  const total = logSumExp(logits);
  let value = 0;
  // A share that underflows to 0 adds 0.
  p.forEach(
    (share, i) => (value += share > 0 ? share * (Math.log(share) - logits[i]! + total) : 0),
  );
  const gradient = softmax(logits).map((g, i) => (g - p[i]!) / (count * temperature));
  return { value: value / count, gradients: { similarities: gradient } };
}

/** p of the labels: what the softmax of the cosines shall be. */
export function idealDistribution(labels: ArrayLike<number>, temperature: number): Float64Array {
  const last = Math.max(labels.length - 1, 1);
  return softmax(
    fallingRanks(labels).map((rank) => (labels.length - 1 - rank) / last / temperature),
  );
}

/** Ranks from 0 by falling value; equal values share the mean of their ranks. */
export function fallingRanks(values: ArrayLike<number>): Float64Array {
  const sorted = [...Array(values.length).keys()].sort((a, b) => values[b]! - values[a]!);
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < sorted.length;) {
    let to = from;
    while (to < sorted.length && values[sorted[to]!] === values[sorted[from]!]) to++;
    for (let at = from; at < to; at++) ranks[sorted[at]!] = (from + to - 1) / 2;
    from = to;
  }
  return ranks;
}

/** Shares below this are taken for it inside the logarithm. */
const SMALLEST_SHARE = 1e-37;

/** Writes it for cosines `[n, 1]` and `idealDistribution` `[n, 1]`; returns the scalar. */
export function writeRankDivergence(
  writer: GraphWriter,
  names: { readonly similarities: string; readonly ideal: string },
  temperature: number,
): string {
  const logits = writer.scale(names.similarities, 1 / temperature);
  const actual = writer.sub(logits, writer.logSumExp(logits, [0]));
  const ideal = writer.log(writer.max(names.ideal, writer.constant(SMALLEST_SHARE)));
  return writer.reduceMean(writer.mul(names.ideal, writer.sub(ideal, actual)));
}
