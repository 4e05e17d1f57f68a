/** Which queries a version has not learned from, known by hashes of marks alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  hashesOfMarks,
  isLearnedFrom,
  MARK_HASH,
  unseenBy,
} from '../../../src/engine/learning/learnedMarks';

const judged = (markId: string) => ({
  ...{ markId, chunkId: 1, path: 'a.ts', span: { start: 0, end: 1 }, symbol: '' },
  time: `2026-01-0${markId.length}`,
  weight: 1,
});
const query = (text: string, relevant: string, wrong: readonly string[] = []) => ({
  ...{ asked: text, text, time: '2026-01-09' },
  ...{ relevant: [judged(relevant)], wrong: wrong.map(judged) },
});
const version = { time: '2026-01-02', kind: 'marks' as const, markHashes: hashesOfMarks(['3']) };
const textsOf = (queries: readonly { readonly text: string }[]) => queries.map(({ text }) => text);

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
  const unseenIn = (more: Partial<Parameters<typeof unseenBy>[0]>) =>
    textsOf(unseenBy({ ...version, ...more } as Parameters<typeof unseenBy>[0], asked, [], given));
  const given = new Set(['2']);
  assert.deepEqual(unseenIn({}), ['parse a file', 'sort a list']);
  assert.deepEqual(unseenIn({ markHashes: [] }), textsOf(asked));
  assert.deepEqual(unseenIn({ kind: 'adapt' }), textsOf(asked));
  // Who made it may have learned from what was given to the repository.
  assert.deepEqual(unseenIn({ author: 'Ada' }), ['sort a list']);
});

// A new mark on a query that was learned from made it count as new, so that a version was compared on what it knew.
test('what was learned from stays seen, however many marks come to it later', () => {
  const asked = [
    query('marked before and since', '3', ['new3', 'new4']),
    query('marked since', 'new1', ['new2']),
  ];
  const unseenIn = (markHashes: readonly string[] | undefined) =>
    textsOf(unseenBy({ ...version, markHashes } as Parameters<typeof unseenBy>[0], asked, []));
  assert.deepEqual(unseenIn(version.markHashes), ['marked since']);
  // Versions of an older Nearmiss do not tell their marks: then the day decides.
  assert.deepEqual(unseenIn(undefined), ['marked since']);
});
