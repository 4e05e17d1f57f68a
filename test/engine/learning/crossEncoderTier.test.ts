/** The re-ranker learned from marks: read by searches in place of the base, and not trained on everything where it fails. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import type { KeptMark } from '../../../src/engine/feedback/marks';
import { contestantOf } from '../../../src/engine/learning/beside';
import { type Learned, learn } from '../../../src/engine/learning/learn';
import { loadVersion } from '../../../src/engine/learning/learnedVersion';
import { DisposableStore } from '../../../src/base/lifecycle';
import { search } from '../../../src/engine/search/search';
import type { SearchContext } from '../../../src/engine/search/types';
import type { RecipeChanges } from '../../../src/engine/training/recipe';
import {
  contradicting,
  encoderQuestions,
  type EncoderWorld,
  openEncoderWorld,
  TOY_RERANKER_RECIPE,
} from '../../support/encoderWorld';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
const QUESTIONS = 120;
let world: EncoderWorld;
before(async () => {
  world = await openEncoderWorld(root, QUESTIONS, { reranks: true });
});
after(() => world.close());

/** What was learned, and how often the re-ranker was trained for it. */
async function learnReranker(
  marks: readonly KeptMark[],
  changes: RecipeChanges = {},
): Promise<Learned & { readonly trainings: number }> {
  const stages: string[] = [];
  const tellRun = ({ stage }: { readonly stage: string }): void => {
    if (stages.at(-1) !== stage) stages.push(stage);
  };
  const recipes = { 'cross-encoder': { ...TOY_RERANKER_RECIPE, ...changes } };
  const order = { ...world.order, marks, recipes, tiers: ['cross-encoder'] } as const;
  const learned = await learn(order, { ...world.means, tellRun });
  const trainings = stages.filter((stage) => stage === 'learning the re-ranker').length;
  return { ...learned, trainings };
}

/** Queries whose first hit is of the kind that answers them. */
async function rightFirst(context: SearchContext): Promise<number> {
  let count = 0;
  for (const { query, right } of encoderQuestions(QUESTIONS)) {
    const { hits } = await search(context, { query, limit: 1, rerank: true, rerankCount: 12 });
    if (hits[0]!.path.slice(0, -4) === right.slice(0, -4)) count++;
  }
  return count;
}

test('is a version with a checkpoint that searches read in place of the base', async () => {
  const { order, means } = world;
  const { store, base } = order;
  const { report, version, trainings } = await learnReranker(order.marks);
  assert.ok(version, report.verdict);
  // Of what was not held out, and of everything.
  assert.equal(trainings, 2);
  assert.match(report.verdict, /^Promoted: \d+ of \d+ unseen queries improved, /);
  const [tier] = report.tiers;
  assert.deepEqual([tier!.tier, tier!.isKept], ['cross-encoder', true]);
  assert.ok(tier!.bytes > 10_000 && tier!.seconds > 0);
  const [stored] = await store.list();
  assert.deepEqual(stored!.manifest?.tiers, ['cross-encoder']);
  const loaded = await loadVersion(store, version, base);
  assert.ok(fs.existsSync(path.join(loaded.crossEncoderFolder!, 'model.onnx')));
  const owned = new DisposableStore();
  const contestant = await contestantOf(loaded, { means, owned, texts: [] });
  const before = await rightFirst(means.index);
  const after = await rightFirst({ ...means.index, ...contestant });
  owned.dispose();
  assert.ok(after > before + QUESTIONS / 4, `${before} right before, ${after} after`);
  // The base is what it was.
  assert.equal(await rightFirst(means.index), before);
});

test('marks that contradict one another do not pass, and cost no second model', async () => {
  const { order } = world;
  const versions = (await order.store.list()).length;
  const short = { steps: 10, evaluateEvery: 10 };
  const { report, version, trainings } = await learnReranker(contradicting(order.marks, 3), short);
  assert.equal(version, undefined, report.verdict);
  assert.equal(trainings, 1);
  assert.equal(report.tiers[0]!.isKept, false);
  assert.equal((await order.store.list()).length, versions);
});
