/**
 * Small corpora in a real store, the expected order, and beside each hit why. Embeddings here are hand-made
 * in two dimensions, so that a reader can verify each cosine.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import type { Chunk } from '../../../src/engine/documents/document';
import type { Reranker } from '../../../src/engine/encoders/types';
import { search } from '../../../src/engine/search/search';
import { findSimilar } from '../../../src/engine/search/similar';
import type { SearchContext, SearchRequest, SearchResult } from '../../../src/engine/search/types';
import { openFolderReader, openFolderWriter } from '../../../src/engine/store/store';

interface File {
  readonly path: string;
  readonly chunks: readonly (Partial<Chunk> & { readonly text: string })[];
}

const folders: string[] = [];
after(() => {
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});

/** A search over files written to a store of their own. */
async function checkSearch(
  files: readonly File[],
  request: Partial<SearchRequest> & { readonly query: string },
  context: Partial<SearchContext> = {},
): Promise<SearchResult> {
  const snapshot = await snapshotOf(files);
  try {
    return await search({ snapshot, ...context }, { limit: 10, rerank: false, ...request });
  } finally {
    snapshot.dispose();
  }
}

async function snapshotOf(files: readonly File[]) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-search-'));
  folders.push(folder);
  const file = path.join(folder, 'index.db');
  const writer = openFolderWriter(file);
  for (const { path: name, chunks } of files) {
    const language = name.endsWith('.md') ? 'markdown' : 'typescript';
    const document = { path: name, language, hash: name, sizeBytes: 1, mtimeMs: 1 };
    let line = 0;
    writer.putDocument(
      document,
      'syntax',
      chunks.map((chunk) => {
        const start = line;
        line += chunk.text.split('\n').length;
        const kind = chunk.definitions?.length ? 'definition' : 'code';
        return { symbol: '', definitions: [], kind, ...chunk, span: { start, end: line } };
      }),
    );
  }
  writer.dispose();
  const reader = openFolderReader(file);
  await reader.refresh();
  const snapshot = reader.snapshot();
  return Object.assign(snapshot, {
    [Symbol.dispose]: () => {
      snapshot.dispose();
      reader.dispose();
    },
  });
}

function order(result: SearchResult): string[] {
  return result.hits.map((hit) => `${hit.path}:${hit.span.start + 1}-${hit.span.end}`);
}

test('puts the definition of the asked symbol before its uses', async () => {
  const result = await checkSearch(
    [
      { path: 'src/a.ts', chunks: [{ text: 'retryUpload(x); retryUpload(y); retryUpload(z);' }] },
      {
        path: 'src/b.ts',
        chunks: [{ text: 'function retryUpload(file) {}', definitions: ['retryUpload'] }],
      },
    ],
    { query: 'retryUpload' },
  );
  assert.deepEqual(order(result), ['src/b.ts:1-1', 'src/a.ts:1-1']);
});

test('puts tests below unless they are asked for', async () => {
  const files: File[] = [
    { path: 'src/upload.test.ts', chunks: [{ text: 'upload retry upload retry' }] },
    { path: 'src/queue.ts', chunks: [{ text: 'upload retry and some other words' }] },
  ];
  assert.equal((await checkSearch(files, { query: 'upload retry' })).hits[0]?.path, 'src/queue.ts');
  assert.equal(
    (await checkSearch(files, { query: 'upload retry tests' })).hits[0]?.path,
    'src/upload.test.ts',
  );
});

test('finds a file by its path', async () => {
  const result = await checkSearch(
    [
      { path: 'src/search/query.ts', chunks: [{ text: 'alpha' }] },
      { path: 'src/other.ts', chunks: [{ text: 'search query ts' }] },
    ],
    { query: 'search/query.ts' },
  );
  assert.equal(result.hits[0]?.path, 'src/search/query.ts');
});

test('returns at most the asked number of chunks of one file', async () => {
  const chunks = Array.from({ length: 8 }, (_, index) => ({ text: `upload part ${index}` }));
  const result = await checkSearch(
    [
      { path: 'a.ts', chunks },
      { path: 'b.ts', chunks: [{ text: 'an upload of many other things in between' }] },
    ],
    { query: 'upload', perFile: 2 },
  );
  assert.equal(result.hits.filter((hit) => hit.path === 'a.ts').length, 2);
  assert.equal(result.hits.length, 3);
});

test('honours phrases, excluded words and filters', async () => {
  const files: File[] = [
    { path: 'a.ts', chunks: [{ text: 'failed upload handler' }] },
    { path: 'b.ts', chunks: [{ text: 'upload that failed' }] },
    { path: 'c.md', chunks: [{ text: 'failed upload handler in prose' }] },
  ];
  assert.deepEqual(order(await checkSearch(files, { query: '"failed upload" lang:ts' })), [
    'a.ts:1-1',
  ]);
  assert.deepEqual(order(await checkSearch(files, { query: 'upload -handler' })), ['b.ts:1-1']);
  assert.deepEqual(order(await checkSearch(files, { query: 'upload path:*.md' })), ['c.md:1-1']);
});

test('answers nothing, without an error, to an empty query', async () => {
  const result = await checkSearch([{ path: 'a.ts', chunks: [{ text: 'x' }] }], { query: '  ' });
  assert.deepEqual(result.hits, []);
  assert.equal(result.noGoodMatch, true);
});

test('explains a score by parts that add up to it', async () => {
  const result = await checkSearch(
    [
      { path: 'upload/retry.test.ts', chunks: [{ text: 'upload' }, { text: 'upload retry' }] },
      { path: 'c.ts', chunks: [{ text: 'retry' }] },
    ],
    { query: 'how to retry upload', explain: true },
  );
  assert.ok(result.hits.length >= 3);
  for (const hit of result.hits) {
    const sum = hit.explain!.reduce((total, part) => total + part.contribution, 0);
    assert.ok(Math.abs(sum - hit.score) < 1e-9, `${hit.path}: ${sum} is not ${hit.score}`);
  }
});

test('delivers fused hits first, then one re-ranked update', async () => {
  const reranker: Reranker = {
    fingerprint: 'prefers b',
    score: (_query, texts) =>
      Promise.resolve(Float32Array.from(texts, (text) => (text.includes('b.ts') ? 9 : 0))),
    dispose() {},
  };
  const files: File[] = [
    { path: 'a.ts', chunks: [{ text: 'upload retry now' }] },
    { path: 'b.ts', chunks: [{ text: 'upload retry now' }] },
  ];
  const updates: SearchResult[] = [];
  const snapshot = await snapshotOf(files);
  const last = await search(
    { snapshot, reranker, weights: { rerank: 1 } },
    { query: 'upload retry', limit: 10, rerank: true },
    undefined,
    (first) => updates.push(first),
  );
  snapshot.dispose();
  assert.equal(updates.length, 1);
  assert.deepEqual(order(updates[0]!), ['a.ts:1-1', 'b.ts:1-1']);
  assert.equal(updates[0]?.isReranked, false);
  assert.deepEqual(order(last), ['b.ts:1-1', 'a.ts:1-1']);
});

test('keeps scores from rising with rank', async () => {
  const chunks = Array.from({ length: 12 }, (_, index) => ({
    text: `upload ${'retry '.repeat(index % 4)} part ${index}`,
  }));
  const files = chunks.map((chunk, index) => ({
    path: `f${index % 5}/${index}.ts`,
    chunks: [chunk],
  }));
  const { hits } = await checkSearch(files, { query: 'upload retry part' });
  for (let rank = 1; rank < hits.length; rank++)
    assert.ok(hits[rank]!.score <= hits[rank - 1]!.score);
});

test('stops when the caller gives up', async () => {
  const snapshot = await snapshotOf([{ path: 'a.ts', chunks: [{ text: 'x' }] }]);
  const signal = AbortSignal.abort();
  await assert.rejects(search({ snapshot }, { query: 'x', limit: 1, rerank: false }, signal), {
    name: 'AbortError',
  });
  snapshot.dispose();
});

test('finds similar places by words where nothing is embedded, never the span itself', async () => {
  const snapshot = await snapshotOf([
    { path: 'a.ts', chunks: [{ text: 'upload retry backoff' }, { text: 'unrelated' }] },
    { path: 'b.ts', chunks: [{ text: 'retry with backoff of an upload' }] },
  ]);
  const result = findSimilar({ snapshot }, { path: 'a.ts', span: { start: 0, end: 1 }, limit: 5 });
  snapshot.dispose();
  assert.deepEqual(
    result.hits.map((hit) => hit.path),
    ['b.ts'],
  );
});

test('says that a file is not in the index when asked for its like', async () => {
  const snapshot = await snapshotOf([]);
  assert.throws(
    () => findSimilar({ snapshot }, { path: 'no.ts', span: { start: 0, end: 1 }, limit: 5 }),
    /no\.ts is not in the index/,
  );
  snapshot.dispose();
});

test('says when nothing here answers, and not when something does', async () => {
  const files: File[] = Array.from({ length: 12 }, (_, index) => ({
    path: `f${index}.ts`,
    chunks: [{ text: `upload retry queue worker number${index}` }],
  }));
  assert.equal(
    (await checkSearch(files, { query: 'how is an upload retried' })).noGoodMatch,
    false,
  );
  const elsewhere = { query: 'boundary layer of a supersonic wing queue' };
  const result = await checkSearch(files, elsewhere);
  assert.ok(result.hits.length > 0);
  assert.equal(result.noGoodMatch, true);
});
