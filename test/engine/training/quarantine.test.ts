import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Plan, makePlan } from '../../../src/engine/training/plan';
import { quarantineMarks } from '../../../src/engine/training/quarantine';
import type { TrainingRecord } from '../../../src/engine/training/recordFile';

function record(
  line: number,
  query: string,
  positives: readonly string[],
  negatives: readonly string[],
  source?: 'mined',
): TrainingRecord {
  return { task: 'ir', line, query, positives: [...positives], negatives: [...negatives], source };
}

/** Each text has a direction of its own, but for those that are given an angle in the first plane. */
function vectorsOf(plan: Plan, angles: Readonly<Record<string, number>> = {}): Float32Array {
  const dimension = plan.texts.length + 2;
  const vectors = new Float32Array(plan.texts.length * dimension);
  plan.texts.forEach((text, i) => {
    const angle = angles[text];
    if (angle === undefined) vectors[i * dimension + 2 + i] = 1;
    else vectors.set([Math.cos(angle), Math.sin(angle)], i * dimension);
  });
  return vectors;
}

function review(train: readonly TrainingRecord[], angles?: Readonly<Record<string, number>>) {
  const plan = makePlan({
    train,
    heldOut: [record(99, 'z', ['zz'], [])],
    heldOutShare: 0,
    seed: 1,
  });
  const dimension = plan.texts.length + 2;
  const means = { vectors: vectorsOf(plan, angles), dimension, duplicateCosine: 0.98, seed: 1 };
  const reviewed = quarantineMarks(plan, means);
  const left = reviewed.plan.train.rows.map(({ line, negatives, negativeWeights }) => {
    assert.equal(negativeWeights.length, negatives.length);
    return [line, negatives.map((text) => plan.texts[text])];
  });
  return { plan, reviewed, left };
}

const COPY = 'what says nearly the same as a text marked relevant may be the answer too';
const HOW_TO_KEEP = '"quarantine": false in the recipe learns from what was set aside';
const FINE = [record(1, 'a', ['right a'], ['wrong a']), record(2, 'b', ['right b'], ['wrong b'])];

test('leaves a plan without doubtful marks as it is', () => {
  const { plan, reviewed } = review(FINE);
  assert.equal(reviewed.plan, plan);
  assert.deepEqual(reviewed.notes, []);
});

test('sets aside a mark that another line contradicts, and a row that has nothing left', () => {
  const { reviewed, left } = review([...FINE, record(3, 'A', [], ['right a'])]);
  assert.deepEqual(reviewed.notes, [
    'Set aside: a negative of line 3, for the same text is marked relevant for the same query',
    HOW_TO_KEEP,
  ]);
  assert.deepEqual(left, [
    [1, ['wrong a']],
    [2, ['wrong b']],
  ]);
});

test('sets aside a mark on a copy of the answer and keeps the other marks of its line', () => {
  const rows = [...FINE, record(3, 'c', ['right c'], ['copy c', 'wrong c'])];
  const { reviewed, left } = review(rows, { 'right c': 0.5, 'copy c': 0.51 });
  assert.deepEqual(reviewed.notes, [`Set aside: a negative of line 3, for ${COPY}`, HOW_TO_KEEP]);
  assert.deepEqual(left[2], [3, ['wrong c']]);
});

test('names a reason once, however many marks it sets aside', () => {
  const count = 14;
  const names = Array.from({ length: count }, (_, at) => `q${at}`);
  const rows = names.map((name, at) =>
    record(at + 1, name, [`right ${name}`], [`copy ${name}`, `second copy ${name}`]),
  );
  const angles = Object.fromEntries(
    names.flatMap((name, at) =>
      [`right ${name}`, `copy ${name}`, `second copy ${name}`].map((text, copy) => [
        text,
        0.4 * at + 0.01 * copy,
      ]),
    ),
  );
  const { reviewed } = review(rows, angles);
  assert.deepEqual(reviewed.notes, [
    `Set aside: 28 negatives of lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 4 more, for ${COPY}`,
    HOW_TO_KEEP,
  ]);
});

test('never touches what was mined: that is the filters’ work', () => {
  const rows = [...FINE, record(3, 'c', ['right c'], ['copy c'], 'mined')];
  const { reviewed } = review(rows, { 'right c': 0.5, 'copy c': 0.51 });
  assert.deepEqual(reviewed.notes, []);
});

test('gives the same answer under one seed', () => {
  const rows = [...FINE, record(3, 'c', ['right c'], ['copy c'])];
  const angles = { 'right c': 0.5, 'copy c': 0.7, c: 1.4 };
  assert.deepEqual(review(rows, angles).left, review(rows, angles).left);
});
