import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { type Random, seededRandom } from '../../../src/base/random';
import { examinePath, explainPath } from '../../../src/engine/documents/explain';
import { isSkipped, readDocument } from '../../../src/engine/documents/read';
import { walkFolder, type WalkOptions } from '../../../src/engine/documents/walk';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

leavesNothing();
const outer = temporaryFolder(after);
const isWindows = process.platform === 'win32';

function folderWith(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = fs.mkdtempSync(path.join(outer, 'why-'));
  writeFiles(folder, files);
  return folder;
}

async function checkSentence(
  root: string,
  file: string,
  sentence: string,
  options: WalkOptions = {},
): Promise<void> {
  assert.equal((await explainPath(root, file, options)).sentence, sentence);
}

test('names the rule, its file and its line', async () => {
  const root = folderWith({
    '.git/HEAD': '',
    '.git/info/exclude': '# mine\n*.tmp\n',
    '.gitignore': '\n\ndist/\n',
    'src/.gitignore': 'old.*\r\n',
    'src/.nearmissignore': 'gen\n',
    'dist/a.ts': '',
    'src/old.ts': '',
    'src/gen/a.ts': '',
    'x.tmp': '',
    'node_modules/a/index.js': '',
  });
  await checkSentence(
    root,
    'dist/a.ts',
    'dist/a.ts is not indexed: its folder dist: an ignore rule leaves it out (.gitignore line 3: dist/); the line !/dist in a .nearmissignore at the top would let it in',
  );
  const details = await Promise.all(
    ['src/old.ts', 'src/gen/a.ts', 'x.tmp', 'node_modules/a/index.js', '.git/HEAD'].map(
      async (file) => /\((.*)\)/.exec((await explainPath(root, file)).sentence)?.[1],
    ),
  );
  assert.deepEqual(details, [
    'src/.gitignore line 1: old.*',
    'src/.nearmissignore line 1: gen',
    '.git/info/exclude line 2: *.tmp',
    'installed packages are left out',
    'data of version control is never indexed',
  ]);
});

test('gives advice that works, and none where nothing would', async () => {
  const root = folderWith({
    '.gitignore': 'dist/\n*.gen.ts',
    'dist/a.ts': '',
    'node_modules/b.ts': '',
    '[x]*.gen.ts': '',
    '.git/a.ts': '',
  });
  assert.doesNotMatch((await explainPath(root, '.git/a.ts')).sentence, /would let it in/);
  for (const file of ['dist/a.ts', 'node_modules/b.ts', '[x]*.gen.ts']) {
    const { sentence } = await explainPath(root, file);
    const line = /the line (\S+) in a \.nearmissignore/.exec(sentence)![1];
    fs.appendFileSync(path.join(root, '.nearmissignore'), `${line}\n`);
    assert.equal((await explainPath(root, file)).indexed, true);
  }
});

test('tells globs, sizes, counts, secrets, binaries and encodings', async () => {
  const root = folderWith({
    'a.ts': 'x',
    'b.ts': 'xxxx',
    'c.ts': 'x',
    '.env': '',
    'z.bin': Buffer.from([1, 0, 0, 2]),
  });
  const options = { maxFileBytes: 3, maxFileCount: 1, exclude: ['*.md'] };
  await checkSentence(root, 'a.ts', 'a.ts is indexed as typescript', options);
  await checkSentence(
    root,
    'b.ts',
    'b.ts is not indexed: it is too large (4 bytes, the limit is 3 bytes)',
    options,
  );
  await checkSentence(
    root,
    'c.ts',
    'c.ts is not indexed: the folder has too many files (it comes after the first 1 files); leave folders out with .nearmissignore, or raise the limit',
    options,
  );
  await checkSentence(
    root,
    '.env',
    '.env is not indexed: it may hold secrets (environment files hold credentials)',
  );
  await checkSentence(root, 'z.bin', 'z.bin is not indexed: it is not text (it holds NUL bytes)');
  const exclude = ['*.bin'];
  await checkSentence(
    root,
    'z.bin',
    'z.bin is not indexed: the options leave it out (matches the exclude glob *.bin)',
    { exclude },
  );
});

test('tells what is not there, what is elsewhere, and folders', async () => {
  const root = folderWith({ 'src/a.ts': '' });
  const reasonOf = async (file: string): Promise<string> => (await explainPath(root, file)).reason;
  assert.equal(await reasonOf('src/none.ts'), 'notFound');
  assert.equal(await reasonOf('src/a.ts/below'), 'notFound');
  assert.equal(await reasonOf('../x'), 'outside');
  assert.equal(await reasonOf('/etc/hostname'), 'outside');
  assert.equal(await reasonOf('a\0b'), 'outside');
  assert.equal(await reasonOf('src'), 'indexed');
  assert.equal(await reasonOf(root), 'indexed');
  assert.equal(await reasonOf(path.join(root, 'src/a.ts')), 'indexed');
});

test('examines a path without reading it', () => {
  const root = folderWith({
    '.gitignore': 'x\n',
    'src/a.ts': 'four',
    'x/a.ts': '',
    '.env': '',
    'z.bin': '\0',
  });
  const { mtimeMs } = fs.statSync(path.join(root, 'src/a.ts'));
  const file = { path: 'src/a.ts', sizeBytes: 4, mtimeMs };
  assert.deepEqual(examinePath(root, 'src/a.ts'), { kind: 'file', file });
  assert.deepEqual(examinePath(root, 'src'), { kind: 'folder' });
  assert.deepEqual(examinePath(root, 'src/none.ts'), { kind: 'missing' });
  assert.deepEqual(examinePath(root, '../a.ts'), { kind: 'missing' });
  assert.equal(examinePath(root, 'z.bin').kind, 'file');
  assert.deepEqual(examinePath(root, 'x/a.ts'), {
    kind: 'skipped',
    skipped: { path: 'x/a.ts', reason: 'ignored', detail: '.gitignore line 1: x' },
  });
});

test('agrees with what walking and reading do, on 60 random trees', async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 60; seed++) await checkTree(seed, seen);
  const all = ['binary', 'excluded', 'ignored', 'indexed', 'secret', 'tooLarge', 'tooMany'];
  const links = ['notRegular', 'symlinkLoop', 'symlinkOutside', 'vanished'];
  assert.deepEqual([...seen].sort(), (isWindows ? all : [...all, ...links]).sort());
});

/** Adds the reasons it met to `seen`. */
async function checkTree(seed: number, seen: Set<string>): Promise<void> {
  const random = seededRandom(seed);
  const root = folderWith(randomTree(random));
  if (!isWindows) addLinks(root, random);
  const options: WalkOptions = {
    maxFileBytes: 40,
    maxFileCount: random() < 0.3 ? 5 : 100,
    ...(random() < 0.3 && { include: ['*.ts', 'b'] }),
    ...(random() < 0.3 && { exclude: ['a/b', '*.md'] }),
  };
  const done = new Map<string, string>();
  const skipped = await walkFolder(root, options, async (file) => {
    const result = await readDocument(root, file.path, options);
    done.set(file.path, isSkipped(result) ? result.reason : 'indexed');
  });
  for (const { path: at, reason } of skipped) if (at !== '.') done.set(at, reason);
  for (const file of allFiles(root)) {
    const { reason, indexed, sentence } = await explainPath(root, file, options);
    assert.equal(indexed, reason === 'indexed');
    seen.add(reason);
    // What the walk only counts or passes over in silence must still have one of these reasons.
    const isAgreed = done.has(file) ? done.get(file) === reason : UNLISTED.has(reason);
    assert.ok(isAgreed, `tree ${seed}, ${file}: ${done.get(file)}, but why says: ${sentence}`);
  }
}

const UNLISTED: ReadonlySet<string> = new Set(['ignored', 'excluded', 'tooMany', 'notRegular']);

/** Every path that is not a folder, links included. */
function allFiles(root: string, folder = ''): string[] {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const relative = folder === '' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? allFiles(root, relative) : [relative];
  });
}

const NAMES = [
  'a',
  'b',
  'c',
  'a.ts',
  'b.ts',
  'b.md',
  '.env',
  'x.pem',
  'node_modules',
  '.git',
  'CACHEDIR.TAG',
  'pyvenv.cfg',
];
const CONTENTS = [
  'const a = 1;\n',
  '',
  'x'.repeat(60),
  Buffer.from([1, 0, 0, 2]),
  Buffer.from('caf\xe9', 'latin1'),
  '\x01\x02\x03\xff',
];
const RULES = [
  'a',
  'b/',
  '!a',
  '/c',
  '*.ts',
  '!b.ts',
  'a/b',
  '**/c',
  '!node_modules',
  '!*/',
  '*.md',
  'c/*',
  '!/a/b',
];

function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)]!;
}

function randomTree(random: Random): Record<string, string | Buffer> {
  const files: Record<string, string | Buffer> = {};
  const folders = new Set(['']);
  for (let i = 0; i < 16; i++) {
    const segments = Array.from({ length: 1 + Math.floor(random() * 4) }, () =>
      pick(NAMES, random),
    );
    const prefixes = segments.map((_, at) => segments.slice(0, at + 1).join('/'));
    const file = prefixes.pop()!;
    if (prefixes.some((prefix) => prefix in files) || folders.has(file)) continue;
    for (const prefix of prefixes) folders.add(prefix);
    files[file] = pick(CONTENTS, random);
  }
  for (const folder of folders) {
    for (const name of ['.gitignore', '.nearmissignore']) {
      if (random() > 0.25) continue;
      const lines = Array.from({ length: 3 }, () => pick(RULES, random));
      files[folder === '' ? name : `${folder}/${name}`] = `${lines.join('\n')}\n`;
    }
  }
  return files;
}

function addLinks(root: string, random: Random): void {
  const folders = fs
    .readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory());
  for (const target of ['a', 'b.ts', '..', '.', 'nothing', '../../..', 'self']) {
    const folder = random() < 0.5 || folders.length === 0 ? '' : pick(folders, random).name;
    const name = pick(['link', 'link.ts', 'self', 'to.md'], random);
    const at = path.join(root, folder, name);
    if (fs.lstatSync(at, { throwIfNoEntry: false }) === undefined) fs.symlinkSync(target, at);
  }
}
