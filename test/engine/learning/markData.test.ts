/** Marks as data: what counts, what counts once, and what a person should look at first. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { placeOf, withId } from '../../../src/engine/feedback/mark';
import type { KeptMark } from '../../../src/engine/feedback/marks';
import { gatherMarks, type MarkedPair, withoutMarks } from '../../../src/engine/learning/markData';
import { decidingQueries, isOffered, planTiers } from '../../../src/engine/learning/tiers';
import type { ReviewDecision } from '../../../src/engine/learning/report';
import { openFolderReader, openFolderWriter } from '../../../src/engine/store/store';
import type { FolderReader, Snapshot } from '../../../src/engine/store/types';
import { indexPaths, putTexts } from '../../support/folderIndex';
import { temporaryFolder } from '../../support/temporaryFolder';

const folder = temporaryFolder(after);
let reader: FolderReader;
let snapshot: Snapshot;
before(() => {
  const { index } = indexPaths(folder);
  const writer = openFolderWriter(index);
  putTexts(writer, 'a.ts', ['zero', 'one', 'two', 'three']);
  writer.dispose();
  reader = openFolderReader(index);
  snapshot = reader.snapshot();
});
after(() => {
  snapshot.dispose();
  reader.dispose();
});

let minute = 0;

/** `+1` marks line 1 relevant, `-1` not relevant, `~1` was only opened. */
function mark(query: string, said: string): KeptMark {
  const line = Number(said.slice(1));
  const [chunk] = snapshot.chunksAt('a.ts', line, line + 1);
  const place = chunk
    ? placeOf(chunk, 'a.ts')
    : { path: 'gone.ts', start: 1, end: 1, hash: 'x', symbol: '' };
  const made = withId({
    ...{ query, ...place, verdict: said.startsWith('-') ? 'notRelevant' : 'relevant' },
    time: new Date(Date.UTC(2026, 0, 1, 0, minute++)).toISOString(),
    checkpoint: '',
    weak: said.startsWith('~') || undefined,
  });
  return { mark: made, origin: made, near: [] };
}

function said(marks: readonly KeptMark[], decisions: [string, ReviewDecision][] = []) {
  const { queries, review, counts } = gatherMarks(snapshot, marks, new Map(decisions));
  const lines = (chunks: readonly { span: { start: number }; weight: number }[]) =>
    chunks.map(({ span, weight }) => `${span.start}${weight === 1 ? '' : ` at ${weight}`}`).join();
  return {
    queries: queries.map(
      ({ text, relevant, wrong }) => `${text}: +${lines(relevant)} -${lines(wrong)}`,
    ),
    review: review.map(({ reason }) => reason),
    usable: counts.usable,
  };
}

test('gathers marks by query, however it is typed, without its syntax', () => {
  const marks = [
    mark('Find it lang:ts', '+1'),
    mark('find  it LANG:ts', '-2'),
    mark('other', '+3'),
  ];
  assert.deepEqual(said(marks), {
    queries: ['Find it: +1 -2', 'other: +3 -'],
    review: [],
    usable: 3,
  });
});

test('counts what was said many times once', () => {
  const marks = Array.from({ length: 50 }, (_, at) => mark(`find${' '.repeat(at + 1)}it`, '+1'));
  const { queries, usable } = said(marks);
  assert.deepEqual(queries, ['find it: +1 -']);
  assert.equal(usable, 1);
  assert.match(
    planTiers(gatherMarks(snapshot, marks), { chunkCount: 1 }).refusal ?? '',
    /^One mark can be used/,
  );
});

test('sets aside what was called right and wrong, until a person decides', () => {
  const right = mark('q', '+1');
  const wrong = mark('q', '-1');
  const marks = [right, wrong, mark('q', '+2')];
  assert.deepEqual(said(marks), { queries: ['q: +2 -'], review: ['contradiction'], usable: 1 });
  const decided = (decision: ReviewDecision) => said(marks, [[wrong.mark.id, decision]]).queries;
  assert.deepEqual(decided('keep'), ['q: +2 -1']);
  assert.deepEqual(decided('drop'), ['q: +1,2 -']);
  assert.deepEqual(decided('both'), ['q: +1,2 -']);
});

test('takes an opened hit for half an answer, and for none where it was judged', () => {
  assert.deepEqual(said([mark('q', '~1')]).queries, ['q: +1 at 0.5 -']);
  assert.deepEqual(said([mark('q', '+1'), mark('q', '~1')]).queries, ['q: +1 -']);
  assert.deepEqual(said([mark('q', '-1'), mark('q', '~1')]), {
    ...{ queries: ['q: + -1'], review: [], usable: 1 },
  });
});

// What was set aside still counted as a mark "not relevant" that was learned from, and a secret left no trace.
test('counts each mark once, as used or by the reason why it was not', () => {
  const key = `AKIA${'Z7Q2M4XK5PLW3VTB'}`;
  const [copy, dropped] = [mark('q', '-2'), mark('q', '-3')];
  const marks = [
    ...[mark('q', '+1'), mark('Q', '+1'), copy, dropped, mark('q', '+9')],
    ...[mark(`what is ${key}`, '+1'), mark('now this', '+3'), mark('now this', '-3')],
    mark('lang:ts', '+1'),
  ];
  const data = gatherMarks(snapshot, marks, new Map([[dropped.mark.id, 'drop']]));
  const suspect = {
    ...{ id: copy.mark.id, reason: 'copy' as const, sentence: '', query: 'q' },
    suspect: { path: 'a.ts', start: 2, end: 3, symbol: '' },
  };
  const left = withoutMarks(data, [suspect]).counts;
  assert.deepEqual(left, {
    ...{ marks: 9, usable: 1, relevant: 1, notRelevant: 0, opened: 0 },
    ...{ stale: 1, dropped: 1, secret: 1, setAside: 3, repeated: 2 },
  });
  assert.deepEqual([data.counts.notRelevant, data.counts.setAside], [1, 2]);
});

test('leaves out marks whose code is gone, and queries that hold a secret', () => {
  const key = `AKIA${'Z7Q2M4XK5PLW3VTB'}`;
  const marks = [mark('q', '+9'), mark(`what is ${key}`, '+1')];
  const { queries, counts } = gatherMarks(snapshot, marks);
  assert.deepEqual(queries, []);
  assert.equal(counts.stale, 1);
});

test('takes suspects out and keeps them for a person to look at', () => {
  const wrong = mark('q', '-2');
  const data = gatherMarks(snapshot, [mark('q', '+1'), wrong]);
  const suspect = {
    ...{ id: wrong.mark.id, reason: 'copy' as const, sentence: '', query: 'q' },
    suspect: { path: 'a.ts', start: 2, end: 3, symbol: '' },
  };
  const left = withoutMarks(data, [suspect]);
  assert.deepEqual(left.queries[0]?.wrong, []);
  assert.equal(left.counts.usable, 1);
  assert.deepEqual(left.review, [suspect]);
});

test('a query of which all was said by others is theirs, until its user marks it too', () => {
  const others = (query: string, said: string): KeptMark => {
    const kept = mark(query, said);
    return { ...kept, mark: { ...kept.mark, author: 'Ada' } };
  };
  const marks = [
    others('theirs', '+1'),
    others('both', '+1'),
    mark('both', '-2'),
    mark('own', '+3'),
  ];
  const { queries } = gatherMarks(snapshot, marks);
  assert.deepEqual(
    queries.map(({ text, isOthers }) => [text, isOthers]),
    [
      ['theirs', true],
      ['both', undefined],
      ['own', undefined],
    ],
  );
});

// A run that was not promoted left no version, so that every further mark offered to learn once more.
test('offers to learn from twenty new marks, whatever came of the run before', () => {
  const dated = (count: number, day: number) =>
    Array.from({ length: count }, () => ({ time: `2026-01-0${day}` }));
  const given = (old: number, fresh: number) => {
    const pairs = [...dated(old, 1), ...dated(fresh, 3)] as MarkedPair[];
    const { counts } = gatherMarks(snapshot, []);
    return { queries: [], pairs, counts: { ...counts, usable: pairs.length } };
  };
  const run = (markCount: number) => ({ time: '2026-01-02', markCount });
  assert.deepEqual(
    [isOffered(given(0, 19), undefined), isOffered(given(0, 20), undefined)],
    [false, true],
  );
  assert.deepEqual(
    [isOffered(given(30, 19), run(30)), isOffered(given(30, 20), run(30))],
    [false, true],
  );
  // Twenty were taken back, twenty came.
  assert.equal(isOffered(given(10, 20), run(30)), true);
  // Marks of somebody else are older than the run.
  assert.equal(isOffered(given(50, 0), run(30)), true);
});

test('what was learned from others decides by own queries, as soon as there are enough', () => {
  const some = (count: number, isOthers?: true): { isOthers?: true; at: number }[] =>
    Array.from({ length: count }, (_, at) => ({ isOthers, at }));
  assert.deepEqual(decidingQueries(some(3)), { queries: some(3) });
  const enough = decidingQueries([...some(5, true), ...some(8)]);
  assert.deepEqual(enough.queries, some(8));
  assert.match(enough.note!, /^5 held-out queries of others are left out/);
  const few = decidingQueries([...some(5, true), ...some(7)]);
  assert.equal(few.queries.length, 12);
  assert.match(few.note!, /^5 of 12 held-out queries are of others/);
});
