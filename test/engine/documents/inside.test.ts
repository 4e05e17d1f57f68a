import assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';
import {
  hasDeceptiveSegment,
  isIndexPath,
  isInside,
  relativeInside,
} from '../../../src/engine/documents/inside';

const root = path.resolve('/work place/repo');

test('gives the path relative to the folder', () => {
  assert.equal(relativeInside(root, path.join(root, 'a/b.ts')), 'a/b.ts');
  assert.equal(relativeInside(root, 'a/./b/../c.ts'), 'a/c.ts');
  assert.equal(relativeInside(root, root), '');
  assert.equal(relativeInside(root, '..a/...'), '..a/...');
});

test('refuses what leaves the folder, NUL, other roots and look-alikes', () => {
  for (const candidate of [
    '..',
    '../x',
    'a/../../x',
    '/etc/passwd',
    `${root}2/x`,
    path.dirname(root),
    'a\0',
    '',
  ]) {
    assert.equal(isInside(root, candidate), false, candidate);
  }
});

test('refuses another spelling of the folder, even where the system would take it', () => {
  if (process.platform === 'win32') return;
  assert.equal(isInside(root, '/Work Place/repo/a'), false);
});

test('takes only paths as the index writes them', () => {
  for (const good of ['a', 'a/b.ts', '..a', 'a b/c', '.x'])
    assert.equal(isIndexPath(good), true, good);
  for (const bad of ['', '.', '..', './a', 'a/..', 'a//b', '/a', 'a/', 'a\0b']) {
    assert.equal(isIndexPath(bad), false, bad);
  }
});

test('sees through names that Windows opens as something else', () => {
  for (const bad of ['.env.', 'a/.env ', 'file.txt:stream', 'CON', 'a\\nul.txt', 'com1', 'c:x']) {
    assert.equal(hasDeceptiveSegment(bad), true, bad);
  }
  for (const good of ['C:\\repo\\a.ts', 'a/../b', 'console.ts', 'nullable', '.env']) {
    assert.equal(hasDeceptiveSegment(good), false, good);
  }
});
