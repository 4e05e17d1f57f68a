import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { linearProbe, pairFeatures } from '../../../src/engine/training/linearProbe';
import { matrixOf } from '../../../src/engine/training/losses/matrix';
import { randomMatrix } from '../../support/lossFixtures';

const features = randomMatrix(120, 4, seededRandom(2));
const column = (index: number): number[] =>
  Array.from({ length: features.rows }, (_, i) => features.data[i * 4 + index]!);

test('tells what a straight cut can tell, on rows it has not seen', () => {
  const labels = column(0).map((x, i) => x + column(2)[i]! > 0.1);
  const { accuracy, isRight } = linearProbe(features, labels);
  assert.ok(accuracy > 0.93, `accuracy ${accuracy}`);
  assert.equal(isRight.length, 120);
});

test('tells no more than chance of labels that have nothing to do with the features', () => {
  const random = seededRandom(9);
  const { accuracy } = linearProbe(
    features,
    column(0).map(() => random() < 0.5),
  );
  assert.ok(Math.abs(accuracy - 0.5) < 0.15, `accuracy ${accuracy}`);
});

test('gives the same answer under one seed', () => {
  const labels = column(1).map((x) => x > 0);
  assert.deepEqual(
    linearProbe(features, labels, { seed: 4 }),
    linearProbe(features, labels, { seed: 4 }),
  );
});

test('makes features of pairs: differences without sign, and products', () => {
  const [first, second] = [matrixOf([[1, -2]]), matrixOf([[3, 0.5]])];
  assert.deepEqual([...pairFeatures(first, second).data], [2, 2.5, 3, -1]);
});

test('takes features that are constant, and fewer rows than folds', () => {
  const flat = matrixOf([
    [1, 0],
    [1, 1],
    [1, 0.1],
  ]);
  const { accuracy } = linearProbe(flat, [false, true, false]);
  assert.ok(Number.isFinite(accuracy));
});
