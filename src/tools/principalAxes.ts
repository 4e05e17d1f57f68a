/**
 * The directions along which a set of vectors differs most: eigenvectors of its covariance, by cyclic
 * Jacobi rotations (Golub and Van Loan, Matrix Computations, 8.5). Slow and exact; run once, when a table
 * is distilled.
 */

/** Mean of the rows, and unit axes one a row, the widest first. */
export interface PrincipalAxes {
  readonly mean: Float32Array;
  /** `[count, dimension]`, orthonormal rows. */
  readonly axes: Float32Array;
  /** Share of the whole variance that the axes keep, 0 to 1. */
  readonly keptVariance: number;
}

/** The `count` widest axes of the rows of a `[rows, dimension]` matrix. */
export function principalAxes(rows: Float32Array, dimension: number, count: number): PrincipalAxes {
  const mean = meanOfRows(rows, dimension);
  const { values, vectors } = symmetricEigen(covariance(rows, mean), dimension);
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
  const axes = new Float32Array(count * dimension);
  for (let axis = 0; axis < count; axis++) {
    const from = order[axis]!;
    const sign = signOf(vectors, from, dimension);
    for (let i = 0; i < dimension; i++) {
      axes[axis * dimension + i] = sign * vectors[i * dimension + from]!;
    }
  }
  const sum = (indexes: readonly number[]): number =>
    indexes.reduce((total, index) => total + values[index]!, 0);
  return { mean, axes, keptVariance: sum(order.slice(0, count)) / sum(order) };
}

function meanOfRows(rows: Float32Array, dimension: number): Float32Array {
  const sums = new Float64Array(dimension);
  for (let i = 0; i < rows.length; i++) sums[i % dimension]! += rows[i]!;
  return Float32Array.from(sums, (sum) => (sum * dimension) / rows.length);
}

function covariance(rows: Float32Array, mean: Float32Array): Float64Array {
  const size = mean.length;
  const out = new Float64Array(size * size);
  const centred = new Float64Array(size);
  for (let at = 0; at < rows.length; at += size) {
    for (let i = 0; i < size; i++) centred[i] = rows[at + i]! - mean[i]!;
    for (let i = 0; i < size; i++) {
      const left = centred[i]!;
      for (let j = i; j < size; j++) out[i * size + j]! += left * centred[j]!;
    }
  }
  const count = rows.length / size;
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) out[j * size + i] = out[i * size + j]! /= count;
  }
  return out;
}

/** Share of the matrix's weight beside the diagonal at which the rotations stop. */
const converged = 1e-24;
const maximumSweeps = 30;

/** Eigenvalues of a symmetric matrix, unordered, and its eigenvectors as columns. The input is overwritten. */
export function symmetricEigen(
  matrix: Float64Array,
  size: number,
): { values: Float64Array; vectors: Float64Array } {
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  for (let sweep = 0; sweep < maximumSweeps && offDiagonal(matrix, size) > converged; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) rotate(matrix, vectors, size, p, q);
    }
  }
  const values = new Float64Array(size);
  for (let i = 0; i < size; i++) values[i] = matrix[i * size + i]!;
  return { values, vectors };
}

function offDiagonal(matrix: Float64Array, size: number): number {
  let off = 0;
  let on = 0;
  for (let i = 0; i < matrix.length; i++) {
    const square = matrix[i]! * matrix[i]!;
    if (i % (size + 1) === 0) on += square;
    else off += square;
  }
  return off === 0 ? 0 : off / (on + off);
}

/** One Jacobi rotation: makes the entry (p, q) zero and turns the vectors with it. */
function rotate(m: Float64Array, vectors: Float64Array, size: number, p: number, q: number): void {
  const entry = m[p * size + q]!;
  if (entry === 0) return;
  const theta = (m[q * size + q]! - m[p * size + p]!) / (2 * entry);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  turnColumns(m, size, p, q, c, s);
  turnRows(m, size, p, q, c, s);
  turnColumns(vectors, size, p, q, c, s);
}

function turnColumns(
  m: Float64Array,
  size: number,
  p: number,
  q: number,
  c: number,
  s: number,
): void {
  for (let row = 0; row < m.length; row += size) {
    const left = m[row + p]!;
    const right = m[row + q]!;
    m[row + p] = c * left - s * right;
    m[row + q] = s * left + c * right;
  }
}

function turnRows(m: Float64Array, size: number, p: number, q: number, c: number, s: number): void {
  for (let i = 0; i < size; i++) {
    const upper = m[p * size + i]!;
    const lower = m[q * size + i]!;
    m[p * size + i] = c * upper - s * lower;
    m[q * size + i] = s * upper + c * lower;
  }
}

/** Eigenvectors are known up to their sign: the largest component is made positive. */
function signOf(vectors: Float64Array, column: number, size: number): number {
  let largest = 0;
  for (let i = 0; i < size; i++) {
    const value = vectors[i * size + column]!;
    if (Math.abs(value) > Math.abs(largest)) largest = value;
  }
  return largest < 0 ? -1 : 1;
}
