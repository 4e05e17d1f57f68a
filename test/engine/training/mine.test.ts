import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import type { Reranker } from '../../../src/engine/encoders/types';
import {
  openEmbeddingCache,
  openFolderReader,
  openFolderWriter,
} from '../../../src/engine/store/store';
import { type FolderMeans, folderPool } from '../../../src/engine/training/folderPool';
import { type MineQuery, mineRecords, readMineQueries } from '../../../src/engine/training/mine';
import { MINING_DEFAULTS } from '../../../src/engine/training/negatives';
import { indexPaths, keyOf, putTexts } from '../../support/folderIndex';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';
import { TOY_SPACE, hashVector, toyEmbedder } from '../../support/toyIndexing';

const FILES: Readonly<Record<string, readonly string[]>> = {
  'retry.ts': ['count the retry attempts', 'reset the retry counter', 'wait between attempts'],
  'cache.ts': ['keep the cache entry', 'count the cache hits'],
  'copy.ts': ['count the retry attempts', 'parse the header'],
  'socket.ts': ['open the socket', 'close the socket', 'count open sockets'],
};

/** The files above as an index with embeddings by hash. */
async function openMeans(t: { after(action: () => void): void }): Promise<FolderMeans> {
  const { index, embeddings } = indexPaths(temporaryFolder(after));
  const cache = openEmbeddingCache(embeddings);
  const writer = openFolderWriter(index, { embeddingsFile: embeddings });
  const texts = Object.values(FILES).flat();
  cache.put(
    TOY_SPACE.id,
    texts.map((text) => ({ key: keyOf(text), vector: hashVector(text) })),
  );
  for (const [name, lines] of Object.entries(FILES)) putTexts(writer, name, lines);
  writer.pendingEmbeddings(TOY_SPACE.id, 100);
  writer.pendingEmbeddings(TOY_SPACE.id, 100);
  writer.dispose();
  cache.dispose();
  const reader = openFolderReader(index, { spaceId: TOY_SPACE.id, embeddingsFile: embeddings });
  await reader.refresh();
  const snapshot = reader.snapshot();
  t.after(() => {
    snapshot.dispose();
    reader.dispose();
  });
  return { snapshot, embedder: toyEmbedder() };
}

const query = (changes: Partial<MineQuery> = {}): MineQuery => ({
  ...{ query: 'count retry', positives: ['retry.ts:1'], negatives: [], line: 1 },
  ...changes,
});

const SETTINGS = {
  ...MINING_DEFAULTS,
  negativeCount: 4,
  condition: 'off',
  ceiling: Infinity,
} as const;

test('mines a record a query from an index, the same under one seed', async (t) => {
  const means = await openMeans(t);
  const options = { settings: SETTINGS, seed: 5 };
  const { records, skipped } = await mineRecords(
    [query({ negatives: ['cache.ts:2'] })],
    means,
    options,
  );
  assert.deepEqual(skipped, []);
  const [record] = records;
  assert.equal(records.length, 1);
  assert.deepEqual(record!.positives, ['retry.ts\ncount the retry attempts']);
  // The mark first, then what was mined; the copy of the positive in another file is not among them.
  assert.equal(record!.negatives[0], 'cache.ts\ncount the cache hits');
  assert.equal(record!.negatives.length, 4);
  assert.ok(record!.negatives.every((text) => !text.includes('count the retry attempts')));
  assert.deepEqual(
    (await mineRecords([query({ negatives: ['cache.ts:2'] })], means, options)).records,
    records,
  );
});

test('says which places are not in the index, and mines the rest', async (t) => {
  const means = await openMeans(t);
  const queries = [query({ positives: ['retry.ts:1', 'gone.ts:3-9'], line: 7 })];
  const { records, skipped } = await mineRecords(queries, means, { settings: SETTINGS, seed: 1 });
  assert.deepEqual(skipped, ['Line 7: gone.ts:3-9 is not in the index']);
  assert.equal(records[0]!.positives.length, 1);
});

test('never mines what was accepted for the same query in another line', async (t) => {
  const means = await openMeans(t);
  const queries = [query(), query({ query: 'Count  RETRY', positives: ['retry.ts:2'], line: 2 })];
  for (const seed of [1, 2, 3, 4]) {
    const { records } = await mineRecords(queries, means, { settings: SETTINGS, seed });
    assert.ok(records[0]!.negatives.every((text) => !text.includes('reset the retry counter')));
  }
});

test('asks the frozen re-ranker, and takes out what it finds as good as the positive', async (t) => {
  const asked: string[] = [];
  const reranker: Reranker = {
    fingerprint: 'toy',
    dispose: () => undefined,
    async score(_, texts) {
      asked.push(...texts);
      return Float32Array.from(texts, (text) => (text.includes('socket') ? 9 : 1));
    },
  };
  const means = { ...(await openMeans(t)), reranker };
  const settings = { ...SETTINGS, randomCount: 0, ranks: [1, 30] as const };
  const { records, groups } = await mineRecords([query()], means, { settings, seed: 1 });
  assert.ok(asked.length > 0);
  assert.ok(records[0]!.negatives.every((text) => !text.includes('socket')));
  // All have the score of the positive.
  assert.deepEqual(
    records[0]!.margins,
    records[0]!.negatives.map(() => 0),
  );
  assert.ok(groups[0]!.dropped.some(({ reason }) => reason === 'teacher'));
});

test('knows distances in the joint space, calibrated', async (t) => {
  const means = await openMeans(t);
  const pool = await folderPool(means, ['count retry'], seededRandom(1));
  const { distances, chunks, spaces } = pool;
  assert.deepEqual(
    spaces.map(({ name }) => name),
    ['words', 'contextual'],
  );
  const [first, second] = chunks.keys() as [number, number];
  assert.equal(distances!.between(first, first) < 1e-9, true);
  assert.ok(distances!.between(first, second) > 0.01);
  assert.ok(distances!.toQuery({ text: 'count retry', positives: [] }, first) > 0.01);
  assert.equal(distances!.calibration!.queryChunk.length, 1000);
});

test('lets spaces vote by their weights, and names one that is not there', async (t) => {
  const means = await openMeans(t);
  const settings = {
    ...SETTINGS,
    ...({ voting: 'weighted', ranks: [1, 1], negativeCount: 1, randomCount: 0 } as const),
  };
  const minedBy = async (weights: Record<string, number>): Promise<readonly string[]> => {
    const { records } = await mineRecords([query()], means, { settings, weights, seed: 1 });
    return records[0]!.negatives;
  };
  const [byWords, byMeaning] = [await minedBy({ contextual: 0 }), await minedBy({ words: 0 })];
  assert.match(byWords.join(), /retry|count/);
  assert.notDeepEqual(byWords, byMeaning);
  await assert.rejects(minedBy({ stars: 2 }), /There is no space stars to weigh/);
});

test('stops between two queries', async (t) => {
  const means = await openMeans(t);
  const controller = new AbortController();
  const options = {
    ...{ settings: SETTINGS, seed: 1, signal: controller.signal },
    onProgress: () => controller.abort(),
  };
  await assert.rejects(mineRecords([query(), query({ line: 2 })], means, options), {
    name: 'AbortError',
  });
});

test('names the line that is wrong', async () => {
  const folder = temporaryFolder(after);
  const fine = '{"query":"a","positives":["a.ts:1-2"]}';
  writeFiles(folder, {
    'json.jsonl': `${fine}\n\nnot json\n`,
    'place.jsonl': '{"query":"a","positives":["a.ts"]}',
    'lines.jsonl': '{"query":"a","negatives":["a.ts:9-2"]}',
    'empty.jsonl': `${fine}\n{"query":"  "}`,
    'fine.jsonl': `\uFEFF${fine}\r\n`,
  });
  const read = (name: string): Promise<MineQuery[]> => readMineQueries(path.join(folder, name));
  await assert.rejects(read('json.jsonl'), /Line 3 of .*json\.jsonl is not JSON/);
  await assert.rejects(read('place.jsonl'), /Line 1 .* the place a\.ts, which is not/);
  await assert.rejects(read('lines.jsonl'), /Line 1 .* a\.ts:9-2/);
  await assert.rejects(read('empty.jsonl'), /Line 2 .* at query/);
  await assert.rejects(read('missing.jsonl'), /There is no file .*missing\.jsonl/);
  assert.deepEqual(await read('fine.jsonl'), [
    { query: 'a', positives: ['a.ts:1-2'], negatives: [], line: 1 },
  ]);
});
