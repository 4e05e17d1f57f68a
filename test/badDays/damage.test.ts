/** Files of ours that were cut, flipped, lost or locked while no engine ran: the next search is right or says why not. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { cutFile, flipBit } from '../support/faults';
import { checkDone, checkSentence, stopEngine } from '../support/product';
import { removeFolder } from '../support/temporaryFolder';
import { makeWorld } from './world';

const world = makeWorld(after);
const sound = path.join(world.folder, 'sound');
const soundModels = path.join(world.folder, 'soundModels');
const models = path.join(world.root, 'models');

before(async () => {
  await world.install();
  checkDone(await world.run(['index', '--wait']));
  checkDone(await world.run(['search', 'refreshToken']));
  await stopEngine(world.data);
  fs.cpSync(world.data, sound, { recursive: true });
  fs.cpSync(models, soundModels, { recursive: true });
});

beforeEach(async () => {
  await stopEngine(world.data);
  for (const [from, to] of [
    [sound, world.data],
    [soundModels, models],
  ] as const) {
    removeFolder(to);
    fs.cpSync(from, to, { recursive: true });
  }
});

/** Files of the data folder whose name matches. */
function dataFiles(name: RegExp): string[] {
  return fs
    .readdirSync(world.data, { recursive: true, encoding: 'utf8' })
    .filter((file) => name.test(path.basename(file)))
    .map((file) => path.join(world.data, file))
    .filter((file) => fs.statSync(file).isFile());
}

/** Everything is found again, by words and by embeddings, at the latest after what a sentence or doctor says to do. */
async function checkHealed(): Promise<void> {
  const indexed = await world.run(['index', '--wait'], { timeoutMs: 120_000 });
  const searched = await world.run(['search', 'refreshToken', '--limit', '1']);
  const failed = [indexed, searched].filter(({ status }) => status !== 0);
  for (const result of failed) checkSentence(result, 3, /damaged.*nearmiss doctor --fix/);
  const doctor = await world.run(['doctor']);
  assert.equal(doctor.status, failed.length === 0 ? doctor.status : 1, doctor.stdout);
  if (doctor.status !== 0) await world.run(['doctor', '--fix']);
  await checkFound();
  const again = await world.run(['doctor']);
  assert.equal(again.status, 0, again.stdout + again.stderr);
}

async function checkFound(): Promise<void> {
  checkDone(await world.run(['index', '--wait'], { timeoutMs: 120_000 }));
  const result = await world.run(['search', 'refreshToken', '--json', '--limit', '1']);
  checkDone(result);
  const { hits, tiers } = JSON.parse(result.stdout) as {
    hits: { path: string }[];
    tiers: string[];
  };
  assert.deepEqual(
    hits.map((hit) => hit.path),
    ['src/session.ts'],
  );
  assert.ok(tiers.includes('contextual'), `only ${tiers.join(', ')}`);
}

type Damage = (file: string) => void;

const cutToNothing: Damage = (file) => cutFile(file, 0);
const cutInHalf: Damage = (file) => cutFile(file, 0.5);
const flipHeader: Damage = (file) => flipBit(file, 20);
const flipFirstPage: Damage = (file) => flipBit(file, 100);
const flipMiddle: Damage = (file) => flipBit(file, fs.statSync(file).size >> 1);
const flipEnd: Damage = (file) => flipBit(file, -3);
const replaceByText: Damage = (file) => fs.writeFileSync(file, 'not what it was\n');
const remove: Damage = (file) => fs.rmSync(file);

/** The store's own tests damage sidecars and graphs, which a folder as small as this one does not have. */
const damages: readonly (readonly [what: string, file: RegExp, damage: Damage])[] = [
  ['index was cut to nothing', /^index\.db$/, cutToNothing],
  ['index was cut in half', /^index\.db$/, cutInHalf],
  ['index was flipped in its header', /^index\.db$/, flipHeader],
  ['index was flipped in its first page', /^index\.db$/, flipFirstPage],
  ['index was flipped in the middle', /^index\.db$/, flipMiddle],
  ['index was flipped at its end', /^index\.db$/, flipEnd],
  ['index was replaced by text', /^index\.db$/, replaceByText],
  ['index was deleted', /^index\.db$/, remove],
  ['embeddings were cut in half', /^embeddings\.db$/, cutInHalf],
  ['embeddings were flipped in the middle', /^embeddings\.db$/, flipMiddle],
  ['embeddings were replaced by text', /^embeddings\.db$/, replaceByText],
  ['embeddings were deleted', /^embeddings\.db$/, remove],
  ['record of the folder was replaced by text', /^folder\.json$/, replaceByText],
  ['lock was replaced by text', /^engine\.lock$/, replaceByText],
];

for (const [what, name, damage] of damages)
  test(`searches rightly after the ${what}`, async () => {
    if (what.startsWith('lock')) fs.writeFileSync(path.join(world.data, 'engine.lock'), '');
    const files = dataFiles(name);
    assert.ok(files.length > 0, `no file ${name.source}`);
    files.forEach(damage);
    await checkHealed();
  });

for (const [role, what, damage] of [
  ['bi-encoder', 'cut in half', cutInHalf],
  ['bi-encoder', 'flipped by one bit', flipMiddle],
  ['bi-encoder', 'deleted', remove],
  ['cross-encoder', 'flipped by one bit', flipMiddle],
  ['cross-encoder', 'deleted', remove],
] as const)
  test(`names the ${role} that was ${what}, and still finds words`, async () => {
    damage(path.join(models, role, 'onnx/model.onnx'));
    const verified = await world.run(['models', 'verify']);
    assert.notEqual(verified.status, 0);
    assert.match(verified.stdout + verified.stderr, new RegExp(role));
    const doctor = await world.run(['doctor']);
    assert.equal(doctor.status, 1, doctor.stdout);
    assert.match(doctor.stdout, new RegExp(`fail .*${role}`));
    const result = await world.run(['search', 'refreshToken', '--json', '--limit', '1']);
    checkDone(result);
    assert.match(result.stdout, /"path":"src\/session\.ts"/);
    assert.match(
      result.stderr,
      new RegExp(role),
      'the search does not say that a model is missing',
    );
  });

test('says which file another process locks, and goes on when it lets go', async () => {
  const [file] = dataFiles(/^index\.db$/);
  const locker = await lockDatabase(file ?? '');
  let said = '';
  const onStderr = (text: string): void => {
    said += text;
    if (/Another process holds the index/.test(said)) locker.kill('SIGKILL');
  };
  const late = path.join(world.code, 'src/late.ts');
  fs.writeFileSync(late, 'export const late = 1;\n');
  try {
    checkDone(await world.run(['index', '--wait'], { timeoutMs: 60_000, onStderr }));
    assert.match(said, /Another process holds the index: .*index\.db/);
    assert.equal((await world.find('late', '--limit', '1'))[0], 'src/late.ts');
  } finally {
    locker.kill('SIGKILL');
    fs.rmSync(late);
  }
});

/** A process that holds a write lock on the database until it is killed. */
async function lockDatabase(file: string): Promise<ChildProcess> {
  const code = `const { DatabaseSync } = require('@photostructure/sqlite');
    const database = new DatabaseSync(process.argv[1]);
    database.exec('BEGIN EXCLUSIVE');
    process.stdout.write('locked');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', code, file], {
    cwd: world.root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}
