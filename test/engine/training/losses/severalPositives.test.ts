import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../../../src/base/random';
import { contrast, ownTargets } from '../../../../src/engine/training/losses/contrast';
import {
  type Matrix,
  matrixOf,
  rowOf,
  stack,
  unitRows,
} from '../../../../src/engine/training/losses/matrix';
import {
  severalPositives,
  writeSeveralPositives,
} from '../../../../src/engine/training/losses/severalPositives';
import { assertNear, checkLoss } from '../../../support/lossChecks';
import { randomMatrix } from '../../../support/lossFixtures';

const queries = unit([
  [1, 0, 0.2],
  [0, 1, 0.3],
]);
const firstSlot = unit([
  [0.9, 0.1, 0.1],
  [0.1, 0.9, 0.2],
]);
const secondSlot = unit([
  [0.8, 0.3, 0],
  [0.3, 0.8, 0.5],
]);
const negatives = unit([
  [0.7, 0.1, 0.7],
  [0.1, 0.4, 0.9],
]);

function unit(rows: readonly number[][]): Matrix {
  return unitRows(matrixOf(rows)).value;
}

for (const { temperature, value } of [
  { temperature: 0.1, value: 0.157022 },
  { temperature: 0.02, value: 0.002795 },
]) {
  test(`gives the worked loss of two positives a query at ${temperature}, in both forms`, async () => {
    await checkLoss({
      inputs: { queries, firstSlot, secondSlot, negatives },
      reference: ({ firstSlot, secondSlot, ...inputs }) => {
        const loss = severalPositives({ ...inputs, slots: [firstSlot, secondSlot], temperature });
        const { queries, slots, negatives } = loss.gradients;
        const gradients = {
          ...{ queries, negatives: negatives! },
          ...{ firstSlot: slots[0]!, secondSlot: slots[1]! },
        };
        return { value: loss.value, gradients };
      },
      write: (writer, { firstSlot, secondSlot, negatives, ...names }) =>
        writeSeveralPositives(writer, {
          ...names,
          slots: [firstSlot, secondSlot],
          extra: negatives,
          inverseTemperature: writer.constant(1 / temperature),
        }),
      feeds: { targets: ownTargets(2) },
      value,
    });
  });
}

test('gives the worked losses of each slot', () => {
  const slots = [firstSlot, secondSlot];
  const { slotRows } = severalPositives({ queries, slots, negatives, temperature: 0.1 });
  assertNear(slotRows[0]!, [0.180789, 0.03292]);
  assertNear(slotRows[1]!, [0.345273, 0.069107]);
});

test('with one positive and no negative equals InfoNCE', () => {
  const loss = severalPositives({ queries, slots: [firstSlot], temperature: 0.1 });
  const plain = contrast({ queries, positives: firstSlot, temperature: 0.1 });
  assert.equal(loss.value, plain.value);
  assert.deepEqual(loss.gradients.queries, plain.gradients.queries);
  assert.deepEqual(loss.gradients.slots[0], plain.gradients.positives);
});

test("never takes a query's other positive for its negative", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = seededRandom(seed);
      const [q, p] = [randomMatrix(3, 4, random), randomMatrix(3, 4, random)];
      // Row 0's second positive may be anything: the first slot's loss does not see it.
      const other = (): Matrix =>
        stack(randomMatrix(1, 4, random), matrixOf([rowOf(p, 1), rowOf(p, 2)]));
      const rows = (slot: Matrix): Float64Array =>
        severalPositives({ queries: q, slots: [p, slot], temperature: 0.1 }).slotRows[0]!;
      assert.deepEqual(rows(other()), rows(other()));
    }),
  );
});
