import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../../../src/base/random';
import {
  type BatchSoftmaxInputs,
  batchSoftmax,
  binaryLabels,
  clampInverseTemperature,
  columnOffsets,
  comboLoss,
  diagonalVariance,
  writeBatchSoftmax,
  writeComboLoss,
  writeDiagonalVariance,
} from '../../../../src/engine/training/losses/batchSoftmax';
import { offsetBlocks, ownTargets } from '../../../../src/engine/training/losses/contrast';
import {
  type Matrix,
  cosines,
  matrixOf,
  pairCosines,
  zeros,
} from '../../../../src/engine/training/losses/matrix';
import { squaredError } from '../../../../src/engine/training/losses/similarity';
import { assertNear, checkLoss, columnOf } from '../../../support/lossChecks';
import { F1, randomMatrix } from '../../../support/lossFixtures';

const queries = F1.queries;
const answers = F1.positives;
const targets = ownTargets(3);

/** Plain BSC on F1, or on other vectors, in both forms. */
async function checkPlain(
  settings: Omit<BatchSoftmaxInputs, 'queries' | 'answers' | 'labels' | 'appended' | 'offsets'> & {
    readonly labels?: readonly number[];
  },
  worked: { readonly value?: number; readonly gradient?: readonly (readonly number[])[] },
  inputs = { queries, answers },
): Promise<void> {
  const { temperature, labels, normalization } = settings;
  await checkLoss<typeof inputs, { targets: Matrix; labels: Matrix }>({
    inputs,
    reference: (inputs) => {
      const loss = batchSoftmax({ ...inputs, ...settings });
      const { queries, answers } = loss.gradients;
      return { value: loss.value, gradients: { queries, answers } };
    },
    write: (writer, { labels: weights, ...names }) =>
      writeBatchSoftmax(writer, {
        ...names,
        ...(labels && { labels: weights }),
        normalization,
        inverseTemperature: writer.constant(1 / temperature),
      }),
    feeds: { targets, labels: columnOf(labels ?? [1, 1, 1]) },
    value: worked.value,
    gradients: worked.gradient ? { queries: worked.gradient } : {},
  });
}

test('gives the worked losses of both directions on F1, and the gradient, in both forms', async () => {
  await checkPlain({ temperature: 0.1 }, { value: 0.015224 });
  await checkPlain({ temperature: 0.2 }, { value: 0.126039, gradient: WORKED_GRADIENT });
  await checkPlain({ temperature: 0.2, labels: [1, 0, 1] }, { value: 0.078893 });
  assertNear(
    batchSoftmax({ queries, answers, temperature: 0.1 }).columns,
    [0.00293, 0.029872, 0.012657],
  );
  const { rows, columns } = batchSoftmax({ queries, answers, temperature: 0.2 });
  assertNear(rows, [0.058501, 0.106933, 0.211764]);
  assertNear(columns, [0.062009, 0.175949, 0.14108]);
});

const WORKED_GRADIENT = [
  [-0.002128, 0.016384, 0.072564, 0.004256],
  [0.016986, -0.0305, 0.061, 0.033676],
  [0.066978, 0.150101, -0.033489, -0.019249],
];

test('appends answers to the rows only, with the worked loss, in both forms', async () => {
  const appended = F1.negatives;
  await checkLoss({
    inputs: { queries, answers, appended },
    reference: (inputs) => {
      const loss = batchSoftmax({ ...inputs, temperature: 0.2 });
      const { queries, answers, appended } = loss.gradients;
      return { value: loss.value, gradients: { queries, answers, appended: appended! } };
    },
    write: (writer, names) =>
      writeBatchSoftmax(writer, { ...names, inverseTemperature: writer.constant(5) }),
    feeds: { targets },
    value: 0.351397,
  });
  const { rows, columns } = batchSoftmax({ queries, answers, appended, temperature: 0.2 });
  assertNear(rows, [0.585621, 0.44251, 0.701212]);
  assertNear(columns, batchSoftmax({ queries, answers, temperature: 0.2 }).columns, 0);
});

test('gives the worked losses of the combo, in both forms', async () => {
  const labels = [1, 0.2, 0.8];
  assert.deepEqual([...binaryLabels(labels)], [1, 0, 1]);
  assertNear([squaredError(pairCosines(queries, answers).value, labels).value], [0.203883]);
  for (const [mu, value] of [
    [0.1, 0.191384],
    [0.5, 0.141388],
    [0.9, 0.091392],
  ] as const)
    await checkLoss({
      inputs: { queries, answers },
      reference: (inputs) => {
        const loss = comboLoss({ ...inputs, labels, mu, temperature: 0.2 });
        const { queries, answers } = loss.gradients;
        return { value: loss.value, gradients: { queries, answers } };
      },
      write: (writer, names) =>
        writeComboLoss(writer, { ...names, inverseTemperature: writer.constant(5) }, mu),
      feeds: { targets, labels: columnOf(labels), binary: columnOf([1, 0, 1]) },
      value,
    });
});

test('learns the temperature with the worked derivative by α, in both forms', async () => {
  await checkLoss({
    inputs: { alpha: matrixOf([[5]]) },
    reference: ({ alpha }) => {
      const loss = batchSoftmax({ queries, answers, temperature: 1 / alpha.data[0]! });
      const gradients = { alpha: matrixOf([[loss.gradients.inverseTemperature]]) };
      return { value: loss.value, gradients };
    },
    write: (writer, { alpha, ...names }) =>
      writeBatchSoftmax(writer, { ...names, inverseTemperature: alpha }),
    feeds: { targets, queries, answers },
    gradients: { alpha: [[-0.05596]] },
  });
  assert.deepEqual([0.2, 7, 400].map(clampInverseTemperature), [1, 7, 100]);
});

test('gives the worked loss of coordinates divided by their range, in both forms', async () => {
  const inputs = {
    queries: matrixOf([
      [1, 0, 0.2],
      [0, 1, 0.5],
      [0.5, 0.2, 1],
    ]),
    answers: matrixOf([
      [0.9, 0.1, 0.4],
      [0.2, 0.8, 0.6],
      [0.3, 0.1, 0.9],
    ]),
  };
  const settings = { temperature: 1.2, normalization: 'coordinate' as const };
  const { rows, columns } = batchSoftmax({ ...inputs, ...settings });
  assertNear(rows, [0.730105, 0.666234, 0.741997]);
  assertNear(columns, [0.979372, 0.841032, 0.482903]);
  // A smallest answer that two rows share has no derivative; the differences are taken beside it.
  const moved = { ...inputs.answers, data: inputs.answers.data.map((x, at) => x + at * 1e-3) };
  await checkPlain(settings, {}, { ...inputs, answers: moved });
  assertNear([batchSoftmax({ ...inputs, ...settings }).value], [0.740274]);
});

test('leaves a coordinate that is constant over the batch out, without NaN, in both forms', async () => {
  const flat = {
    ...queries,
    data: queries.data.map((x, at) => (at % 4 === 3 ? 0.3 : x + at / 100)),
  };
  const loss = batchSoftmax({
    queries: flat,
    answers,
    temperature: 1,
    normalization: 'coordinate',
  });
  assert.ok(Number.isFinite(loss.value));
  assert.ok(loss.gradients.queries.data.every(Number.isFinite));
  await checkLoss<{ answers: Matrix }, { targets: Matrix; queries: Matrix }>({
    inputs: { answers: { ...answers, data: answers.data.map((x, at) => x + at * 1e-3) } },
    reference: ({ answers }) => {
      const loss = batchSoftmax({
        ...{ queries: flat, answers },
        ...{ temperature: 1, normalization: 'coordinate' },
      });
      return { value: loss.value, gradients: { answers: loss.gradients.answers } };
    },
    write: (writer, names) =>
      writeBatchSoftmax(writer, {
        ...names,
        normalization: 'coordinate',
        inverseTemperature: writer.constant(1),
      }),
    feeds: { targets, queries: flat },
  });
});

test('gives a pair labelled 0 no gradient on its own score, as worked out', () => {
  // Through cosines of the identity the gradient of the score itself can be read.
  const similarity = cosines(queries, answers);
  const [rows, columns] = [
    softmaxRows(similarity.value),
    softmaxRows(transposed(similarity.value)),
  ];
  const y = [1, 0, 1];
  const worked = [
    [-0.097457, 0.013127, 0.070895],
    [0.00855, 0, 0.072981],
    [0.083186, 0.117407, -0.268687],
  ];
  const gradient = matrixOf(
    rows.map((row, i) =>
      row.map((p, j) => {
        const own = i === j ? 1 : 0;
        return ((p - own) * y[i]! + (columns[j]![i]! - own) * y[j]!) / (2 * 3 * 0.2);
      }),
    ),
  );
  assertNear(gradient.data, matrixOf(worked).data);
  // The loss's own gradient is this one, taken through the cosines.
  const [toQueries, toAnswers] = similarity.back(gradient);
  const loss = batchSoftmax({ queries, answers, temperature: 0.2, labels: y });
  assertNear(loss.gradients.queries.data, toQueries.data, 1e-12);
  assertNear(loss.gradients.answers.data, toAnswers.data, 1e-12);

  function softmaxRows(matrix: Matrix): number[][] {
    return [0, 1, 2].map((i) => {
      const exps = [0, 1, 2].map((j) => Math.exp(matrix.data[3 * i + j]! / 0.2));
      return exps.map((e) => e / exps.reduce((a, b) => a + b, 0));
    });
  }
  function transposed(matrix: Matrix): Matrix {
    return matrixOf([0, 1, 2].map((i) => [0, 1, 2].map((j) => matrix.data[3 * j + i]!)));
  }
});

test('masks rows and columns alike, in both forms', async () => {
  const offsets = zeros(3, 3);
  offsets.data[1] = -Infinity;
  offsets.data[5] = -Infinity;
  const { offsets: square } = offsetBlocks(offsets);
  await checkLoss<
    { queries: Matrix; answers: Matrix },
    Record<'targets' | 'offsets' | 'columnOffsets', Matrix>
  >({
    inputs: { queries, answers },
    reference: (inputs) => {
      const loss = batchSoftmax({ ...inputs, offsets, temperature: 0.2 });
      const { queries, answers } = loss.gradients;
      return { value: loss.value, gradients: { queries, answers } };
    },
    write: (writer, names) =>
      writeBatchSoftmax(writer, { ...names, inverseTemperature: writer.constant(5) }),
    feeds: { targets, offsets: square, columnOffsets: columnOffsets(offsets) },
  });
});

/** Random pairs of 2 to 6 rows. */
function forPairs(check: (queries: Matrix, answers: Matrix, labels: number[]) => void): void {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), fc.integer(), (rowCount, seed) => {
      const random = seededRandom(seed);
      const labels = Array.from({ length: rowCount }, random);
      check(randomMatrix(rowCount, 4, random), randomMatrix(rowCount, 4, random), labels);
    }),
  );
}

test('does not change when queries and answers change places', () => {
  forPairs((queries, answers) => {
    const loss = batchSoftmax({ queries, answers, temperature: 0.1 });
    const swapped = batchSoftmax({ queries: answers, answers: queries, temperature: 0.1 });
    assertNear([swapped.value], [loss.value], 1e-12);
    assertNear(swapped.gradients.answers.data, loss.gradients.queries.data, 1e-12);
  });
});

test('is exactly 0 when all labels are 0', () => {
  forPairs((queries, answers, y) => {
    const labels = y.map(() => 0);
    const { value, gradients } = batchSoftmax({ queries, answers, temperature: 0.1, labels });
    assert.equal(value, 0);
    assert.ok(gradients.queries.data.every((g) => g === 0));
  });
});

test('is BSC at μ = 1 and squared error at μ = 0', () => {
  forPairs((queries, answers, labels) => {
    const inputs = { queries, answers, temperature: 0.1 };
    const combo = (mu: number): number => comboLoss({ ...inputs, labels, mu }).value;
    assert.equal(combo(1), batchSoftmax({ ...inputs, labels: binaryLabels(labels) }).value);
    assert.equal(combo(0), squaredError(pairCosines(queries, answers).value, labels).value);
  });
});

test('a single pair has loss 0 and no gradient', () => {
  const one = { rows: 1, columns: 2, data: Float64Array.of(0.3, 0.9) };
  const loss = batchSoftmax({ queries: one, answers: one, temperature: 0.1 });
  assert.equal(loss.value, 0);
  assert.ok(loss.gradients.queries.data.every((g) => g === 0));
});

test('aligns the diagonal by the variance of its scores, in both forms', async () => {
  await checkLoss({
    inputs: { queries, answers },
    reference: (inputs) => diagonalVariance(inputs.queries, inputs.answers),
    write: writeDiagonalVariance,
  });
  const { value } = diagonalVariance(queries, answers);
  const pairs = [0.993859, 0.964764, 0.963546];
  const mean = pairs.reduce((a, b) => a + b) / 3;
  assertNear([value], [pairs.reduce((sum, x) => sum + (x - mean) ** 2 / 3, 0)]);
});
