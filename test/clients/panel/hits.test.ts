import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { append, rowsOf, settle, sink } from '../../../src/clients/panel/hits';
import type { PanelHit } from '../../../src/protocol/panelMessages';
import { hitNamed, hitsNamed } from './hit';

function names(hits: readonly PanelHit[]): string {
  return hits.map((hit) => hit.symbol).join('');
}

function checkSettled(shown: string, arriving: string, pinned: string, expected: string): void {
  const keys = hitsNamed(...pinned).map((hit) => hit.key);
  assert.equal(names(settle(hitsNamed(...shown), hitsNamed(...arriving), keys)), expected);
}

test('takes the order of the answer where nothing is held', () => {
  checkSettled('abc', 'cab', '', 'cab');
});

test('keeps a held hit in its place and moves the others around it', () => {
  checkSettled('abcd', 'dcba', 'b', 'dbca');
});

test('keeps two held hits in their places', () => {
  checkSettled('abcd', 'dcba', 'ad', 'acbd');
});

test('keeps a held hit that the answer has lost', () => {
  checkSettled('abc', 'xy', 'b', 'xby');
});

test('puts a held hit last when the answer is too short for its place', () => {
  checkSettled('abcd', 'x', 'd', 'xd');
});

test('shows a held hit as the answer has it', () => {
  const arriving = [hitNamed('b'), hitNamed('a', { snippet: 'new' })];
  const [first] = settle(hitsNamed('a', 'b'), arriving, [hitNamed('a').key]);
  assert.equal(first?.snippet, 'new');
});

test('never loses or doubles a hit, and never moves a held one that fits', () => {
  const letters = fc.uniqueArray(fc.constantFrom(...'abcdefgh'), { maxLength: 8 });
  fc.assert(
    fc.property(letters, letters, letters, (shown, arriving, pinned) => {
      const keys = hitsNamed(...pinned).map((hit) => hit.key);
      const settled = settle(hitsNamed(...shown), hitsNamed(...arriving), keys);
      const held = shown.filter((name) => pinned.includes(name));
      assert.deepEqual([...names(settled)].sort(), [...new Set([...arriving, ...held])].sort());
      if (settled.length < shown.length) return;
      for (const name of held) assert.equal(settled[shown.indexOf(name)]?.symbol, name);
    }),
  );
});

test('appends what is new and leaves the rest in its place', () => {
  assert.equal(names(append(hitsNamed('a', 'b'), hitsNamed('c', 'b', 'd', 'a'))), 'abcd');
});

test('sinks one hit to the end', () => {
  assert.equal(names(sink(hitsNamed('a', 'b', 'c'), hitNamed('a').key)), 'bca');
});

test('groups by file in the order of each best hit', () => {
  const again = hitNamed('a', { start: 20, end: 22, symbol: 'A' });
  const rows = rowsOf([...hitsNamed('a', 'b'), again], true, []);
  assert.deepEqual(
    rows.map((row) => (row.type === 'file' ? `${row.hit.path} ${row.hitCount}` : row.hit.symbol)),
    ['src/a.ts 2', 'a', 'A', 'src/b.ts 1', 'b'],
  );
});

test('shows only the head of a closed file', () => {
  const [head] = rowsOf(hitsNamed('a'), true, []);
  const rows = rowsOf(hitsNamed('a', 'b'), true, [head?.key ?? '']);
  assert.deepEqual(
    rows.map((row) => row.type),
    ['file', 'file', 'hit'],
  );
});
