/** Folders that cannot be written or read, a disk that is full, a clock that goes backwards. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { checkDone, checkSentence, runCli, stopEngine } from '../support/product';
import { writeFiles } from '../support/temporaryFolder';
import { makeWorld } from './world';

const mounted: string[] = [];
// First, for hooks run in the order they came and a mounted folder cannot be removed.
after(() => mounted.forEach(unmount));
const world = makeWorld(after);
before(() => world.install());

const cli = path.join(world.root, 'dist/cli.js');
const isRoot = process.getuid?.() === 0;

/** Mounts a small file system of its own; undefined where that is not allowed. */
function mountSmall(name: string, size: string): string | undefined {
  const folder = path.join(world.folder, name);
  fs.mkdirSync(folder);
  if (process.platform !== 'linux' || !isRoot) return undefined;
  const options = ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', folder];
  if (spawnSync('mount', options).status !== 0) return undefined;
  mounted.push(folder);
  return folder;
}

function unmount(folder: string): void {
  spawnSync('umount', ['-l', folder]);
}

test('indexes a folder that it may not write to, and writes nothing there', async (t) => {
  const folder = path.join(world.folder, 'readOnly');
  writeFiles(folder, { 'a.ts': 'export const teapot = 1;\n' });
  fs.chmodSync(folder, 0o500);
  if (isRoot) {
    const small = mountSmall('readOnlyMount', '1m');
    if (!small) return t.skip('no file system can be mounted here');
    writeFiles(small, { 'a.ts': 'export const teapot = 1;\n' });
    execFileSync('mount', ['-o', 'remount,ro', small]);
  }
  const place = isRoot ? path.join(world.folder, 'readOnlyMount') : folder;
  const args = ['search', 'teapot', '--folder', place, '--json', '--wait'];
  const result = await world.run(args);
  checkDone(result);
  assert.match(result.stdout, /"path":"a\.ts"/);
  assert.deepEqual(fs.readdirSync(place), ['a.ts']);
});

test('says so when the data folder cannot be written', async (t) => {
  const data = mountSmall('sealed', '1m');
  if (!data) return t.skip('no file system can be mounted here');
  execFileSync('mount', ['-o', 'remount,ro', data]);
  const result = await runCli(['search', 'x', '--data', data], { cwd: world.code, cli });
  checkSentence(result, 3, /sealed.*--data/);
});

test('says so when the data folder is a file', async () => {
  const data = path.join(world.folder, 'file');
  fs.writeFileSync(data, '');
  checkSentence(await runCli(['search', 'x', '--data', data], { cwd: world.code, cli }), 3, /file/);
});

test('says that the disk is full, keeps what is there, and goes on when there is room', async (t) => {
  const data = mountSmall('full', '3m');
  if (!data) return t.skip('no file system can be mounted here');
  const run = (...args: string[]): ReturnType<typeof runCli> =>
    runCli([...args, '--data', data], { cwd: world.code, cli, timeoutMs: 60_000 });
  try {
    checkDone(await run('index', '--wait'));
    await stopEngine(data);
    const free = Number(fs.statfsSync(data).bavail) * fs.statfsSync(data).bsize;
    fs.writeFileSync(path.join(data, 'ballast'), Buffer.alloc(Math.max(0, free - 20_000)));
    writeFiles(world.code, { 'new/big.ts': bigSource(2000) });
    let said = '';
    const stuck = new AbortController();
    const full = await runCli(['index', '--wait', '--data', data], {
      cwd: world.code,
      cli,
      signal: stuck.signal,
      timeoutMs: 60_000,
      onStderr: (text) => {
        said += text;
        // It may end with the sentence, or wait for room and say why.
        if (/disk is full/i.test(said)) setTimeout(() => stuck.abort(), 500);
      },
    });
    assert.match(said, /disk is full/i, `exit code ${full.status}`);
    assert.doesNotMatch(said, /^\s+at /m);
    fs.rmSync(path.join(data, 'ballast'));
    await stopEngine(data);
    fs.rmSync(path.join(world.code, 'new'), { recursive: true });
    checkDone(await run('index', '--wait'));
    const found = await run('search', 'refreshToken', '--json', '--limit', '1');
    checkDone(found);
    assert.match(found.stdout, /"path":"src\/session\.ts"/);
  } finally {
    fs.rmSync(path.join(world.code, 'new'), { recursive: true, force: true });
    await stopEngine(data);
    unmount(data);
  }
});

test('finds an edit although the clock went back by a day', async () => {
  checkDone(await world.run(['index', '--wait'], { env: shiftedClock(0) }));
  await stopEngine(world.data);
  const edited = path.join(world.code, 'src/session.ts');
  const before = fs.readFileSync(edited, 'utf8');
  const yesterday = new Date(Date.now() - 86_400_000);
  fs.writeFileSync(edited, `${before}export const backInTime = 1;\n`);
  fs.utimesSync(edited, yesterday, yesterday);
  const env = shiftedClock(-86_400_000);
  const args = ['search', 'backInTime', '--json', '--limit', '1', '--wait'];
  const first = await world.run(args, { env });
  checkDone(first);
  assert.match(first.stdout, /"path":"src\/session\.ts"/);
  assert.match(first.stdout, /backInTime/);
  // And while an engine runs whose clock is behind the files.
  fs.writeFileSync(edited, `${before}export const laterAgain = 1;\n`);
  checkDone(await world.run(['index', '--wait'], { env }));
  const second = await world.run(['search', 'laterAgain', '--json', '--limit', '1'], { env });
  assert.match(second.stdout, /laterAgain/);
  checkDone(await world.run(['status'], { env }));
  await stopEngine(world.data);
  fs.writeFileSync(edited, before);
});

/** The environment of a process, and of those it starts, whose wall clock is off by so much. */
function shiftedClock(offsetMs: number): Record<string, string> {
  const file = path.join(world.folder, `clock${offsetMs}.cjs`);
  fs.writeFileSync(
    file,
    `const now = Date.now.bind(Date);
     globalThis.Date = class extends Date {
       constructor(...args) { if (args.length === 0) super(now() + ${offsetMs}); else super(...args); }
       static now() { return now() + ${offsetMs}; }
     };\n`,
  );
  return { NODE_OPTIONS: `--require=${file}` };
}

function bigSource(functionCount: number): string {
  return Array.from(
    { length: functionCount },
    (_, number) => `export function big${number}(value) {\n  return value + ${number} * 7;\n}\n`,
  ).join('\n');
}
