import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../../../src/base/random';
import { contrast } from '../../../../src/engine/training/losses/contrast';
import {
  dimensionWise,
  writeDimensionWise,
} from '../../../../src/engine/training/losses/dimensionWise';
import { type Matrix, matrixOf } from '../../../../src/engine/training/losses/matrix';
import { assertNear, checkLoss } from '../../../support/lossChecks';
import { randomMatrix } from '../../../support/lossFixtures';

const first = matrixOf([
  [1, 0, 2],
  [0, 1, 1],
  [2, 1, 0],
  [1, 2, 3],
]);
const second = matrixOf([
  [1.2, 0.1, 1.8],
  [0.1, 0.9, 1.1],
  [1.8, 1.2, 0.1],
  [0.9, 2.1, 2.7],
]);

for (const { t, value } of [
  { t: 5, value: 0.970899 },
  { t: 10, value: 1.033388 },
  { t: 1, value: 0.568078 },
]) {
  test(`gives the worked loss over dimensions at t = ${t}, in both forms`, async () => {
    await checkLoss({
      inputs: { first, second },
      reference: (inputs) => dimensionWise({ ...inputs, t }),
      write: (writer, names) => writeDimensionWise(writer, { ...names, t }),
      value,
      gradients: t === 5 ? { first: WORKED_GRADIENT } : {},
    });
  });
}

const WORKED_GRADIENT = [
  [-0.012454, 0.006766, -0.004855],
  [-0.00505, -0.009321, -0.008498],
  [-0.005051, -0.00421, 0.007284],
  [0.022555, 0.006765, 0.006069],
];

test('gives the worked rows and the worked total with InfoNCE', () => {
  const { rows, value } = dimensionWise({ first, second, t: 5 });
  assertNear(rows, [0.959144, 0.982104, 0.97145]);
  const plain = contrast({ queries: first, positives: second, temperature: 0.05 }).value;
  assertNear([plain, plain + 0.1 * value], [0.241146, 0.338236]);
});

test('does not change when a coordinate is moved or, but for the floor, stretched', () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 1, max: 9, noNaN: true }), (seed, factor) => {
      const random = seededRandom(seed);
      const [u, v] = [randomMatrix(6, 3, random), randomMatrix(6, 3, random)];
      const loss = (first: Matrix): number => dimensionWise({ first, second: v, t: 5 }).value;
      const changed = (change: (x: number, column: number) => number): Matrix => ({
        ...u,
        data: u.data.map((x, at) => change(x, at % 3)),
      });
      const before = loss(u);
      assertNear([loss(changed((x, d) => (d === 1 ? x + factor : x)))], [before], 1e-9);
      assertNear([loss(changed((x, d) => (d === 1 ? x * factor : x)))], [before], 1e-3);
    }),
  );
});

test('takes a coordinate that is constant over the batch without NaN', async () => {
  const flat = { ...first, data: first.data.map((x, at) => (at % 3 === 1 ? 2 : x)) };
  await checkLoss({
    inputs: { second },
    reference: ({ second }) => {
      const { value, gradients } = dimensionWise({ first: flat, second, t: 5 });
      return { value, gradients: { second: gradients.second } };
    },
    write: (writer, names) => writeDimensionWise(writer, { ...names, t: 5 }),
    feeds: { first: flat },
  });
  const { value, gradients } = dimensionWise({ first: flat, second, t: 5 });
  assert.ok(Number.isFinite(value) && gradients.first.data.every(Number.isFinite));
});

test('ranges from ln D for views that do not correlate to its floor for views that are alike', () => {
  // Rows of a Hadamard matrix: coordinates of mean 0 and variance 1 that do not correlate.
  const hadamard = matrixOf([
    [1, 1, 1],
    [1, -1, -1],
    [-1, 1, -1],
    [-1, -1, 1],
  ]);
  const alike = dimensionWise({ first: hadamard, second: hadamard, t: 5 }).value;
  assertNear([alike], [Math.log(Math.exp(1 / 5) + 2) - 1 / 5], 1e-5);
  const zeros = { ...hadamard, data: hadamard.data.map(() => 0) };
  assertNear([dimensionWise({ first: zeros, second: hadamard, t: 5 }).value], [Math.log(3)], 1e-9);
});

test('moves as little as worked out for embeddings of usual size', () => {
  for (const [dimension, apart, alike] of [
    [384, 5.950643, 5.751219],
    [768, 6.64379, 6.444078],
  ] as const) {
    assertNear([Math.log(dimension)], [apart]);
    const rows = { rows: 2, columns: dimension, data: new Float64Array(2 * dimension) };
    assertNear([dimensionWise({ first: rows, second: rows, t: 5 }).value], [apart]);
    // Coordinates that agree with themselves alone: C is the identity / t.
    assertNear([Math.log(Math.exp(1 / 5) + dimension - 1) - 1 / 5], [alike]);
  }
});
