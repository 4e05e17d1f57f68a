import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Head, newHead } from '../../../src/engine/encoders/heads';
import { levelOfHead } from '../../../src/engine/training/headLevel';
import { probabilityAt } from '../../../src/engine/training/level';
import { makePlan } from '../../../src/engine/training/plan';
import type { TrainingRecord } from '../../../src/engine/training/recordFile';
import { assertNear } from '../../support/lossChecks';

const DIMENSION = 24;
const records: TrainingRecord[] = Array.from({ length: 20 }, (_, i) => ({
  ...{ task: 'ir', line: i + 1, query: `q${i}` },
  ...{ positives: [`right ${i}`], negatives: [`wrong ${i}`] },
}));
const plan = makePlan({ train: records, heldOutShare: 0.5, seed: 1 });

/** Each number has its own direction; an answer leans to its query by cosine .8, a wrong text by .5. */
function vectorsOf(): Float32Array {
  const vectors = new Float32Array(plan.texts.length * DIMENSION);
  plan.texts.forEach((text, i) => {
    const number = Number(text.replace(/\D+/g, ''));
    const lean = text.startsWith('q') ? 1 : text.startsWith('right') ? 0.8 : 0.5;
    vectors[i * DIMENSION + number] = lean;
    vectors[i * DIMENSION + 20 + (i % 4)] = Math.sqrt(1 - lean ** 2);
  });
  return vectors;
}

const shape = { kind: 'query-head', base: 'toy', dimension: DIMENSION, rank: 1 } as const;

test('finds where answers part from the rest, on held-out queries', () => {
  const level = levelOfHead(newHead(shape, 1), plan, vectorsOf(), 1)!;
  assert.equal(level.answerCount, plan.heldOut.rows.length);
  assert.ok(level.pairCount > 2 * level.answerCount);
  assert.ok(0.5 < level.threshold! && level.threshold! < 0.8, `threshold ${level.threshold}`);
  assert.ok(probabilityAt(level.fitted, 0.8) > 0.7 && probabilityAt(level.fitted, 0.3) < 0.1);
  // An untrained head changes no score.
  assertNear([level.toBase.factor, level.toBase.shift], [1, 0], 1e-6);
});

test('says how a head moved the level, and the same under one seed', () => {
  const untrained = newHead(shape, 1);
  // Turns every query towards the last direction, away from all texts that lean elsewhere.
  const head: Head = {
    ...untrained,
    a: new Float32Array(DIMENSION).fill(1),
    b: Float32Array.from({ length: DIMENSION }, (_, d) => (d === 23 ? 1 : 0)),
  };
  const vectors = vectorsOf();
  const level = levelOfHead(head, plan, vectors, 1)!;
  assert.deepEqual(levelOfHead(head, plan, vectors, 1), level);
  assert.notDeepEqual(level.toBase, levelOfHead(untrained, plan, vectors, 1)!.toBase);
});

test('says nothing where no row has an answer', () => {
  const lone = records.map((record) => ({ ...record, positives: [] })) as TrainingRecord[];
  const withoutAnswers = makePlan({ train: lone, heldOutShare: 0.2, seed: 1 });
  const vectors = new Float32Array(withoutAnswers.texts.length * DIMENSION).fill(0.2);
  assert.equal(levelOfHead(newHead(shape, 1), withoutAnswers, vectors, 1), undefined);
});
