/**
 * Two-condition selection of hard negatives (Meghwani et al. 2025, arXiv 2505.18366): the vectors of several encoders
 * side by side, brought to the components that hold 95 % of the variance; a chunk D is a hard negative of the query q
 * with the answer pd when it is confusing, d(q,D) < d(q,pd), and no copy of the answer, d(q,D) < d(pd,D).
 *
 * A question and a chunk lie farther apart than two chunks do, so the calibrated form compares percentiles instead:
 * F_qd(d(q,D)) < F_dd(d(pd,D)), with F the distributions of random query-chunk and chunk-chunk distances.
 */
import { type Random, sample } from '../../base/random';
import { type Components, principalComponents, project } from './eigen';
import { type Matrix, dotOf, matrixOf, rowOf, unitRows, zeros } from './losses/matrix';

/** Distributions of distances, each rising. */
export interface Calibration {
  readonly queryChunk: Float64Array;
  readonly chunkChunk: Float64Array;
}

/** Distances that the second condition looks at. */
export interface CopyDistances {
  /** d(q, D). */
  readonly toQuery: number;
  /** d(pd, D). */
  readonly toPositive: number;
}

/** True when a candidate is no copy of the positive; by percentiles where a calibration is given. */
export function isNoCopy(
  { toQuery, toPositive }: CopyDistances,
  calibration?: Calibration,
): boolean {
  if (!calibration) return toQuery < toPositive;
  const { queryChunk, chunkChunk } = calibration;
  return percentile(queryChunk, toQuery) < percentile(chunkChunk, toPositive);
}

/** Share of the rising sample that is at most the value. */
export function percentile(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return sorted.length === 0 ? 0 : low / sorted.length;
}

/** The candidates that meet both conditions, nearest to the query first; equal ones by index. */
export function selectHardNegatives(
  distances: {
    readonly queryToPositive: number;
    /** Of each candidate. */
    readonly candidates: readonly CopyDistances[];
  },
  calibration?: Calibration,
): number[] {
  const { queryToPositive, candidates } = distances;
  return [...candidates.keys()]
    .filter(
      (i) => candidates[i]!.toQuery < queryToPositive && isNoCopy(candidates[i]!, calibration),
    )
    .sort((a, b) => candidates[a]!.toQuery - candidates[b]!.toQuery || a - b);
}

/** 1 − cos. */
export function cosineDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const norms = Math.sqrt(dotOf(a, a) * dotOf(b, b));
  return norms === 0 ? 1 : 1 - dotOf(a, b) / norms;
}

/** Pairs drawn for each distribution. */
const CALIBRATION_PAIRS = 1000;

/** The distributions over random pairs of rows; a chunk is not compared with itself. */
export function calibrate(queries: Matrix, chunks: Matrix, random: Random): Calibration {
  const draw = (count: number): number => Math.floor(random() * count);
  const distances = (pick: () => readonly [Float64Array, Float64Array]): Float64Array =>
    Float64Array.from({ length: CALIBRATION_PAIRS }, () => cosineDistance(...pick())).sort();
  const chunk = (index: number): Float64Array => rowOf(chunks, index % chunks.rows);
  return {
    queryChunk: distances(() => [rowOf(queries, draw(queries.rows)), chunk(draw(chunks.rows))]),
    chunkChunk: distances(() => {
      const first = draw(chunks.rows);
      return [chunk(first), chunk(first + 1 + draw(Math.max(chunks.rows - 1, 1)))];
    }),
  };
}

/** Rows that components are found from: more change little and take long. */
const COMPONENT_ROWS = 512;

/** Several encoders' spaces as one of few dimensions. */
export class JointSpace {
  private constructor(private readonly components: Components) {}

  /** From the chunks' vectors in each space: `[chunks, D]` each, the same chunks in the same order. */
  static fit(spaces: readonly Matrix[], random: Random, share = 0.95): JointSpace {
    const all = sideBySide(spaces);
    const rows = sample([...Array(all.rows).keys()], COMPONENT_ROWS, random);
    return new JointSpace(principalComponents(matrixOf(rows.map((i) => rowOf(all, i))), share));
  }

  get dimension(): number {
    return this.components.directions.rows;
  }

  /** Texts given by their vectors in each space, in the order that the space was made from. */
  place(spaces: readonly Matrix[]): Matrix {
    return project(this.components, sideBySide(spaces));
  }
}

/** Unit vectors of each space one after the other. */
function sideBySide(spaces: readonly Matrix[]): Matrix {
  const units = spaces.map((space) => unitRows(space).value);
  const rows = units[0]?.rows ?? 0;
  const out = zeros(
    rows,
    units.reduce((sum, { columns }) => sum + columns, 0),
  );
  for (let i = 0; i < rows; i++) {
    let at = 0;
    for (const unit of units) {
      rowOf(out, i).set(rowOf(unit, i), at);
      at += unit.columns;
    }
  }
  return out;
}
