/** Several positives a query, as training runs them: CoDiEmb's loss where every other part is off. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { type Matrix, matrixOf, zeros } from '../../../src/engine/training/losses/matrix';
import { severalPositives } from '../../../src/engine/training/losses/severalPositives';
import { meanOverSlots } from '../../../src/engine/training/positiveSlots';
import { makeRecipe } from '../../../src/engine/training/recipe';
import { type RetrievalBatch, retrievalLoss } from '../../../src/engine/training/retrievalStep';

/** Section 7.3 of training-methods. */
const queries = [
  [1, 0, 0.2],
  [0, 1, 0.3],
];
const slots = [
  [
    [0.9, 0.1, 0.1],
    [0.1, 0.9, 0.2],
  ],
  [
    [0.8, 0.3, 0],
    [0.3, 0.8, 0.5],
  ],
];
const negatives = [
  [0.7, 0.1, 0.7],
  [0.1, 0.4, 0.9],
];

function batchOf(positives: Matrix): RetrievalBatch {
  return {
    ...{ queries: matrixOf(queries), positives, negatives: matrixOf(negatives) },
    ...{ owners: [0, 1], offsets: zeros(2, 4), rowWeights: [1, 1], isExplicit: [true, true] },
  };
}

const recipe = makeRecipe('shared-head', 20, {
  ...{ tau: 0.1, columnWeight: 0, hnm: { k: 0, s: 0 } },
});

function checkNear(actual: Matrix, expected: Matrix): void {
  assert.deepEqual([actual.rows, actual.columns], [expected.rows, expected.columns]);
  actual.data.forEach((value, i) => assert.ok(Math.abs(value - expected.data[i]!) < 1e-12));
}

test('the mean over slots is the loss of the paper, gradients included', async () => {
  const given = slots.map((slot) => matrixOf(slot));
  const loss = await meanOverSlots(given.map(batchOf), (batch) =>
    retrievalLoss(batch, recipe, seededRandom(1)),
  );
  assert.ok(Math.abs(loss.value - 0.157022) < 1e-6, `${loss.value}`);
  const expected = severalPositives({
    ...{ queries: matrixOf(queries), slots: given, negatives: matrixOf(negatives) },
    temperature: 0.1,
  });
  assert.ok(Math.abs(loss.value - expected.value) < 1e-12);
  checkNear(loss.queries, expected.gradients.queries);
  checkNear(loss.negatives!, expected.gradients.negatives!);
  loss.positives.forEach((slot, at) => checkNear(slot, expected.gradients.slots[at]!));
});

test('one slot is its own loss, bit for bit', async () => {
  const batch = batchOf(matrixOf(slots[0]!));
  const plain = retrievalLoss(batch, recipe, seededRandom(1));
  const one = await meanOverSlots([batch], (own) => retrievalLoss(own, recipe, seededRandom(1)));
  assert.deepEqual({ ...one, positives: one.positives[0] }, { ...plain, clean: undefined });
});
