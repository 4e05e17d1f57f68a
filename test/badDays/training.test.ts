/** A training process that is killed again and again, and one that is given very many records. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Random, seededRandom } from '../../src/base/random';
import type { FromTrainer, TrainRequest } from '../../src/protocol/training';
import { temporaryFolder, writeFiles } from '../support/temporaryFolder';
import { installToy } from '../support/toyInstallation';

const folder = temporaryFolder(after);
const root = path.join(folder, 'installation');
before(() => installToy(root));

const QUICK = { niceness: 0, threads: 1, quarantine: false } as const;

function request(out: string, more: Partial<TrainRequest> = {}): TrainRequest {
  return {
    ...{ kind: 'train', part: 'query-head', device: 'cpu', seed: 4, resume: true },
    data: path.join(folder, 'data.jsonl'),
    base: path.join(root, 'models/bi-encoder'),
    recipe: path.join(folder, 'recipe.json'),
    out: path.join(folder, out),
    dataFolder: path.join(folder, 'home'),
    ...more,
  };
}

function startTrainer(asked: TrainRequest): ChildProcess {
  const child = fork(path.join(root, 'dist/trainer.js'), [], {
    ...{ execArgv: [], serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ORT_DISABLE_TELEMETRY: '1' },
  });
  child.send({ type: 'start', request: asked });
  return child;
}

/** Runs to the end; every message that came. */
async function finish(asked: TrainRequest): Promise<FromTrainer[]> {
  const messages: FromTrainer[] = [];
  const child = startTrainer(asked);
  child.on('message', (message: FromTrainer) => messages.push(message));
  await once(child, 'close');
  const last = messages.at(-1);
  assert.equal(last?.type, 'done', JSON.stringify(last));
  return messages;
}

/** Kills the process a moment after its first message or one of its first steps: while it embeds, steps or saves. */
async function killSomewhere(asked: TrainRequest, random: Random): Promise<void> {
  const child = startTrainer(asked);
  const closed = once(child, 'close');
  const stepCount = Math.floor(random() * 8);
  const delayMs = Math.floor(random() * 12);
  const isEarly = random() < 0.2;
  let count = 0;
  child.on('message', (message: FromTrainer) => {
    if (message.type === 'progress' && message.progress.stage === 'training') count++;
    if (isEarly || count > stepCount) setTimeout(() => child.kill('SIGKILL'), delayMs);
  });
  await closed;
}

function records(count: number): string {
  const random = seededRandom(3);
  const word = (): string =>
    Array.from({ length: 4 }, () => 'abcdefghij'[Math.floor(random() * 10)]).join('');
  return Array.from({ length: count }, () => {
    const [a, b] = [word(), word()];
    return `${JSON.stringify({ task: 'ir', query: `the ${a}`, positives: [`function ${a} ${b}`], negatives: [`class ${b}`] })}\n`;
  }).join('');
}

describe('a training process', () => {
  test('ends with the bytes of an undisturbed run after 30 kills at random moments', async () => {
    const recipe = { steps: 600, evaluateEvery: 1, patience: 9999, ...QUICK };
    writeFiles(folder, { 'data.jsonl': records(30), 'recipe.json': JSON.stringify(recipe) });
    const bytes = (out: string): Buffer =>
      fs.readFileSync(path.join(folder, out, 'adapter.safetensors'));
    await finish(request('whole'));
    const random = seededRandom(11);
    const steps: number[] = [];
    const state = path.join(folder, 'killed.training/state.safetensors');
    for (let kill = 0; kill < 30; kill++) {
      await killSomewhere(request('killed'), random);
      steps.push(fs.existsSync(state) ? fs.statSync(state).size : 0);
    }
    // The kills hit a run under way: there was something to go on from.
    assert.ok(steps.some((size) => size > 0));
    if (!fs.existsSync(path.join(folder, 'killed'))) await finish(request('killed'));
    assert.ok(bytes('killed').equals(bytes('whole')));
  });

  test('reads 100,000 records as a stream and keeps to its memory', async () => {
    const data = path.join(folder, 'many.jsonl');
    const file = fs.createWriteStream(data);
    for (let at = 0; at < 100_000; at++) {
      const [query, other] = [at % 400, (at * 7 + 1) % 400];
      // Long negatives of a few kinds: the file is larger than the limit leaves room for.
      const row = { task: 'ir', query: `the ${query}`, positives: [`function ${query}`] };
      const negatives = [`class ${other} ${'of '.repeat(300)}`];
      if (!file.write(`${JSON.stringify({ ...row, negatives })}\n`)) await once(file, 'drain');
    }
    file.end();
    await once(file, 'close');
    const size = fs.statSync(data).size / 2 ** 20;
    assert.ok(size > 90, `${size} MB`);
    const recipe = {
      ...{ ...QUICK, steps: 4, evaluateEvery: 4, keep: 1, merge: 'best', pulls: [1] },
      memoryMb: 500,
    };
    writeFiles(folder, { 'recipe.json': JSON.stringify(recipe) });
    const messages = await finish(request('many', { data, resume: false }));
    const last = messages.at(-1)!;
    assert.equal(last.type === 'done' && last.result.kind === 'train' && last.result.stepCount, 4);
    fs.rmSync(data);
  });
});
