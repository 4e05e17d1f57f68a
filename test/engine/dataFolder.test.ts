import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import {
  folderId,
  indexFolder,
  indexNames,
  newSocketPath,
  realFolder,
  savedFolder,
  savedFolders,
  saveFolder,
} from '../../src/engine/dataFolder';
import { temporaryFolder } from '../support/temporaryFolder';

const root = temporaryFolder(after);
const data = path.join(root, 'data');

test('gives one folder one id, whichever way leads to it', () => {
  const folder = path.join(root, 'some project');
  fs.mkdirSync(folder);
  fs.symlinkSync(folder, path.join(root, 'link'));
  assert.equal(realFolder(path.join(root, 'link')), folder);
  assert.match(folderId(folder), /^some_project-[0-9a-f]{12}$/);
  assert.notEqual(folderId(folder), folderId(`${folder}2`));
});

test('says in a sentence that a folder is missing or none', () => {
  const file = path.join(root, 'file');
  fs.writeFileSync(file, '');
  assert.throws(() => realFolder(path.join(root, 'gone')), { code: 'usage', message: /no folder/ });
  assert.throws(() => realFolder(file), { code: 'usage', message: /is not a folder/ });
});

test('keeps which folder an index is of, and passes over what it cannot read', () => {
  const rules = { include: ['*.ts'], exclude: undefined, letIn: ['a/*'], usesGitRules: false };
  const record = { id: 'a-1', folder: '/a', ...rules };
  saveFolder(data, record);
  saveFolder(data, { id: 'b-1', folder: '/b' });
  fs.writeFileSync(path.join(indexFolder(data, 'b-1'), 'folder.json'), '{');
  assert.deepEqual(savedFolder(data, 'a-1'), record);
  assert.deepEqual(savedFolders(data), [record]);
  assert.deepEqual(indexNames(data).sort(), ['a-1', 'b-1']);
  assert.deepEqual(indexNames(path.join(root, 'nothing')), []);
});

test('finds a short place of its own for a socket whose path would be too long', () => {
  if (process.platform === 'win32') return;
  const deep = path.join(root, 'x'.repeat(120));
  const socket = newSocketPath(deep);
  assert.ok(Buffer.byteLength(socket) <= 100, socket);
  assert.equal(fs.statSync(path.dirname(socket)).mode & 0o777, 0o700);
  assert.equal(path.dirname(newSocketPath('/d')), '/d');
});
