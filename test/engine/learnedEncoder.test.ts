/**
 * A version with an encoder of its own in the running product: its vectors are made beside those of the base, it answers when
 * they are whole, going back is exact, edits reach both sets, and what is killed or damaged leaves one of the two answering.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { folderId, learningFolder } from '../../src/engine/dataFolder';
import { readCheckpoint } from '../../src/engine/encoders/checkpoint';
import { learnedSpacesOf } from '../../src/engine/encoders/learnedSpace';
import type { LearningReport } from '../../src/engine/learning/report';
import { VersionStore } from '../../src/engine/learning/versionStore';
import { openDatabase } from '../../src/engine/store/database';
import { makeLearningWorld, QUESTIONS } from '../support/learningWorld';
import { writeToyCheckpoint } from '../support/toyCheckpoint';

const world = makeLearningWorld(after);
const QUERY = QUESTIONS[0]!;
let fileCount: number;
let old: string[];
const store = (): VersionStore =>
  new VersionStore(learningFolder(world.data, folderId(fs.realpathSync(world.code))));
/** Where the spaces of each version begin. */
const spaces = new Map<string, string>();

before(async () => {
  await world.prepare();
  fileCount = fs.readdirSync(world.code, { recursive: true }).length - 2;
  old = await world.order(QUERY);
});

/** A version that holds another toy than the base's. */
async function publish(id: string, seed: number): Promise<void> {
  const models = path.join(world.root, 'models');
  const [biEncoder, crossEncoder] = await Promise.all(
    ['bi-encoder', 'cross-encoder'].map(async (kind) => {
      const { fingerprint } = await readCheckpoint(path.join(models, kind));
      return fingerprint;
    }),
  );
  const draft = path.join(store().root, `draft-${id}`);
  writeToyCheckpoint(path.join(draft, 'bi-encoder'), { seed });
  const encoder = (await readCheckpoint(path.join(draft, 'bi-encoder'))).fingerprint;
  spaces.set(id, learnedSpacesOf(encoder));
  const about = { id, time: id, kind: 'marks', isPromoted: true, verdict: 'Promoted' } as const;
  const base = { biEncoder: biEncoder!, crossEncoder: crossEncoder! };
  const parts = { base, tiers: ['encoder' as const], mapsSimilar: true, markCount: 300, encoder };
  await store().publish(draft, { ...about, ...parts }, { v: 1 } as LearningReport);
}

/** Vectors in the file that all folders share, in spaces that begin so. */
function vectorCount(begin: string): number {
  const database = openDatabase(path.join(world.data, 'embeddings.db'), { isReadOnly: true });
  try {
    const rows = database
      .prepare<[string]>('SELECT name FROM space JOIN embedding ON space = space.id')
      .all();
    return rows.filter(([name]) => name.startsWith(begin)).length;
  } finally {
    database.dispose();
  }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}

function pathsIn(order: readonly string[]): string[] {
  return order.map((line) => line.slice(0, line.lastIndexOf(' ')));
}

const folder = world.code;
const versions = () => world.client.call('versions', { folder });
const use = (version: string) => world.client.call('useVersion', { folder, version });
const answers = (id: string) => until(async () => (await versions()).current === id);

test('answers when its vectors are whole, beside those of the base, and going back is exact', async () => {
  await publish('first', 7);
  const told: string[] = [];
  const listening = world.client.on('versionsChanged', () => told.push('changed'));
  await use('first');
  await answers('first');
  listening.dispose();
  assert.ok(told.length > 0);
  const learned = await world.order(QUERY);
  assert.notDeepEqual(learned, old);
  assert.equal(vectorCount(spaces.get('first')!), fileCount);
  assert.deepEqual((await versions()).problems, []);
  await use('base');
  assert.deepEqual(await world.order(QUERY), old);
  await use('previous');
  // What is there answers at once.
  assert.equal((await versions()).current, 'first');
  assert.deepEqual(await world.order(QUERY), learned);
});

test('find-similar is by its vectors, and marks keep their effect', async () => {
  const { code, test: answer } = world.pathsOf(0);
  const similar = async (): Promise<string[]> => {
    const asked = { folder, path: code, start: 0, end: 1, limit: 20 };
    const { hits } = await world.client.call('similar', asked);
    return hits.map(({ path: file, score }) => `${file} ${score.toFixed(6)}`);
  };
  const own = await similar();
  const learned = await world.order(QUERY);
  const [mark] = await world.mark(0);
  const marked = await world.order(QUERY);
  assert.ok(marked[0]!.startsWith(`${answer}:`), marked[0]);
  await world.unmarkAll();
  assert.ok(mark);
  assert.deepEqual(await world.order(QUERY), learned);
  await use('base');
  assert.notDeepEqual(await similar(), own);
  await use('first');
});

test('an edited file gets a vector in both sets, and both find it', async () => {
  const file = path.join(folder, 'src', 'added.ts');
  fs.writeFileSync(file, "export const added = ['zebra', 'giraffe'];\n");
  await world.client.call('index', { folder, waitFor: 'all', refresh: true });
  await until(() => vectorCount(spaces.get('first')!) === fileCount + 1);
  const order = await world.order('zebra giraffe');
  assert.ok(order[0]!.startsWith('src/added.ts:'), order[0]);
  assert.equal((await versions()).current, 'first');
  await use('base');
  fs.rmSync(file);
  await world.client.call('index', { folder, waitFor: 'all', refresh: true });
  // Words are counted a little differently once a file has come and gone.
  const now = await world.order(QUERY);
  assert.deepEqual(pathsIn(now), pathsIn(old));
  old = now;
});

test('while its vectors are not whole, what answered before goes on; a start later as well', async () => {
  await use('first');
  const first = await world.order(QUERY);
  await world.client.call('pause', { folder });
  await publish('second', 8);
  await use('second');
  const list = await versions();
  assert.equal(list.current, 'first');
  assert.deepEqual(list.problems, [
    `0 of ${fileCount} chunks are embedded for the version second; what answered before answers until all are`,
  ]);
  assert.deepEqual(await world.order(QUERY), first);
  await world.kill();
  // Nobody has asked for the folder to be indexed yet.
  assert.deepEqual(await world.order(QUERY), first);
  assert.equal((await versions()).current, 'first');
  await world.client.call('index', { folder, waitFor: 'all' });
  await answers('second');
  assert.deepEqual((await versions()).problems, []);
  const second = await world.order(QUERY);
  assert.notDeepEqual(second, first);
  // Both sets are there now, so that either is left at once.
  await use('first');
  assert.deepEqual(await world.order(QUERY), first);
  await use('second');
  assert.deepEqual(await world.order(QUERY), second);
});

test('killed at any moment of a swap it answers by one of the two, wholly', async () => {
  await use('base');
  await world.client.call('index', { folder, waitFor: 'all' });
  await use('second');
  await answers('second');
  const second = await world.order(QUERY);
  for (const afterMs of [0, 5, 20]) {
    await use('base');
    const swapping = use('second').catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await world.kill();
    await swapping;
    const order = await world.order(QUERY);
    const { current } = await versions();
    assert.deepEqual(order, current === 'second' ? second : old, `after ${afterMs} ms: ${current}`);
  }
});

test('what is damaged is left out with a sentence, and the base answers', async () => {
  await use('second');
  await answers('second');
  const file = path.join(store().folderOf('second'), 'bi-encoder', 'onnx', 'model.onnx');
  const bytes = fs.readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  await world.kill();
  fs.writeFileSync(file, bytes);
  assert.deepEqual(await world.order(QUERY), old);
  const { current, problems } = await versions();
  assert.equal(current, 'base');
  assert.deepEqual(problems, [
    'The version second is damaged: bi-encoder/onnx/model.onnx is not what was written; the base model answers',
  ]);
  await use('base');
});

test('vectors of a version that is gone go, those of others stay', async () => {
  await world.client.call('index', { folder, waitFor: 'all' });
  assert.equal(vectorCount(spaces.get('second')!), fileCount);
  fs.rmSync(store().folderOf('second'), { recursive: true });
  // An engine looks when it has started, as after each run.
  await world.kill();
  await world.client.call('index', { folder, waitFor: 'all', refresh: true });
  await until(() => vectorCount(spaces.get('second')!) === 0);
  assert.ok(vectorCount(spaces.get('first')!) >= fileCount);
  assert.deepEqual(await world.order(QUERY), old);
});
