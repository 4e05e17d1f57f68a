/** The engine as its clients meet it: real bundles, toy models, a data folder of the test's own. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { EngineClient, isEngineThere, stopEngine } from '../../src/clients/engineClient';
import { Connection } from '../../src/protocol/connection';
import { lockPath, readLock } from '../../src/protocol/engineLock';
import { PROTOCOL_VERSION } from '../../src/protocol/methods';
import { makeWorld } from '../badDays/world';
import { productProcesses } from '../support/processes';
import { killEngine } from '../support/product';

const world = makeWorld(after);
const clients: EngineClient[] = [];
after(() => clients.forEach((client) => client.dispose()));
let engineFile = '';

before(async () => {
  await world.install();
  engineFile = path.join(world.root, 'dist/engine.js');
});

interface ClientOptions {
  readonly dataFolder?: string;
  readonly engineFile?: string;
  readonly protocolVersion?: number;
  readonly engineArguments?: readonly string[];
}

function makeClient(options: ClientOptions = {}): EngineClient {
  const client = new EngineClient({
    dataFolder: world.data,
    engineFile,
    client: 'test',
    ...options,
  });
  clients.push(client);
  return client;
}

async function pidOf(client: EngineClient): Promise<number> {
  return (await client.call('status', {})).pid;
}

function enginesOf(dataFolder: string): number[] {
  return productProcesses(dataFolder)
    .filter(({ command }) => command.includes('engine.js'))
    .map(({ pid }) => pid);
}

/** A connection that has not said hello. */
async function connectRaw(): Promise<Connection> {
  const socket = net.connect(readLock(world.data)!.socket);
  await new Promise((resolve) => socket.once('connect', resolve));
  const connection = new Connection({ input: socket, output: socket });
  connection.onClose(() => socket.destroy());
  return connection;
}

async function becomesTrue(
  condition: () => Promise<boolean> | boolean,
  withinMs: number,
): Promise<boolean> {
  const end = performance.now() + withinMs;
  while (!(await condition()))
    if (performance.now() > end) return false;
    else await new Promise((resolve) => setTimeout(resolve, 10));
  return true;
}

function closedWithin(connection: Connection, withinMs: number): Promise<boolean> {
  return becomesTrue(() => !connection.isAlive, withinMs);
}

test('is one engine though many clients start it at once', async () => {
  const pids = await Promise.all(Array.from({ length: 4 }, () => pidOf(makeClient())));
  assert.equal(new Set(pids).size, 1);
  assert.deepEqual(enginesOf(world.data), [pids[0]]);
});

test('answers nothing before a hello', async () => {
  await pidOf(makeClient());
  const connection = await connectRaw();
  await assert.rejects(connection.call('status', {}), { code: 'unauthorized' });
  assert.ok(await closedWithin(connection, 2000));
});

test('refuses a client without the token, of whatever length', async () => {
  const { token } = readLock(world.data)!;
  for (const wrong of ['', 'x', `${token}x`, token.replace(/./, '-')]) {
    const connection = await connectRaw();
    const hello = { version: PROTOCOL_VERSION, token: wrong, client: 'test' };
    await assert.rejects(connection.call('hello', hello), { code: 'unauthorized' });
    assert.ok(await closedWithin(connection, 2000));
  }
});

test('says which request it does not understand', async () => {
  const client = makeClient();
  await assert.rejects(client.call('search', { folder: world.code } as never), {
    code: 'usage',
    message: /^search: /,
  });
});

test('rejects pending calls with a sentence when it is killed, and the next call starts another', async () => {
  const dataFolder = world.newData();
  const client = makeClient({ dataFolder });
  const first = await pidOf(client);
  let lostCount = 0;
  client.onLost(() => lostCount++);
  const pending = client.call('index', { folder: world.code, waitFor: 'all' });
  setTimeout(() => process.kill(first, 'SIGKILL'), 30);
  await assert.rejects(pending, {
    code: 'engine',
    message: 'The engine ended while a call was pending',
  });
  assert.equal(lostCount, 1);
  const { status } = await client.call('index', { folder: world.code, waitFor: 'all' });
  assert.equal(status.isComplete, true);
  assert.notEqual(await pidOf(client), first);
});

// The first question of a new window was answered by words alone, and nothing better followed.
test('answers by meaning at last though it is asked while it loads its models', async () => {
  const dataFolder = world.newData();
  await makeClient({ dataFolder }).call('index', { folder: world.code, waitFor: 'all' });
  await killEngine(dataFolder);
  const client = makeClient({ dataFolder });
  let firstCount = 0;
  client.on('firstHits', ({ ticket }) => (firstCount += ticket === 7 ? 1 : 0));
  const question = { folder: world.code, query: 'keep a user signed in', limit: 10, rerank: false };
  const result = await client.call('search', { ...question, budgetMs: 250, ticket: 7 });
  assert.ok(firstCount > 0, 'no first hits');
  assert.deepEqual(result.tiers, ['words', 'contextual']);
  const patient = await client.call('search', question);
  assert.deepEqual(result.hits, patient.hits);
});

test('starts the indexing process again when it is killed, and waits go on', async () => {
  const dataFolder = world.newData();
  const client = makeClient({ dataFolder });
  const engine = await pidOf(client);
  const waiting = client.call('index', { folder: world.code, waitFor: 'all' });
  const indexers = (): number[] =>
    productProcesses(dataFolder)
      .filter(({ command }) => command.includes('indexer.js'))
      .map(({ pid }) => pid);
  assert.ok(await becomesTrue(() => indexers().length === 1, 5000));
  const [first] = indexers();
  process.kill(first!, 'SIGKILL');
  assert.equal((await waiting).status.isComplete, true);
  assert.notDeepEqual(indexers(), [first]);
  assert.equal(await pidOf(client), engine);
});

test('takes over the lock of an engine that was killed', async () => {
  const dataFolder = world.newData();
  const first = await pidOf(makeClient({ dataFolder }));
  await killEngine(dataFolder);
  assert.equal(readLock(dataFolder)?.pid, first);
  // Its last thread closes the socket a moment after its first is gone.
  assert.ok(await becomesTrue(async () => !(await isEngineThere(dataFolder)), 2000));
  const second = await pidOf(makeClient({ dataFolder }));
  assert.equal(readLock(dataFolder)?.pid, second);
});

test('takes over a lock whose process number belongs to somebody else by now', async () => {
  const dataFolder = world.newData();
  fs.mkdirSync(dataFolder);
  const socket = path.join(dataFolder, 'gone.sock');
  const lock = { pid: process.pid, startedAt: 1, socket, token: 't', protocolVersion: 1 };
  fs.writeFileSync(lockPath(dataFolder), JSON.stringify(lock));
  assert.notEqual(await pidOf(makeClient({ dataFolder })), process.pid);
});

test('leaves when it is idle, and takes its lock and socket along', async () => {
  const dataFolder = world.newData();
  const client = makeClient({ dataFolder, engineArguments: ['--idle-ms', '100'] });
  const pid = await pidOf(client);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.equal(await pidOf(client), pid);
  client.dispose();
  assert.ok(await becomesTrue(() => enginesOf(dataFolder).length === 0, 10_000));
  assert.deepEqual(
    fs.readdirSync(dataFolder).filter((name) => /lock|sock/.test(name)),
    [],
  );
});

test('makes room for a newer client, and tells an older one in a sentence', async () => {
  const dataFolder = world.newData();
  const older = makeClient({ dataFolder });
  const first = await pidOf(older);
  const newerFile = path.join(world.root, 'dist/newerEngine.js');
  const code = fs.readFileSync(engineFile, 'utf8');
  const line = `PROTOCOL_VERSION = ${PROTOCOL_VERSION};`;
  assert.ok(code.includes(line));
  const version = PROTOCOL_VERSION + 1;
  fs.writeFileSync(newerFile, code.replaceAll(line, `PROTOCOL_VERSION = ${version};`));
  const newer = makeClient({ dataFolder, engineFile: newerFile, protocolVersion: version });
  const status = await newer.call('status', {});
  assert.equal(status.protocolVersion, version);
  assert.notEqual(status.pid, first);
  await assert.rejects(older.call('status', {}), {
    code: 'version',
    message: `The running engine is newer (protocol ${version}) than this client (protocol ${PROTOCOL_VERSION})`,
  });
});

test('is replaced when its file has become another build', async () => {
  const dataFolder = world.newData();
  const first = await pidOf(makeClient({ dataFolder }));
  fs.utimesSync(engineFile, new Date(), new Date(Date.now() + 5000));
  assert.notEqual(await pidOf(makeClient({ dataFolder })), first);
  assert.equal(enginesOf(dataFolder).length, 1);
});

test('says in a sentence why it cannot start', async () => {
  const broken = path.join(world.root, 'dist/broken.js');
  fs.writeFileSync(broken, "throw new Error('no such thing as an engine');");
  const client = makeClient({ dataFolder: world.newData(), engineFile: broken });
  await assert.rejects(client.call('status', {}), (error: Error) => {
    assert.match(error.message, /^The engine ended while starting \(code 1\); the last it wrote:/);
    assert.match(error.message, /no such thing as an engine/);
    return true;
  });
});

test('gives up on an engine that keeps dying', async () => {
  const broken = path.join(world.root, 'dist/broken.js');
  const client = makeClient({ dataFolder: world.newData(), engineFile: broken });
  for (let attempt = 0; attempt < 3; attempt++)
    await assert.rejects(client.call('status', {}), /ended while starting/);
  await assert.rejects(client.call('status', {}), /The engine ended 3 times in a row/);
});

test('says what is wrong with its settings', async () => {
  const dataFolder = world.newData();
  fs.mkdirSync(dataFolder);
  fs.writeFileSync(path.join(dataFolder, 'settings.json'), '{"perFile": 0}');
  await assert.rejects(makeClient({ dataFolder }).call('status', {}), {
    code: 'usage',
    message: /perFile must be 1 to 1000 hits/,
  });
});

test('keeps folders and files to the user alone, and queries and code out of its log', async () => {
  const dataFolder = world.newData();
  const client = makeClient({ dataFolder });
  const query = 'xylophone refreshToken';
  await client.call('index', { folder: world.code, waitFor: 'all' });
  await client.call('search', { folder: world.code, query, limit: 3, rerank: true });
  await assert.rejects(
    client.call('search', { folder: world.code, query, limit: 3, rerank: true, kinds: ['zither'] }),
    { code: 'usage' },
  );
  const names = fs.readdirSync(dataFolder, { recursive: true }).map(String);
  const open = names.filter(
    (name) => (fs.statSync(path.join(dataFolder, name)).mode & 0o077) !== 0,
  );
  assert.deepEqual(open, []);
  assert.equal(fs.statSync(dataFolder).mode & 0o777, 0o700);
  const { token } = readLock(dataFolder)!;
  const logs = names.filter((name) => name.endsWith('.log'));
  assert.ok(logs.length > 0);
  const text = logs.map((name) => fs.readFileSync(path.join(dataFolder, name), 'utf8')).join('\n');
  assert.match(text, /search failed/);
  for (const secret of ['xylophone', 'zither', 'refreshToken', 'Session', 'parse_header', token])
    assert.ok(!text.includes(secret), `${secret} is in the log`);
});

test('leaves when asked and finishes what is pending', async () => {
  const dataFolder = world.newData();
  const client = makeClient({ dataFolder });
  await pidOf(client);
  const pending = client.call('index', { folder: world.code, waitFor: 'words' });
  assert.equal(await stopEngine(dataFolder), true);
  assert.ok((await pending).status.wordDocumentCount > 0);
  assert.ok(await becomesTrue(() => enginesOf(dataFolder).length === 0, 2000));
});
