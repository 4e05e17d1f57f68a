/**
 * SimCSE (Gao et al. 2021, arXiv 2104.08821). Without labels a text is encoded twice under two dropout masks and
 * the two are a pair; with labels the pair is (query, relevant chunk) and a chunk marked not relevant is a further
 * column:  ℓ_i = −ln( e^{cos(q_i,p_i)/τ} / Σ_j ( e^{cos(q_i,p_j)/τ} + α^{[i=j]} e^{cos(q_i,n_j)/τ} ) ).
 * α weighs the row's own negative only and enters as the offset ln α.
 */
import { type ContrastGradients, type ContrastInputs, contrast } from './contrast';
import { type Matrix, type RowLoss, addTo, rowOf, zeros } from './matrix';

export interface InfoNceInputs {
  readonly queries: Matrix;
  readonly positives: Matrix;
  /** `[M, D]`, negative i of query i. */
  readonly negatives?: Matrix;
  readonly temperature: number;
  /** α, 1 when left out. */
  readonly hardNegativeWeight?: number;
  /** `[M, M]` or, with negatives, `[M, 2M]`: -Infinity where a column is masked, 0 elsewhere. */
  readonly mask?: Matrix;
}

export function infoNce(inputs: InfoNceInputs): RowLoss<ContrastGradients> {
  const { queries, positives, negatives, temperature, mask } = inputs;
  return contrast({
    queries,
    positives,
    extra: negatives,
    temperature,
    offsets: negatives ? hardNegativeOffsets(queries.rows, inputs) : mask,
  } satisfies ContrastInputs);
}

/** `[M, 2M]`: ln α where a row meets its own negative, and the mask. */
export function hardNegativeOffsets(
  rows: number,
  { hardNegativeWeight = 1, mask }: Pick<InfoNceInputs, 'hardNegativeWeight' | 'mask'>,
): Matrix {
  const offsets = zeros(rows, 2 * rows);
  for (let i = 0; i < rows; i++)
    offsets.data[i * 2 * rows + rows + i] = Math.log(hardNegativeWeight);
  return mask ? addTo(offsets, mask) : offsets;
}

/** `[M, M + E]`: hides all columns but the own positive and those that `isOwn` names; with them only, it is LCE. */
export function ownColumnsOnly(
  rows: number,
  extra: number,
  isOwn: (row: number, extraColumn: number) => boolean,
): Matrix {
  const mask = zeros(rows, rows + extra);
  for (let i = 0; i < rows; i++) {
    const row = rowOf(mask, i).fill(-Infinity);
    row[i] = 0;
    for (let e = 0; e < extra; e++) if (isOwn(i, e)) row[rows + e] = 0;
  }
  return mask;
}
