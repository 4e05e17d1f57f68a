/** The step that joins the methods: its gradients against differences, and each flag off against the plain loss. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { contrast } from '../../../src/engine/training/losses/contrast';
import { type Matrix, zeros } from '../../../src/engine/training/losses/matrix';
import {
  type RetrievalBatch,
  type RetrievalRecipe,
  retrievalLoss,
} from '../../../src/engine/training/retrievalStep';

const plain: RetrievalRecipe = {
  tau: 0.2,
  columnWeight: 0,
  diagonal: 0,
  mixing: 1,
  hnm: { k: 0, s: 0, alpha: 0.5 },
  pm: { enabled: false, delta: 0.1 },
  dcl: { lambda: 0, t: 5 },
  offDropout: { enabled: false, rho: 1 },
  gpl: { weight: 0, scale: 1 },
};

function noise(rows: number, columns: number, seed: number): Matrix {
  const random = seededRandom(seed);
  return {
    rows,
    columns,
    data: Float64Array.from({ length: rows * columns }, () => random() - 0.3),
  };
}

function batchOf(rowCount: number, dimension = 5): RetrievalBatch {
  const offsets = zeros(rowCount, 3 * rowCount);
  // One column is masked for one row, one has a weight.
  offsets.data[1] = -Infinity;
  offsets.data[rowCount] = Math.log(0.3);
  return {
    queries: noise(rowCount, dimension, 1),
    positives: noise(rowCount, dimension, 2),
    negatives: noise(2 * rowCount, dimension, 3),
    owners: Array.from({ length: 2 * rowCount }, (_, at) => at % rowCount),
    offsets,
    rowWeights: Array.from({ length: rowCount }, (_, row) => (row === 0 ? 0.2 : 1)),
    isExplicit: Array.from({ length: rowCount }, (_, row) => row === 0),
    clean: { queries: noise(rowCount, dimension, 4), positives: noise(rowCount, dimension, 5) },
  };
}

const lossOf = (batch: RetrievalBatch, recipe: RetrievalRecipe): ReturnType<typeof retrievalLoss> =>
  retrievalLoss(batch, recipe, seededRandom(1));

/** Every entry of every input against central differences. */
function checkGradients(recipe: RetrievalRecipe, rowCount: number): void {
  const batch = batchOf(rowCount);
  const loss = lossOf(batch, recipe);
  const sides: readonly (readonly [Matrix, Matrix | undefined])[] = [
    [batch.queries, loss.queries],
    [batch.positives, loss.positives],
    [batch.negatives!, loss.negatives],
    [batch.clean!.queries, loss.clean?.queries],
    [batch.clean!.positives, loss.clean?.positives],
  ];
  let largest = 0;
  for (const [input, gradient] of sides) {
    if (!gradient) continue;
    for (let at = 0; at < input.data.length; at++) {
      const step = 1e-6;
      const value = input.data[at]!;
      input.data[at] = value + step;
      const above = lossOf(batch, recipe).value;
      input.data[at] = value - step;
      const below = lossOf(batch, recipe).value;
      input.data[at] = value;
      assert.ok(Math.abs((above - below) / (2 * step) - gradient.data[at]!) < 1e-6, `entry ${at}`);
      largest = Math.max(largest, Math.abs(gradient.data[at]!));
    }
  }
  assert.ok(largest > 1e-3, 'the gradient is zero');
}

describe('a retrieval step', () => {
  test('has the gradients of its loss, each part alone and with the others', () => {
    checkGradients(plain, 4);
    checkGradients({ ...plain, columnWeight: 0.5 }, 4);
    checkGradients({ ...plain, diagonal: 3 }, 4);
    checkGradients({ ...plain, hnm: { k: 4, s: 6, alpha: 0.5 } }, 4);
    checkGradients({ ...plain, offDropout: { enabled: true, rho: 0.9 } }, 4);
    const all = { columnWeight: 0.5, hnm: { k: 2, s: 1, alpha: 0.5 }, dcl: { lambda: 0.1, t: 5 } };
    checkGradients({ ...plain, ...all, offDropout: { enabled: true, rho: 1 } }, 32);
  });

  test('is the plain contrast, bit for bit, with every flag off', () => {
    const batch = batchOf(6);
    const expected = contrast({
      ...batch,
      extra: batch.negatives,
      clean: undefined,
      temperature: 0.2,
    });
    const actual = lossOf(batch, plain);
    assert.equal(actual.value, expected.value);
    assert.deepEqual(actual.queries, expected.gradients.queries);
    assert.deepEqual(actual.negatives, expected.gradients.extra);
  });

  test('only gains by synthetic negatives, and leaves out the dimension-wise part of a small batch', () => {
    const batch = batchOf(4);
    const mixed = lossOf(batch, { ...plain, hnm: { k: 4, s: 6, alpha: 0.5 } });
    const without = lossOf(batch, plain);
    mixed.rows.forEach((row, at) => assert.ok(row >= without.rows[at]!));
    assert.equal(lossOf(batch, { ...plain, dcl: { lambda: 0.1, t: 5 } }).value, without.value);
  });

  test('mixes no positive of a row that a person marked', () => {
    const batch = { ...batchOf(4), isExplicit: [true, true, true, true] };
    const mixing = { ...plain, pm: { enabled: true, delta: 10 } };
    assert.equal(lossOf(batch, mixing).value, lossOf(batch, plain).value);
    const free = { ...batch, isExplicit: [false, false, false, false] };
    assert.notEqual(lossOf(free, mixing).value, lossOf(free, plain).value);
  });
});
