import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Group,
  groupFeeds,
  localizedContrastive,
  writeLocalizedContrastive,
} from '../../../../src/engine/training/losses/localizedContrastive';
import { matrixOf } from '../../../../src/engine/training/losses/matrix';
import { assertNear, checkLoss } from '../../../support/lossChecks';

/** One case in both forms. */
async function checkGroups(
  scores: readonly (readonly number[])[],
  groups: readonly Group[],
  worked: { readonly value?: number; readonly gradient?: readonly (readonly number[])[] },
  temperature = 1,
): Promise<void> {
  await checkLoss({
    inputs: { scores: matrixOf(scores) },
    reference: (inputs) => localizedContrastive(inputs.scores, groups, temperature),
    write: (writer, { scores, ...feeds }) =>
      writeLocalizedContrastive(writer, scores, feeds, temperature),
    feeds: { ...groupFeeds(groups, scores[0]!.length) },
    value: worked.value,
    gradients: worked.gradient ? { scores: worked.gradient } : {},
  });
}

const one = (negativeCount: number): Group => ({ positiveCount: 1, negativeCount });
const SCORES = [
  [2, 1, 0, -1],
  [0.5, 1.5, 0.2, 0.1],
];

test('gives the worked loss and gradient of two groups, in both forms', async () => {
  const groups = [one(3), one(3)];
  const gradient = [
    [-0.178043, 0.118441, 0.043572, 0.016029],
    [-0.402523, 0.26497, 0.072213, 0.065341],
  ];
  await checkGroups(SCORES, groups, { value: 1.037591, gradient });
  assertNear(localizedContrastive(matrixOf(SCORES), groups).rows, [0.44019, 1.634993]);
});

test('gives the worked loss with weights on the negatives, in both forms', async () => {
  await checkGroups([SCORES[0]!], [{ ...one(3), weights: [1, 0.3, 1] }], { value: 0.377249 });
});

test('leaves the other positives out of the group, as worked out, in both forms', async () => {
  const scores = [[1.5, 1, 0.8, -0.2]];
  await checkGroups(scores, [{ positiveCount: 2, negativeCount: 2 }], { value: 0.63487 });
  // What it would be with both positives in each group: each is then also a negative of the other.
  const left = [1, 0]
    .map((other) => [scores[0]![1 - other]!, scores[0]![other]!, 0.8, -0.2])
    .map((row) => localizedContrastive(matrixOf([row]), [one(3)]).value);
  assertNear([(left[0]! + left[1]!) / 2], [1.076716]);
});

test('takes groups of uneven size and a temperature, in both forms', async () => {
  const scores = [
    [0.7, 0.2, 0.6, 9],
    [0.4, 0.5, 0.1, 0.3],
    [0.9, 0.8, 9, 9],
  ];
  const groups = [one(2), { positiveCount: 2, negativeCount: 2, weights: [0.5, 0] }, one(1)];
  await checkGroups(scores, groups, {}, 0.05);
  // Padding does not count, whatever it holds.
  const changed = scores.map((row) => row.map((x) => (x === 9 ? -3 : x)));
  assert.deepEqual(
    localizedContrastive(matrixOf(changed), groups, 0.05),
    localizedContrastive(matrixOf(scores), groups, 0.05),
  );
});

test('counts a group by its weight, in both forms', async () => {
  const { rows } = localizedContrastive(matrixOf(SCORES), [one(3), one(3)]);
  const groups = [one(3), { ...one(3), weight: 0.5 }];
  const gradient = [
    [-0.178043, 0.118441, 0.043572, 0.016029],
    [-0.402523, 0.26497, 0.072213, 0.065341].map((value) => value / 2),
  ];
  await checkGroups(SCORES, groups, { value: (rows[0]! + rows[1]! / 2) / 2, gradient });
});

test('a group of 1 has loss 0 and no gradient', () => {
  const { value, gradients } = localizedContrastive(matrixOf([[3.7]]), [one(0)]);
  assert.equal(value, 0);
  assert.equal(gradients.scores.data[0], 0);
});

test('falls to 0 as the score of the positive grows, and is ln of the group size when all are equal', () => {
  const score = fc.double({ min: -5, max: 5, noNaN: true });
  fc.assert(
    fc.property(score, fc.integer({ min: 1, max: 9 }), (level, negativeCount) => {
      const lossAt = (positive: number): number => {
        const row = [positive, ...Array<number>(negativeCount).fill(level)];
        return localizedContrastive(matrixOf([row]), [one(negativeCount)]).value;
      };
      assertNear([lossAt(level)], [Math.log(1 + negativeCount)], 1e-12);
      const falling = [0, 1, 5, 20, 60].map((lead) => lossAt(level + lead));
      falling.slice(1).forEach((value, i) => assert.ok(value < falling[i]!));
      assert.ok(falling.at(-1)! < 1e-20 + 1e-14);
    }),
  );
});
