import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../../src/base/random';
import {
  fitLevel,
  matchScale,
  probabilityAt,
  thresholdAt,
} from '../../../src/engine/training/level';
import { assertNear } from '../../support/lossChecks';

/** Scores drawn so that the chance of an answer really is σ(12 s − 6). */
function samples(count: number): { scores: number[]; answers: boolean[] } {
  const random = seededRandom(11);
  const scores = Array.from({ length: count }, random);
  const answers = scores.map((score) => random() < 1 / (1 + Math.exp(-(12 * score - 6))));
  return { scores, answers };
}

test('finds the scale that the answers were drawn from', () => {
  const { scores, answers } = samples(4000);
  const level = fitLevel(scores, answers);
  assertNear([level.slope, level.offset], [12, -6], 0.8);
  assertNear([thresholdAt(level, 0.5)!], [0.5], 0.02);
  // Of hits that the scale gives about 80 %, about 80 % answer.
  const near = [...scores.keys()].filter(
    (i) => Math.abs(probabilityAt(level, scores[i]!) - 0.8) < 0.1,
  );
  const share = near.filter((i) => answers[i]).length / near.length;
  assert.ok(Math.abs(share - 0.8) < 0.06, `share ${share}`);
});

test('does not make certain of a few samples that a line parts', () => {
  const level = fitLevel([0.2, 0.3, 0.7, 0.8], [false, false, true, true]);
  assertNear([thresholdAt(level, 0.5)!], [0.5], 1e-6);
  // Two of two stand for three of four.
  assert.ok(probabilityAt(level, 0.8) < 0.9 && probabilityAt(level, 0.8) > 0.7);
});

test('is stationary: no small change of slope or offset lowers the loss', () => {
  const { scores, answers } = samples(60);
  const yes = answers.filter(Boolean).length;
  const targets = answers.map((a) => (a ? (yes + 1) / (yes + 2) : 1 / (answers.length - yes + 2)));
  const level = fitLevel(scores, answers);
  const gradient = targets.reduce(
    ([slope, offset], target, i) => {
      const error = probabilityAt(level, scores[i]!) - target;
      return [slope! + error * scores[i]!, offset! + error];
    },
    [0, 0],
  );
  assertNear(gradient, [0, 0], 1e-5);
});

test('has no threshold where scores say nothing, or the opposite', () => {
  const flat = fitLevel([0.5, 0.5, 0.5, 0.5], [true, false, true, false]);
  assertNear([probabilityAt(flat, 0.5)], [0.5], 1e-9);
  const opposite = fitLevel([0.1, 0.2, 0.8, 0.9], [true, true, false, false]);
  assert.equal(thresholdAt(opposite, 0.5), undefined);
});

test('brings scores back to the level of the base', () => {
  const score = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(score, { minLength: 2, maxLength: 20 }),
      fc.double({ min: 0.2, max: 3, noNaN: true }),
      score,
      (base, factor, shift) => {
        fc.pre(Math.max(...base) - Math.min(...base) > 0.01);
        const tuned = base.map((value) => factor * value + shift);
        const match = matchScale(tuned, base);
        assertNear(
          tuned.map((value) => match.factor * value + match.shift),
          base,
          1e-6,
        );
      },
    ),
  );
  assert.deepEqual(matchScale([0.4, 0.4], [0.1, 0.3]), { factor: 1, shift: -0.2 });
});
