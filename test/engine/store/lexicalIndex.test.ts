import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { openDatabase } from '../../../src/engine/store/database';
import {
  addWords,
  averageTermCount,
  countChunksWith,
  matchExpression,
  pathTerms,
  removeWords,
  searchWords,
} from '../../../src/engine/store/lexicalIndex';
import { migrate } from '../../../src/engine/store/schema';
import { termsOf } from '../../../src/engine/store/terms';
import type { LexicalQuery, Scored } from '../../../src/engine/store/types';
import { SearchConnection } from '../../../src/engine/store/snapshot';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder } from '../../support/temporaryFolder';

leavesNothing();
const folder = temporaryFolder(after);
let fileCount = 0;

interface Words {
  readonly content: string;
  readonly path?: string;
  readonly symbol?: string;
}

/** An index of chunks 1, 2, 3, ... and the searches over it. */
function indexOf(chunks: readonly Words[]) {
  const database = openDatabase(path.join(folder, `${++fileCount}.db`));
  after(() => database.dispose());
  migrate(database);
  void new SearchConnection(database);
  chunks.forEach(({ content, path: name = 'x.ts', symbol = '' }, index) =>
    addWords(database, { chunkId: index + 1, path: name, symbol, definitions: [], text: content }),
  );
  const frequencyOf = (term: string): number => countChunksWith(database, term);
  const search = (query: LexicalQuery, limit = 10): Scored[] =>
    searchWords(database, {
      query,
      limit,
      chunkCount: chunks.length,
      frequencyOf,
      isFiltered: false,
    });
  const find = (query: LexicalQuery): number[] => search(query).map(({ chunkId }) => chunkId);
  const findSet = (query: LexicalQuery): Set<number> => new Set(find(query));
  return { database, search, find, findSet, frequencyOf };
}

/** BM25 as FTS5 defines it: k1 1.2, b 0.75, weighted counts, the length over all columns. */
function bm25(
  counts: readonly number[],
  length: number,
  averageLength: number,
  idf: number,
): number {
  const k1 = 1.2;
  const b = 0.75;
  const frequency = counts.reduce((sum, count) => sum + count, 0);
  return (idf * frequency * (k1 + 1)) / (frequency + k1 * (1 - b + (b * length) / averageLength));
}

test('scores as the formula of BM25 says', () => {
  // Lengths over all columns, "x.ts" being two terms: 4, 5, 3, 3 and 3, in the mean 18 / 5.
  const index = indexOf([
    { content: 'upload file' },
    { content: 'upload upload queue' },
    { content: 'alpha' },
    { content: 'beta' },
    { content: 'gamma' },
  ]);
  // Two of five chunks have the term: ln((5 - 2 + .5) / (2 + .5)).
  const idf = Math.log(3.5 / 2.5);
  const expected = [
    { chunkId: 2, score: bm25([2], 5, 3.6, idf) },
    { chunkId: 1, score: bm25([1], 4, 3.6, idf) },
  ];
  const found = index.search({ terms: ['upload'] });
  assert.deepEqual(
    found.map(({ chunkId, score }) => [chunkId, score.toFixed(9)]),
    expected.map(({ chunkId, score }) => [chunkId, score.toFixed(9)]),
  );
});

test('weighs the three columns as asked', () => {
  const index = indexOf([
    { content: 'upload a b' },
    { content: 'a b c', path: 'upload.ts' },
    { content: 'a b c', symbol: 'upload' },
    ...'defghijk'.split('').map((content) => ({ content })),
  ]);
  const best = (weights: LexicalQuery['weights']): number | undefined =>
    index.find({ terms: ['upload'], weights })[0];
  assert.equal(best({ content: 9, path: 1, symbol: 1 }), 1);
  assert.equal(best({ content: 1, path: 9, symbol: 1 }), 2);
  assert.equal(best({ content: 1, path: 1, symbol: 9 }), 3);
});

test('orders equal scores by chunk id', () => {
  const index = indexOf(Array.from({ length: 9 }, () => ({ content: 'same' })));
  assert.deepEqual(index.find({ terms: termsOf('same') }), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('wants every phrase, any term, and nothing that is excluded', () => {
  const index = indexOf([
    { content: 'retry the upload' },
    { content: 'upload retry the' },
    { content: 'retry the upload badly' },
    { content: 'badly' },
  ]);
  const phrases = [termsOf('retry the')];
  assert.deepEqual(index.findSet({ terms: [], phrases }), new Set([1, 2, 3]));
  assert.deepEqual(
    index.findSet({ terms: [], phrases: [termsOf('retry the upload')] }),
    new Set([1, 3]),
  );
  assert.deepEqual(index.find({ terms: ['badli'], phrases })[0], 3);
  assert.deepEqual(index.findSet({ terms: ['badli'], phrases }), new Set([1, 2, 3]));
  assert.deepEqual(index.findSet({ terms: [], phrases, without: ['badli'] }), new Set([1, 2]));
  assert.deepEqual(index.find({ terms: ['upload', 'badli'], without: ['retri'] }), [4]);
  assert.deepEqual(index.find({ terms: [], without: ['retri'] }), []);
});

test('finds a phrase of identifiers and of Japanese', () => {
  const index = indexOf([
    { content: 'const getUserName = データベース設定;' },
    { content: 'name get user' },
  ]);
  assert.deepEqual(index.find({ terms: [], phrases: [termsOf('getUserName')] }), [1]);
  assert.deepEqual(index.find({ terms: [], phrases: [termsOf('user name')] }), [1]);
  assert.deepEqual(index.find({ terms: termsOf('設定') }), [1]);
});

test('reads the syntax of FTS5 and of SQL as plain words', () => {
  const index = indexOf([{ content: 'select near drop table or and not' }, { content: 'other' }]);
  const hostile = [
    '"',
    '""',
    "'; DROP TABLE words; --",
    'NEAR(select drop, 2)',
    'content : select',
    '{content path} : other',
    '^select',
    'sel*',
    'select AND',
    'NOT',
    '(',
    '- "',
    '\0',
    '\ud800',
  ];
  for (const text of hostile) {
    const query = { terms: [text, ...termsOf(text)], phrases: [[text]], without: [text] };
    assert.doesNotThrow(() => index.search({ terms: query.terms }), text);
    assert.doesNotThrow(() => index.search(query), text);
  }
  assert.deepEqual(index.find({ terms: termsOf('NEAR(select drop, 2)') }), [1]);
  assert.deepEqual(index.find({ terms: ['sel*'] }), []);
});

test('takes any text as query and as exclusion', () => {
  const index = indexOf([{ content: 'alpha' }]);
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 12 })), (terms) => {
      index.search({ terms, phrases: [terms], without: terms });
      assert.equal(typeof matchExpression({ terms: [...terms, 'a'] }), 'string');
    }),
  );
});

test('keeps every term as it is on the way through the tokenizer', () => {
  const index = indexOf([]);
  let chunkId = 0;
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), (text) => {
      chunkId++;
      const terms = [...new Set(termsOf(text))];
      addWords(index.database, { chunkId, path: '', symbol: '', definitions: [], text });
      for (const term of terms) {
        assert.equal(index.frequencyOf(term), 1, term);
        assert.deepEqual(index.find({ terms: [term] }), [chunkId], term);
      }
      const [{ count }] = index.database
        .prepare<[number]>('SELECT count(*) FROM wordCount')
        .all()
        .map(([n]) => ({ count: n })) as [{ count: number }];
      assert.equal(count, terms.length);
      removeWords(index.database, chunkId, chunkId + 1);
    }),
    { numRuns: 60 },
  );
});

test('answers a query of 10,000 words by its rarest', () => {
  const index = indexOf([{ content: 'needle' }, { content: 'hay' }, { content: 'hay stack' }]);
  const terms = ['needl', 'hay', ...Array.from({ length: 10_000 }, (_, i) => `absent${i}`)];
  assert.deepEqual(index.find({ terms }), [1, 2, 3]);
});

test('scores only chunks with a rarer term where too many have a common one', () => {
  const index = indexOf([{ content: 'common odd' }, { content: 'common' }, { content: 'odd' }]);
  const find = (commonCount: number): number[] =>
    searchWords(index.database, {
      query: { terms: ['common', 'odd'] },
      limit: 10,
      chunkCount: 1_000_000,
      frequencyOf: (term) => (term === 'common' ? commonCount : 900),
      isFiltered: false,
    }).map(({ chunkId }) => chunkId);
  assert.deepEqual(new Set(find(10_000)), new Set([1, 2, 3]));
  assert.deepEqual(new Set(find(200_000)), new Set([1, 3]));
});

test('forgets removed chunks and counts without them', () => {
  const index = indexOf([{ content: 'alpha' }, { content: 'alpha' }, { content: 'alpha' }]);
  removeWords(index.database, 1, 3);
  assert.deepEqual(index.find({ terms: ['alpha'] }), [3]);
  removeWords(index.database, 3, 4);
  assert.equal(index.frequencyOf('alpha'), 0);
});

test('takes the stem of a file twice and three folders above it', () => {
  assert.equal(
    pathTerms('a/room/engine/store/chunkTable.test.ts'),
    'chunktable chunk tabl test chunktable chunk tabl test room engin stor',
  );
  assert.equal(pathTerms('.gitignore'), 'gitignor gitignor');
});

test('knows the mean length of a chunk in terms', () => {
  // "x.ts" is two terms of the path: lengths 4, 5 and 3.
  const index = indexOf([{ content: 'one two' }, { content: 'a b c' }, { content: 'a' }]);
  assert.equal(averageTermCount(index.database), 4);
  assert.equal(averageTermCount(indexOf([]).database), 0);
});
