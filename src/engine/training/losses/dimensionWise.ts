/**
 * SimCSE++, dimension-wise contrast (Xu et al. 2023, arXiv 2305.13192): each coordinate of one view shall correlate
 * with the same coordinate of the other view more than with any other. U, V = coordinates scaled to mean 0 and
 * variance 1 over the batch,  C = UᵀV/(M t),  L = mean_d CE(C_d, d).
 */
import type { GraphWriter } from '../graphWriter';
import {
  type Loss,
  type Matrix,
  crossEntropyRows,
  meanOf,
  multiply,
  rowOf,
  scaled,
  transpose,
  zeros,
} from './matrix';

/** Added to the variance; a coordinate constant over the batch becomes 0. */
const VARIANCE_FLOOR = 1e-5;

export interface DimensionWiseInputs {
  /** Two views, or queries and their positives: `[M, D]` each. */
  readonly first: Matrix;
  readonly second: Matrix;
  /** Temperature t: 5 beside off-dropout, 5 to 20 alone. */
  readonly t: number;
}

export function dimensionWise({ first, second, t }: DimensionWiseInputs): Loss<{
  readonly first: Matrix;
  readonly second: Matrix;
}> & {
  readonly rows: Float64Array;
} {
  // Transposed at once: a row a coordinate.
  const [u, v] = [standardRows(transpose(first)), standardRows(transpose(second))];
  const factor = 1 / (first.rows * t);
  const correlations = scaled(multiply(u.value, transpose(v.value)), factor);
  const entropy = crossEntropyRows(correlations, [...Array(first.columns).keys()]);
  const gradient = scaled(
    entropy.back(new Float64Array(first.columns).fill(1 / first.columns)),
    factor,
  );
  return {
    value: meanOf(entropy.rows),
    rows: entropy.rows,
    gradients: {
      first: transpose(u.back(multiply(gradient, v.value))),
      second: transpose(v.back(multiply(transpose(gradient), u.value))),
    },
  };
}

/** Each row to mean 0 and variance 1 (biased, with the floor added), and the way back. */
function standardRows(a: Matrix): { readonly value: Matrix; back(gradient: Matrix): Matrix } {
  const value = zeros(a.rows, a.columns);
  const deviations = Array.from({ length: a.rows }, (_, i) => {
    const row = rowOf(a, i);
    const mean = meanOf(row);
    const deviation = Math.sqrt(meanOf(row.map((x) => (x - mean) ** 2)) + VARIANCE_FLOOR);
    rowOf(value, i).set(row.map((x) => (x - mean) / deviation));
    return deviation;
  });
  return {
    value,
    back(gradient) {
      const out = zeros(a.rows, a.columns);
      for (let i = 0; i < a.rows; i++) {
        const [g, x] = [rowOf(gradient, i), rowOf(value, i)];
        const mean = meanOf(g);
        const along = meanOf(g.map((v, k) => v * x[k]!));
        rowOf(out, i).set(g.map((v, k) => (v - mean - x[k]! * along) / deviations[i]!));
      }
      return out;
    },
  };
}

/** Writes L_DCL of two views `[M, D]`; returns the scalar. */
export function writeDimensionWise(
  writer: GraphWriter,
  { first, second, t }: { readonly first: string; readonly second: string; readonly t: number },
): string {
  const [u, v] = [writeStandardColumns(writer, first), writeStandardColumns(writer, second)];
  const rows = writer.toFloat(writer.gather(writer.shapeOf(first), writer.integers([0])));
  const factor = writer.div(writer.constant(1 / t), rows);
  const all = writer.mul(writer.gemm(u, v, { a: true }), factor);
  const own = writer.mul(writer.reduceSum(writer.mul(u, v), [0]), factor);
  return writer.sub(writer.reduceMean(writer.logSumExp(all, [1])), writer.reduceMean(own));
}

function writeStandardColumns(writer: GraphWriter, x: string): string {
  const centred = writer.sub(x, writer.reduceMean(x, [0]));
  const variance = writer.reduceMean(writer.square(centred), [0]);
  return writer.div(centred, writer.sqrt(writer.add(variance, writer.constant(VARIANCE_FLOOR))));
}
