/** How much of a folder has changed since a version was learned. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import {
  changedShare,
  readSketch,
  sketchOf,
  writeSketch,
} from '../../../src/engine/learning/workspaceSketch';
import type { ChunkRow } from '../../../src/engine/store/types';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);

/** Files by path, each with the texts of its chunks. */
function folderOf(files: Readonly<Record<string, readonly string[]>>) {
  return {
    paths: () => Object.keys(files),
    chunksAt: (name: string) => (files[name] ?? []).map((text) => ({ text }) as ChunkRow),
  };
}

const FILES = { 'a.ts': ['one', 'two'], 'b.ts': ['three', 'four'] };

const changes: readonly [string, Readonly<Record<string, readonly string[]>>, number][] = [
  ['nothing', FILES, 0],
  ['the order of chunks', { 'b.ts': ['four', 'three'], 'a.ts': ['two', 'one'] }, 0],
  ['a chunk of four became another', { ...FILES, 'a.ts': ['one', 'TWO'] }, 2 / 5],
  ['a file came', { ...FILES, 'c.ts': ['five'] }, 1 / 5],
  ['a file went', { 'a.ts': ['one', 'two'] }, 1 / 2],
  ['everything', { 'c.ts': ['five'] }, 1],
];
for (const [what, files, share] of changes)
  test(`${what}: ${share.toFixed(2)}`, () => {
    const was = changedShare(sketchOf(folderOf(FILES)), folderOf(files));
    assert.ok(Math.abs(was - share) < 1e-9, `${was}`);
  });

test('of a large folder looks at some files, the same again and their share of new ones', () => {
  const filesOf = (count: number, text: string): Record<string, readonly string[]> =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`${text}${at}.ts`, [text]]));
  const before = filesOf(2000, 'old');
  const sketch = sketchOf(folderOf(before));
  assert.equal(sketch.chunks.length, 256);
  assert.equal(changedShare(sketch, folderOf(before)), 0);
  const doubled = changedShare(sketch, folderOf({ ...before, ...filesOf(2000, 'new') }));
  assert.ok(0.4 < doubled && doubled < 0.6, `${doubled}`);
});

test('is read as it was written; where it is damaged or missing nothing is known', async () => {
  await writeSketch(root, 'a', folderOf(FILES));
  assert.deepEqual(await readSketch(root, 'a'), sketchOf(folderOf(FILES)));
  fs.writeFileSync(path.join(root, 'measured', 'a.json'), '{"v":1,"chunks":7}');
  assert.equal(await readSketch(root, 'a'), undefined);
  assert.equal(await readSketch(root, 'gone'), undefined);
  assert.equal(changedShare({ v: 1, upTo: '', chunks: [] }, folderOf({})), 0);
});
