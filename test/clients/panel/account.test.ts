import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountOf, compareAccounts, scaleOf } from '../../../src/clients/panel/account';
import { isComparing, percentOf, tiersOf, unfinished } from '../../../src/clients/panel/progress';
import { indexingFolder, indexingStatus } from './gallery';

const part = (name: string, contribution: number, text = name): object => ({
  name,
  contribution,
  text,
});

function account(...parts: readonly object[]): ReturnType<typeof accountOf> {
  return accountOf({ explain: parts as never });
}

test('sums the parts up under five heads, and names each rule', () => {
  const lines = account(
    part('words', 0.3, 'BM25 7'),
    part('meaning (static)', 0.2, 'cosine 0.5'),
    part('definition', 0.125, 'defines it'),
    part('same file', -0.25, 'counts less'),
    part('your marks', -0.5, 'you marked it'),
  );
  assert.deepEqual(lines, [
    { head: 'words', contribution: 0.3, sentences: ['BM25 7'] },
    { head: 'meaning', contribution: 0.2, sentences: ['cosine 0.5'] },
    { head: 'reranker', contribution: 0, sentences: [] },
    {
      head: 'rules',
      contribution: -0.125,
      sentences: ['definition: defines it', 'same file: counts less'],
    },
    { head: 'marks', contribution: -0.5, sentences: ['you marked it'] },
  ]);
});

test('names what made most of the difference, in the direction that won', () => {
  const first = account(part('words', 0.1), part('meaning', 0.5));
  const second = account(part('words', 0.3), part('meaning', 0.1));
  assert.equal(compareAccounts(first, second).decisive, 'meaning');
  assert.equal(compareAccounts(second, first).decisive, 'meaning');
});

test('names nothing where nothing differs', () => {
  const same = account(part('words', 0.1));
  assert.equal(compareAccounts(same, same).decisive, undefined);
});

test('has one scale for both signs', () => {
  assert.equal(scaleOf(account(part('words', 0.2)), account(part('test', -0.7))), 0.7);
  assert.ok(scaleOf([]) > 0);
});

test('never says 100 % before everything is done', () => {
  assert.equal(percentOf({ ...indexingFolder, fraction: 0.999 }), 99);
  assert.equal(percentOf({ ...indexingFolder, fraction: 1 }), 99);
  assert.equal(percentOf({ ...indexingFolder, fraction: -1 }), 0);
  assert.equal(percentOf({ ...indexingFolder, isComplete: true }), 100);
});

test('gives no share of work while it is unknown whether there is any', () => {
  assert.equal(isComparing({ ...indexingFolder, state: 'scanning' }), true);
  assert.equal(isComparing({ ...indexingFolder, state: 'unknown' }), true);
  assert.equal(isComparing(indexingFolder), false);
  assert.equal(isComparing({ ...indexingFolder, state: 'scanning', wordDocumentCount: 0 }), false);
});

test('tells each tier with its own total', () => {
  assert.deepEqual(tiersOf(indexingFolder), [
    { tier: 'words', done: 1284, total: 1284 },
    { tier: 'static', done: 1284, total: 1284 },
    { tier: 'contextual', done: 4027, total: 9310 },
  ]);
  const done = { ...indexingFolder, isComplete: true };
  assert.deepEqual(unfinished({ ...indexingStatus, folders: [done, indexingFolder] }), [
    indexingFolder,
  ]);
});
