/** Counts of two versions in daily use. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import {
  comparisonSentences,
  newComparison,
  noteComparison,
  readComparison,
  wilsonInterval,
} from '../../../src/engine/learning/comparison';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
const NOW = new Date('2026-11-25T12:00:00Z');
const PAIR = { current: 'base', candidate: 'b' };

test('adds up over calls, and begins anew with another pair', async () => {
  const folder = path.join(root, 'counts');
  assert.equal(await readComparison(folder), undefined);
  await noteComparison(folder, PAIR, { silent: { searches: 1, different: 1 } }, NOW);
  await noteComparison(folder, PAIR, { silent: { searches: 1 }, live: { wins: 1 } }, new Date());
  assert.deepEqual(await readComparison(folder), {
    ...newComparison(PAIR, NOW),
    silent: { searches: 2, different: 1, opened: 0, higher: 0, lower: 0 },
    live: { searches: 0, wins: 1, losses: 0, ties: 0 },
  });
  const other = { current: 'b', candidate: 'c' };
  await noteComparison(folder, other, { live: { searches: 1 } }, NOW);
  const after = await readComparison(folder);
  assert.deepEqual([after?.current, after?.silent.searches, after?.live.searches], ['b', 0, 1]);
});

test('counts that are damaged begin anew', async () => {
  const folder = path.join(root, 'damaged');
  fs.mkdirSync(folder);
  for (const text of ['{', '{"v":1}', '{"v":2,"silent":{}}']) {
    fs.writeFileSync(path.join(folder, 'comparison.json'), text);
    assert.equal(await readComparison(folder), undefined);
  }
});

// Values of R's prop.test(x, n, correct = FALSE).
const worked: readonly (readonly [number, number, string, string])[] = [
  [8, 10, '0.490', '0.943'],
  [0, 5, '0.000', '0.434'],
  [30, 60, '0.377', '0.623'],
];
for (const [wins, of, low, high] of worked)
  test(`the interval of ${wins} wins of ${of} is ${low} to ${high}`, () => {
    const interval = wilsonInterval(wins, of);
    assert.deepEqual([interval.low.toFixed(3), interval.high.toFixed(3)], [low, high]);
  });

test('says what was counted, and nothing of what was not', () => {
  const nothing = newComparison(PAIR, NOW);
  assert.deepEqual(comparisonSentences(nothing), []);
  const silent = { searches: 40, different: 12, opened: 9, higher: 5, lower: 2 };
  const live = { searches: 30, wins: 9, losses: 4, ties: 6 };
  assert.deepEqual(comparisonSentences({ ...nothing, silent, live }), [
    'Compared silently in 40 searches since 2026-11-25: the first three hits would differ in 12; opened hits that would have stood higher: 5 of 9, lower: 2',
    "Shown mixed in 30 searches since 2026-11-25: opened hits that decide: 9 of 13 the candidate's (95 % interval 42 % to 87 %), that decide nothing: 6",
  ]);
});
