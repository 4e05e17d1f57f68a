/**
 * The anchor that keeps a trained encoder near its base: L = mean(1 − cos(f(x), f_base(x))) over the batch's queries
 * and some random chunks. The base's vectors are constants.
 */
import type { GraphWriter } from '../graphWriter';
import { type Loss, type Matrix, pairCosines, meanOf } from './matrix';
import { writePairCosines } from './writing';

export function anchorLoss(now: Matrix, base: Matrix): Loss<{ readonly now: Matrix }> {
  const pairs = pairCosines(now, base);
  const [gradient] = pairs.back(pairs.value.map(() => -1 / now.rows));
  return { value: meanOf(pairs.value.map((x) => 1 - x)), gradients: { now: gradient } };
}

/** Writes it for two matrices of one shape; returns the scalar. */
export function writeAnchorLoss(
  writer: GraphWriter,
  names: { readonly now: string; readonly base: string },
): string {
  const pairs = writePairCosines(writer, names.now, names.base);
  return writer.reduceMean(writer.sub(writer.constant(1), pairs));
}
