/**
 * The arithmetic under the losses, in 64 bits. Every step forward hands back its value together with the way back:
 * a function from the gradient of the value to the gradients of what went in. The losses are chains of such steps,
 * so that their gradients can be read beside their formulas; the graphs that train get theirs from `autodiff.ts`.
 */
import { BugError } from '../../../base/errors';

/** Numbers row by row. Vectors are rows. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** A value, and the gradient of its inputs given its own. */
export interface Step<Value, Gradients> {
  readonly value: Value;
  back(gradient: Value): Gradients;
}

/** A loss: the number to make small, and what a small change of each input does to it. */
export interface Loss<Gradients> {
  readonly value: number;
  readonly gradients: Gradients;
}

/** A loss that is a mean over rows. */
export interface RowLoss<Gradients> extends Loss<Gradients> {
  readonly rows: Float64Array;
}

/** Norms below this count as this, so that a zero vector has similarity 0 to everything. */
const NORM_FLOOR = 1e-8;

export function zeros(rows: number, columns: number): Matrix {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

/** A matrix of rows of equal length. */
export function matrixOf(rows: readonly ArrayLike<number>[]): Matrix {
  const columns = rows[0]?.length ?? 0;
  const out = zeros(rows.length, columns);
  rows.forEach((row, i) => {
    if (row.length !== columns) throw new BugError(`row ${i} has ${row.length} of ${columns}`);
    out.data.set(row, i * columns);
  });
  return out;
}

/** A view of one row. */
export function rowOf(matrix: Matrix, row: number): Float64Array {
  return matrix.data.subarray(row * matrix.columns, (row + 1) * matrix.columns);
}

/** The matrices one below the other. */
export function stack(...matrices: readonly Matrix[]): Matrix {
  const columns = matrices[0]?.columns ?? 0;
  const out = zeros(
    matrices.reduce((sum, { rows }) => sum + rows, 0),
    columns,
  );
  let at = 0;
  for (const { data, columns: own } of matrices) {
    if (own !== columns) throw new BugError(`${own} columns below ${columns}`);
    out.data.set(data, at);
    at += data.length;
  }
  return out;
}

/** Rows `from` up to but not including `to`, a view. */
export function rowsBetween(matrix: Matrix, from: number, to: number): Matrix {
  const { columns, data } = matrix;
  return { rows: to - from, columns, data: data.subarray(from * columns, to * columns) };
}

export function transpose({ rows, columns, data }: Matrix): Matrix {
  const out = zeros(columns, rows);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out.data[j * rows + i] = data[i * columns + j]!;
  return out;
}

/** A · Bᵀ: the dot product of each row of A with each row of B. */
export function dotRows(a: Matrix, b: Matrix): Matrix {
  if (a.columns !== b.columns) throw new BugError(`rows of ${a.columns} and ${b.columns} numbers`);
  const out = zeros(a.rows, b.rows);
  const { columns } = a;
  // Plain indexes: views of rows cost more than what is done with them.
  for (let i = 0; i < a.rows; i++)
    for (let j = 0; j < b.rows; j++) {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += a.data[i * columns + k]! * b.data[j * columns + k]!;
      out.data[i * b.rows + j] = sum;
    }
  return out;
}

/** A · B. */
export function multiply(a: Matrix, b: Matrix): Matrix {
  if (a.columns !== b.rows) throw new BugError(`${a.columns} columns times ${b.rows} rows`);
  const out = zeros(a.rows, b.columns);
  const { columns } = b;
  for (let i = 0; i < a.rows; i++)
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[i * a.columns + k]!;
      for (let j = 0; j < columns; j++)
        out.data[i * columns + j]! += factor * b.data[k * columns + j]!;
    }
  return out;
}

export function dotOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

export function scaled({ rows, columns, data }: Matrix, factor: number): Matrix {
  return { rows, columns, data: data.map((value) => value * factor) };
}

/** Adds `factor` times the second to the first, in place, and returns the first. */
export function addTo(sum: Matrix, other: Matrix, factor = 1): Matrix {
  if (sum.data.length !== other.data.length) throw new BugError('matrices of two sizes');
  for (let i = 0; i < sum.data.length; i++) sum.data[i]! += factor * other.data[i]!;
  return sum;
}

/** Each row scaled to norm 1. The way back takes the part along the row out: (g − (û·g)û) / |u|. */
export function unitRows(a: Matrix): Step<Matrix, Matrix> {
  const { rows, columns, data } = a;
  const value = zeros(rows, columns);
  const norms = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let at = i * columns; at < (i + 1) * columns; at++) sum += data[at]! * data[at]!;
    norms[i] = Math.sqrt(sum);
    const norm = Math.max(norms[i]!, NORM_FLOOR);
    for (let at = i * columns; at < (i + 1) * columns; at++) value.data[at] = data[at]! / norm;
  }
  return {
    value,
    back(gradient) {
      const out = zeros(rows, columns);
      for (let i = 0; i < rows; i++) {
        const [start, end] = [i * columns, (i + 1) * columns];
        let along = 0;
        if (norms[i]! > NORM_FLOOR)
          for (let at = start; at < end; at++) along += value.data[at]! * gradient.data[at]!;
        const norm = Math.max(norms[i]!, NORM_FLOOR);
        for (let at = start; at < end; at++)
          out.data[at] = (gradient.data[at]! - along * value.data[at]!) / norm;
      }
      return out;
    },
  };
}

/** cos(a_i, b_j) for all i and j: `[rows of a, rows of b]`. */
export function cosines(a: Matrix, b: Matrix): Step<Matrix, readonly [Matrix, Matrix]> {
  const [unitA, unitB] = [unitRows(a), unitRows(b)];
  return {
    value: dotRows(unitA.value, unitB.value),
    back: (gradient) => [
      unitA.back(multiply(gradient, unitB.value)),
      unitB.back(multiply(transpose(gradient), unitA.value)),
    ],
  };
}

/** cos(a_i, b_i) for all i. */
export function pairCosines(a: Matrix, b: Matrix): Step<Float64Array, readonly [Matrix, Matrix]> {
  const [unitA, unitB] = [unitRows(a), unitRows(b)];
  return {
    value: Float64Array.from({ length: a.rows }, (_, i) =>
      dotOf(rowOf(unitA.value, i), rowOf(unitB.value, i)),
    ),
    back: (gradient) => [
      unitA.back(scaleRows(unitB.value, gradient)),
      unitB.back(scaleRows(unitA.value, gradient)),
    ],
  };
}

/** Each row times its own factor. */
export function scaleRows(matrix: Matrix, factors: ArrayLike<number>): Matrix {
  const { rows, columns, data } = matrix;
  return { rows, columns, data: data.map((v, i) => v * factors[Math.floor(i / columns)]!) };
}

/** ln Σ eˣ with the largest taken out first; -Infinity is a masked entry. */
export function logSumExp(values: ArrayLike<number>): number {
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) max = Math.max(max, values[i]!);
  if (max === -Infinity) return -Infinity;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i]! - max);
  return max + Math.log(sum);
}

export function softmax(values: ArrayLike<number>): Float64Array {
  const total = logSumExp(values);
  return Float64Array.from({ length: values.length }, (_, i) => Math.exp(values[i]! - total));
}

/** ln(1 + eˣ), right at both ends. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/**
 * CE(x, t) = lse(x) − x_t of each row, with the target's column given by row. The gradient is p − onehot, times
 * the row's own.
 */
export function crossEntropyRows(
  logits: Matrix,
  targets: ArrayLike<number>,
): { readonly rows: Float64Array; back(gradient: ArrayLike<number>): Matrix } {
  const rows = Float64Array.from({ length: logits.rows }, (_, i) => {
    const row = rowOf(logits, i);
    return logSumExp(row) - row[targets[i]!]!;
  });
  return {
    rows,
    back(gradient) {
      const out = zeros(logits.rows, logits.columns);
      for (let i = 0; i < logits.rows; i++) {
        const p = softmax(rowOf(logits, i));
        p[targets[i]!]! -= 1;
        rowOf(out, i).set(p.map((value) => value * gradient[i]!));
      }
      return out;
    },
  };
}
