/** Marks "not relevant" without any "relevant" beside them: the loss of negativeOnly over encodings. */
import { type Matrix, pairCosines } from './losses/matrix';
import { negativeOnly } from './losses/negativeOnly';

export interface NegativeRowsLoss {
  readonly value: number;
  readonly rows: Float64Array;
  readonly queries: Matrix;
  readonly negatives: Matrix;
}

/** Row i of both matrices belongs together; `references` is what each cosine is compared with. */
export function negativeRowsLoss(
  queries: Matrix,
  negatives: Matrix,
  references: readonly number[],
  { tau: temperature, weight }: { readonly tau: number; readonly weight: number },
): NegativeRowsLoss {
  const cosine = pairCosines(queries, negatives);
  const loss = negativeOnly({ similarities: cosine.value, references, temperature });
  const [queryGradient, negativeGradient] = cosine.back(
    loss.gradients.similarities.map((slope) => weight * slope),
  );
  const { value, rows } = loss;
  return { value: weight * value, rows, queries: queryGradient, negatives: negativeGradient };
}
