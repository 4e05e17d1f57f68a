/** What agents read: places that can be opened, and sentences about an index that is not complete. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerText, buildingSentence } from '../../src/clients/agentAnswer';
import type { FolderStatus, SearchHit, SearchResult } from '../../src/protocol/types';

const complete: FolderStatus = {
  folderId: 'id',
  folder: '/f',
  state: 'idle',
  documentCount: 3,
  wordDocumentCount: 3,
  staticDocumentCount: 3,
  embeddableCount: 9,
  embeddedCount: 9,
  skippedCount: 0,
  fraction: 1,
  isComplete: true,
};
const building = { ...complete, isComplete: false } as const;

const hit: SearchHit = {
  rank: 1,
  path: 'src/a.ts',
  start: 4,
  end: 7,
  score: 1,
  symbol: 'Queue > retry',
  kind: 'definition',
  language: 'typescript',
  snippet: 'best line',
  snippetStart: 5,
  why: '',
  text: 'all\nthree\nlines',
};
const result: SearchResult = {
  query: 'q',
  tiers: ['words'],
  tookMs: { total: 1 },
  noGoodMatch: false,
  notes: [],
  isReranked: false,
  hits: [hit],
};

test('puts each hit under its path, lines and name, whole text before snippet', () => {
  assert.equal(
    answerText(
      { ...result, hits: [hit, { ...hit, path: 'b.md', symbol: '', text: undefined }] },
      [],
    ),
    'src/a.ts:5-7 Queue > retry [definition]\nall\nthree\nlines\n\nb.md:5-7 [definition]\nbest line',
  );
});

test('says first what the answer does not have', () => {
  assert.match(answerText({ ...result, noGoodMatch: true }, []), /^No good match;/);
  assert.equal(answerText({ ...result, hits: [] }, []), 'Nothing found.');
  assert.match(
    answerText({ ...result, notes: ['One thing', 'Another'] }, []),
    /^One thing\.\nAnother\.\n\nsrc/,
  );
});

test('lets no path or heading begin a line of its own', () => {
  const odd = { ...hit, path: 'a\nb.ts', symbol: 'x\u2028y\r\nz' };
  assert.match(answerText({ ...result, hits: [odd] }, []), /^a b\.ts:5-7 x y z \[definition\]\n/);
});

test('says what an unfinished index covers', () => {
  for (const [change, sentence] of [
    [{}, undefined],
    [
      { isComplete: false, embeddedCount: 2 },
      'The index is still being built: all 3 files can be searched by words and rough meaning, 2 of 9 chunks by exact meaning.',
    ],
    [
      { ...building, wordDocumentCount: 1, embeddableCount: 0 },
      'The index is still being built: 1 of 3 files can be searched by words, meaning follows.',
    ],
    [
      { ...building, documentCount: 0, wordDocumentCount: 0, embeddableCount: 0 },
      'The index is still being built: no file can be searched yet.',
    ],
    [
      { ...building, state: 'paused', reason: 'By you' },
      'Indexing is paused: all 3 files can be searched by words and rough meaning, 9 of 9 chunks by exact meaning. By you.',
    ],
  ] as const)
    assert.equal(buildingSentence({ ...complete, ...change }), sentence);
});
