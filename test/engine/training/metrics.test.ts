import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../../src/base/random';
import {
  componentCount,
  principalComponents,
  project,
  symmetricEigen,
} from '../../../src/engine/training/eigen';
import {
  alignment,
  effectiveRank,
  meanCosine,
  uniformity,
} from '../../../src/engine/training/geometry';
import {
  dotRows,
  matrixOf,
  multiply,
  stack,
  transpose,
} from '../../../src/engine/training/losses/matrix';
import {
  mean,
  ndcgAt,
  nearMissAccuracy,
  pairClassification,
  pearson,
  recallAt,
  reciprocalRankAt,
  spearman,
} from '../../../src/engine/training/metrics';
import {
  bootstrapInterval,
  rateHalfWidth,
  signTestWins,
  studentInterval,
  studentQuantile,
} from '../../../src/engine/training/statistics';
import { assertNear } from '../../support/lossChecks';
import { F1, PAIRS, randomMatrix } from '../../support/lossFixtures';

test('gives the worked near-miss accuracy', () => {
  assertNear([nearMissAccuracy([0.7, 0.6, 0.55], [0.72, 0.5, 0.55])], [0.5], 1e-12);
});

test('gives the worked reciprocal ranks', () => {
  const lists = [
    [false, true, false],
    [true, false, false],
    [false, false, false, true],
  ];
  const ranks = lists.map((list) => reciprocalRankAt(3, list));
  assert.deepEqual(ranks, [0.5, 1, 0]);
  assert.equal(mean(ranks), 0.5);
});

test('gives the worked discounted gains', () => {
  const relevances = [0, 2, 0, 1, 0];
  assertNear([ndcgAt(10, relevances), ndcgAt(3, relevances)], [0.639909, 0.521296]);
  assertNear([ndcgAt(10, relevances, [2, 1])], [0.639909]);
  assertNear([ndcgAt(10, [0, 1, 1, 0])], [0.693426]);
  assert.equal(ndcgAt(10, [0, 0]), 0);
});

test('counts recall against all that is relevant', () => {
  assert.equal(recallAt(2, [true, false, true], 4), 0.25);
  assert.equal(recallAt(10, [true, false, true], 2), 1);
});

test('gives the worked correlations, ties averaged', () => {
  assertNear([spearman(PAIRS.similarities, PAIRS.labels)], [0.948683]);
  assertNear([pearson(PAIRS.similarities, PAIRS.labels)], [0.919145]);
  assert.equal(pearson([1, 1], [0, 1]), 0);
});

test('finds the threshold of the best F1, ties together', () => {
  const result = pairClassification([0.9, 0.8, 0.7, 0.7, 0.1], [true, false, true, true, false]);
  assert.deepEqual(result, { f1: 6 / 7, threshold: 0.7, precision: 0.75, recall: 1 });
  assert.equal(pairClassification([0.5], [false]).f1, 0);
});

test('gives the worked half-widths and sign tests', () => {
  const widths = [20, 50, 100, 200, 500].map((count) => rateHalfWidth(count));
  assertNear(widths, [0.219, 0.139, 0.098, 0.069, 0.044], 5e-4);
  const wins = [10, 15, 20, 30, 50, 100].map((count) => signTestWins(count));
  assert.deepEqual(wins, [9, 12, 15, 20, 32, 59]);
});

test("gives Student's worked interval of paired differences", () => {
  const differences = [0.5, 0, 0, 0.25, -0.1, 0.5, 0, 0.17, 0, 0.33];
  const { mean, low, standardError } = studentInterval(differences);
  assertNear([mean, standardError, low], [0.165, 0.069765, 0.00718]);
  // Tabled quantiles.
  assertNear([studentQuantile(0.975, 9), studentQuantile(0.95, 1)], [2.262157, 6.313752]);
});

test('bootstraps the same interval under one seed, about as wide as theory says', () => {
  const random = seededRandom(5);
  const values = Array.from({ length: 400 }, () => (random() < 0.5 ? 1 : 0));
  const interval = bootstrapInterval(values);
  assert.deepEqual(bootstrapInterval(values), interval);
  assert.ok(interval.low < interval.mean && interval.mean < interval.high);
  const width = (interval.high - interval.low) / 2;
  assert.ok(Math.abs(width / rateHalfWidth(400) - 1) < 0.1, `half-width ${width}`);
});

test('gives the worked alignment and uniformity of F1', () => {
  assertNear([alignment(F1.queries, F1.positives)], [0.051888]);
  assertNear([uniformity(stack(F1.queries, F1.positives))], [-1.344245]);
});

test('finds eigenvectors that make the matrix anew', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer(), (size, seed) => {
      const half = randomMatrix(size, size, seededRandom(seed));
      const matrix = dotRows(half, half);
      const { values, vectors } = symmetricEigen(matrix);
      const scaled = multiply(transpose(vectors), {
        ...vectors,
        data: vectors.data.map((x, at) => x * values[Math.floor(at / size)]!),
      });
      assertNear(scaled.data, matrix.data, 1e-9);
      assertNear(dotRows(vectors, vectors).data, identity(size), 1e-9);
      for (let k = 1; k < size; k++) assert.ok(values[k]! <= values[k - 1]!);
    }),
  );
});

function identity(size: number): number[] {
  return Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0));
}

test('finds the eigenvalues of matrices that are already diagonal, or zero', () => {
  const diagonal = matrixOf([
    [2, 0, 0],
    [0, 5, 0],
    [0, 0, -1],
  ]);
  assert.deepEqual([...symmetricEigen(diagonal).values], [5, 2, -1]);
  const zero = matrixOf([
    [0, 0],
    [0, 0],
  ]);
  assert.deepEqual([...symmetricEigen(zero).values], [0, 0]);
});

const PCA_ROWS = matrixOf([
  [2.5, 2.4, 0.1],
  [0.5, 0.7, 0.3],
  [2.2, 2.9, 0.2],
  [1.9, 2.2, 0],
  [3.1, 3, 0.4],
  [2.3, 2.7, 0.2],
]);

test('gives the worked shares of variance, and keeps one component for 95 %', () => {
  const components = principalComponents(PCA_ROWS);
  assertNear(components.shares, [0.955333, 0.032476, 0.012191]);
  assert.equal(components.directions.rows, 1);
  assert.equal(componentCount(components.shares, 0.98), 2);
});

test('finds the same components from either side of a matrix', () => {
  // Fewer rows than columns: through the products of rows; projections agree but for their sign.
  const wide = transpose(PCA_ROWS);
  const { directions, shares } = principalComponents(wide, 0.999);
  assertNear(dotRows(directions, directions).data, identity(directions.rows), 1e-9);
  const projected = project(principalComponents(wide, 0.999), wide);
  const centre = [0, 1, 2, 3, 4, 5].map((d) => mean([0, 1, 2].map((i) => wide.data[i * 6 + d]!)));
  const centred = { ...wide, data: wide.data.map((x, at) => x - centre[at % 6]!) };
  assertNear(dotRows(projected, projected).data, dotRows(centred, centred).data, 1e-2);
  assert.ok(shares[0]! > 0.9);
});

test('counts the dimensions that are really used', () => {
  const even = matrixOf([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  assertNear([effectiveRank(even)], [3], 1e-9);
  assertNear(
    [
      effectiveRank(
        matrixOf([
          [1, 2, 3],
          [2, 4, 6],
        ]),
      ),
    ],
    [1],
    1e-6,
  );
  assert.equal(effectiveRank(matrixOf([[0, 0]])), 0);
  // Singular values 3 and 1: entropy of (.75, .25).
  const entropy = -0.75 * Math.log(0.75) - 0.25 * Math.log(0.25);
  assertNear(
    [
      effectiveRank(
        matrixOf([
          [3, 0],
          [0, 1],
        ]),
      ),
    ],
    [Math.exp(entropy)],
    1e-9,
  );
});

test('averages the cosines of the pairs asked for', () => {
  const rows = matrixOf([
    [1, 0],
    [0, 2],
    [3, 0],
  ]);
  assertNear(
    [
      meanCosine(rows, [
        [0, 1],
        [0, 2],
      ]),
    ],
    [0.5],
    1e-12,
  );
});
