/**
 * SimCSE++, off-dropout negatives (Xu et al. 2023, arXiv 2305.13192): dropout noise helps the positive pair and
 * only blurs the negatives. The own positive is therefore made of noisy encodings, r_i = ρ cos(q_i, p_i)/τ, and every
 * other logit of encodings without dropout:  ℓ_i = −r_i + lse( {cos(q⁰_i, p⁰_j)/τ}_{j≠i} ∪ {r_i} ).
 * The gradient flows through the clean encodings too. A query head gets them free: they are the index.
 */
import { type ContrastGradients, type ContrastInputs, contrast } from './contrast';
import { type RowLoss, addTo } from './matrix';

export interface OffDropoutInputs extends Pick<
  ContrastInputs,
  'queries' | 'positives' | 'temperature' | 'offsets' | 'extra'
> {
  /** Without dropout. In the unsupervised form both sides are the same matrix. */
  readonly cleanQueries: ContrastInputs['queries'];
  readonly cleanPositives: ContrastInputs['positives'];
  /** ρ: .9 in the script of off-dropout alone, 1 in the combined one. */
  readonly rho: number;
}

export function offDropout(inputs: OffDropoutInputs): RowLoss<ContrastGradients> {
  const { cleanQueries, cleanPositives, rho, ...rest } = inputs;
  return contrast({
    ...rest,
    clean: { queries: cleanQueries, positives: cleanPositives },
    positiveScale: rho,
  });
}

/** The gradient of Z0 where it stands on both sides. */
export function sharedCleanGradient({ clean }: ContrastGradients): ContrastInputs['queries'] {
  return addTo(clean!.queries, clean!.positives);
}
