/**
 * The learning process killed while it trains an encoder and while it embeds the folder by it: searches are as they were, no
 * version has come in, and the next run goes on and brings the one that it would have brought.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import * as fs from 'node:fs';
import { after, test } from 'node:test';
import { learn } from '../../src/engine/learning/learn';
import { search } from '../../src/engine/search/search';
import {
  encoderQuestions,
  type EncoderWorld,
  openEncoderWorld,
  TOY_RECIPE,
} from '../support/encoderWorld';
import { temporaryFolder } from '../support/temporaryFolder';

const QUESTIONS = 120;
const TRAINING = 'learning the encoder';
/** The run that is to die is this file once more: `[root, stage]`. */
const [dyingRoot, dyingStage] = (process.env.NEARMISS_DYING_RUN ?? '').split('\n');

if (dyingRoot && dyingStage) void dieIn(dyingRoot, dyingStage);
else {
  test('a kill in the encoder tier leaves the base answering, and the next run goes on', async () => {
    const root = temporaryFolder(after);
    const world = await openEncoderWorld(root, QUESTIONS);
    const before = await orders(world);
    const own = world.spaces();
    assert.equal(own.size, 1);
    await world.close();
    for (const stage of [TRAINING, 'embedding the folder anew']) {
      assert.equal(await signalOf(root, stage), 'SIGKILL', stage);
      const again = await openEncoderWorld(root, QUESTIONS);
      try {
        assert.deepEqual(await orders(again), before, stage);
        assert.deepEqual(await again.order.store.list(), [], stage);
        assert.equal((await again.order.store.pointer()).pointer.current.id, 'base');
        for (const [name, count] of own) assert.equal(again.spaces().get(name), count, stage);
        assert.ok(fs.existsSync(again.order.store.runFolder), 'nothing to go on from');
      } finally {
        await again.close();
      }
    }
    const last = await openEncoderWorld(root, QUESTIONS);
    try {
      const { report, version } = await learn(last.order, last.means);
      assert.ok(version, report.verdict);
      assert.deepEqual(await orders(last), before);
      assert.equal(last.spaces().get(last.embedder.space.id), own.get(last.embedder.space.id));
      assert.equal(fs.existsSync(last.order.store.runFolder), false);
    } finally {
      await last.close();
    }
  });
}

/** Learns until the stage has come half of its way, and is gone then without a word. */
async function dieIn(root: string, stage: string): Promise<void> {
  const world = await openEncoderWorld(root, QUESTIONS);
  await learn(world.order, {
    ...world.means,
    tellRun: (news) => {
      // While it learns, texts are embedded as well: only the steps of training are as many as the recipe says.
      const isPiece = stage === TRAINING ? news.total === TOY_RECIPE.steps : news.total > 1;
      const isHalf = news.done * 2 >= news.total;
      if (news.stage === stage && isPiece && isHalf) process.kill(process.pid, 'SIGKILL');
    },
  });
  // It was to be dead by now.
  process.exit(1);
}

function signalOf(root: string, stage: string): Promise<NodeJS.Signals | null> {
  const child = fork(__filename, [], {
    env: { ...process.env, NEARMISS_DYING_RUN: `${root}\n${stage}`, NODE_TEST_CONTEXT: undefined },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (_code, signal) => resolve(signal));
  });
}

/** What the base answers to a few questions, scores included. */
async function orders({ means }: EncoderWorld): Promise<string[][]> {
  const all: string[][] = [];
  for (const { query } of encoderQuestions(4)) {
    const { hits } = await search(means.index, { query, limit: 20, rerank: false });
    all.push(hits.map(({ path: file, score }) => `${file} ${score}`));
  }
  return all;
}
