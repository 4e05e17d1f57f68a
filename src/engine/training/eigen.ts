/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder's reduction to three diagonals, then QL steps with
 * implicit shifts (Bowdler, Martin, Reinsch and Wilkinson 1968; the routines tred2 and tql2 of EISPACK). For principal
 * components and the rank of embeddings; a matrix of 500 rows takes about half a second.
 */
import { type Matrix, dotRows, meanOf, multiply, rowOf, transpose, zeros } from './losses/matrix';

export interface Eigen {
  /** Falling. */
  readonly values: Float64Array;
  /** Row k belongs to value k; unit length. */
  readonly vectors: Matrix;
}

export function symmetricEigen(matrix: Matrix): Eigen {
  const n = matrix.rows;
  const v = Float64Array.from(matrix.data);
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  tridiagonalize(v, n, diagonal, beside);
  diagonalize(v, n, diagonal, beside);
  const order = [...diagonal.keys()].sort((a, b) => diagonal[b]! - diagonal[a]!);
  const vectors = zeros(n, n);
  order.forEach((column, k) => {
    for (let i = 0; i < n; i++) vectors.data[k * n + i] = v[i * n + column]!;
  });
  return { values: Float64Array.from(order, (column) => diagonal[column]!), vectors };
}

/** Householder reflections; `v` then holds their product. */
function tridiagonalize(v: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  const at = (i: number, j: number): number => v[i * n + j]!;
  for (let j = 0; j < n; j++) d[j] = at(n - 1, j);
  for (let i = n - 1; i > 0; i--) {
    let scale = 0;
    for (let k = 0; k < i; k++) scale += Math.abs(d[k]!);
    let h = 0;
    if (scale === 0) {
      e[i] = d[i - 1]!;
      for (let j = 0; j < i; j++) {
        d[j] = at(i - 1, j);
        v[i * n + j] = 0;
        v[j * n + i] = 0;
      }
    } else {
      for (let k = 0; k < i; k++) {
        d[k]! /= scale;
        h += d[k]! * d[k]!;
      }
      const f = d[i - 1]!;
      const g = f > 0 ? -Math.sqrt(h) : Math.sqrt(h);
      e[i] = scale * g;
      h -= f * g;
      d[i - 1] = f - g;
      reflect(v, n, i, h, d, e);
    }
    d[i] = h;
  }
  accumulate(v, n, d);
  e[0] = 0;
}

/** One similarity transformation of the leading i rows. */
function reflect(
  v: Float64Array,
  n: number,
  i: number,
  h: number,
  d: Float64Array,
  e: Float64Array,
): void {
  e.fill(0, 0, i);
  for (let j = 0; j < i; j++) {
    const f = d[j]!;
    v[j * n + i] = f;
    let g = e[j]! + v[j * n + j]! * f;
    for (let k = j + 1; k < i; k++) {
      g += v[k * n + j]! * d[k]!;
      e[k]! += v[k * n + j]! * f;
    }
    e[j] = g;
  }
  let f = 0;
  for (let j = 0; j < i; j++) {
    e[j]! /= h;
    f += e[j]! * d[j]!;
  }
  const hh = f / (h + h);
  for (let j = 0; j < i; j++) e[j]! -= hh * d[j]!;
  for (let j = 0; j < i; j++) {
    for (let k = j; k < i; k++) v[k * n + j]! -= d[j]! * e[k]! + e[j]! * d[k]!;
    d[j] = v[(i - 1) * n + j]!;
    v[i * n + j] = 0;
  }
}

function accumulate(v: Float64Array, n: number, d: Float64Array): void {
  for (let i = 0; i < n - 1; i++) {
    v[(n - 1) * n + i] = v[i * n + i]!;
    v[i * n + i] = 1;
    const h = d[i + 1]!;
    if (h !== 0) {
      for (let k = 0; k <= i; k++) d[k] = v[k * n + i + 1]! / h;
      for (let j = 0; j <= i; j++) {
        let g = 0;
        for (let k = 0; k <= i; k++) g += v[k * n + i + 1]! * v[k * n + j]!;
        for (let k = 0; k <= i; k++) v[k * n + j]! -= g * d[k]!;
      }
    }
    for (let k = 0; k <= i; k++) v[k * n + i + 1] = 0;
  }
  for (let j = 0; j < n; j++) {
    d[j] = v[(n - 1) * n + j]!;
    v[(n - 1) * n + j] = 0;
  }
  v[n * n - 1] = 1;
}

/** QL steps until nothing beside the diagonal is left. */
function diagonalize(v: Float64Array, n: number, d: Float64Array, e: Float64Array): void {
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  let shift = 0;
  let size = 0;
  for (let l = 0; l < n; l++) {
    size = Math.max(size, Math.abs(d[l]!) + Math.abs(e[l]!));
    let m = l;
    while (m < n - 1 && Math.abs(e[m]!) > Number.EPSILON * size) m++;
    while (m > l && Math.abs(e[l]!) > Number.EPSILON * size) shift += qlStep(v, n, [l, m], d, e);
    d[l]! += shift;
    e[l] = 0;
  }
}

/** One implicit step on rows l to m; returns by how much the rest was shifted. */
function qlStep(
  v: Float64Array,
  n: number,
  [l, m]: readonly [number, number],
  d: Float64Array,
  e: Float64Array,
): number {
  const g = d[l]!;
  const half = (d[l + 1]! - g) / (2 * e[l]!);
  const r = half < 0 ? -Math.hypot(half, 1) : Math.hypot(half, 1);
  d[l] = e[l]! / (half + r);
  d[l + 1] = e[l]! * (half + r);
  const next = d[l + 1]!;
  const shift = g - d[l]!;
  for (let i = l + 2; i < n; i++) d[i]! -= shift;
  let p = d[m]!;
  let [c, c2, c3] = [1, 1, 1];
  let [s, s2] = [0, 0];
  const beside = e[l + 1]!;
  for (let i = m - 1; i >= l; i--) {
    [c3, c2, s2] = [c2, c, s];
    const gi = c * e[i]!;
    const h = c * p;
    const length = Math.hypot(p, e[i]!);
    e[i + 1] = s * length;
    s = e[i]! / length;
    c = p / length;
    p = c * d[i]! - s * gi;
    d[i + 1] = h + s * (c * gi + s * d[i]!);
    for (let k = 0; k < n; k++) {
      const right = v[k * n + i + 1]!;
      v[k * n + i + 1] = s * v[k * n + i]! + c * right;
      v[k * n + i] = c * v[k * n + i]! - s * right;
    }
  }
  p = (-s * s2 * c3 * beside * e[l]!) / next;
  e[l] = s * p;
  d[l] = c * p;
  return shift;
}

export interface Components {
  /** Shares of the variance, falling, of all components. */
  readonly shares: Float64Array;
  readonly mean: Float64Array;
  /** `[kept, D]`. */
  readonly directions: Matrix;
}

/** Principal components of rows, the fewest that hold `share` of the variance. */
export function principalComponents(rows: Matrix, share = 0.95): Components {
  const turned = transpose(rows);
  const mean = Float64Array.from({ length: rows.columns }, (_, d) => meanOf(rowOf(turned, d)));
  const centred = zeros(rows.rows, rows.columns);
  rows.data.forEach((x, at) => (centred.data[at] = x - mean[at % rows.columns]!));
  // The smaller of XᵀX and XXᵀ has all eigenvalues that are not zero.
  const isWide = rows.columns > rows.rows;
  const { values, vectors } = symmetricEigen(
    isWide ? dotRows(centred, centred) : dotRows(transpose(centred), transpose(centred)),
  );
  const positive = values.map((value) => Math.max(value, 0));
  const total = positive.reduce((sum, value) => sum + value, 0);
  const shares = positive.map((value) => (total === 0 ? 0 : value / total));
  const kept = componentCount(shares, share);
  const first = {
    rows: kept,
    columns: vectors.columns,
    data: vectors.data.slice(0, kept * vectors.columns),
  };
  const directions = isWide ? multiply(first, centred) : first;
  for (let k = 0; isWide && k < kept; k++) {
    const row = rowOf(directions, k);
    const length = Math.sqrt(positive[k]!) || 1;
    row.set(row.map((x) => x / length));
  }
  return { shares, mean, directions };
}

/** How many components, the largest first, hold the share of the variance; 1 at least. */
export function componentCount(shares: Float64Array, share: number): number {
  let sum = 0;
  for (let k = 0; k < shares.length; k++) {
    sum += shares[k]!;
    if (sum >= share - 1e-12) return k + 1;
  }
  return Math.max(shares.length, 1);
}

/** Rows in the coordinates of the components. */
export function project({ mean, directions }: Components, rows: Matrix): Matrix {
  const centred = zeros(rows.rows, rows.columns);
  rows.data.forEach((x, at) => (centred.data[at] = x - mean[at % rows.columns]!));
  return dotRows(centred, directions);
}
