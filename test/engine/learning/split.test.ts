/** Which queries are held out: whole groups of near-identical ones, the newest of many, all of few by folds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clusterQueries,
  foldCountOf,
  type HeldOutQuery,
  splitQueries,
  type SplitQuery,
} from '../../../src/engine/learning/split';
import { unit } from '../../support/folderIndex';

function queries(count: number): HeldOutQuery[] {
  return Array.from({ length: count }, (_, at) => ({
    text: `query ${at}`,
    time: `2026-01-01T00:00:${String(at % 60).padStart(2, '0')}.${String(at).padStart(3, '0')}Z`,
    isMeasured: true,
  }));
}

test('puts queries that read alike, or lie close together, into one group', () => {
  const given: SplitQuery[] = [
    { text: 'Retry  uploads', time: '', vector: unit(1, 0) },
    { text: 'retry uploads', time: '', vector: unit(0, 1) },
    { text: 'try uploads again', time: '', vector: unit(1, 0.2) },
    { text: 'something else', time: '', vector: unit(-1, 0.1) },
    { text: 'caf\u00e9', time: '' },
    { text: 'cafe\u0301', time: '' },
  ];
  assert.deepEqual(clusterQueries(given), [[0, 1, 2], [3], [4, 5]]);
});

test('holds each of few queries out once, over five folds', () => {
  const folds = splitQueries(queries(23), 1);
  assert.equal(folds.length, 5);
  assert.deepEqual(
    folds.flat().sort((a, b) => a - b),
    Array.from({ length: 23 }, (_, at) => at),
  );
  assert.ok(folds.every((fold) => fold.length === 4 || fold.length === 5));
  assert.deepEqual(splitQueries(queries(23), 1), folds);
  assert.notDeepEqual(splitQueries(queries(23), 2), folds);
});

test('keeps a group on one side of every fold', () => {
  const given = queries(20).map((query, at) => ({
    ...query,
    text: at < 6 ? 'the same' : query.text,
  }));
  for (const fold of splitQueries(given, 3)) {
    const together = fold.filter((at) => at < 6).length;
    assert.ok(together === 0 || together === 6, `a fold has ${together} of the group`);
  }
});

test('holds each of many queries out once, the newest fifth in the first fold', () => {
  const given = queries(60).map((query, at) => ({
    ...query,
    time: `2026-01-${10 + Math.floor(at / 3)}`,
  }));
  const folds = splitQueries(given, 1);
  assert.deepEqual(folds[0], [48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
  assert.deepEqual(
    folds.map(({ length }) => length),
    [12, 12, 12, 12, 12],
  );
  assert.equal(new Set(folds.flat()).size, 60);
});

// Queries without an answer filled the newest fifth: parts that take long had nothing to be measured on, and never passed.
test('holds out as many of the newest queries as it takes to measure a fifth of those with an answer', () => {
  const given = queries(100).map((query, at) => ({
    ...query,
    time: `2026-01-01T00:${String(at).padStart(3, '0')}`,
    isMeasured: at % 4 !== 3 && at < 80,
  }));
  const [first, ...others] = splitQueries(given, 1);
  const measured = first!.filter((at) => given[at]!.isMeasured);
  assert.equal(measured.length, 12);
  assert.deepEqual(
    first,
    Array.from({ length: 36 }, (_, at) => 64 + at),
  );
  assert.equal(new Set([first!, ...others].flat()).size, 100);
});

test('pools five folds where fewer than fifty queries can be measured, however many were marked', () => {
  const given = queries(100).map((query, at) => ({ ...query, isMeasured: at < 49 }));
  assert.ok(splitQueries(given, 1).every(({ length }) => length === 20));
});

test('parts that take long are measured on the newest of many queries, on all of few', () => {
  const countsOf = (queryCount: number): number[] =>
    (['words', 'fusion', 'head', 'cross-encoder', 'encoder'] as const).map((tier) =>
      foldCountOf(tier, queryCount),
    );
  assert.deepEqual(countsOf(49), [5, 5, 5, 5, 5]);
  assert.deepEqual(countsOf(50), [5, 5, 5, 1, 1]);
});
