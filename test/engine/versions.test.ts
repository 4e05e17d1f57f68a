/** Which version a search gets: whole or not at all, to its end, whatever is swapped meanwhile. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { silentLogger } from '../../src/base/log';
import { learningFolder } from '../../src/engine/dataFolder';
import type { Reranker } from '../../src/engine/encoders/types';
import type { LearningReport } from '../../src/engine/learning/report';
import { VersionStore } from '../../src/engine/learning/versionStore';
import { EMPTY_SNAPSHOT } from '../../src/engine/store/snapshot';
import { Versions } from '../../src/engine/versions';
import { temporaryFolder } from '../support/temporaryFolder';

const root = temporaryFolder(after);
const MODELS = { biEncoder: 'b'.repeat(64), crossEncoder: 'c'.repeat(64) };
const ID = 'folder';
let count = 0;

interface Opened {
  readonly versions: Versions;
  readonly store: VersionStore;
  /** Checkpoints whose re-ranker was disposed, by their version. */
  readonly disposed: string[];
  readonly publish: (id: string, ...tiers: ('cross-encoder' | 'fusion')[]) => Promise<void>;
}

function open(openReranker?: (folder: string) => Promise<Reranker>): Opened {
  const dataFolder = path.join(root, `${count++}`);
  const store = new VersionStore(learningFolder(dataFolder, ID));
  const disposed: string[] = [];
  const fake = async (folder: string): Promise<Reranker> => {
    const name = path.basename(path.dirname(folder));
    return {
      fingerprint: name,
      score: async (_query, texts) => new Float32Array(texts.length),
      dispose: () => void disposed.push(name),
    };
  };
  const versions = new Versions({
    ...{ dataFolder, log: silentLogger, baseModels: async () => MODELS },
    openReranker: openReranker ?? fake,
    openEncoder: () => Promise.reject(new Error('no version here embeds')),
    vectors: {
      hold: () => Promise.reject(new Error('no version here embeds')),
      onNews: () => ({ dispose() {} }),
    },
    look: (_id, read) => read(EMPTY_SNAPSHOT),
  });
  return {
    ...{ versions, store, disposed },
    async publish(id, ...tiers) {
      const draft = path.join(store.root, 'draft');
      fs.mkdirSync(path.join(draft, 'cross-encoder'), { recursive: true });
      fs.writeFileSync(path.join(draft, 'cross-encoder/config.json'), '{}');
      fs.writeFileSync(path.join(draft, 'weights.json'), '{"rerank":0.5}');
      const about = { id, time: id, kind: 'marks', isPromoted: true, verdict: '' } as const;
      const parts = { base: MODELS, tiers, mapsSimilar: true, markCount: 20 };
      await store.publish(draft, { ...about, ...parts }, { v: 1 } as LearningReport);
    },
  };
}

test('the base answers where nothing was learned', async () => {
  const { versions } = open();
  assert.equal(await versions.forSearch(ID, 'whole'), undefined);
  assert.deepEqual(versions.problems, []);
});

test('a search keeps the re-ranker that it began with, and that goes with the last one', async () => {
  const { versions, publish, disposed } = open();
  await publish('1', 'cross-encoder');
  await publish('2', 'cross-encoder', 'fusion');
  await versions.use(ID, { folder: '', version: '1' });
  const early = await versions.forSearch(ID, 'available');
  assert.equal(early?.context.reranker, undefined);
  early?.dispose();
  const first = await versions.forSearch(ID, 'whole');
  assert.equal(first?.context.reranker?.fingerprint, '1');
  assert.equal(first?.context.weights, undefined);
  await versions.use(ID, { folder: '', version: '2' });
  const second = await versions.forSearch(ID, 'whole');
  assert.equal(second?.context.reranker?.fingerprint, '2');
  assert.equal(second?.context.weights?.rerank, 0.5);
  assert.deepEqual(disposed, []);
  first?.dispose();
  assert.deepEqual(disposed, ['1']);
  second?.dispose();
  await versions.use(ID, { folder: '', version: 'base' });
  assert.deepEqual(disposed, ['1', '2']);
  assert.equal(await versions.forSearch(ID, 'whole'), undefined);
});

test('a version whose re-ranker does not open is left out whole, with a sentence', async () => {
  const { versions, publish } = open(async () => {
    throw new Error('no such operator');
  });
  await publish('1', 'cross-encoder', 'fusion');
  await versions.use(ID, { folder: '', version: '1' });
  assert.equal(await versions.forSearch(ID, 'whole'), undefined);
  assert.deepEqual(versions.problems, ['no such operator; the base model answers']);
  assert.equal((await versions.list(ID, '/code')).current, 'base');
});

test('a version that ranks silently changes no answer', async () => {
  const { versions, publish, store } = open();
  await publish('1', 'fusion');
  await versions.use(ID, { folder: '', version: '1', state: 'shadow' });
  assert.equal(await versions.forSearch(ID, 'whole'), undefined);
  assert.equal((await store.pointer()).pointer.shadow?.id, '1');
  const { versions: listed, current } = await versions.list(ID, '/code');
  assert.equal(current, 'base');
  assert.equal(listed.find(({ id }) => id === '1')?.state, 'shadow');
});

test('a candidate is lent beside the version that answers, and goes when it ends or answers itself', async () => {
  const { versions, publish, disposed } = open();
  await publish('1', 'cross-encoder');
  await publish('2', 'fusion');
  assert.equal(versions.compared(ID), undefined);
  await versions.use(ID, { folder: '', version: '2' });
  await versions.compare(ID, '1', true);
  assert.deepEqual(versions.compared(ID), { current: '2', candidate: '1', isLive: true });
  const lent = await versions.forComparison(ID);
  assert.equal(lent?.context.reranker?.fingerprint, '1');
  lent?.dispose();
  const answers = await versions.forSearch(ID, 'whole');
  assert.equal(answers?.id, '2');
  answers?.dispose();
  await assert.rejects(versions.compare(ID, '2', false), /answers already/);
  await assert.rejects(versions.compare(ID, 'base', false), /what versions are compared with/);
  assert.deepEqual(versions.compared(ID), { current: '2', candidate: '1', isLive: true });
  // A start later it is the same.
  versions.release(ID);
  assert.deepEqual(disposed, ['1']);
  (await versions.forSearch(ID, 'whole'))?.dispose();
  assert.deepEqual(versions.compared(ID), { current: '2', candidate: '1', isLive: true });
  await versions.use(ID, { folder: '', version: '1' });
  assert.equal(versions.compared(ID), undefined);
  await versions.compare(ID, '2', false);
  await versions.compare(ID, null, false);
  assert.equal(await versions.forComparison(ID), undefined);
});

test('a pilot needs a part of the folder, and what is damaged changes nothing', async () => {
  const { versions, publish, store } = open();
  await publish('1', 'fusion');
  await publish('2', 'fusion');
  const use = (version: string, state?: 'pilot') =>
    versions.use(ID, { folder: '', version, state });
  await assert.rejects(use('1', 'pilot'), /counts in a part of the folder alone/);
  await use('1');
  fs.rmSync(path.join(store.folderOf('2'), 'weights.json'));
  await assert.rejects(use('2'), /weights\.json is missing/);
  assert.equal((await store.pointer()).pointer.current.id, '1');
  const lent = await versions.forSearch(ID, 'whole');
  assert.equal(lent?.id, '1');
  lent?.dispose();
});

test('of what somebody else has learned it says what came of it here', async () => {
  const { versions, store } = open();
  const draft = path.join(store.root, 'draft');
  fs.mkdirSync(draft, { recursive: true });
  fs.writeFileSync(path.join(draft, 'weights.json'), '{"rerank":0.5}');
  const about = { id: 's', time: '1', kind: 'marks', isPromoted: false, author: 'Ada' } as const;
  const parts = { base: MODELS, tiers: ['fusion' as const], mapsSimilar: false, markCount: 9 };
  const report = { v: 1 } as LearningReport;
  await store.publish(draft, { ...about, verdict: 'Not measured here yet', ...parts }, report);
  const verdict = async () =>
    (await versions.list(ID, '/code')).versions.find(({ id }) => id === 's')?.verdict;
  assert.equal(await verdict(), 'Not measured here yet');
  await store.noteCheck('s', { time: '2', holds: false, verdict: 'Too few', isUnasked: false });
  assert.equal(await verdict(), 'Too few');
});
