/** Which queries a version has not learned from, known by hashes of marks alone. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import {
  hashesOfMarks,
  isLearnedFrom,
  MARK_HASH,
  stillKnown,
  unseenBy,
} from '../../../src/engine/learning/learnedMarks';
import type { LearningReport } from '../../../src/engine/learning/report';
import { VersionStore } from '../../../src/engine/learning/versionStore';
import { temporaryFolder } from '../../support/temporaryFolder';

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

test('says that the version in use still knows marks that were taken back', async () => {
  const store = new VersionStore(temporaryFolder(after));
  const publish = async (id: string, author?: string): Promise<void> => {
    const draft = path.join(store.root, 'draft');
    fs.mkdirSync(draft, { recursive: true });
    fs.writeFileSync(path.join(draft, 'weights.json'), '{}');
    const about = { id, time: id, kind: 'marks', isPromoted: true, verdict: '', author } as const;
    const models = { biEncoder: 'b', crossEncoder: 'c' };
    const made = { base: models, tiers: ['fusion' as const], mapsSimilar: true, markCount: 3 };
    const markHashes = hashesOfMarks(['a', 'b', 'c']);
    await store.publish(draft, { ...about, ...made, markHashes }, { v: 1 } as LearningReport);
    await store.use({ current: { id, state: 'all' } });
  };
  assert.equal(await stillKnown(store, ['a']), undefined);
  await publish('own');
  assert.equal(await stillKnown(store, ['a', 'b', 'c', 'd']), undefined);
  assert.match((await stillKnown(store, ['b', 'd'])) ?? '', /taken back since: 2; it knows them/);
  // Of others' marks nobody here has to know.
  await publish('theirs', 'Ada');
  assert.equal(await stillKnown(store, ['b']), undefined);
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
