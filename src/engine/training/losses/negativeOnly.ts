/**
 * A mark "not relevant" where nothing was marked relevant. There is no positive to compare with, so the marked chunk
 * is pushed below the best unmarked hits by a margin:  τ·softplus((cos(q,d⁻) − reference + margin)/τ), where the
 * reference is the mean cosine of the three best unmarked hits and is not differentiated.
 */
import type { GraphWriter } from '../graphWriter';
import { type RowLoss, meanOf, sigmoid, softplus } from './matrix';

/** How far below the reference a marked chunk shall lie. */
const NEGATIVE_MARGIN = 0.05;

export interface NegativeOnlyInputs {
  /** cos(q, d⁻), one a row. */
  readonly similarities: Float64Array;
  /** What each is compared with, see `referenceOf`. */
  readonly references: ArrayLike<number>;
  readonly temperature: number;
}

/** Mean of the three best of the unmarked hits' cosines. */
export function referenceOf(unmarked: readonly number[]): number {
  return meanOf([...unmarked].sort((a, b) => b - a).slice(0, 3));
}

export function negativeOnly(
  inputs: NegativeOnlyInputs,
): RowLoss<{ readonly similarities: Float64Array }> {
  const { similarities, references, temperature } = inputs;
  const excess = similarities.map((x, i) => (x - references[i]! + NEGATIVE_MARGIN) / temperature);
  const rows = excess.map((x) => temperature * softplus(x));
  const gradient = excess.map((x) => sigmoid(x) / similarities.length);
  return { value: meanOf(rows), rows, gradients: { similarities: gradient } };
}

interface NegativeOnlyNames {
  readonly similarities: string;
  readonly references: string;
}

/** Writes it for `[n, 1]` cosines and references; returns the scalar. */
export function writeNegativeOnly(
  writer: GraphWriter,
  names: NegativeOnlyNames,
  temperature: number,
): string {
  return writer.reduceMean(writeNegativeOnlyRows(writer, names, temperature));
}

/** The loss of each row, `[n, 1]`. */
export function writeNegativeOnlyRows(
  writer: GraphWriter,
  names: NegativeOnlyNames,
  temperature: number,
): string {
  const above = writer.sub(names.similarities, names.references);
  const excess = writer.add(above, writer.constant(NEGATIVE_MARGIN));
  const rows = writer.softplus(writer.scale(excess, 1 / temperature));
  return writer.scale(rows, temperature);
}
