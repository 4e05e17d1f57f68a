/** Folders that hold what nobody expects: a file of 2 GB, very many tiny ones, names that no one can type. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { checkDone } from '../support/product';
import { writeFiles } from '../support/temporaryFolder';
import { makeWorld, pathsOf } from './world';

const world = makeWorld(after);
before(() => world.install());

/** A hundred thousand take minutes to create on a slow disk; NEARMISS_MANY_FILES=100000 asks for them. */
const manyFiles = Number(process.env.NEARMISS_MANY_FILES ?? 10_000);

interface Indexed {
  readonly files: number;
  readonly chunks: number;
  readonly embedded: number;
  readonly isComplete: boolean;
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

async function index(folder: string, ...args: string[]): Promise<Indexed> {
  const result = await world.run(['index', folder, '--wait', '--json', ...args]);
  checkDone(result);
  return JSON.parse(result.stdout) as Indexed;
}

function makeFolder(name: string, files: Readonly<Record<string, string | Buffer>>): string {
  const folder = path.join(world.folder, name);
  writeFiles(folder, files);
  return folder;
}

async function find(folder: string, query: string): Promise<string[]> {
  const args = ['search', query, '--folder', folder, '--json', '--no-rerank'];
  return pathsOf(await world.run(args));
}

test('leaves a file of 2 GB out without reading it, and indexes the rest', async () => {
  const folder = makeFolder('huge', { 'small.ts': 'export const kettle = 1;\n' });
  const huge = path.join(folder, 'huge.ts');
  fs.writeFileSync(huge, '');
  fs.truncateSync(huge, 2 ** 31 + 1);
  const start = performance.now();
  const { skipped } = await index(folder);
  assert.deepEqual(
    skipped.map((item) => `${item.path} ${item.reason}`),
    ['huge.ts tooLarge'],
  );
  assert.ok(performance.now() - start < 60_000);
  assert.deepEqual(await find(folder, 'kettle'), ['small.ts']);
});

test('indexes very many tiny files, each to be found', async () => {
  const folder = makeFolder('many', {});
  for (let number = 0; number < manyFiles; number++) {
    const name = path.join(folder, `part${number % 100}`);
    if (number < 100) fs.mkdirSync(name, { recursive: true });
    fs.writeFileSync(path.join(name, `file${number}.txt`), `tiny number${number}\n`);
  }
  const { files, isComplete } = await index(folder, '--yes');
  assert.deepEqual([files, isComplete], [manyFiles, true]);
  const last = manyFiles - 1;
  const [first] = await find(folder, `number${last}`);
  assert.equal(first, `part${last % 100}/file${last}.txt`);
});

test('finds files whose names hold a line break, a quote, an emoji, blanks or a dash', async () => {
  if (process.platform === 'win32') return;
  const names = [
    'new\nline.ts',
    `it's "quoted".ts`,
    '🦀 crab.ts',
    '  blanks  .ts',
    '--flag.ts',
    'a\\b.ts',
  ];
  const folder = makeFolder(
    'names',
    Object.fromEntries(
      names.map((name, index) => [name, `export const lamp${index} = ${index};\n`]),
    ),
  );
  await index(folder);
  for (const [number, name] of names.entries())
    assert.equal((await find(folder, `lamp${number}`))[0], name);
  const text = await world.run(['search', 'lamp0', '--folder', folder, '--limit', '1']);
  checkDone(text);
});

test('lists a name that is not UTF-8 under skipped and indexes its neighbour', async (t) => {
  const folder = makeFolder('bytes', { 'fine.ts': 'export const spoon = 1;\n' });
  const name = Buffer.concat([
    Buffer.from(`${folder}/caf`),
    Buffer.from([0xe9]),
    Buffer.from('.ts'),
  ]);
  try {
    fs.writeFileSync(name, 'export const fork = 1;\n');
  } catch {
    t.skip('this file system takes UTF-8 names only');
    return;
  }
  const { skipped } = await index(folder);
  assert.deepEqual(
    skipped.map((item) => item.reason),
    ['badName'],
  );
  assert.deepEqual(await find(folder, 'spoon'), ['fine.ts']);
});

test('forgets a deleted folder at once and takes it back when it is there again', async () => {
  const folder = makeFolder('gone', {
    'kept.ts': 'export const table = 1;\n',
    'sub/lost.ts': 'export const chair = 1;\n',
  });
  await index(folder);
  assert.equal((await find(folder, 'chair'))[0], 'sub/lost.ts');
  fs.rmSync(path.join(folder, 'sub'), { recursive: true });
  await index(folder);
  assert.ok(!(await find(folder, 'chair')).includes('sub/lost.ts'));
  writeFiles(folder, { 'sub/lost.ts': 'export const chair = 1;\n' });
  await index(folder);
  assert.equal((await find(folder, 'chair'))[0], 'sub/lost.ts');
});
