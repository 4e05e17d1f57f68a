/**
 * One step over pairs of texts with a score (training-methods 7.4, 7.5, 9.5): CoDiEmb's three losses from eight pairs
 * on, CoSENT for fewer, the squared error for a single one. Pairs that all have one score say nothing and give 0.
 */
import { comboLoss } from './losses/batchSoftmax';
import { cosent } from './losses/cosent';
import { type Matrix, pairCosines } from './losses/matrix';
import { similarityLoss, squaredError } from './losses/similarity';
import type { Recipe } from './recipe';

/** From so many pairs on, their correlation is more than noise. */
const ENOUGH_PAIRS = 8;

/** The loss of a batch of pairs, `[n, D]` each, with its gradients: by BSC's combo where the recipe asks for it. */
export function pairStep(
  first: Matrix,
  second: Matrix,
  scores: readonly number[],
  sts: Recipe['sts'],
): { readonly value: number; readonly first: Matrix; readonly second: Matrix } {
  if (sts.combo.enabled) {
    const { value, gradients } = comboLoss({
      ...{ queries: first, answers: second, labels: scores },
      ...{ temperature: sts.tau, mu: sts.combo.mu, normalization: sts.normalization },
    });
    return { value, first: gradients.queries, second: gradients.answers };
  }
  const cosine = pairCosines(first, second);
  const { value, gradient } = pairLoss(cosine.value, scores, sts);
  const [a, b] = cosine.back(gradient);
  return { value, first: a, second: b };
}

/** The loss of predicted cosines against scores, and its gradient with respect to the cosines. */
function pairLoss(
  similarities: Float64Array,
  scores: readonly number[],
  sts: Recipe['sts'],
): { readonly value: number; readonly gradient: Float64Array } {
  const { value, gradients } = choose(similarities, scores, sts);
  return { value, gradient: gradients.similarities };
}

function choose(
  similarities: Float64Array,
  scores: readonly number[],
  sts: Recipe['sts'],
): ReturnType<typeof similarityLoss> {
  if (scores.length === 1) return squaredError(similarities, scores);
  if (new Set(scores).size === 1)
    return { value: 0, gradients: { similarities: new Float64Array(scores.length) } };
  if (scores.length < ENOUGH_PAIRS) return cosent(similarities, scores, sts.cosentLambda);
  const { pearson, pro: preference, rankKl: divergence, tau } = sts;
  return similarityLoss(similarities, scores, tau, { pearson, preference, divergence });
}
