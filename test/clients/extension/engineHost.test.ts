/** Engines that end, do not start, or come back, played by a stand-in for the client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import {
  EngineHost,
  type EngineLike,
  type EngineState,
} from '../../../src/clients/extension/engineHost';

/** One engine process: answers every call with its own number until it is made to end. */
class ToyEngine {
  private readonly lost = new Set<() => void>();
  private readonly heard = new Map<string, (params: unknown) => void>();
  private readonly pending = new Set<(error: Error) => void>();
  holds = false;
  isDisposed = false;
  readonly asked: string[] = [];

  constructor(
    readonly number: number,
    private readonly startError?: Error,
  ) {}

  call(method: string): Promise<unknown> {
    this.asked.push(method);
    if (method === 'shutdown') this.end();
    if (this.startError) return Promise.reject(this.startError);
    if (!this.holds || method === 'status') return Promise.resolve(this.number);
    return new Promise((_, reject) => this.pending.add(reject));
  }

  on(name: string, listener: (params: unknown) => void): { dispose(): void } {
    this.heard.set(name, listener);
    return { dispose: () => this.heard.delete(name) };
  }

  onLost(listener: () => void): { dispose(): void } {
    this.lost.add(listener);
    return { dispose: () => this.lost.delete(listener) };
  }

  say(name: string, params: unknown): void {
    this.heard.get(name)?.(params);
  }

  end(): void {
    for (const reject of this.pending) reject(new NearmissError('engine', 'The engine ended'));
    for (const listener of [...this.lost]) listener();
  }

  dispose(): void {
    this.isDisposed = true;
    this.end();
  }
}

interface Play {
  readonly host: EngineHost;
  readonly engines: ToyEngine[];
  readonly states: string[];
}

function play(startErrors: readonly (Error | undefined)[] = [], nowMs = () => 0): Play {
  const engines: ToyEngine[] = [];
  const states: string[] = [];
  const makeClient = (): EngineLike => {
    const engine = new ToyEngine(engines.length, startErrors[engines.length]);
    engines.push(engine);
    return engine as unknown as EngineLike;
  };
  const host = new EngineHost({ makeClient, delaysMs: [1, 1, 1], calmMs: 1000, nowMs });
  host.onState((state: EngineState) => {
    states.push(state.kind === 'restarting' ? `restarting ${state.attempt}` : state.kind);
  });
  return { host, engines, states };
}

/** The number of the engine that answers now. */
async function whoAnswers(host: EngineHost): Promise<unknown> {
  return host.call('listModels', {});
}

test('starts with the first call and says so', async () => {
  const { host, states } = play();
  assert.equal(await whoAnswers(host), 0);
  assert.deepEqual(states, ['starting', 'up']);
  host.dispose();
});

test('comes back three times, then stays down with a reason until it is restarted', async () => {
  const { host, engines, states } = play();
  await whoAnswers(host);
  for (const count of [1, 2, 3]) {
    engines.at(-1)!.end();
    assert.equal(await whoAnswers(host), count);
  }
  engines.at(-1)!.end();
  await assert.rejects(whoAnswers(host), /ended 4 times in a row/);
  assert.deepEqual(states, [
    'starting',
    'up',
    'restarting 1',
    'up',
    'restarting 2',
    'up',
    'restarting 3',
    'up',
    'stopped',
  ]);
  host.restart();
  assert.equal(await whoAnswers(host), 4);
  host.dispose();
});

test('forgives earlier ends to an engine that has served for long', async () => {
  let now = 0;
  const { host, engines, states } = play([], () => now);
  await whoAnswers(host);
  for (let count = 1; count <= 6; count++) {
    now += 1000;
    engines.at(-1)!.end();
    assert.equal(await whoAnswers(host), count);
  }
  assert.deepEqual([...new Set(states)], ['starting', 'up', 'restarting 1']);
  host.dispose();
});

test('puts a question again to the next engine, but never a command', async () => {
  const { host, engines } = play();
  await whoAnswers(host);
  engines[0]!.holds = true;
  const question = host.ask('listModels', {});
  const refusal = assert.rejects(host.call('pause', {}), /The engine ended/);
  await new Promise(setImmediate);
  engines[0]!.end();
  assert.equal(await question, 1);
  await refusal;
  host.dispose();
});

test('tries again where an engine does not start, and not where that cannot help', async () => {
  const broken = new NearmissError('engine', 'It ended while starting');
  const retried = play([broken, broken]);
  assert.equal(await whoAnswers(retried.host), 2);
  assert.deepEqual(retried.states, ['starting', 'restarting 1', 'restarting 2', 'up']);
  retried.host.dispose();
  const refused = play([new NearmissError('permission', 'The data folder cannot be used')]);
  await assert.rejects(whoAnswers(refused.host), /data folder/);
  assert.deepEqual(refused.states, ['starting', 'stopped']);
  refused.host.dispose();
});

test('gives up with the last error when no engine starts at all', async () => {
  const errors = [1, 2, 3, 4].map((count) => new NearmissError('engine', `broken ${count}`));
  const { host, engines } = play(errors);
  await assert.rejects(whoAnswers(host), /broken 4/);
  assert.equal(engines.length, 4);
  host.dispose();
});

test('passes notifications of every engine on, and none after its listener has gone', async () => {
  const { host, engines } = play();
  const heard: unknown[] = [];
  const listening = host.on('marksChanged' as never, (params: unknown) => heard.push(params));
  await whoAnswers(host);
  engines[0]!.say('marksChanged', 'first');
  engines[0]!.end();
  await whoAnswers(host);
  engines[1]!.say('marksChanged', 'second');
  listening.dispose();
  engines[1]!.say('marksChanged', 'third');
  assert.deepEqual(heard, ['first', 'second']);
  host.dispose();
});

test('takes the end of a client that it ended itself for no loss', async () => {
  const { host, engines, states } = play();
  await whoAnswers(host);
  host.restart();
  assert.equal(await whoAnswers(host), 1);
  assert.equal(engines[0]!.isDisposed, true);
  host.dispose();
  assert.deepEqual(states, ['starting', 'up', 'starting', 'up']);
  await assert.rejects(whoAnswers(host), /closing/);
});

test('ends the engine that runs and starts one anew where its options have changed', async () => {
  const { host, engines, states } = play();
  await whoAnswers(host);
  await host.replace();
  assert.equal(await whoAnswers(host), 1);
  assert.deepEqual(engines[0]!.asked, ['status', 'listModels', 'shutdown']);
  assert.equal(states.includes('restarting 1'), false);
  host.dispose();
});
