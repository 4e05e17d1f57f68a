/** Hits of several folders as one list: each folder's own order stays, the better folder's hits come first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type FolderAnswer, mergeAnswers } from '../../../src/clients/extension/multiRoot';
import type { SearchHit, SearchResult } from '../../../src/protocol/types';

function toyHit(path: string, cosine: number | undefined, rules = 0, score = 1): SearchHit {
  const meaning = { name: 'meaning', value: cosine, contribution: 0.5, text: '' };
  const rule = { name: 'definition', value: rules, contribution: rules, text: '' };
  return {
    rank: 1,
    path,
    start: 0,
    end: 1,
    score,
    symbol: '',
    kind: 'code',
    language: 'typescript',
    snippet: path,
    snippetStart: 0,
    why: '',
    explain: cosine === undefined ? [rule] : [meaning, rule],
  };
}

function toyAnswer(
  folder: string,
  hits: readonly SearchHit[],
  change: Partial<SearchResult> = {},
): FolderAnswer {
  const result: SearchResult = {
    query: 'q',
    tiers: ['words', 'contextual'],
    tookMs: { total: 5 },
    noGoodMatch: false,
    notes: [],
    isReranked: true,
    hits,
    ...change,
  };
  return { folder, folderName: folder, result };
}

/** "folder/path" in order. */
function merged(answers: readonly FolderAnswer[], limit = 10): string[] {
  return mergeAnswers('q', answers, limit).hits.map(({ folder, path }) => `${folder}/${path}`);
}

test('leaves the hits of a single folder as they are', () => {
  const hits = [toyHit('a', 0.1), toyHit('b', 0.9), toyHit('c', 0.5)];
  assert.deepEqual(merged([toyAnswer('one', hits)]), ['one/a', 'one/b', 'one/c']);
});

test('puts what is marked not relevant behind the hits of every folder', () => {
  const mark = { id: 'm', verdict: 'notRelevant', similarity: 1 } as const;
  const one = toyAnswer('one', [toyHit('a', 0.2), { ...toyHit('b', 0.9), mark }]);
  const two = toyAnswer('two', [toyHit('c', 0.5), toyHit('d', 0.1)]);
  const weak = toyAnswer('three', [toyHit('e', 0.1)], { noGoodMatch: true });
  assert.deepEqual(merged([one, two, weak]), ['two/c', 'one/a', 'two/d', 'three/e', 'one/b']);
});

test('puts the closer hits of two folders first, by the cosine and not by the score', () => {
  const one = toyAnswer('one', [toyHit('a', 0.8, 0, 0.2), toyHit('b', 0.3, 0, 0.1)]);
  const two = toyAnswer('two', [toyHit('c', 0.6, 0, 9), toyHit('d', 0.5, 0, 8)]);
  assert.deepEqual(merged([one, two]), ['one/a', 'two/c', 'two/d', 'one/b']);
});

test('lets a definition in one folder stand above a close passage in another', () => {
  const one = toyAnswer('one', [toyHit('close', 0.6)]);
  const two = toyAnswer('two', [toyHit('definition', 0.4, 1.5)]);
  assert.deepEqual(merged([one, two]), ['two/definition', 'one/close']);
});

test('puts a folder where nothing answers below one that does', () => {
  const weak = toyAnswer('weak', [toyHit('a', 0.9)], { noGoodMatch: true });
  const good = toyAnswer('good', [toyHit('b', 0.3), toyHit('c', 0.2)]);
  const result = mergeAnswers('q', [weak, good], 10);
  assert.deepEqual(
    result.hits.map(({ path }) => path),
    ['b', 'c', 'a'],
  );
  assert.equal(result.noGoodMatch, false);
  assert.equal(mergeAnswers('q', [weak], 10).noGoodMatch, true);
});

test('counts ranks anew, keeps to the limit and says only what holds for all', () => {
  const one = toyAnswer('one', [toyHit('a', 0.8)], { notes: ['same'], tookMs: { total: 9 } });
  const two = toyAnswer('two', [toyHit('b', 0.6)], {
    notes: ['same', 'other'],
    tiers: ['words', 'static'],
    isReranked: false,
  });
  const result = mergeAnswers('q', [one, two], 1);
  assert.deepEqual(
    result.hits.map(({ rank, path }) => `${rank} ${path}`),
    ['1 a'],
  );
  const { tiers, notes, tookMs, isReranked } = result;
  assert.deepEqual(
    { tiers, notes, tookMs, isReranked },
    { tiers: ['words'], notes: ['same', 'other'], tookMs: { total: 9 }, isReranked: false },
  );
});

test('answers with nothing where there is no folder', () => {
  assert.deepEqual(mergeAnswers('q', [], 5).hits, []);
});

test('never turns the order within a folder round, and loses no hit', () => {
  const strength = fc.option(fc.double({ min: -1, max: 1, noNaN: true }), { nil: undefined });
  const folders = fc.array(fc.array(strength, { maxLength: 6 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(folders, (lists) => {
      const answers = lists.map((list, at) =>
        toyAnswer(
          `f${at}`,
          list.map((cosine, index) => toyHit(`${index}`, cosine)),
        ),
      );
      const { hits } = mergeAnswers('q', answers, 1000);
      for (const { folder, result } of answers)
        assert.deepEqual(
          hits.filter((hit) => hit.folder === folder).map(({ path }) => path),
          result.hits.map(({ path }) => path),
        );
    }),
  );
});
