/** K-means on rows (Lloyd's steps from rows drawn apart, "k-means++"), for putting what is alike into one batch. */
import type { Random } from '../../base/random';
import { type Matrix, rowOf, zeros } from './losses/matrix';

/** Steps after which clusters for shuffling are good enough. */
const STEPS = 10;

/** The cluster of each row, from 0; the same under one seed. */
export function clusterRows(rows: Matrix, clusterCount: number, random: Random): Int32Array {
  const centres = startingCentres(rows, Math.min(clusterCount, rows.rows), random);
  const clusters = new Int32Array(rows.rows);
  for (let step = 0; step < STEPS; step++) {
    for (let i = 0; i < rows.rows; i++) clusters[i] = nearestRow(centres, rowOf(rows, i)).index;
    moveCentres(centres, rows, clusters);
  }
  return clusters;
}

/** Rows as centres, each drawn in proportion to its squared distance from those before. */
function startingCentres(rows: Matrix, count: number, random: Random): Matrix {
  const centres = zeros(count, rows.columns);
  let chosen = Math.floor(random() * rows.rows);
  const distances = new Float64Array(rows.rows).fill(Infinity);
  for (let c = 0; c < count; c++) {
    const centre = rowOf(centres, c);
    centre.set(rowOf(rows, chosen));
    let total = 0;
    for (let i = 0; i < rows.rows; i++) {
      distances[i] = Math.min(distances[i]!, squaredDistance(centre, rowOf(rows, i)));
      total += distances[i]!;
    }
    let left = random() * total;
    chosen = distances.findIndex((distance) => (left -= distance) < 0);
    if (chosen < 0) chosen = Math.floor(random() * rows.rows);
  }
  return centres;
}

function nearestRow(centres: Matrix, row: Float64Array): { index: number; distance: number } {
  let best = { index: 0, distance: Infinity };
  for (let index = 0; index < centres.rows; index++) {
    const distance = squaredDistance(rowOf(centres, index), row);
    if (distance < best.distance) best = { index, distance };
  }
  return best;
}

/** Centres to the means of their rows; one without rows stays. */
function moveCentres(centres: Matrix, rows: Matrix, clusters: Int32Array): void {
  const counts = new Float64Array(centres.rows);
  const sums = zeros(centres.rows, centres.columns);
  clusters.forEach((cluster, i) => {
    counts[cluster]!++;
    const sum = rowOf(sums, cluster);
    rowOf(rows, i).forEach((value, d) => (sum[d]! += value));
  });
  for (let c = 0; c < centres.rows; c++)
    if (counts[c]! > 0) rowOf(centres, c).set(rowOf(sums, c).map((value) => value / counts[c]!));
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += (a[d]! - b[d]!) ** 2;
  return sum;
}
