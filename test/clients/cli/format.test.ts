import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  conditionLine,
  formatResult,
  harmless,
  plural,
  styleFor,
} from '../../../src/clients/cli/format';
import type { SearchHit, SearchResult } from '../../../src/protocol/types';

const plain = styleFor({ isTTY: false });
const colored = styleFor({ isTTY: true }, {});

const hit: SearchHit = {
  rank: 1,
  path: 'src/a.ts',
  start: 8,
  end: 12,
  score: 1,
  symbol: 'Session > retry',
  kind: 'definition',
  language: 'typescript',
  snippet: 'retry() {\n\treturn retryLater();',
  snippetStart: 8,
  why: 'words: BM25 9.10, rank 1',
};
const result: SearchResult = {
  query: 'where is retry',
  tiers: ['words'],
  tookMs: { total: 1 },
  noGoodMatch: false,
  notes: [],
  isReranked: false,
  hits: [hit],
};

test('shows place, symbol, kind, numbered lines and why', () => {
  assert.deepEqual(formatResult(result, plain), [
    ' 1  src/a.ts:9-12  Session > retry  [definition]',
    '     9 │ retry() {',
    '    10 │   return retryLater();',
    '    why: words: BM25 9.10, rank 1',
  ]);
});

test('marks the words of the query on a terminal, common ones not', () => {
  const [, line] = formatResult(result, colored);
  assert.ok(line?.includes('\x1b[1mretry\x1b[22m() {'));
  const all = formatResult({ ...result, hits: [{ ...hit, snippet: 'where is it' }] }, colored);
  assert.ok(all[1]?.endsWith(' where is it'));
});

test('says above weak hits that they are weak, and says so when nothing was found', () => {
  assert.equal(
    formatResult({ ...result, noGoodMatch: true }, plain)[0],
    'No good match; the nearest are:',
  );
  assert.deepEqual(formatResult({ ...result, hits: [] }, plain), ['Nothing found']);
});

test('is plain without a terminal and with NO_COLOR', () => {
  assert.equal(styleFor({ isTTY: true }, { NO_COLOR: '1' }).strong('a'), 'a');
  assert.equal(styleFor({ isTTY: true }, { TERM: 'dumb' }).strong('a'), 'a');
  assert.equal(styleFor({}, {}).strong('a'), 'a');
  assert.notEqual(colored.strong('a'), 'a');
});

test('lets nothing from a file or a file name reach the terminal as a command', () => {
  const evil = '\x1b]0;owned\x07\x9b31m\r\u202eabc';
  const shown = formatResult(
    { ...result, hits: [{ ...hit, path: evil, snippet: evil, symbol: evil }] },
    plain,
  );
  for (const line of shown) assert.doesNotMatch(line, /\p{Cc}|\u202e/u);
  assert.equal(harmless('a\tb'), 'a  b');
});

test('explains a hit part by part', () => {
  const explain = [{ name: 'words', rank: 1, value: 9.1, contribution: 0.5, text: 'BM25 9.10' }];
  const lines = formatResult({ ...result, hits: [{ ...hit, explain }] }, plain);
  assert.ok(lines.includes('      +0.5000  words: BM25 9.10'));
});

test('counts one and many', () => {
  assert.deepEqual([plural(1, 'file'), plural(2000, 'file')], ['1 file', '2,000 files']);
});

test('tells of a condition only where it is not met or had nothing to measure', () => {
  const condition = { name: 'guard queries', value: 0, limit: -0.01, sentence: 'Why' };
  const lineOf = (isMet: boolean, count: number): string | undefined =>
    conditionLine({ ...condition, isMet, count });
  assert.deepEqual(
    [lineOf(true, 3), lineOf(true, 0), lineOf(false, 3), lineOf(false, 0)],
    [undefined, 'not measured (guard queries): Why', 'not met: Why', 'not met: Why'],
  );
});
