/**
 * CoDiEmb, the retrieval loss (Zhang et al. 2025, arXiv 2508.11442): K⁺ positives and K⁻ negatives a query. For each
 * positive slot the columns are that slot of every query and all negatives of every query, so a query's other
 * positives are never its negatives:  L = mean_p mean_i CE.  With one positive and no negative it is InfoNCE.
 */
import type { GraphWriter } from '../graphWriter';
import { type ContrastNames, contrast, writeContrast } from './contrast';
import { type Loss, type Matrix, addTo, scaled, zeros } from './matrix';

export interface SeveralPositivesInputs {
  /** `[M, D]`. */
  readonly queries: Matrix;
  /** A matrix `[M, D]` a slot. */
  readonly slots: readonly Matrix[];
  /** `[E, D]`: every query's negatives, in any order. */
  readonly negatives?: Matrix;
  readonly temperature: number;
  /** `[M, M + E]`, the same for each slot. */
  readonly offsets?: Matrix;
}

export interface SeveralPositivesGradients {
  readonly queries: Matrix;
  readonly slots: readonly Matrix[];
  readonly negatives?: Matrix;
}

export function severalPositives(
  inputs: SeveralPositivesInputs,
): Loss<SeveralPositivesGradients> & { readonly slotRows: readonly Float64Array[] } {
  const { queries, slots, negatives } = inputs;
  const losses = slots.map((positives) => contrast({ ...inputs, positives, extra: negatives }));
  const share = 1 / slots.length;
  const sum = (matrices: readonly Matrix[], like: Matrix): Matrix =>
    matrices.reduce((total, m) => addTo(total, m, share), zeros(like.rows, like.columns));
  return {
    value: losses.reduce((total, { value }) => total + share * value, 0),
    slotRows: losses.map(({ rows }) => rows),
    gradients: {
      queries: sum(
        losses.map(({ gradients }) => gradients.queries),
        queries,
      ),
      slots: losses.map(({ gradients }) => scaled(gradients.positives, share)),
      negatives:
        negatives &&
        sum(
          losses.map(({ gradients }) => gradients.extra!),
          negatives,
        ),
    },
  };
}

/** Writes it; `names.positives` is given slot by slot. Returns the scalar. */
export function writeSeveralPositives(
  writer: GraphWriter,
  names: Omit<ContrastNames, 'positives' | 'clean'> & { readonly slots: readonly string[] },
): string {
  const { slots } = names;
  const losses = slots.map((positives) => writeContrast(writer, { ...names, positives }));
  return writer.scale(writer.addAll(losses), 1 / slots.length);
}
