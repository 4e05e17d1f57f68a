import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { normalize } from '../../../src/base/vector';
import {
  pruneEmbeddings,
  removeEmbeddings,
  wasPrunedToday,
} from '../../../src/engine/store/embeddings';
import { hasHnsw } from '../../../src/engine/store/hnsw';
import { folderFiles } from '../../../src/engine/store/indexFiles';
import { buildSidecars } from '../../../src/engine/store/sidecars';
import {
  openEmbeddingCache,
  openFolderReader,
  openFolderWriter,
} from '../../../src/engine/store/store';
import type { FolderWriter, Scored } from '../../../src/engine/store/types';
import { cutFile, flipBit } from '../../support/faults';
import { SPACE, indexPaths, keyOf, putTexts, unit } from '../../support/folderIndex';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder } from '../../support/temporaryFolder';

leavesNothing();
const root = temporaryFolder(after);
const DIMENSION = 8;
const DOCUMENTS = 60;
const TEXTS = 10;
const query = unit(1, 2, 3, 4, 5, 6, 7, 8);

/** Always the same vector for a text. */
function vectorOf(text: string): Float32Array {
  const random = seededRandom(keyOf(text)[0]! * 256 + keyOf(text)[1]!);
  return normalize(Float32Array.from({ length: DIMENSION }, () => random() - 0.5));
}

function textsOfDocument(document: number): string[] {
  return Array.from({ length: TEXTS }, (_, line) => `text ${document} ${line}`);
}

function embedAll(writer: FolderWriter, embeddings: string): number {
  const cache = openEmbeddingCache(embeddings);
  const pending = writer.pendingEmbeddings(SPACE, 10_000);
  cache.put(
    SPACE,
    pending.map(({ embeddingKey: key, text }) => ({ key, vector: vectorOf(text) })),
  );
  cache.dispose();
  writer.counts(SPACE);
  return pending.length;
}

/** An index of 600 embedded chunks below a new folder. */
function makeIndex(name: string): { index: string; embeddings: string; folder: string } {
  const folder = path.join(root, name);
  fs.mkdirSync(folder);
  const paths = indexPaths(folder);
  const writer = openFolderWriter(paths.index, { embeddingsFile: paths.embeddings });
  writer.transaction(() => {
    for (let i = 0; i < DOCUMENTS; i++) putTexts(writer, `d${i}.ts`, textsOfDocument(i));
  });
  embedAll(writer, paths.embeddings);
  writer.dispose();
  return { ...paths, folder };
}

async function search(index: string, embeddingsFile?: string): Promise<Scored[]> {
  const reader = openFolderReader(index, { spaceId: SPACE, embeddingsFile });
  await reader.refresh();
  const snapshot = reader.snapshot();
  const found = snapshot.searchVectors(SPACE, query, 10);
  snapshot.dispose();
  reader.dispose();
  return found;
}

function build(paths: { index: string; embeddings: string }, graphFromCount?: number) {
  const options = { embeddingsFile: paths.embeddings, spaceId: SPACE, graphFromCount };
  return buildSidecars(paths.index, options);
}

test('starts from the file of vectors alone, and finds the same', async () => {
  const paths = makeIndex('alone');
  const expected = await search(paths.index, paths.embeddings);
  assert.equal(expected.length, 10);
  assert.deepEqual(await search(paths.index), []);
  assert.deepEqual(await build(paths), { vectors: true, graph: false });
  assert.deepEqual(await search(paths.index), expected);
});

test('ignores a file of vectors that is damaged, cut, or of another index', async () => {
  const paths = makeIndex('damaged');
  const expected = await search(paths.index, paths.embeddings);
  await build(paths);
  const file = folderFiles(paths.index).vectors(SPACE);
  const whole = fs.readFileSync(file);
  const other = makeIndex('other');
  await build(other);
  const damages: readonly (() => void)[] = [
    () => flipBit(file, 0),
    () => flipBit(file, 9),
    () => flipBit(file, 40),
    () => flipBit(file, 4200),
    () => flipBit(file, -1),
    () => cutFile(file, 0.5),
    () => cutFile(file, 0),
    () => fs.appendFileSync(file, 'more'),
    () => fs.copyFileSync(folderFiles(other.index).vectors(SPACE), file),
    () => fs.rmSync(file),
  ];
  for (const [at, damage] of damages.entries()) {
    fs.writeFileSync(file, whole);
    damage();
    assert.deepEqual(await search(paths.index), [], `damage ${at} is seen`);
    assert.deepEqual(await search(paths.index, paths.embeddings), expected, `damage ${at}`);
  }
});

test('follows what changed after the file was written', async () => {
  const paths = makeIndex('changed');
  await build(paths);
  const [best] = await search(paths.index, paths.embeddings);
  const writer = openFolderWriter(paths.index, { embeddingsFile: paths.embeddings });
  const bestDocument = Math.floor((best!.chunkId - 1) / TEXTS);
  writer.removeDocuments([`d${bestDocument}.ts`]);
  putTexts(writer, 'more.ts', ['more']);
  assert.equal(embedAll(writer, paths.embeddings), 1);
  assert.deepEqual(await build(paths), { vectors: false, graph: false }, 'too little changed');
  const ids = (await search(paths.index, paths.embeddings)).map(({ chunkId }) => chunkId);
  assert.ok(!ids.includes(best!.chunkId));
  for (let i = 0; i < 6; i++) writer.removeDocuments([`d${i}.ts`]);
  writer.dispose();
  assert.deepEqual(await build(paths), { vectors: true, graph: false });
});

test(
  'searches by the graph once it is there, and rebuilds it when much has changed',
  { skip: !hasHnsw() && 'hnswlib-node was not built' },
  async () => {
    const paths = makeIndex('graph');
    const expected = await search(paths.index, paths.embeddings);
    assert.deepEqual(await build(paths, 500), { vectors: true, graph: true });
    assert.deepEqual(await search(paths.index, paths.embeddings), expected);
    assert.deepEqual(await build(paths, 500), { vectors: false, graph: false }, 'up to date');
    const { graph } = folderFiles(paths.index).graph(SPACE);
    flipBit(graph, 2000);
    assert.deepEqual(await search(paths.index, paths.embeddings), expected, 'damaged graph');
    const writer = openFolderWriter(paths.index, { embeddingsFile: paths.embeddings });
    for (let i = 100; i < 115; i++) putTexts(writer, `d${i}.ts`, textsOfDocument(i));
    embedAll(writer, paths.embeddings);
    writer.dispose();
    assert.deepEqual(await build(paths, 500), { vectors: true, graph: true });
    if (process.platform !== 'win32') assert.equal(fs.statSync(graph).mode & 0o777, 0o600);
  },
);

test('takes over a graph that appears while a reader is open', { skip: !hasHnsw() }, async () => {
  const paths = makeIndex('appears');
  const options = { spaceId: SPACE, embeddingsFile: paths.embeddings };
  const reader = openFolderReader(paths.index, options);
  await reader.refresh();
  const before = reader.snapshot();
  const expected = before.searchVectors(SPACE, query, 10);
  await build(paths, 500);
  await reader.refresh();
  const later = reader.snapshot();
  assert.deepEqual(later.searchVectors(SPACE, query, 10), expected);
  assert.deepEqual(before.searchVectors(SPACE, query, 10), expected);
  before.dispose();
  later.dispose();
  reader.dispose();
});

test('embeds again what was lost with the shared file, and nothing while the sidecar has it', async () => {
  const paths = makeIndex('lost');
  await build(paths);
  const expected = await search(paths.index, paths.embeddings);
  removeEmbeddings(paths.embeddings);
  assert.deepEqual(await search(paths.index, paths.embeddings), expected);
  const writer = openFolderWriter(paths.index, { embeddingsFile: paths.embeddings });
  assert.equal(writer.counts(SPACE).embeddedCount, 0);
  assert.deepEqual(await search(paths.index, paths.embeddings), expected);
  assert.equal(embedAll(writer, paths.embeddings), DOCUMENTS * TEXTS);
  writer.dispose();
  assert.deepEqual(await search(paths.index, paths.embeddings), expected);
});

test('starts an embeddings file anew when it is damaged', () => {
  const damages: readonly ((file: string) => void)[] = [
    (file) => fs.writeFileSync(file, 'no database at all '.repeat(500)),
    (file) => cutFile(file, 0.6),
    (file) => flipBit(file, 5),
    (file) => flipBit(file, 4096),
  ];
  for (const [at, damage] of damages.entries()) {
    const file = path.join(root, `embeddings-${at}.db`);
    const key = keyOf('a');
    const fill = openEmbeddingCache(file);
    const many = Array.from({ length: 200 }, (_, i) => ({ key: keyOf(String(i)), vector: query }));
    fill.put(SPACE, [...many, { key, vector: query }]);
    const { id } = fill;
    fill.dispose();
    damage(file);
    const cache = openEmbeddingCache(file);
    cache.get(SPACE, [...many.map((entry) => entry.key), key]);
    cache.put(SPACE, [{ key, vector: unit(0, 1) }]);
    assert.deepEqual(cache.get(SPACE, [key]), [unit(0, 1)], `damage ${at}`);
    assert.deepEqual(cache.has(SPACE, [key]), [true]);
    assert.notEqual(cache.id, id, `damage ${at} makes a new file`);
    cache.dispose();
  }
});

test('keeps no embedding with a hole, and none of another space', () => {
  const cache = openEmbeddingCache(path.join(root, 'holes.db'));
  cache.put(SPACE, [
    { key: keyOf('a'), vector: Float32Array.of(1, NaN) },
    { key: keyOf('b'), vector: Float32Array.of(1, 0) },
  ]);
  const keys = [keyOf('a'), keyOf('b'), keyOf('c')];
  assert.deepEqual(cache.get(SPACE, keys), [undefined, Float32Array.of(1, 0), undefined]);
  assert.deepEqual(cache.has('other', keys), [false, false, false]);
  cache.dispose();
});

test('prunes embeddings that no folder needs, by age and by size', () => {
  const folder = path.join(root, 'prune');
  fs.mkdirSync(folder);
  const { index, embeddings } = indexPaths(folder);
  const writer = openFolderWriter(index, { embeddingsFile: embeddings });
  putTexts(writer, 'a.ts', ['needed']);
  writer.dispose();
  const cache = openEmbeddingCache(embeddings);
  const names = ['needed', 'old 1', 'old 2', 'old 3'];
  const keys = names.map(keyOf);
  cache.put(
    SPACE,
    keys.map((key) => ({ key, vector: query })),
  );
  const left = (): string[] => {
    const isThere = cache.has(SPACE, keys);
    return names.filter((_, i) => isThere[i]);
  };
  const prune = (maxBytes: number, days: number): number =>
    pruneEmbeddings(embeddings, {
      folderFiles: [index],
      maxAgeDays: 30,
      maxBytes,
      nowMs: Date.now() + days * 86_400_000,
    });
  assert.equal(wasPrunedToday(embeddings), false);
  assert.equal(prune(1e9, 0), 0);
  assert.equal(wasPrunedToday(embeddings), true);
  assert.equal(prune(1e9, 10), 0);
  assert.equal(wasPrunedToday(embeddings), false);
  assert.equal(prune(3 * DIMENSION * 4, 10), 1);
  assert.deepEqual(left(), ['needed', 'old 2', 'old 3']);
  assert.equal(prune(1e9, 60), 2);
  assert.deepEqual(left(), ['needed']);
  assert.equal(prune(0, 200), 0);
  assert.throws(
    () =>
      pruneEmbeddings(embeddings, { folderFiles: [`${index}.none`], maxAgeDays: 0, maxBytes: 0 }),
    { code: 'index' },
  );
  assert.deepEqual(left(), ['needed']);
  cache.dispose();
});
