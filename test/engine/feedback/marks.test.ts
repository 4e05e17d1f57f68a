/** The table of marks and its journal, on a real disk. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import type { Mark } from '../../../src/engine/feedback/mark';
import { FolderMarks } from '../../../src/engine/feedback/marks';
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
