/** The encoder learned from marks: on vectors of its own, which are made beside the stored ones and never in their place. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { embeddingKey, encoderText } from '../../../src/engine/documents/encoderText';
import { learnedSpacesOf } from '../../../src/engine/encoders/learnedSpace';
import { check } from '../../../src/engine/learning/check';
import { embeddedIds } from '../../../src/engine/learning/encodedFolder';
import { learn } from '../../../src/engine/learning/learn';
import { loadVersion } from '../../../src/engine/learning/learnedVersion';
import { giveVersion } from '../../../src/engine/learning/sharedAdapter';
import { planTiers } from '../../../src/engine/learning/tiers';
import { search } from '../../../src/engine/search/search';
import { openEmbeddingCache } from '../../../src/engine/store/store';
import { RunControl } from '../../../src/engine/training/control';
import {
  contradicting,
  encoderQuestions,
  type EncoderWorld,
  openEncoderWorld,
  TOY_RECIPE,
} from '../../support/encoderWorld';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
const QUESTIONS = 120;
let world: EncoderWorld;
before(async () => {
  world = await openEncoderWorld(root, QUESTIONS);
});
after(() => world.close());

async function baseOrder(): Promise<string[]> {
  const { query } = encoderQuestions(1)[0]!;
  const { hits } = await search(world.means.index, { query, limit: 50, rerank: false });
  return hits.map(({ path: file, score }) => `${file} ${score}`);
}

test('stopped while it embeds it leaves nothing behind, and goes on from what was trained', async () => {
  const { order, means } = world;
  const { store } = order;
  const control = new RunControl();
  const stopping = {
    ...{ ...means, control },
    tellRun: ({ stage }: { readonly stage: string }): void => {
      if (stage === 'embedding the folder anew') control.cancel();
    },
  };
  await assert.rejects(learn(order, stopping), { name: 'AbortError' });
  assert.deepEqual(await store.list(), []);
  assert.deepEqual([...world.spaces().keys()], [world.embedder.space.id]);
  const trained = path.join(store.runFolder, 'encoder-0', 'model.onnx');
  const { mtimeMs } = fs.statSync(trained);
  const seen: string[] = [];
  let isSame = false;
  const going = {
    ...means,
    tellRun: ({ stage }: { readonly stage: string }): void => {
      seen.push(stage);
      if (stage === 'embedding the folder anew' && fs.existsSync(trained))
        isSame ||= fs.statSync(trained).mtimeMs === mtimeMs;
    },
  };
  const { report, version } = await learn(order, going);
  assert.ok(version, report.verdict);
  assert.ok(isSame, 'it was trained again');
  assert.match(report.verdict, /^Promoted: \d+ of \d+ unseen queries improved, /);
  assert.equal(fs.existsSync(store.runFolder), false);
});

test('is a version with a checkpoint and with vectors of all chunks; the stored ones are as they were', async () => {
  const { order, snapshot, embedder, data } = world;
  const { store, base } = order;
  const [stored] = await store.list();
  const { manifest } = stored!;
  assert.deepEqual(manifest?.tiers, ['encoder']);
  const { encoderFolder, learned, id } = await loadVersion(store, stored!.id, base);
  assert.equal(encoderFolder, path.join(store.folderOf(id), 'bi-encoder'));
  assert.ok(learned && !learned.head && learned.level && learned.level.factor > 0);
  const known = world.spaces();
  const ids = embeddedIds(snapshot, embedder.space.id);
  const own = [...known.keys()].find((name) => name.startsWith('learned-'))!;
  assert.ok(own.startsWith(learnedSpacesOf(manifest!.encoder!)));
  assert.equal(known.size, 2, [...known.keys()].join());
  assert.equal(known.get(own), ids.length);
  const cache = openEmbeddingCache(path.join(data, 'embeddings.db'));
  const keys = snapshot.chunks(ids).map((row) => embeddingKey(encoderText(row.path, row)));
  const [before, now] = [cache.get(embedder.space.id, keys), cache.get(own, keys)];
  cache.dispose();
  assert.ok([...before, ...now].every((vector) => vector !== undefined));
  before.forEach((vector, at) => assert.notDeepEqual(vector, now[at]));
  const report = await store.report(id);
  const [tier] = report!.tiers;
  // Of the model of what was not held out, and of the one of everything.
  assert.equal(tier!.recomputedVectorCount, 2 * ids.length);
  assert.ok(tier!.bytes > 0 && tier!.seconds > 0);
  assert.ok(tier!.conditions.some(({ name, isMet }) => name === 'near the base' && isMet));
  assert.ok(tier!.conditions.some(({ name }) => name === 'find-similar order'));
});

test('is measured again on its own vectors, which are there', async () => {
  const { order, means } = world;
  const order0 = await baseOrder();
  const [{ id }] = (await order.store.list()) as [{ id: string }];
  const before = world.spaces();
  const { report } = await check(order, means, id);
  assert.match(report.verdict, /^Holds: MRR@10 beside the base: \d+ marked queries /);
  assert.deepEqual(world.spaces(), before);
  assert.deepEqual(await baseOrder(), order0);
});

test('is not shared with the repository, which is said', async () => {
  const [{ id }] = (await world.order.store.list()) as [{ id: string }];
  await assert.rejects(giveVersion(world.folder, world.order.store, id, 'Ada'), {
    message: `The version ${id} holds encoder; only learned words, weights of the ranking and maps of embeddings are shared`,
  });
});

test('marks that contradict one another do not pass, and cost no second model', async () => {
  const { order, means } = world;
  const swapped = contradicting(order.marks, 2);
  const before = world.spaces();
  const recipes = { encoder: { ...TOY_RECIPE, steps: 10, evaluateEvery: 10 } };
  const { report, version } = await learn({ ...order, marks: swapped, recipes }, means);
  assert.equal(version, undefined, report.verdict);
  const [tier] = report.tiers;
  assert.equal(tier!.isKept, false);
  const { length } = embeddedIds(world.snapshot, world.embedder.space.id);
  assert.equal(tier!.recomputedVectorCount, length);
  assert.deepEqual(world.spaces(), before);
});

test('a version whose encoder is damaged is not loaded, with a sentence', async () => {
  const { store, base } = world.order;
  const [{ id }] = (await store.list()) as [{ id: string }];
  const manifestFile = path.join(store.folderOf(id), 'version.json');
  const manifest = fs.readFileSync(manifestFile, 'utf8');
  const { encoder: _encoder, ...without } = JSON.parse(manifest) as { readonly encoder: string };
  fs.writeFileSync(manifestFile, JSON.stringify(without));
  await assert.rejects(loadVersion(store, id, base), /version\.json is not what was written$/);
  fs.writeFileSync(manifestFile, manifest);
  await loadVersion(store, id, base);
  const file = path.join(store.folderOf(id), 'bi-encoder', 'model.onnx');
  const bytes = fs.readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  fs.writeFileSync(file, bytes);
  await assert.rejects(loadVersion(store, id, base), {
    code: 'model',
    message: `The version ${id} is damaged: bi-encoder/model.onnx is not what was written`,
  });
});

test('the plan says what it costs, and from when on it learns', () => {
  const query = (relevant: number): never => ({ relevant: Array(relevant).fill({}) }) as never;
  const plan = (usable: number, queries: number, chunkCount: number) => {
    const data = { queries: Array.from({ length: queries }, () => query(1)), counts: { usable } };
    return planTiers(data, { chunkCount }).tiers.find(({ tier }) => tier === 'encoder')!;
  };
  assert.equal(plan(299, 100, 10).sentence, 'From 300 marks on; 299 can be used');
  assert.equal(plan(300, 49, 10).sentence, 'From 50 queries with an answer on; there are 49');
  const { isPlanned, sentence, seconds } = plan(300, 150, 20_000);
  assert.equal(isPlanned, true);
  assert.match(
    sentence,
    /^The last layers of the encoder; 20000 chunks are embedded anew .+ \(32 MB\)$/,
  );
  assert.ok(seconds > plan(300, 150, 100).seconds + 600);
});
