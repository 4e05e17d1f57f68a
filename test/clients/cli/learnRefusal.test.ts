/**
 * `nearmiss learn` where there is too little to learn from. Nothing here can be embedded and no training process starts:
 * who asks is answered without either.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import type { LearningPlan, LearningReport } from '../../../src/protocol/learning';
import type { EngineStatus } from '../../../src/protocol/types';
import { makeWorld } from '../../badDays/world';
import { checkDone } from '../../support/product';

const world = makeWorld(after);

before(async () => {
  await world.install();
  const bundle = (name: string): string => path.join(world.root, 'dist', name);
  const indexer = fs.readFileSync(bundle('indexer.js'), 'utf8');
  // Its model is never loaded, so that a wait for embeddings has no end.
  const never = `require('onnxruntime-node').InferenceSession.create = () => new Promise(() => {});`;
  fs.writeFileSync(bundle('indexer.js'), `${never}\n${indexer}`);
  fs.writeFileSync(bundle('trainer.js'), 'process.exit(7);\n');
});

/** What a command prints, as JSON. */
async function json<T>(...args: string[]): Promise<T> {
  const result = await world.run([...args, '--json']);
  checkDone(result);
  return JSON.parse(result.stdout) as T;
}

// It waited for every chunk to be embedded, then for a process to load its models.
test('answers too few marks before anything is embedded', async () => {
  const none = await world.run(['learn']);
  checkDone(none);
  const refusal = '0 marks can be used, and 10 are the least to learn from';
  assert.equal(none.stdout, `Not promoted: ${refusal}\n`);
  checkDone(await world.run(['mark', 'refresh a token', 'src/session.ts:2-6', '--relevant']));
  const report = await json<LearningReport>('learn');
  assert.equal(
    report.verdict,
    'Not promoted: One mark can be used, and 10 are the least to learn from',
  );
  assert.deepEqual([report.version, report.isPromoted], ['none', false]);
  assert.deepEqual([report.learnedFrom.markCount, report.learnedFrom.usableCount], [1, 1]);
  const kept = await json<{ report: LearningReport }>('report');
  assert.deepEqual(kept.report, report);
  const {
    folders: [status],
  } = await json<EngineStatus>('status');
  assert.equal(status?.isComplete, false);
});

test('plans before anything is embedded', async () => {
  const { refusal, markCount } = await json<LearningPlan>('learn', '--plan');
  assert.deepEqual(
    [markCount, refusal],
    [1, 'One mark can be used, and 10 are the least to learn from'],
  );
});

test('says that indexing is paused, where that keeps learning from its marks', async () => {
  for (let at = 0; at < 10; at++)
    checkDone(
      await world.run(['mark', `question ${at} of a token`, 'src/session.ts:2-6', '--relevant']),
    );
  checkDone(await world.run(['pause']));
  const { status, stderr } = await world.run(['learn']);
  assert.equal(status, 3, stderr);
  assert.match(stderr, /Indexing is paused, and learning rests on every chunk/);
  assert.match(stderr, /nearmiss resume/);
});
