/** The table of marks and its journal, on a real disk. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { appendJournal } from '../../../src/engine/feedback/journal';
import type { Mark } from '../../../src/engine/feedback/mark';
import { FolderMarks } from '../../../src/engine/feedback/marks';
import { cutFile, flipBit } from '../../support/faults';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
let count = 0;

function newJournal(): string {
  return path.join(root, `${count++}`, 'journal.jsonl');
}

function open(file: string): Promise<FolderMarks> {
  return FolderMarks.open(file, '/code');
}

function markOf(more: Partial<Mark> = {}): Omit<Mark, 'id' | 'v'> {
  return {
    query: 'retry uploads',
    path: 'src/queue.ts',
    start: 3,
    end: 9,
    symbol: 'Queue > retry',
    hash: 'abc',
    verdict: 'notRelevant',
    time: '2026-11-25T12:00:00.000Z',
    rank: 2,
    checkpoint: 'c0',
    ...more,
  };
}

function marksOf(marks: FolderMarks): Mark[] {
  return marks.list().map(({ mark }) => mark);
}

test('keeps a mark over an end of the process, in the one shape', async () => {
  const file = newJournal();
  const { id } = await (await open(file)).add(markOf());
  assert.deepEqual(marksOf(await open(file)), [
    { v: 1, id, source: undefined, weak: undefined, ...markOf() },
  ]);
  const line = JSON.parse(fs.readFileSync(file, 'utf8').split('\n')[1]!) as object;
  assert.deepEqual(Object.keys(line), [
    ...['v', 'id', 'query', 'path', 'start', 'end', 'symbol', 'hash', 'verdict', 'time', 'rank'],
    ...['checkpoint', 'sum'],
  ]);
});

test('replaces the verdict on the same chunk for the same query, however it is typed', async () => {
  const marks = await open(newJournal());
  await marks.add(markOf());
  const { id } = await marks.add(markOf({ query: ' Retry  UPLOADS', verdict: 'relevant' }));
  assert.deepEqual(
    marksOf(marks).map((mark) => mark.id),
    [id],
  );
});

test('undoes once, whoever asks twice', async () => {
  const file = newJournal();
  const marks = await open(file);
  const { id } = await marks.add(markOf());
  const undone = await Promise.all([marks.undo(id), marks.undo(id), marks.undo()]);
  assert.deepEqual(
    undone.map((mark) => mark?.id),
    [id, undefined, undefined],
  );
  assert.deepEqual(marksOf(await open(file)), []);
});

test('keeps every one of fifty quick marks and undoes every second, in order', async () => {
  const file = newJournal();
  const marks = await open(file);
  const added = await Promise.all(
    Array.from({ length: 50 }, (_, index) => marks.add(markOf({ query: `query ${index}` }))),
  );
  const every2nd = added.filter((_, index) => index % 2 === 1);
  await Promise.all(every2nd.map(({ id }) => marks.undo(id)));
  const left = added.filter((_, index) => index % 2 === 0).map(({ id }) => id);
  const idsOf = (table: FolderMarks): string[] => marksOf(table).map(({ id }) => id);
  assert.deepEqual(idsOf(marks), left);
  assert.deepEqual(idsOf(await open(file)), left);
  await marks.compact();
  assert.deepEqual(idsOf(await open(file)), left);
});

test('leaves nothing of an undone mark in the file once it is compacted', async () => {
  const file = newJournal();
  const marks = await open(file);
  const { id } = await marks.add(markOf({ query: 'swordfish' }));
  await marks.add(markOf());
  await marks.undo(id);
  assert.match(fs.readFileSync(file, 'utf8'), /swordfish/);
  assert.equal(await marks.compact(), true);
  assert.doesNotMatch(fs.readFileSync(file, 'utf8'), /swordfish/);
  assert.equal(await marks.compact(), false);
  assert.equal((await open(file)).count, 1);
});

test('knows after a start where a mark has gone, and where it came from', async () => {
  const file = newJournal();
  const marks = await open(file);
  const { id } = await marks.add(markOf(), ['near1']);
  const place = { path: 'lib/queue.ts', start: 4, end: 10, symbol: 'Queue > again', hash: 'def' };
  await marks.move([
    { id, place },
    { id: 'nobody', place },
  ]);
  for (const table of [marks, await open(file)]) {
    const [kept] = table.list();
    assert.deepEqual(
      [kept!.mark.path, kept!.mark.hash, kept!.mark.id],
      ['lib/queue.ts', 'def', id],
    );
    assert.deepEqual([kept!.origin.path, kept!.near], ['src/queue.ts', ['near1']]);
  }
  await marks.add(markOf({ query: 'other' }));
  await marks.undo();
  await marks.compact();
  assert.equal((await open(file)).list()[0]?.mark.path, 'lib/queue.ts');
  assert.equal((await open(file)).list()[0]?.origin.path, 'src/queue.ts');
});

test('gives the same mark the same id, and another verdict another one', async () => {
  const ids = [];
  for (const more of [{}, {}, { verdict: 'relevant' as const }])
    ids.push((await (await open(newJournal())).add(markOf(more))).id);
  assert.equal(ids[0], ids[1]);
  assert.notEqual(ids[0], ids[2]);
});

test('lets an opened hit count only where nobody has judged it', async () => {
  const marks = await open(newJournal());
  const opened = { verdict: 'relevant', weak: true } as const;
  await marks.add(markOf(opened));
  assert.equal(await marks.undo(), undefined, 'nobody judged, so there is nothing to take back');
  const judged = await marks.add(markOf());
  assert.equal((await marks.add(markOf(opened))).id, judged.id);
  assert.deepEqual(
    marksOf(marks).map(({ id }) => id),
    [judged.id],
  );
});

/** Three marks whose journal is then damaged: how many are left, and what is said. */
async function checkDamage(
  damage: (file: string) => void,
  left: number,
  sentence: RegExp | undefined,
): Promise<void> {
  const file = newJournal();
  const marks = await open(file);
  for (const query of ['one', 'two', 'three']) await marks.add(markOf({ query }));
  damage(file);
  const damaged = await open(file);
  assert.equal(damaged.count, left);
  if (sentence) assert.match(damaged.problems.join(), sentence);
  else assert.deepEqual(damaged.problems, []);
  // What is added afterwards stands on a line of its own, and what is damaged is not thrown away.
  await damaged.add(markOf({ query: 'four' }));
  await damaged.undo((await damaged.add(markOf({ query: 'five' }))).id);
  await damaged.compact();
  const again = await open(file);
  assert.equal(again.count, left + 1);
  assert.equal(again.problems.length, damaged.problems.length);
}

test('keeps the rest when a line is damaged, and says so', () =>
  checkDamage(
    (file) => {
      const second = fs.readFileSync(file, 'utf8').indexOf('"two"');
      flipBit(file, second + 2);
    },
    2,
    /damaged: line 3 is left out, the other marks count/,
  ));

test('keeps the rest when the file was cut, and says so', () =>
  checkDamage((file) => cutFile(file, 0.9), 2, /line 4 is left out/));

test('keeps the rest when the file holds bytes that are no text', () =>
  checkDamage((file) => fs.appendFileSync(file, Buffer.from([0xff, 0, 0xfe, 0x0a])), 3, /line 5/));

test('says nothing of empty lines', () =>
  checkDamage((file) => fs.appendFileSync(file, '\n\n'), 3, undefined));

test('leaves a journal of a newer version as it is, and says so', async () => {
  const file = newJournal();
  await (await open(file)).add(markOf());
  fs.appendFileSync(file, '{"v":2,"id":"x","feeling":"warm"}\n');
  const before = fs.readFileSync(file);
  await assert.rejects(open(file), {
    code: 'version',
    message: /were written by a newer Nearmiss \(version 2, this one knows 1\)/,
  });
  assert.deepEqual(fs.readFileSync(file), before);
});

test(
  'refuses a mark on a full disk in a sentence',
  { skip: hasFullDevice() ? false : 'there is no /dev/full here' },
  async () => {
    const file = newJournal();
    fs.mkdirSync(path.dirname(file));
    fs.symlinkSync('/dev/full', file);
    await assert.rejects(appendJournal(file, [{ type: 'undo', id: 'x' }]), {
      code: 'diskFull',
      message: 'The disk is full, so the marks stay as they were',
    });
  },
);

test('has nothing of a mark that the disk had no room for', async (t) => {
  const folder = path.join(root, 'small');
  fs.mkdirSync(folder);
  const options = ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', folder];
  if (process.platform !== 'linux' || spawnSync('mount', options).status !== 0)
    return t.skip('no file system can be mounted here');
  try {
    const file = path.join(folder, 'own/journal.jsonl');
    const marks = await open(file);
    await marks.add(markOf());
    const before = fs.readFileSync(file, 'utf8');
    const long = markOf({ query: 'x'.repeat(100_000) });
    await assert.rejects(marks.add(long), { code: 'diskFull' });
    assert.equal(fs.readFileSync(file, 'utf8'), before);
    assert.equal(marks.count, 1);
    await marks.add(markOf({ query: 'short' }));
    assert.equal((await open(file)).count, 2);
    assert.deepEqual((await open(file)).problems, []);
  } finally {
    spawnSync('umount', ['-l', folder]);
  }
});

function hasFullDevice(): boolean {
  return fs.existsSync('/dev/full');
}
