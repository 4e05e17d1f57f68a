import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  byUsefulness,
  planChanges,
  rowsBelow,
  storedTime,
} from '../../../src/engine/indexing/changes';
import type { DocumentRow, DocumentTier } from '../../../src/engine/store/types';

function file(path: string, mtimeMs = 1000, sizeBytes = 10) {
  return { path, mtimeMs, sizeBytes };
}

function rows(
  ...files: (ReturnType<typeof file> & { tier?: DocumentTier })[]
): Map<string, DocumentRow> {
  return new Map(
    files.map((each) => [
      each.path,
      { id: 1, language: 'typescript', hash: 'aa', tier: 'syntax', ...each },
    ]),
  );
}

test('tells added, changed, removed, unfinished and unchanged files apart', () => {
  const stored = rows(file('same.ts'), file('resized.ts'), file('touched.ts'), file('gone.ts'), {
    ...file('windows.ts'),
    tier: 'lines',
  });
  const found = [
    file('new.ts'),
    file('resized.ts', 1000, 11),
    file('same.ts'),
    file('touched.ts', 1001),
    file('windows.ts'),
  ];
  const plan = planChanges(found, stored);
  const paths = (files: readonly { path: string }[]): string[] => files.map(({ path }) => path);
  assert.deepEqual(paths(plan.added), ['new.ts']);
  assert.deepEqual(paths(plan.changed), ['resized.ts', 'touched.ts']);
  assert.deepEqual(plan.removed, ['gone.ts']);
  assert.deepEqual(paths(plan.unfinished), ['windows.ts']);
});

test('looks at a file again that was read within the grain of the clock', () => {
  const writtenAt = 50_000;
  const stored = storedTime(writtenAt, writtenAt + 500);
  assert.deepEqual(planChanges([file('a', writtenAt)], rows(file('a', stored))).changed.length, 1);
  assert.equal(storedTime(writtenAt, writtenAt + 5000), writtenAt);
});

test('looks again at a file from the future, for the clock may have gone back', () => {
  assert.notEqual(storedTime(90_000, 50_000), 90_000);
});

test('finds the rows of a path and of all below it, and no namesakes', () => {
  const stored = rows(file('src/a.ts'), file('src/b/c.ts'), file('src2/d.ts'), file('src'));
  assert.deepEqual(rowsBelow('src', stored), ['src/a.ts', 'src/b/c.ts', 'src']);
});

test('puts the files of the folder itself first, then the recent ones, then the rest by path', () => {
  const many = Array.from({ length: 300 }, (_, i) => file(`old/f${1000 + i}.ts`, i));
  const ordered = byUsefulness([file('z/new.ts', 9999), ...many, file('readme.md', 1)]);
  assert.deepEqual(
    ordered.slice(0, 3).map(({ path }) => path),
    ['readme.md', 'z/new.ts', 'old/f1299.ts'],
  );
  assert.equal(ordered.at(-1)?.path, 'old/f1100.ts');
  assert.equal(ordered.length, 302);
});
