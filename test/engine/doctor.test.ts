/** Doctor and clear as processes of their own: they must work when no engine can start. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import type { Finding } from '../../src/protocol/engineLock';
import { makeWorld } from '../badDays/world';
import { cutFile } from '../support/faults';
import { productProcesses } from '../support/processes';
import { checkDone, checkSentence, killEngine, stopEngine } from '../support/product';
import { answerInTerminal, terminalMissing } from '../support/terminal';

const world = makeWorld(after);

before(async () => {
  await world.install();
  checkDone(await world.run(['index', '.', '--wait']));
});

async function doctor(...args: string[]): Promise<{ status: number | null; findings: Finding[] }> {
  const { status, stdout, stderr } = await world.run(['doctor', '--json', ...args]);
  assert.equal(stderr, '');
  return { status, findings: JSON.parse(stdout) as Finding[] };
}

function indexFile(): string {
  const [id] = fs.readdirSync(path.join(world.data, 'folders'));
  return path.join(world.data, 'folders', id!, 'index.db');
}

test('finds nothing wrong where nothing is, and names all it looked at', async () => {
  const { status, findings } = await doctor();
  assert.deepEqual(
    findings.filter(({ level }) => level === 'fail'),
    [],
  );
  assert.equal(status, 0);
  const names = findings.map(({ name }) => name).join('\n');
  for (const part of [
    'versions',
    'disk space',
    'SQLite',
    'ONNX',
    'model',
    'provider',
    'engine',
    'index',
  ])
    assert.match(names, new RegExp(part));
});

test('prints a line each', async () => {
  const { stdout } = await world.run(['doctor']);
  for (const line of stdout.trim().split('\n'))
    assert.match(line, /^(ok|warn|fail) {2,4}[^:]+: .+$/);
});

test('reports a lock of a dead engine and removes it with --fix', async () => {
  await killEngine(world.data);
  const engine = (findings: Finding[]): Finding | undefined =>
    findings.find(({ name }) => name === 'engine');
  assert.equal(engine((await doctor()).findings)?.level, 'warn');
  assert.match(engine((await doctor('--fix')).findings)?.text ?? '', /removed/);
  assert.equal(engine((await doctor()).findings)?.text, 'None is running');
});

test('exits 1 for a damaged index, and 0 once --fix has let it be built anew', async () => {
  checkDone(await world.run(['index', '.', '--wait']));
  await stopEngine(world.data);
  // The log beside it could restore what is missing.
  for (const suffix of ['-wal', '-shm']) fs.rmSync(indexFile() + suffix, { force: true });
  cutFile(indexFile(), 0.5);
  assert.equal((await doctor()).status, 1);
  const fixed = await doctor('--fix');
  assert.equal(fixed.status, 0);
  assert.equal((await world.find('Session', '--wait'))[0], 'src/session.ts');
});

test('removes the index of a folder that is gone', async () => {
  const gone = path.join(world.folder, 'gone');
  fs.mkdirSync(gone);
  fs.writeFileSync(path.join(gone, 'a.ts'), 'export const a = 1;\n');
  checkDone(await world.run(['index', gone]));
  fs.rmSync(gone, { recursive: true });
  const before = fs.readdirSync(path.join(world.data, 'folders')).length;
  const { findings } = await doctor();
  assert.ok(findings.some(({ level, name }) => level === 'warn' && name === `index ${gone}`));
  await doctor('--fix');
  assert.equal(fs.readdirSync(path.join(world.data, 'folders')).length, before - 1);
});

test('reports a damaged model', async () => {
  const folder = path.join(world.root, 'models/cross-encoder');
  const [name = ''] = fs
    .readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.onnx'));
  const model = path.join(folder, name);
  const bytes = fs.readFileSync(model);
  cutFile(model, 0.5);
  const { status, findings } = await doctor();
  fs.writeFileSync(model, bytes);
  assert.equal(status, 1);
  assert.ok(
    findings.some((finding) => finding.level === 'fail' && finding.name === 'model cross-encoder'),
  );
});

test(
  'asks on a terminal before everything goes, and keeps it without a yes',
  { skip: terminalMissing() },
  async () => {
    checkDone(await world.run(['index', '.', '--wait']));
    const ask = (reply: string) => answerInTerminal(world.command(['clear', '--all']), reply);
    const embeddings = path.join(world.data, 'embeddings.db');
    const declined = await ask('n');
    assert.match(declined.text, /all embeddings go; .*\. Go on\? \[y\/N\]/);
    assert.deepEqual([declined.status, fs.existsSync(embeddings)], [2, true]);
    const agreed = await ask('y');
    assert.match(agreed.text, /\d+\.\d MB freed/);
    assert.deepEqual([agreed.status, fs.existsSync(embeddings)], [0, false]);
  },
);

test('clears one folder, or everything, with an engine and without', async () => {
  checkDone(await world.run(['index', '.', '--wait']));
  assert.equal(productProcesses(world.data).length > 0, true);
  checkDone(await world.run(['clear']));
  assert.deepEqual(fs.readdirSync(path.join(world.data, 'folders')), []);
  assert.ok(fs.existsSync(path.join(world.data, 'embeddings.db')));
  checkDone(await world.run(['index', '.', '--wait']));
  // The indexer went on writing to embeddings that were removed, and found none of what it wrote.
  checkDone(await world.run(['clear', '--all', '--yes']));
  checkDone(await world.run(['index', '.', '--wait']));
  await stopEngine(world.data);
  // It used to take everything away without a word.
  checkSentence(await world.run(['clear', '--all']), 2, /all embeddings go.*Agree with --yes$/m);
  assert.ok(fs.existsSync(path.join(world.data, 'embeddings.db')));
  checkDone(await world.run(['clear', '--all', '--yes']));
  assert.deepEqual(productProcesses(world.data), []);
  assert.deepEqual(
    fs.readdirSync(world.data).filter((name) => name.startsWith('embeddings')),
    [],
  );
});
