/** A map over stored embeddings, against every embedding mapped one by one. */
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { dot, normalize } from '../../../src/base/vector';
import { applyHead, type Head, type HeadKind, newHead } from '../../../src/engine/encoders/heads';
import { mappedSnapshot, mapQuery } from '../../../src/engine/search/learned';
import { openEmbeddingCache, openFolderWriter } from '../../../src/engine/store/store';
import type { Snapshot } from '../../../src/engine/store/types';
import { indexPaths, keyOf, openSnapshot, putTexts, SPACE } from '../../support/folderIndex';
import { temporaryFolder } from '../../support/temporaryFolder';

const DIMENSION = 16;
const COUNT = 400;
const folder = temporaryFolder(after);
const random = seededRandom(7);
const vectors = new Map<string, Float32Array>();
let opened: Awaited<ReturnType<typeof openSnapshot>>;
let snapshot: Snapshot;

function draw(): Float32Array {
  return normalize(Float32Array.from({ length: DIMENSION }, () => random() - 0.5));
}

before(async () => {
  const { index, embeddings } = indexPaths(folder);
  const cache = openEmbeddingCache(embeddings);
  const texts = Array.from({ length: COUNT }, (_, at) => `text number ${at}`);
  for (const text of texts) vectors.set(text, draw());
  cache.put(
    SPACE,
    texts.map((text) => ({ key: keyOf(text), vector: vectors.get(text)! })),
  );
  cache.dispose();
  const writer = openFolderWriter(index, { embeddingsFile: embeddings });
  putTexts(writer, path.join('a.ts'), texts);
  writer.pendingEmbeddings(SPACE, COUNT);
  writer.dispose();
  opened = await openSnapshot(folder);
  ({ snapshot } = opened);
});
after(() => opened.dispose());

function trainedHead(kind: HeadKind): Head {
  const head = newHead({ kind, base: 'base', dimension: DIMENSION, rank: 4 }, 3);
  for (let i = 0; i < head.b.length; i++) head.b[i] = random() - 0.5;
  return head;
}

/** Ids by the cosine of the mapped query to what `map` makes of each stored embedding. */
function expected(query: Float32Array, map: (row: Float32Array) => Float32Array, limit: number) {
  const rows = snapshot.chunksAt('a.ts', 0, COUNT);
  return rows
    .map(({ id, text }) => ({ chunkId: id, score: dot(query, map(vectors.get(text)!)) }))
    .sort((a, b) => b.score - a.score || a.chunkId - b.chunkId)
    .slice(0, limit);
}

test('finds what a scan of mapped embeddings finds, with the same cosines', () => {
  const head = trainedHead('shared-head');
  const map = { head, mapsSimilar: true };
  const view = mappedSnapshot(snapshot, map, SPACE);
  for (let round = 0; round < 5; round++) {
    const query = mapQuery(map, draw());
    const found = view.searchVectors(SPACE, query, 10);
    const right = expected(query, (row) => applyHead(head, row), 10);
    assert.deepEqual(
      found.map(({ chunkId }) => chunkId),
      right.map(({ chunkId }) => chunkId),
    );
    found.forEach(({ score }, at) => assert.ok(Math.abs(score - right[at]!.score) < 1e-5));
  }
});

test('a query head maps the query alone', () => {
  const head = trainedHead('query-head');
  const map = { head, mapsSimilar: true };
  assert.equal(mappedSnapshot(snapshot, map, SPACE), snapshot);
  const query = mapQuery(map, draw());
  assert.deepEqual(
    snapshot.searchVectors(SPACE, query, 10).map(({ chunkId }) => chunkId),
    expected(query, (row) => row, 10).map(({ chunkId }) => chunkId),
  );
});

test('brings cosines to the level of the base and keeps their order', () => {
  const map = {
    head: trainedHead('query-head'),
    mapsSimilar: true,
    level: { factor: 0.5, shift: 0.2 },
  };
  const query = mapQuery(map, draw());
  const plain = snapshot.searchVectors(SPACE, query, 10);
  const found = mappedSnapshot(snapshot, map, SPACE).searchVectors(SPACE, query, 10);
  assert.deepEqual(
    found,
    plain.map(({ chunkId, score }) => ({ chunkId, score: 0.5 * score + 0.2 })),
  );
  const falling = { ...map, level: { factor: -1, shift: 0 } };
  assert.deepEqual(mappedSnapshot(snapshot, falling, SPACE).searchVectors(SPACE, query, 10), plain);
});

test('a head that learned nothing changes no order, and no map changes not even the snapshot', () => {
  const head = newHead({ kind: 'shared-head', base: 'base', dimension: DIMENSION, rank: 4 }, 3);
  const query = draw();
  const view = mappedSnapshot(snapshot, { head, mapsSimilar: true }, SPACE);
  assert.deepEqual(
    view.searchVectors(SPACE, query, 20).map(({ chunkId }) => chunkId),
    snapshot.searchVectors(SPACE, query, 20).map(({ chunkId }) => chunkId),
  );
  assert.equal(mappedSnapshot(snapshot, undefined, SPACE), snapshot);
});
