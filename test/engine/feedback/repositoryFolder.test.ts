/** The folder that comes with a repository: nothing in it leads anywhere else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { readShared, writeShared } from '../../../src/engine/feedback/repositoryFolder';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
const outside = path.join(root, 'outside');
fs.mkdirSync(outside);
fs.writeFileSync(path.join(outside, 'marks.jsonl'), 'private');
let count = 0;

/** A workspace with a folder `.nearmiss`, or without. */
function workspace(isShared = true): { readonly folder: string; readonly shared: string } {
  const folder = path.join(root, `${count++}`);
  const shared = path.join(folder, '.nearmiss');
  fs.mkdirSync(isShared ? shared : folder, { recursive: true });
  return { folder, shared };
}

const REFUSED = { code: 'permission' };

test('reads what it wrote, and nothing where there is nothing', async () => {
  const { folder } = workspace(false);
  assert.equal(await readShared(folder, 'marks.jsonl', 100), undefined);
  assert.equal(await readShared(folder, 'adapter/version.json', 100), undefined);
  await writeShared(folder, 'adapter/version.json', 'first');
  await writeShared(folder, 'adapter/version.json', 'second');
  assert.equal(String(await readShared(folder, 'adapter/version.json', 100)), 'second');
  assert.deepEqual(fs.readdirSync(path.join(folder, '.nearmiss/adapter')), ['version.json']);
});

test('refuses a file that is larger than allowed', async () => {
  const { folder, shared } = workspace();
  fs.writeFileSync(path.join(shared, 'marks.jsonl'), 'x'.repeat(101));
  await assert.rejects(readShared(folder, 'marks.jsonl', 100), REFUSED);
});

test('follows no link, neither reading nor writing', async (t) => {
  if (process.platform === 'win32') return t.skip('links need a right that tests may lack');
  const { folder, shared } = workspace();
  fs.symlinkSync(path.join(outside, 'marks.jsonl'), path.join(shared, 'marks.jsonl'));
  await assert.rejects(readShared(folder, 'marks.jsonl', 100), REFUSED);
  // The link is replaced, what it led to is not touched.
  await writeShared(folder, 'marks.jsonl', 'ours');
  assert.equal(fs.readFileSync(path.join(outside, 'marks.jsonl'), 'utf8'), 'private');

  const linked = workspace(false);
  fs.symlinkSync(outside, linked.shared);
  await assert.rejects(readShared(linked.folder, 'marks.jsonl', 100), REFUSED);
  await assert.rejects(writeShared(linked.folder, 'marks.jsonl', 'ours'), REFUSED);

  const inner = workspace();
  fs.symlinkSync(outside, path.join(inner.shared, 'adapter'));
  await assert.rejects(readShared(inner.folder, 'adapter/marks.jsonl', 100), REFUSED);
  await assert.rejects(writeShared(inner.folder, 'adapter/marks.jsonl', 'ours'), REFUSED);
  assert.deepEqual(fs.readdirSync(outside), ['marks.jsonl']);
  assert.equal(fs.readFileSync(path.join(outside, 'marks.jsonl'), 'utf8'), 'private');
});

test('does not wait for a pipe, and refuses a folder in place of a file', async (t) => {
  if (process.platform === 'win32') return t.skip('there are no such pipes');
  const { folder, shared } = workspace();
  const pipe = path.join(shared, 'marks.jsonl');
  assert.equal(spawnSync('sh', ['-c', 'mkfifo "$0"', pipe]).status, 0);
  await assert.rejects(readShared(folder, 'marks.jsonl', 100), REFUSED);
  fs.mkdirSync(path.join(shared, 'folder'));
  await assert.rejects(readShared(folder, 'folder', 100), REFUSED);
});
