import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { after, test, type TestContext } from 'node:test';
import type { Skipped } from '../../../src/engine/documents/document';
import { walkFolder, type WalkOptions } from '../../../src/engine/documents/walk';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

leavesNothing();
const outer = temporaryFolder(after);
const isWindows = process.platform === 'win32';

function folderWith(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = fs.mkdtempSync(path.join(outer, 'walk-'));
  writeFiles(folder, files);
  return folder;
}

async function walk(
  root: string,
  options: WalkOptions = {},
): Promise<{ paths: string[]; skipped: Skipped[] }> {
  const paths: string[] = [];
  const skipped = await walkFolder(root, options, (file) => void paths.push(file.path));
  return { paths, skipped };
}

/** Reasons by path, without the counts for the whole folder. */
function reasons(skipped: readonly Skipped[]): Record<string, string> {
  const listed = skipped.filter(({ path: at }) => at !== '.');
  return Object.fromEntries(listed.map(({ path: at, reason }) => [at, reason]));
}

test('gives the files of a folder before those of its subfolders, each by name', async () => {
  const root = folderWith({ 'b/z.ts': '', 'b/a/x.ts': '', 'a/y.ts': '', 'c.ts': '', 'B.ts': '' });
  const { paths, skipped } = await walk(root);
  assert.deepEqual(paths, ['B.ts', 'c.ts', 'a/y.ts', 'b/z.ts', 'b/a/x.ts']);
  assert.deepEqual(skipped, []);
});

test('tells which folders an ignore rule leaves out', async () => {
  const root = folderWith({
    '.gitignore': 'dist/\n',
    'dist/deep/a.ts': '',
    'src/dist/b.ts': '',
    'target/CACHEDIR.TAG': '',
    'excluded/c.ts': '',
    'd.ts': '',
  });
  const folders: string[] = [];
  const onIgnoredFolder = (at: string): void => void folders.push(at);
  await walk(root, { exclude: ['excluded'], onIgnoredFolder });
  assert.deepEqual(folders, ['dist', 'src/dist', 'target']);
});

test('gives size and time of each file', async () => {
  const root = folderWith({ 'a.ts': 'four' });
  fs.utimesSync(path.join(root, 'a.ts'), 1000, 2000);
  await walkFolder(root, {}, (file) =>
    assert.deepEqual(file, { path: 'a.ts', sizeBytes: 4, mtimeMs: 2_000_000 }),
  );
});

test('asks .nearmissignore first, then what is built in, then git', async () => {
  const root = folderWith({
    '.gitignore': 'dist/\n*.log\n!node_modules/\n',
    '.nearmissignore': '!dist/\nsrc/old/\n',
    'dist/kept.ts': '',
    'dist/.nearmissignore': '!again.log\n',
    'dist/again.log': '',
    'node_modules/a/index.js': '',
    'src/old/x.ts': '',
    'src/new.ts': '',
    'x.log': '',
  });
  const { paths, skipped } = await walk(root);
  const expected = ['src/new.ts', 'dist/kept.ts', 'dist/again.log'];
  assert.deepEqual(
    paths.filter((name) => !name.includes('.nearmiss') && !name.includes('.git')).sort(),
    expected.sort(),
  );
  const detail = '2 folders and 1 file by ignore rules';
  assert.deepEqual(skipped, [{ path: '.', reason: 'ignored', detail }]);
});

test('never looks into .git, whatever a rule says', async () => {
  const root = folderWith({
    '.nearmissignore': '!.git\n!.git/**\n',
    '.git/config': '',
    '.GIT/x': '',
    'a.ts': '',
  });
  assert.deepEqual((await walk(root)).paths, ['.nearmissignore', 'a.ts']);
});

test('leaves out folders that say they are a cache or an environment of Python', async () => {
  const root = folderWith({
    'venv/pyvenv.cfg': '',
    'venv/lib/a.py': '',
    'Lib/venv/__init__.py': '',
    'target/CACHEDIR.TAG': '',
    'target/x.rs': '',
    'wanted/CACHEDIR.TAG': '',
    'wanted/y.rs': '',
    '.nearmissignore': '!/wanted/\n',
  });
  const { paths } = await walk(root, { exclude: ['CACHEDIR.TAG', '.nearmissignore'] });
  assert.deepEqual(paths, ['Lib/venv/__init__.py', 'wanted/y.rs']);
});

test('starts anew with the rules of a nested repository, submodule or worktree', async () => {
  const root = folderWith({
    '.git/HEAD': '',
    '.git/info/exclude': 'a.ts\n',
    '.git/modules/sub/HEAD': '',
    '.git/modules/sub/info/exclude': 'b.ts\n',
    '.gitignore': '*.md\nignored/\n',
    'a.ts': '',
    'x.md': '',
    'nested/.git/HEAD': '',
    'nested/a.ts': '',
    'nested/x.md': '',
    'ignored/.git/HEAD': '',
    'ignored/a.ts': '',
    'sub/.git': 'gitdir: ../.git/modules/sub\n',
    'sub/a.ts': '',
    'sub/b.ts': '',
    'sub/x.md': '',
    'plain/.git/nothing': '',
    'plain/x.md': '',
  });
  const { paths } = await walk(root, { include: ['*.ts', '*.md'] });
  assert.deepEqual(paths, ['nested/a.ts', 'nested/x.md', 'sub/a.ts', 'sub/x.md']);
});

test('honours rules above the indexed folder, up to the top of the repository', async () => {
  const top = folderWith({
    '.gitignore': 'x.ts\n',
    'repo/.git/HEAD': '',
    'repo/.gitignore': '/pkg/src/b.ts\n*.gen.ts\n',
    'repo/pkg/.nearmissignore': 'src/c.ts\n!keep.gen.ts\n',
    'repo/pkg/src/a.ts': '',
    'repo/pkg/src/b.ts': '',
    'repo/pkg/src/c.ts': '',
    'repo/pkg/src/d.gen.ts': '',
    'repo/pkg/src/keep.gen.ts': '',
    'repo/pkg/src/x.ts': '',
  });
  const { paths } = await walk(path.join(top, 'repo/pkg/src'));
  assert.deepEqual(paths, ['a.ts', 'keep.gen.ts', 'x.ts']);
});

test('narrows to include globs and drops exclude globs, and counts what that leaves out', async () => {
  const root = folderWith({
    'src/a.ts': '',
    'src/a.test.ts': '',
    'src/deep/b.ts': '',
    'docs/a.md': '',
    'docs/.hidden/c.ts': '',
    'top.ts': '',
  });
  const included = await walk(root, { include: ['src', '*.md'], exclude: ['*.test.ts'] });
  assert.deepEqual(included.paths, ['docs/a.md', 'src/a.ts', 'src/deep/b.ts']);
  assert.deepEqual(
    included.skipped.map(({ path: at, reason }) => [at, reason]),
    [['.', 'excluded']],
  );
  assert.deepEqual((await walk(root, { include: ['docs/**/*.ts'] })).paths, ['docs/.hidden/c.ts']);
  assert.deepEqual((await walk(root, { include: ['/top.ts'] })).paths, ['top.ts']);
});

test('lists secrets and large files, and says once how many came too late', async () => {
  const root = folderWith({
    '.env': 'A=1',
    'a.ts': '',
    'big.ts': 'x'.repeat(100),
    'c.ts': '',
    'd.ts': '',
    'e/f.ts': '',
  });
  const { paths, skipped } = await walk(root, { maxFileBytes: 99, maxFileCount: 2 });
  assert.deepEqual(paths, ['a.ts', 'c.ts']);
  assert.deepEqual(skipped, [
    { path: '.env', reason: 'secret', detail: 'environment files hold credentials' },
    { path: 'big.ts', reason: 'tooLarge', detail: '100 bytes, the limit is 99 bytes' },
    { path: '.', reason: 'tooMany', detail: '2 files beyond the limit of 2' },
  ]);
});

test('measures a file of 2 GB without reading it', async () => {
  const root = folderWith({ huge: '' });
  fs.truncateSync(path.join(root, 'huge'), 2 ** 31);
  const { paths, skipped } = await walk(root);
  assert.deepEqual(paths, []);
  assert.equal(skipped[0]?.detail, '2 GiB, the limit is 2 MiB');
});

function needsLinks(context: TestContext): boolean {
  if (isWindows) context.skip('links need special rights on Windows');
  return !isWindows;
}

test('follows no link: inside quietly, out, in circles and into nothing with the reason', async (context) => {
  if (!needsLinks(context)) return;
  const root = folderWith({ 'real/a.ts': '', 'b.ts': '' });
  const link = (target: string, name: string): void =>
    fs.symlinkSync(target, path.join(root, name));
  link('real/a.ts', 'toFile');
  link('real', 'toFolder');
  link('..', 'real/up');
  link('.', 'self');
  link(outer, 'out');
  link('/etc/hostname', 'outFile');
  link('nothing', 'broken');
  link('circle2', 'circle1');
  link('circle1', 'circle2');
  const { paths, skipped } = await walk(root);
  assert.deepEqual(paths, ['b.ts', 'real/a.ts']);
  assert.deepEqual(reasons(skipped), {
    broken: 'vanished',
    circle1: 'symlinkLoop',
    circle2: 'symlinkLoop',
    out: 'symlinkOutside',
    outFile: 'symlinkOutside',
    'real/up': 'symlinkLoop',
    self: 'symlinkLoop',
  });
});

test('starts from a folder that is itself a link', async (context) => {
  if (!needsLinks(context)) return;
  const root = folderWith({ 'a.ts': '' });
  const link = path.join(outer, 'linked');
  fs.symlinkSync(root, link);
  assert.deepEqual((await walk(link)).paths, ['a.ts']);
});

test('opens neither pipes nor sockets', async (context) => {
  if (isWindows) return context.skip('Windows keeps pipes and sockets elsewhere');
  const root = folderWith({ 'a.ts': '' });
  assert.equal(spawnSync('sh', ['-c', 'mkfifo "$0"', path.join(root, 'pipe')]).status, 0);
  const server = net.createServer();
  // A socket's path must be short.
  const before = process.cwd();
  process.chdir(root);
  await new Promise<void>((resolve) => server.listen('socket', resolve));
  process.chdir(before);
  try {
    const { paths, skipped } = await walk(root);
    assert.deepEqual(paths, ['a.ts']);
    assert.deepEqual(skipped, [
      { path: 'pipe', reason: 'notRegular', detail: 'a named pipe' },
      { path: 'socket', reason: 'notRegular', detail: 'a socket' },
    ]);
  } finally {
    server.close();
  }
});

test('lists folders it may not read and goes on', async (context) => {
  if (isWindows) return context.skip('Windows has other rights');
  const root = folderWith({ 'closed/a.ts': '', 'open/b.ts': '' });
  for (const folder of [path.dirname(outer), outer]) {
    fs.chmodSync(folder, fs.statSync(folder).mode | 0o055);
  }
  fs.chmodSync(root, 0o755);
  fs.chmodSync(path.join(root, 'closed'), 0o000);
  const found = await asNobody(() => walk(root));
  assert.deepEqual(found.paths, ['open/b.ts']);
  assert.deepEqual(found.skipped, [
    { path: 'closed', reason: 'unreadable', detail: 'permission denied' },
  ]);
});

/** Root may read everything, so rights only show to somebody else. */
async function asNobody<T>(action: () => Promise<T>): Promise<T> {
  if (process.geteuid!() !== 0) return action();
  process.seteuid!(65534);
  try {
    return await action();
  } finally {
    process.seteuid!(0);
  }
}

test('keeps names with newline, quote, backslash, emoji and a real U+FFFD', async (context) => {
  if (isWindows) return context.skip('Windows allows no such names');
  const names = [
    'a\nb.ts',
    'it\'s "q".ts',
    'back\\slash.ts',
    '😀/é.ts',
    'real\ufffd.ts',
    '[x]*?.ts',
    ' .ts',
    '#h',
  ];
  const root = folderWith(Object.fromEntries(names.map((name) => [name, ''])));
  assert.deepEqual((await walk(root)).paths.sort(), names.sort());
});

test('lists names that are not UTF-8, with their bytes', async (context) => {
  const root = folderWith({ 'a.ts': '', 'real\ufffd.ts': '' });
  const bad = Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9])]);
  try {
    fs.writeFileSync(Buffer.concat([bad, Buffer.from('.ts')]), '');
    fs.mkdirSync(bad);
  } catch {
    return context.skip('the file system takes only UTF-8');
  }
  const { paths, skipped } = await walk(root);
  assert.deepEqual(paths, ['a.ts', 'real\ufffd.ts']);
  assert.deepEqual(reasons(skipped), { 'caf\\xe9': 'badName', 'caf\\xe9.ts': 'badName' });
});

test('waits for the visitor, and passes its error on', async () => {
  const root = folderWith({ a: '', b: '', c: '' });
  const seen: string[] = [];
  await walkFolder(root, {}, async ({ path: at }) => {
    seen.push(`${at} starts`);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(`${at} ends`);
  });
  assert.deepEqual(seen, ['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends']);
  const failing = walkFolder(root, {}, () => {
    throw new Error('no room');
  });
  await assert.rejects(failing, { message: 'no room' });
});

test('stops when aborted', async () => {
  const root = folderWith({ 'a/a': '', 'b/b': '' });
  const early = walkFolder(root, {}, () => undefined, AbortSignal.abort());
  await assert.rejects(early, { name: 'AbortError' });
});

test('says what is wrong with the folder itself', async () => {
  const root = folderWith({ file: '' });
  await assert.rejects(walk(path.join(root, 'none')), { code: 'notFound' });
  await assert.rejects(walk(path.join(root, 'file')), { code: 'usage' });
  await assert.rejects(walk(path.join(root, 'file/below')), { code: 'notFound' });
});

test('finds nothing in an empty folder and all of 20,000 tiny files, and lets others work', async () => {
  assert.deepEqual(await walk(folderWith({})), { paths: [], skipped: [] });
  const root = folderWith({});
  for (let i = 0; i < 20; i++) {
    const folder = path.join(root, `folder${i}`);
    fs.mkdirSync(folder);
    for (let j = 0; j < 1000; j++) fs.closeSync(fs.openSync(path.join(folder, `file${j}`), 'w'));
  }
  let turnCount = 0;
  const timer = setInterval(() => turnCount++, 1);
  const { paths } = await walk(root);
  clearInterval(timer);
  assert.equal(paths.length, 20_000);
  assert.ok(turnCount > 1);
});
