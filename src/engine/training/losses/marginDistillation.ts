/**
 * GPL (Wang et al. 2022, arXiv 2112.07577): a pseudo-query's chunk shall lead a mined negative by the margin that the
 * teacher gives:  L = mean( (s⁺ − s⁻) − (T⁺ − T⁻) )².
 */
import type { GraphWriter } from '../graphWriter';
import { type Loss, meanOf } from './matrix';

export interface MarginInputs {
  readonly positives: Float64Array;
  readonly negatives: Float64Array;
  /** T⁺ − T⁻ of the teacher. */
  readonly margins: ArrayLike<number>;
}

export function marginDistillation({
  positives,
  negatives,
  margins,
}: MarginInputs): Loss<{ readonly positives: Float64Array; readonly negatives: Float64Array }> {
  const errors = positives.map((s, i) => s - negatives[i]! - margins[i]!);
  const slope = errors.map((error) => (2 * error) / errors.length);
  return {
    value: meanOf(errors.map((error) => error ** 2)),
    gradients: { positives: slope, negatives: slope.map((v) => -v) },
  };
}

/** Writes it for scores and margins of one shape; returns the scalar. */
export function writeMarginDistillation(
  writer: GraphWriter,
  names: { readonly positives: string; readonly negatives: string; readonly margins: string },
): string {
  const lead = writer.sub(names.positives, names.negatives);
  return writer.reduceMean(writer.square(writer.sub(lead, names.margins)));
}
