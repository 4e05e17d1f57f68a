import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom, shuffle } from '../../../../src/base/random';
import {
  offsetBlocks,
  ownTargets,
  similarityContrast,
  writeContrast,
  writeSimilarityContrast,
} from '../../../../src/engine/training/losses/contrast';
import {
  hardNegativeOffsets,
  infoNce,
  ownColumnsOnly,
} from '../../../../src/engine/training/losses/infoNce';
import {
  type Matrix,
  cosines,
  matrixOf,
  rowOf,
  scaleRows,
  zeros,
} from '../../../../src/engine/training/losses/matrix';
import { assertNear, checkLoss } from '../../../support/lossChecks';
import { F1, randomMatrix } from '../../../support/lossFixtures';

const { queries, positives, negatives } = F1;

test('gives the worked cosines of F1', () => {
  assertNear(
    cosines(queries, positives).value.data,
    [0.993859, 0.175412, 0.367065, 0.090351, 0.964764, 0.504715, 0.406579, 0.613941, 0.963546],
  );
  assertNear(
    cosines(queries, negatives).value.data,
    [0.8318, 0.361478, 0.715626, 0.363913, 0.722957, 0.495434, 0.519875, 0.05164, 0.880771],
  );
});

for (const [temperature, value, rows] of [
  [0.1, 0.015295, [0.002173, 0.010155, 0.033559]],
  [0.2, 0.125733, [0.058501, 0.106933, 0.211764]],
] as const) {
  test(`gives the worked loss of two views at ${temperature}, in both forms`, async () => {
    await checkLoss({
      inputs: { queries, positives },
      reference: (inputs) => plainLoss(inputs, temperature),
      write: (writer, names) =>
        writeContrast(writer, { ...names, inverseTemperature: writer.constant(1 / temperature) }),
      feeds: { targets: ownTargets(3) },
      value,
    });
    assertNear(infoNce({ queries, positives, temperature }).rows, rows);
  });
}

function plainLoss(inputs: { queries: Matrix; positives: Matrix }, temperature: number) {
  const { value, gradients } = infoNce({ ...inputs, temperature });
  return { value, gradients: { queries: gradients.queries, positives: gradients.positives } };
}

test('gives the worked loss and gradient with hard negatives, for each weight, in both forms', async () => {
  const worked = [
    [1, undefined, 0.075282, [0.042059, 0.008096, 0.175691]],
    [2, undefined, 0.139707, [0.07888, 0.015938, 0.324303]],
    // A row's own negative alone.
    [1, ownColumnsOnly(3, 3, (i, e) => i === e), 0.07369, [0.038373, 0.007906, 0.17479]],
  ] as const;
  const gradient = [
    [0.038789, 0.058597, 0.039498, -0.077578],
    [-0.003424, 0.011056, -0.022112, 0.02729],
    [0.447744, 0.140486, -0.223872, -0.079513],
  ];
  for (const [hardNegativeWeight, mask, value, rows] of worked) {
    const settings = { temperature: 0.05, hardNegativeWeight, mask };
    await checkLoss({
      inputs: { queries, positives, negatives },
      reference: (inputs) => {
        const loss = infoNce({ ...inputs, ...settings });
        const { queries, positives, extra } = loss.gradients;
        return { value: loss.value, gradients: { queries, positives, negatives: extra! } };
      },
      write: (writer, { negatives: extra, ...names }) =>
        writeContrast(writer, { ...names, extra, inverseTemperature: writer.constant(20) }),
      feeds: { targets: ownTargets(3), ...offsetBlocks(hardNegativeOffsets(3, settings)) },
      value,
      gradients: hardNegativeWeight === 1 && !mask ? { queries: gradient } : {},
    });
    assertNear(infoNce({ ...F1, ...settings }).rows, rows);
  }
});

test('takes a weight of 1 and an absent weight for the same, bit for bit', () => {
  const absent = infoNce({ ...F1, temperature: 0.05 });
  const one = infoNce({ ...F1, temperature: 0.05, hardNegativeWeight: 1 });
  assert.deepEqual(one, absent);
});

test('permutes the losses of rows with the rows and leaves the mean', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 8 }), fc.integer(), (rowCount, seed) => {
      const random = seededRandom(seed);
      const [q, p] = [randomMatrix(rowCount, 5, random), randomMatrix(rowCount, 5, random)];
      const order = shuffle([...Array(rowCount).keys()], random);
      const permuted = (matrix: Matrix): Matrix => matrixOf(order.map((i) => rowOf(matrix, i)));
      const before = infoNce({ queries: q, positives: p, temperature: 0.1 });
      const after = infoNce({ queries: permuted(q), positives: permuted(p), temperature: 0.1 });
      assertNear(
        after.rows,
        order.map((i) => before.rows[i]!),
        1e-12,
      );
      assertNear([after.value], [before.value], 1e-12);
    }),
  );
});

test('does not change when any vector is scaled by 7', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 2 }), (seed, row) => {
      const random = seededRandom(seed);
      const [q, p, n] = [0, 1, 2].map(() => randomMatrix(3, 4, random)) as [Matrix, Matrix, Matrix];
      const factors = [1, 1, 1].with(row, 7);
      const loss = (q: Matrix, p: Matrix, n: Matrix): number =>
        infoNce({ queries: q, positives: p, negatives: n, temperature: 0.05 }).value;
      const before = loss(q, p, n);
      for (const after of [
        loss(scaleRows(q, factors), p, n),
        loss(q, scaleRows(p, factors), n),
        loss(q, p, scaleRows(n, factors)),
      ])
        assertNear([after], [before], 1e-11);
    }),
  );
});

test('gives a zero vector similarity 0, and no NaN', () => {
  const zero = matrixOf([
    [0, 0, 0, 0],
    [1, 0, 0, 0],
  ]);
  assert.deepEqual([...cosines(zero, zero).value.data], [0, 0, 0, 1]);
  const { value, gradients } = infoNce({ queries: zero, positives: zero, temperature: 0.05 });
  assert.ok(Number.isFinite(value) && gradients.queries.data.every(Number.isFinite));
});

test('leaves out what the mask hides, as worked out for a false negative, in both forms', async () => {
  const similarities = matrixOf([
    [0.9, 0.88, 0.2],
    [0.3, 0.8, 0.1],
    [0.2, 0.4, 0.7],
  ]);
  const none = zeros(3, 3);
  const mask = matrixOf([
    [0, -Infinity, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  for (const [offsets, value, rows] of [
    [none, 0.220415, [0.59864, 0.007621, 0.054985]],
    [mask, 0.021172, [0.000911, 0.007621, 0.054985]],
  ] as const) {
    await checkLoss({
      inputs: { similarities },
      reference: (inputs) => {
        const loss = similarityContrast({ ...inputs, offsets, temperature: 0.1 });
        return { value: loss.value, gradients: { similarities: loss.gradients.similarities } };
      },
      write: (writer, names) =>
        writeSimilarityContrast(writer, { ...names, inverseTemperature: writer.constant(10) }),
      feeds: { targets: ownTargets(3), offsets },
      value,
    });
    assertNear(similarityContrast({ similarities, offsets, temperature: 0.1 }).rows, rows);
  }
});

test('puts the worked share of the negative gradient on the hardest negative, by temperature', () => {
  const similarities = matrixOf([[0.85, 0.8, 0.6, 0.3]]);
  for (const [temperature, share] of [
    [0.02, 0.999955],
    [0.05, 0.98197],
    [0.1, 0.875601],
  ] as const) {
    const { gradients } = similarityContrast({ similarities, temperature });
    const [, hardest, ...others] = gradients.similarities.data;
    const all = others.reduce((sum, g) => sum + g, hardest!);
    assertNear([hardest! / all], [share]);
  }
});

test('refuses offsets of another shape', () => {
  const similarities = zeros(2, 3);
  const offsets = zeros(2, 2);
  assert.throws(() => similarityContrast({ similarities, offsets, temperature: 1 }), /offsets/);
});
