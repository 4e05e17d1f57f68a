import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as crypto from 'node:crypto';
import fsModule, * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { readDocument } from '../../../src/engine/documents/read';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

leavesNothing();
const root = temporaryFolder(after);
const isWindows = process.platform === 'win32';

function sha256(bytes: string | Buffer): string {
  return crypto.createHash('sha256').update(bytes).digest('hex');
}

async function checkSkipped(name: string, reason: string, detail?: string): Promise<void> {
  const result = await readDocument(root, name);
  assert.ok('reason' in result, `${name} was read`);
  assert.equal(result.path, name);
  assert.equal(result.reason, reason);
  if (detail !== undefined) assert.equal(result.detail, detail);
}

test('reads text, language, hash of the bytes, size and time', async () => {
  const bytes = '\ufeffconst a = 1;\r\nconst b = 2;\r\n';
  writeFiles(root, { 'src/a.ts': bytes });
  fs.utimesSync(path.join(root, 'src/a.ts'), 1000, 2000);
  assert.deepEqual(await readDocument(root, 'src/a.ts'), {
    path: 'src/a.ts',
    language: 'typescript',
    text: 'const a = 1;\nconst b = 2;\n',
    hash: sha256(bytes),
    sizeBytes: 31,
    mtimeMs: 2_000_000,
  });
});

test('knows a script by its first line, and reads an empty file', async () => {
  writeFiles(root, { run: '#!/usr/bin/env python3\nprint()\n', empty: '' });
  const [script, empty] = [await readDocument(root, 'run'), await readDocument(root, 'empty')];
  assert.equal('language' in script && script.language, 'python');
  assert.deepEqual('text' in empty && [empty.text, empty.hash], ['', sha256('')]);
});

test('hashes what is on disk and redacts what is in the text', async () => {
  const bytes = `a\nTOKEN=${'kJ8s9dLq2Wm4xZ7v'}${'B1nC5tR3'}\nb\n`;
  writeFiles(root, { 'config.sh': bytes });
  const document = await readDocument(root, 'config.sh');
  assert.ok('text' in document);
  assert.equal(document.text, 'a\nTOKEN=[redacted]\nb\n');
  assert.equal(document.hash, sha256(bytes));
});

test('refuses paths that leave the folder or are none', async () => {
  for (const name of ['../a', '/etc/hostname', 'a/../../b', 'a\0b', '', '.', 'a//b', './a']) {
    await checkSkipped(name, 'badName');
  }
});

test('does not open a secret, a binary, a file too large or one that is gone', async () => {
  writeFiles(root, {
    '.env': 'A=1',
    'a.png': Buffer.from('89504e470d0a1a0a0000', 'hex'),
    huge: '',
  });
  fs.truncateSync(path.join(root, 'huge'), 2 ** 31);
  await checkSkipped('.env', 'secret');
  await checkSkipped('a.png', 'binary', 'it holds NUL bytes');
  await checkSkipped('huge', 'tooLarge', '2 GiB, the limit is 2 MiB');
  await checkSkipped('none/a.ts', 'vanished');
  assert.equal('reason' in (await readDocument(root, 'src/a.ts', { maxFileBytes: 3 })), true);
});

test('does not wait for a pipe', { timeout: 5000 }, async (context) => {
  if (isWindows) return context.skip('Windows keeps pipes elsewhere');
  assert.equal(spawnSync('sh', ['-c', 'mkfifo "$0"', path.join(root, 'pipe')]).status, 0);
  await checkSkipped('pipe', 'notRegular', 'a named pipe');
  fs.mkdirSync(path.join(root, 'folder'));
  await checkSkipped('folder', 'notRegular', 'a folder');
});

test('follows no link, neither at the end nor on the way', async (context) => {
  if (isWindows) return context.skip('links need special rights on Windows');
  const outside = temporaryFolder(after);
  writeFiles(outside, { 'secret.ts': 'stolen' });
  writeFiles(root, { 'real/a.ts': '' });
  fs.symlinkSync(path.join(outside, 'secret.ts'), path.join(root, 'out.ts'));
  fs.symlinkSync(outside, path.join(root, 'outFolder'));
  fs.symlinkSync('real', path.join(root, 'inFolder'));
  fs.symlinkSync('loop', path.join(root, 'loop'));
  await checkSkipped('out.ts', 'symlinkOutside');
  await checkSkipped('outFolder/secret.ts', 'symlinkOutside');
  await checkSkipped('inFolder/a.ts', 'notRegular', 'a link to real/a.ts');
  await checkSkipped('loop', 'symlinkLoop');
});

test('reads again when the file changes while it is read', async (context) => {
  writeFiles(root, { 'busy.ts': 'old\n' });
  const realRead = fs.readSync;
  let readCount = 0;
  context.mock.method(fsModule, 'readSync', (...all: Parameters<typeof fs.readSync>) => {
    if (readCount++ === 0) fs.appendFileSync(path.join(root, 'busy.ts'), 'new\n');
    return realRead(...all);
  });
  const document = await readDocument(root, 'busy.ts');
  assert.ok('text' in document);
  assert.equal(document.text, 'old\nnew\n');
  assert.equal(document.hash, sha256('old\nnew\n'));
});

test('takes what it got from a file that shrinks or never stops growing', async (context) => {
  writeFiles(root, { 'shrinks.ts': 'a longer line\n', 'grows.ts': 'x\n' });
  const realRead = fs.readSync;
  const atRead = (action: () => void): void => {
    context.mock.method(fsModule, 'readSync', (...all: Parameters<typeof fs.readSync>) => {
      action();
      return realRead(...all);
    });
  };
  atRead(() => fs.truncateSync(path.join(root, 'shrinks.ts'), 3));
  const shrunk = await readDocument(root, 'shrinks.ts');
  assert.equal('text' in shrunk && shrunk.text, 'a l');
  context.mock.restoreAll();
  atRead(() => fs.appendFileSync(path.join(root, 'grows.ts'), 'x\n'));
  const grown = await readDocument(root, 'grows.ts');
  assert.equal('text' in grown && grown.text, 'x\nx\n');
});

test('lists a file it may not read, and one the disk fails on', async (context) => {
  writeFiles(root, { 'closed.ts': '' });
  const failWith = (code: string): void => {
    context.mock.method(fsModule, 'openSync', () => {
      throw Object.assign(new Error(code), { code });
    });
  };
  failWith('EACCES');
  await checkSkipped('closed.ts', 'unreadable', 'permission denied');
  context.mock.restoreAll();
  failWith('EIO');
  await checkSkipped('closed.ts', 'unreadable', 'the disk reports an error');
});
