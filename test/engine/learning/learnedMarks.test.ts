/** Which queries a version has not learned from, known by hashes of marks alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  hashesOfMarks,
  isLearnedFrom,
  MARK_HASH,
  unseenOf,
} from '../../../src/engine/learning/learnedMarks';

const judged = (markId: string) => ({
  ...{ markId, chunkId: 1, path: 'a.ts', span: { start: 0, end: 1 }, symbol: '', time: '' },
  weight: 1,
});
const query = (text: string, relevant: string, wrong: readonly string[] = []) => ({
  ...{ text, time: '2026', relevant: [judged(relevant)], wrong: wrong.map(judged) },
});

test('knows a mark again by its hash, whichever side it is on, and tells no id', () => {
  const hashes = hashesOfMarks(['b', 'a', 'b']);
  assert.equal(hashes.length, 2);
  assert.deepEqual(hashes, [...hashes].sort());
  for (const hash of hashes) assert.match(hash, MARK_HASH);
  const known = new Set(hashes);
  assert.ok(isLearnedFrom(query('q', 'a'), known));
  assert.ok(isLearnedFrom(query('q', 'other', ['x', 'b']), known));
  assert.ok(!isLearnedFrom(query('q', 'other', ['x']), known));
});

test('leaves out what was seen with all that asks the same', () => {
  const asked = [
    query('where is the retry', '1'),
    query('parse a file', '2'),
    query('Where  is the RETRY', '3'),
    query('sort a list', '4'),
  ];
  const known = new Set(hashesOfMarks(['3']));
  const unseen = unseenOf(asked, (one) => isLearnedFrom(one, known));
  assert.deepEqual(
    unseen.map(({ text }) => text),
    ['parse a file', 'sort a list'],
  );
  assert.deepEqual(
    unseenOf(asked, () => false),
    asked,
  );
});
