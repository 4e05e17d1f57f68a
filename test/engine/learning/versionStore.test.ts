/** Versions on the disk: published whole, swapped by one file, said in a sentence when damaged. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { encodeHead, newHead } from '../../../src/engine/encoders/heads';
import { loadVersion } from '../../../src/engine/learning/learnedVersion';
import type { LearningReport } from '../../../src/engine/learning/report';
import { VersionStore } from '../../../src/engine/learning/versionStore';
import { DEFAULT_WEIGHTS } from '../../../src/engine/search/weights';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
const MODELS = { biEncoder: 'b'.repeat(64), crossEncoder: 'c'.repeat(64) };
let count = 0;

function newStore(): VersionStore {
  return new VersionStore(path.join(root, `${count++}`));
}

async function publish(store: VersionStore, id: string, time = id): Promise<void> {
  const draft = path.join(store.root, 'draft');
  fs.mkdirSync(draft, { recursive: true });
  const head = newHead({ kind: 'query-head', base: MODELS.biEncoder, dimension: 4, rank: 2 }, 1);
  fs.writeFileSync(path.join(draft, 'adapter.safetensors'), encodeHead(head));
  fs.writeFileSync(path.join(draft, 'weights.json'), JSON.stringify({ rerank: 0.5 }));
  const report = { v: 1, version: id, verdict: 'good' } as LearningReport;
  await store.publish(
    draft,
    {
      ...{ id, time, kind: 'marks', isPromoted: true, verdict: 'good', markCount: 20 },
      ...{ base: MODELS, tiers: ['fusion', 'head'], mapsSimilar: true },
    },
    report,
  );
}

test('reads back what was published, report and parts', async () => {
  const store = newStore();
  await publish(store, 'one');
  const version = await loadVersion(store, 'one', MODELS);
  assert.deepEqual(version.weights, { ...DEFAULT_WEIGHTS, rerank: 0.5 });
  assert.equal(version.learned?.head?.rank, 2);
  assert.equal((await store.report('one'))?.verdict, 'good');
  assert.equal(fs.existsSync(path.join(store.root, 'draft')), false);
});

test('answers with the base where nothing was learned, or where the pointer is damaged', async () => {
  const store = newStore();
  assert.equal((await store.pointer()).pointer.current.id, 'base');
  await publish(store, 'one');
  await store.use({ current: { id: 'one', state: 'all' } });
  assert.equal((await store.pointer()).pointer.current.id, 'one');
  fs.writeFileSync(path.join(store.root, 'current.json'), '{"v":1,"curr');
  const { pointer, problem } = await store.pointer();
  assert.equal(pointer.current.id, 'base');
  assert.match(problem ?? '', /so the base model does/);
});

test('names what is wrong with a version, whichever file it is', async () => {
  const store = newStore();
  await publish(store, 'one');
  const folder = store.folderOf('one');
  const check = async (name: string, change: (file: string) => void, sentence: RegExp) => {
    const file = path.join(folder, name);
    const whole = fs.readFileSync(file);
    change(file);
    await assert.rejects(loadVersion(store, 'one', MODELS), sentence);
    fs.writeFileSync(file, whole);
  };
  await check('weights.json', (file) => fs.rmSync(file), /damaged: weights\.json is missing/);
  await check('weights.json', (file) => fs.appendFileSync(file, ' '), /has \d+ bytes instead of/);
  await check(
    'weights.json',
    (file) => fs.writeFileSync(file, '{"rerank":0.6}'),
    /is not what was written/,
  );
  await check(
    'adapter.safetensors',
    (file) => fs.truncateSync(file, 9),
    /adapter\.safetensors has 9/,
  );
  await check('version.json', (file) => fs.writeFileSync(file, '{'), /cannot be read/);
  await check('report.json', (file) => fs.rmSync(file), /report\.json is missing/);
  await loadVersion(store, 'one', MODELS);
});

test('does not load a version on other models than it was learned on', async () => {
  const store = newStore();
  await publish(store, 'one');
  const other = 'd'.repeat(64);
  await assert.rejects(
    loadVersion(store, 'one', { ...MODELS, biEncoder: other }),
    /was learned on the model bbbbbbbbbbbb, and dddddddddddd is in use/,
  );
  await assert.rejects(
    loadVersion(store, 'one', { ...MODELS, crossEncoder: other }),
    /was learned on the re-ranker/,
  );
});

test('keeps the newest three, and those in use', async () => {
  const store = newStore();
  for (const id of ['1', '2', '3', '4', '5']) await publish(store, id);
  await store.use({ current: { id: '5', state: 'all' }, previous: { id: '1', state: 'all' } });
  await store.prune();
  assert.deepEqual(
    (await store.list()).map(({ id }) => id),
    ['1', '3', '4', '5'],
  );
});
