import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type MaskColumn,
  type TextIdentity,
  duplicateMask,
  isDuplicate,
} from '../../../src/engine/training/duplicates';

const text = (hash: string, more: Partial<TextIdentity> = {}): TextIdentity => ({ hash, ...more });
const lines = (start: number, end: number, path = 'a.ts'): Partial<TextIdentity> => ({
  path,
  span: { start, end },
});

test('knows copies by content, by overlapping lines of one file and by base cosine', () => {
  assert.ok(isDuplicate(text('1'), text('1')));
  assert.ok(isDuplicate(text('1', lines(0, 10)), text('2', lines(9, 20))));
  assert.ok(!isDuplicate(text('1', lines(0, 10)), text('2', lines(10, 20))));
  assert.ok(!isDuplicate(text('1', lines(0, 10)), text('2', lines(0, 10, 'b.ts'))));
  const near = Float32Array.of(Math.cos(0.19), Math.sin(0.19));
  const far = Float32Array.of(Math.cos(0.21), Math.sin(0.21));
  const own = text('1', { vector: Float32Array.of(1, 0) });
  assert.ok(isDuplicate(own, text('2', { vector: near })));
  assert.ok(!isDuplicate(own, text('2', { vector: far })));
  assert.ok(!isDuplicate(own, text('2', { vector: near }), Infinity));
});

test('masks copies of positives and positives of the same query, never the own target', () => {
  const rows = [
    { query: 'Parse the  config', positives: [text('a'), text('b')] },
    { query: 'parse the config', positives: [text('c')] },
    { query: 'open a socket', positives: [text('d')] },
  ];
  const columns: MaskColumn[] = [
    { ...text('a'), query: rows[0]!.query },
    { ...text('c'), query: rows[1]!.query },
    { ...text('d'), query: rows[2]!.query },
    text('b'),
    text('e'),
  ];
  const x = -Infinity;
  assert.deepEqual(
    [...duplicateMask(rows, columns).data],
    [...[0, x, 0, x, 0], ...[x, 0, 0, 0, 0], ...[0, 0, 0, 0, 0]],
  );
});

test('never masks a target, whatever the texts', () => {
  const hashes = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(hashes, fc.constantFrom('q', 'r'), (all, query) => {
      const rows = all.map((hash) => ({ query, positives: [text(hash)] }));
      const columns = all.map((hash) => ({ ...text(hash), query }));
      const { data } = duplicateMask(rows, columns);
      all.forEach((_, i) => assert.equal(data[i * all.length + i], 0));
    }),
  );
});
