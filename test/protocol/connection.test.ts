import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { isAbort, NearmissError } from '../../src/base/errors';
import { Connection, type RequestListener } from '../../src/protocol/connection';
import type { EngineStatus, FolderStatus } from '../../src/protocol/types';

/** Two ends of one channel in memory: what one writes the other reads. */
function makeChannel(): { near: Duplex; far: Duplex } {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(bytes: Buffer, _encoding, done) {
        other().push(bytes);
        done();
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const near: Duplex = make(() => far);
  const far: Duplex = make(() => near);
  return { near, far };
}

function connect(answer: RequestListener): { client: Connection; engine: Connection } {
  const { near, far } = makeChannel();
  return {
    client: new Connection({ input: near, output: near }),
    engine: new Connection({ input: far, output: far }, answer),
  };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

test('brings a call to the other side and its answer back', async () => {
  const { client, engine } = connect((method, params) => Promise.resolve({ method, params }));
  const reply: unknown = await client.call('status', { folder: '/a' });
  assert.deepEqual(reply, { method: 'status', params: { folder: '/a' } });
  client.dispose();
  engine.dispose();
});

test('brings an expected error across with its code and advice', async () => {
  const { client, engine } = connect(() =>
    Promise.reject(new NearmissError('index', 'The index is damaged', 'Run doctor')),
  );
  await assert.rejects(client.call('status', {}), (error) => {
    assert.ok(error instanceof NearmissError);
    assert.deepEqual(
      [error.code, error.message, error.advice],
      ['index', 'The index is damaged', 'Run doctor'],
    );
    return true;
  });
  client.dispose();
  engine.dispose();
});

test('aborts the work of the other side when the caller gives up', async () => {
  const aborted = deferred();
  const started = deferred();
  const { client, engine } = connect((_method, _params, signal) => {
    signal.addEventListener('abort', () => aborted.resolve());
    started.resolve();
    return new Promise(() => undefined);
  });
  const controller = new AbortController();
  const call = client.call('status', {}, controller.signal);
  await started.promise;
  controller.abort();
  await assert.rejects(call, isAbort);
  await aborted.promise;
  client.dispose();
  engine.dispose();
});

test('rejects pending calls with a sentence when the other side ends', async () => {
  const { near } = makeChannel();
  const client = new Connection({ input: near, output: near });
  const calls = [client.call('status', {}), client.call('listModels', {})];
  let closedCount = 0;
  client.onClose(() => closedCount++);
  setTimeout(() => near.destroy(), 10);
  for (const call of calls)
    await assert.rejects(call, {
      code: 'engine',
      message: 'The engine ended while a call was pending',
    });
  assert.equal(closedCount, 1);
  assert.equal(client.isAlive, false);
  await assert.rejects(client.call('status', {}), {
    message: 'The engine ended before status could be asked',
  });
});

test('keeps no process alive when the other side ends in the middle of a message', async () => {
  const { near, far } = makeChannel();
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const client = new Connection({ input: near, output: near });
  const call = client.call('status', {});
  const ended = assert.rejects(call, { code: 'engine' });
  far.write('Content-Length: 100\r\n\r\n{"jsonrpc":');
  await new Promise((resolve) => setImmediate(resolve));
  far.end();
  near.destroy();
  await ended;
  assert.equal(timers(), before);
  client.dispose();
});

test('tells notifications in order and nothing once it is closed', async () => {
  const { client, engine } = connect(() => Promise.resolve({} as EngineStatus));
  const states: string[] = [];
  const done = deferred();
  client.onNotification('indexProgress', (status) => {
    states.push(status.state);
    if (status.state === 'idle') done.resolve();
  });
  for (const state of ['words', 'static', 'idle'] as const)
    engine.notify('indexProgress', { state } as FolderStatus);
  await done.promise;
  assert.deepEqual(states, ['words', 'static', 'idle']);
  client.dispose();
  engine.dispose();
  engine.notify('indexProgress', { state: 'words' } as FolderStatus);
});
