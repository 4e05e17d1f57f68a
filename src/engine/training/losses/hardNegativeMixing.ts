/**
 * HNCSE, hard-negative mixing (Liu et al. 2024, arXiv 2411.12156): between two of a row's hardest negatives lie
 * further negatives,  g = (α z_a + (1−α) z_b) / |…|,  appended to that row only. Which pairs are mixed is chosen
 * from the similarities and not differentiated; the gradient flows through g into both.
 */
import { type Random, sample } from '../../../base/random';
import type { GraphWriter } from '../graphWriter';
import {
  type ContrastGradients,
  type ContrastInputs,
  type ContrastNames,
  contrast,
  writeContrast,
} from './contrast';
import {
  type Matrix,
  type RowLoss,
  addTo,
  dotOf,
  matrixOf,
  rowOf,
  unitRows,
  zeros,
} from './matrix';

export interface MixingSettings {
  /** Hardest columns of a row that may be mixed. */
  readonly k: number;
  /** Synthetic vectors a row at most. */
  readonly s: number;
  /** α, the share of the first of a pair. */
  readonly alpha: number;
  /** Two negatives more alike than this would give a copy: not mixed. 1 when left out. */
  readonly copyCeiling?: number;
  /** A synthetic vector nearer to the row's positive than this is left out. 1 when left out. */
  readonly positiveCeiling?: number;
}

/** The released code's numbers, and our guards against copies and against sitting on the positive. */
export const MIXING_DEFAULTS: MixingSettings = {
  k: 10,
  s: 40,
  alpha: 0.5,
  copyCeiling: 0.98,
  positiveCeiling: 0.95,
};

/** Two columns that are mixed for a row. */
export interface MixedPair {
  readonly row: number;
  readonly first: number;
  readonly second: number;
}

export interface MixingInputs {
  readonly queries: Matrix;
  /** `[C, D]`: what may be mixed, and the columns the pairs count in. */
  readonly columns: Matrix;
  /** `[M, D]`. */
  readonly positives: Matrix;
  /** True where column j is a negative of row i. The default: every column but the row's own index. */
  readonly isNegative?: (row: number, column: number) => boolean;
}

/** The pairs to mix for each row: of its k hardest negatives, at most s pairs, without replacement. */
export function chooseMixedPairs(
  inputs: MixingInputs,
  settings: MixingSettings,
  random: Random,
): MixedPair[] {
  const { queries, columns, isNegative = (row, column) => row !== column } = inputs;
  const units = [queries, inputs.positives, columns].map((matrix) => unitRows(matrix).value);
  const [unitQueries, unitPositives, unitColumns] = units as [Matrix, Matrix, Matrix];
  return Array.from({ length: queries.rows }, (_, row) => {
    const query = rowOf(unitQueries, row);
    const similarities = new Float64Array(columns.rows).fill(-Infinity);
    const negatives = [...Array(columns.rows).keys()].filter((column) => isNegative(row, column));
    for (const column of negatives) similarities[column] = dotOf(query, rowOf(unitColumns, column));
    const hardest = hardestColumns(similarities, negatives).slice(0, settings.k);
    const positive = rowOf(unitPositives, row);
    const pairs = pairsOf(hardest)
      .map(([first, second]) => ({ row, first, second }))
      .filter((pair) => isUseful(pair, { columns, unitColumns, positive }, settings));
    return pairs.length > settings.s ? sample(pairs, settings.s, random) : pairs;
  }).flat();
}

/** Columns by falling similarity; equal ones by index. */
export function hardestColumns(similarities: Float64Array, columns: readonly number[]): number[] {
  return [...columns].sort((a, b) => similarities[b]! - similarities[a]! || a - b);
}

function pairsOf(columns: readonly number[]): [number, number][] {
  return columns.flatMap((first, i) =>
    columns.slice(i + 1).map((second): [number, number] => [first, second]),
  );
}

function isUseful(
  { first, second }: MixedPair,
  vectors: {
    readonly columns: Matrix;
    readonly unitColumns: Matrix;
    /** The row's positive, of norm 1. */
    readonly positive: Float64Array;
  },
  { alpha, copyCeiling = 1, positiveCeiling = 1 }: MixingSettings,
): boolean {
  const { columns, unitColumns, positive } = vectors;
  const isCopy = dotOf(rowOf(unitColumns, first), rowOf(unitColumns, second)) > copyCeiling;
  if (copyCeiling < 1 && isCopy) return false;
  if (positiveCeiling >= 1) return true;
  const mixture = mixtureOf(rowOf(columns, first), rowOf(columns, second), alpha);
  const norm = Math.sqrt(dotOf(mixture, mixture));
  return dotOf(mixture, positive) <= positiveCeiling * norm;
}

function mixtureOf(first: Float64Array, second: Float64Array, alpha: number): Float64Array {
  return first.map((value, d) => alpha * value + (1 - alpha) * second[d]!);
}

/** `[pairs, columns]`: α at the first, 1 − α at the second; times the columns it gives the mixtures. */
export function mixingWeights(pairs: readonly MixedPair[], columns: number, alpha: number): Matrix {
  const weights = zeros(pairs.length, columns);
  pairs.forEach(({ first, second }, i) => {
    weights.data[i * columns + first]! += alpha;
    weights.data[i * columns + second]! += 1 - alpha;
  });
  return weights;
}

/** `[M, before + pairs]`: shows each synthetic column, which follow the others, to its own row only. */
export function syntheticOffsets(
  rows: number,
  before: number,
  pairs: readonly Pick<MixedPair, 'row'>[],
): Matrix {
  const offsets = zeros(rows, before + pairs.length);
  for (let i = 0; i < rows; i++)
    pairs.forEach(({ row }, at) => {
      if (row !== i) offsets.data[i * (before + pairs.length) + before + at] = -Infinity;
    });
  return offsets;
}

/** Mixed vectors scaled to norm 1: `[pairs, D]`. */
export function mixColumns(
  columns: Matrix,
  pairs: readonly MixedPair[],
  alpha: number,
): { readonly value: Matrix; back(gradient: Matrix): Matrix } {
  const mixtures = pairs.map(({ first, second }) =>
    mixtureOf(rowOf(columns, first), rowOf(columns, second), alpha),
  );
  const unit = unitRows(matrixOf(mixtures));
  return {
    value: unit.value,
    back(gradient) {
      const own = unit.back(gradient);
      const out = zeros(columns.rows, columns.columns);
      pairs.forEach(({ first, second }, i) => {
        const [g, a, b] = [rowOf(own, i), rowOf(out, first), rowOf(out, second)];
        for (let d = 0; d < g.length; d++) {
          a[d]! += alpha * g[d]!;
          b[d]! += (1 - alpha) * g[d]!;
        }
      });
      return out;
    },
  };
}

/** L_HNM over two views: plain InfoNCE when no pair is given. */
export function hardNegativeMixing(
  inputs: Pick<ContrastInputs, 'queries' | 'positives' | 'temperature'> & {
    readonly pairs: readonly MixedPair[];
    readonly alpha: number;
  },
): RowLoss<ContrastGradients> {
  const { queries, positives, pairs, alpha } = inputs;
  if (pairs.length === 0) return contrast(inputs);
  const mixed = mixColumns(positives, pairs, alpha);
  const offsets = syntheticOffsets(queries.rows, positives.rows, pairs);
  const loss = contrast({ ...inputs, extra: mixed.value, offsets });
  const { extra, ...gradients } = loss.gradients;
  addTo(gradients.positives, mixed.back(extra!));
  return { ...loss, gradients };
}

/** Writes `mixColumns`: `[pairs, D]` of columns and `mixingWeights`. */
export function writeMixedColumns(writer: GraphWriter, columns: string, weights: string): string {
  return writer.normalize(writer.matmul(weights, columns));
}

/** Writes L_HNM; the offsets are those of `syntheticOffsets`, the weights those of `mixingWeights`. */
export function writeHardNegativeMixing(
  writer: GraphWriter,
  names: Omit<ContrastNames, 'extra' | 'clean'> & { readonly mixingWeights: string },
): string {
  const extra = writeMixedColumns(writer, names.positives, names.mixingWeights);
  return writeContrast(writer, { ...names, extra });
}
