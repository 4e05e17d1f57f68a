/** A hit whose file was edited since it was indexed: where it is found again, and how sure that is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPlace, type HitPlace } from '../../../src/clients/extension/movedSpan';

/** The hit is lines 2 to 5 of this file; its snippet starts one line into it. */
const indexed = [
  '// head',
  '',
  'function retry() {',
  '  wait();',
  '  send();',
  '}',
  '',
  'retry();',
];
const hit: HitPlace = {
  start: 2,
  end: 6,
  symbol: 'Queue > retry',
  snippet: '  wait();\n  send();\n}',
  snippetStart: 3,
};

function checkPlace(
  lines: readonly string[],
  expected: string,
  changed: Partial<HitPlace> = {},
): void {
  const { how, start, end } = findPlace(lines, { ...hit, ...changed });
  assert.equal(`${how} ${start}-${end}`, expected);
}

test('finds an unchanged hit where it was', () => checkPlace(indexed, 'same 2-6'));

test('follows lines added above', () => checkPlace(['a', 'b', ...indexed], 'moved 4-8'));

test('follows lines removed above', () => checkPlace(indexed.slice(1), 'moved 1-5'));

test('takes the nearest of two copies', () => {
  const filler = Array.from({ length: 20 }, () => 'x');
  checkPlace([...indexed, ...filler, 'y', ...indexed], 'same 2-6');
  checkPlace(['y', ...indexed, ...filler, ...indexed], 'moved 3-7');
});

test('goes to the place that shares most lines where one was edited', () => {
  const edited = indexed.map((line) => (line === '  wait();' ? '  await pause(100);' : line));
  checkPlace(['new', ...edited], 'changed 3-7');
});

test('goes to the symbol where nothing else is left', () => {
  checkPlace(['a', 'b', 'c', 'd', 'const retry = 1;', 'z'], 'changed 4-5');
});

test('says that it is gone, and stays inside the text', () => {
  checkPlace(['only', 'two'], 'gone 1-2');
  checkPlace([''], 'gone 0-1');
  checkPlace([], 'gone 0-1');
});

test('matches lines that the engine had cut or redacted by their beginning', () => {
  const cut = {
    snippet: `const key = '[redacted]'\n${'x'.repeat(20)}…`,
    snippetStart: 1,
    start: 1,
    end: 3,
  };
  checkPlace(['top', "const key = 'abc123'", 'x'.repeat(400)], 'same 1-3', cut);
});

test('does not mind line ends that the editor trims', () => {
  checkPlace(
    indexed.map((line) => `${line}  `),
    'same 2-6',
  );
});

test('keeps to the lines where nothing is known of their text', () => {
  checkPlace(['', 'a', '', 'b'], 'same 1-3', { snippet: '', snippetStart: 1, start: 1, end: 3 });
});
