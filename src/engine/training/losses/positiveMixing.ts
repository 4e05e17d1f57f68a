/**
 * HNCSE, positive mixing (Liu et al. 2024, arXiv 2411.12156): the positive is replaced by a mixture with its row's
 * hardest negative. With p = cos(q_i, z_i), m = max_{j≠i} cos(q_i, z_j), gap = (p − m)/p:
 *
 *   A  p > m, gap ≤ δ:  w1 z_i + w2 z_j*    B  p > m, gap > δ:  z_i    C  p ≤ m:  (p z_i + m z_j*) / (p + m)
 *
 * In A we take C's weights (or a fixed pair); the paper's random search inside every step is not copied. Rows with
 * a mark of a person's never come here: there the hardest negative is the very thing to move away from.
 */
import type { GraphWriter } from '../graphWriter';
import { type ContrastGradients, type ContrastInputs, contrast } from './contrast';
import { hardestColumns } from './hardNegativeMixing';
import { type Matrix, type RowLoss, addTo, cosines, dotOf, matrixOf, rowOf, zeros } from './matrix';
import { writePairCosines } from './writing';

export interface PositiveMixingSettings {
  /** δ, on a relative gap, so it does not depend on the temperature. */
  readonly delta: number;
  /** Weights of case A instead of C's. */
  readonly fixedWeights?: readonly [number, number];
}

/** How one row's positive is made. `other` is the hardest negative's column. */
export interface MixedPositive {
  readonly rule: 'A' | 'B' | 'C';
  readonly other: number;
}

/** Below this the weights of case C have no stable sum. */
const SUM_FLOOR = 1e-6;

/** The case of each row. Rows that are explicit, or have no negative, keep their positive. */
export function choosePositives(
  similarities: Matrix,
  { delta }: PositiveMixingSettings,
  options: {
    readonly isExplicit?: (row: number) => boolean;
    readonly isNegative?: (row: number, column: number) => boolean;
  } = {},
): MixedPositive[] {
  const { isExplicit = () => false, isNegative = (row, column) => row !== column } = options;
  return Array.from({ length: similarities.rows }, (_, row) => {
    const values = rowOf(similarities, row);
    const negatives = [...Array(similarities.columns).keys()].filter((j) => isNegative(row, j));
    const other = hardestColumns(values, negatives)[0];
    if (other === undefined || isExplicit(row)) return { rule: 'B', other: row };
    return { rule: ruleFor(values[row]!, values[other]!, delta), other };
  });
}

function ruleFor(p: number, m: number, delta: number): 'A' | 'B' | 'C' {
  if (p <= 0) return p <= m && p + m > SUM_FLOOR ? 'C' : 'B';
  if (p <= m) return 'C';
  return (p - m) / p <= delta && p + m > SUM_FLOOR ? 'A' : 'B';
}

export interface PositiveMixingInputs extends Pick<
  ContrastInputs,
  'queries' | 'positives' | 'temperature' | 'extra' | 'offsets' | 'rowWeights'
> {
  readonly plan: readonly MixedPositive[];
  readonly fixedWeights?: readonly [number, number];
  /** Keeps the weights and the mixed-in negative out of the gradient. */
  readonly stopGradient: boolean;
}

/** L_PM: the contrast with all positives replaced by their mixtures. */
export function positiveMixing(inputs: PositiveMixingInputs): RowLoss<ContrastGradients> {
  const mixed = mixPositives(inputs);
  const loss = contrast({ ...inputs, positives: mixed.value });
  const back = mixed.back(loss.gradients.positives);
  const queries = addTo(loss.gradients.queries, back.queries);
  return { ...loss, gradients: { ...loss.gradients, queries, positives: back.positives } };
}

/** The positives of the plan, and the way back to what they are made of. */
export function mixPositives(
  inputs: Pick<
    PositiveMixingInputs,
    'queries' | 'positives' | 'plan' | 'fixedWeights' | 'stopGradient'
  >,
): {
  readonly value: Matrix;
  back(gradient: Matrix): { readonly queries: Matrix; readonly positives: Matrix };
} {
  const { queries, positives, plan, fixedWeights, stopGradient } = inputs;
  const similarity = cosines(queries, positives);
  const weights = plan.map((choice, i) => {
    const row = rowOf(similarity.value, i);
    return shareOf(choice, row[i]!, row, fixedWeights);
  });
  const value = zeros(positives.rows, positives.columns);
  plan.forEach(({ other }, i) => {
    const [own, negative] = [rowOf(positives, i), rowOf(positives, other)];
    rowOf(value, i).set(own.map((v, d) => weights[i]!.own * v + weights[i]!.other * negative[d]!));
  });
  return { value, back };

  function back(gradient: Matrix): { queries: Matrix; positives: Matrix } {
    const out = zeros(positives.rows, positives.columns);
    const toSimilarity = zeros(similarity.value.rows, similarity.value.columns);
    plan.forEach(({ other }, i) => {
      const [g, { own, other: share, slope }] = [rowOf(gradient, i), weights[i]!];
      g.forEach((v, d) => (rowOf(out, i)[d]! += own * v));
      if (stopGradient) return;
      g.forEach((v, d) => (rowOf(out, other)[d]! += share * v));
      // w1 = p/(p+m) and w2 = m/(p+m) move against each other.
      const apart = dotOf(g, rowOf(positives, i)) - dotOf(g, rowOf(positives, other));
      rowOf(toSimilarity, i)[i]! += apart * slope.own;
      rowOf(toSimilarity, i)[other]! += apart * slope.other;
    });
    const [toQueries, toPositives] = similarity.back(toSimilarity);
    return { queries: toQueries, positives: addTo(out, toPositives) };
  }
}

interface MixingShare {
  readonly own: number;
  readonly other: number;
  /** Derivatives of `own` with respect to p and m; those of `other` are the opposite. */
  readonly slope: { readonly own: number; readonly other: number };
}

function shareOf(
  { rule, other }: MixedPositive,
  p: number,
  similarities: Float64Array,
  fixedWeights?: readonly [number, number],
): MixingShare {
  const flat = { own: 0, other: 0 };
  if (rule === 'B') return { own: 1, other: 0, slope: flat };
  if (rule === 'A' && fixedWeights)
    return { own: fixedWeights[0], other: fixedWeights[1], slope: flat };
  const m = similarities[other]!;
  const sum = p + m;
  return { own: p / sum, other: m / sum, slope: { own: m / sum ** 2, other: -p / sum ** 2 } };
}

/** What the plan gives to the graph. */
export interface PositivePlan {
  /** One-hot `[M, M]`: the hardest negative of each row that is mixed. */
  readonly others: Matrix;
  /** `[M, 1]`: 1 where p and m are the weights. */
  readonly byShare: Matrix;
  /** `[M, 1]`: the own and the other's weight where they are fixed; 1 and 0 in case B. */
  readonly fixedOwn: Matrix;
  readonly fixedOther: Matrix;
}

export function positivePlan(
  plan: readonly MixedPositive[],
  fixedWeights?: readonly [number, number],
): PositivePlan {
  const column = (valueOf: (choice: MixedPositive) => number): Matrix =>
    matrixOf(plan.map((choice) => [valueOf(choice)]));
  const isFixed = ({ rule }: MixedPositive): boolean =>
    rule === 'B' || (rule === 'A' && !!fixedWeights);
  const others = zeros(plan.length, plan.length);
  plan.forEach(({ rule, other }, i) => {
    if (rule !== 'B') rowOf(others, i)[other] = 1;
  });
  return {
    others,
    byShare: column((choice) => (isFixed(choice) ? 0 : 1)),
    fixedOwn: column(({ rule }) =>
      rule === 'B' ? 1 : rule === 'A' ? (fixedWeights?.[0] ?? 0) : 0,
    ),
    fixedOther: column(({ rule }) => (rule === 'A' ? (fixedWeights?.[1] ?? 0) : 0)),
  };
}

/** Names of a plan's matrices in a graph. */
export type PositivePlanNames = Readonly<Record<keyof PositivePlan, string>>;

/**
 * Writes `mixPositives`. Without gradient, queries and positives of the weights and of the mixed-in negative are
 * read from `constants`: inputs that hold the same numbers and are not differentiated.
 */
export function writeMixedPositives(
  writer: GraphWriter,
  names: { readonly queries: string; readonly positives: string; readonly plan: PositivePlanNames },
  constants?: { readonly queries: string; readonly positives: string },
): string {
  const { queries, positives } = constants ?? names;
  const { others, byShare, fixedOwn, fixedOther } = names.plan;
  const negative = writer.matmul(others, positives);
  const p = writePairCosines(writer, queries, positives);
  const m = writePairCosines(writer, queries, negative);
  // A sum of 0 can stand only in rows that do not use it.
  const sum = writer.add(
    writer.mul(byShare, writer.add(p, m)),
    writer.sub(writer.constant(1), byShare),
  );
  const weight = (share: string, fixed: string): string =>
    writer.add(writer.mul(byShare, writer.div(share, sum)), fixed);
  return writer.add(
    writer.mul(weight(p, fixedOwn), names.positives),
    writer.mul(weight(m, fixedOther), negative),
  );
}
