/**
 * What an embedding space looks like: how near pairs lie, how evenly vectors spread, how many dimensions they really
 * use. Alignment and uniformity after Wang and Isola 2020 (arXiv 2005.10242).
 */
import { symmetricEigen } from './eigen';
import { type Matrix, dotOf, dotRows, meanOf, rowOf, transpose, unitRows } from './losses/matrix';

/** Mean squared distance of normalised pairs; small is good. */
export function alignment(first: Matrix, second: Matrix): number {
  const [a, b] = [unitRows(first).value, unitRows(second).value];
  return meanOf(
    Array.from({ length: a.rows }, (_, i) => squaredDistance(rowOf(a, i), rowOf(b, i))),
  );
}

/** ln of the mean of e^(−2|a−b|²) over all pairs of normalised rows; small (−4 at best) is good. */
export function uniformity(rows: Matrix): number {
  const unit = unitRows(rows).value;
  let [sum, count] = [0, 0];
  for (let i = 0; i < unit.rows; i++)
    for (let j = 0; j < i; j++, count++)
      sum += Math.exp(-2 * squaredDistance(rowOf(unit, i), rowOf(unit, j)));
  return Math.log(sum / count);
}

/** e to the entropy of the normalised singular values: as if that many dimensions were used evenly. */
export function effectiveRank(rows: Matrix): number {
  const gram =
    rows.columns > rows.rows ? dotRows(rows, rows) : dotRows(transpose(rows), transpose(rows));
  const singular = symmetricEigen(gram).values.map((value) => Math.sqrt(Math.max(value, 0)));
  const total = singular.reduce((sum, value) => sum + value, 0);
  if (total === 0) return 0;
  const entropy = singular.reduce((sum, value) => {
    const share = value / total;
    return share > 0 ? sum - share * Math.log(share) : sum;
  }, 0);
  return Math.exp(entropy);
}

/** Mean cosine of the pairs of rows given by index. */
export function meanCosine(rows: Matrix, pairs: readonly (readonly [number, number])[]): number {
  const unit = unitRows(rows).value;
  return meanOf(pairs.map(([i, j]) => dotOf(rowOf(unit, i), rowOf(unit, j))));
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, d) => sum + (x - b[d]!) ** 2, 0);
}
