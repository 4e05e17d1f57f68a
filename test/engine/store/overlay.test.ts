/**
 * Buffers in place of stored files. The oracle is the index itself: what it says of a file that is stored must
 * be what the overlay says of a buffer with the same text.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encoderText } from '../../../src/engine/documents/encoderText';
import { type OverlayFile, overlaySnapshot } from '../../../src/engine/store/overlay';
import { termsOf } from '../../../src/engine/store/terms';
import type { ChunkFilter, LexicalQuery, Scored, Snapshot } from '../../../src/engine/store/types';
import { openFolder, type OpenFolder } from '../../support/openFolder';
import { hashVector, TOY_SPACE, toySplitters } from '../../support/toyIndexing';

const buffer = `/** Sends an upload again. */
export function retryUpload(file: string) {
  return queue.push(file);
}

export class UploadQueue {
  push(file: string) {
    return file;
  }
}
`;
const files = {
  'src/upload/retry.ts': buffer,
  ...Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [
      `src/other${index}.ts`,
      `export const other${index} = 'upload file ${'queue '.repeat(index % 3)}${index}';\n`,
    ]),
  ),
};

let folder: OpenFolder;
const splitters = toySplitters();
before(async () => {
  folder = await openFolder(files);
});
after(async () => {
  await folder.close();
  await splitters.dispose();
});

const language = 'typescript';

async function fileOf(path: string, text: string): Promise<OverlayFile> {
  const document = { path, language, text, hash: '', sizeBytes: 0, mtimeMs: 0 };
  const chunks = await (await splitters.splitter()).split(document);
  return {
    path,
    language,
    chunks: chunks.map((chunk) => ({ ...chunk, contextual: hashVector(encoderText(path, chunk)) })),
  };
}

/** Scored chunks by where they are, so that ids do not matter. */
function placesOf(snapshot: Snapshot, scored: readonly Scored[]): string[] {
  return snapshot
    .chunks(scored.map(({ chunkId }) => chunkId))
    .map((row, index) => `${row.path}:${row.span.start} ${scored[index]!.score.toFixed(6)}`)
    .sort();
}

const queries: readonly LexicalQuery[] = [
  { terms: termsOf('upload') },
  { terms: termsOf('retry upload queue') },
  { terms: termsOf('UploadQueue push') },
  { terms: termsOf('upload'), without: termsOf('queue') },
  { terms: termsOf('file'), phrases: [termsOf('upload file')] },
  { terms: termsOf('upload retry'), weights: { content: 1, path: 5, symbol: 3 } },
  { terms: [] },
];

test('gives a buffer that says what is stored the scores of what is stored', async () => {
  const { snapshot } = folder;
  const overlay = overlaySnapshot(snapshot, [await fileOf('src/upload/retry.ts', buffer)]);
  const vector = hashVector('anything');
  const filters: (ChunkFilter | undefined)[] = [
    undefined,
    { path: (path) => path.startsWith('src/upload') },
    { kinds: new Set(['code']) },
    { languages: new Set(['python']) },
  ];
  for (const filter of filters) {
    for (const query of queries)
      assert.deepEqual(
        placesOf(overlay, overlay.searchWords(query, 50, filter)),
        placesOf(snapshot, snapshot.searchWords(query, 50, filter)),
        JSON.stringify(query),
      );
    assert.deepEqual(
      placesOf(overlay, overlay.searchVectors(TOY_SPACE.id, vector, 50, filter)),
      placesOf(snapshot, snapshot.searchVectors(TOY_SPACE.id, vector, 50, filter)),
    );
    assert.deepEqual(
      placesOf(overlay, overlay.searchStatic(vector, 50, filter)),
      placesOf(snapshot, snapshot.searchStatic(vector, 50, filter)),
    );
  }
  const at = (view: Snapshot): string[] =>
    view.chunksAt('src/upload/retry.ts', 0, 99).map(({ span, symbol, text }) => {
      return `${span.start}-${span.end} ${symbol} ${text}`;
    });
  assert.deepEqual(at(overlay), at(snapshot));
  assert.deepEqual(overlay.counts, snapshot.counts);
  assert.equal(overlay.documentFrequency('upload'), snapshot.documentFrequency('upload'));
});

test('finds what only the buffer says, and nothing that it no longer says', async () => {
  const edited = buffer.replace('retryUpload', 'sendTeapot').replaceAll('push', 'pull');
  const overlay = overlaySnapshot(folder.snapshot, [
    await fileOf('src/upload/retry.ts', `\n\n${edited}`),
  ]);
  const foundBy = (text: string): string[] =>
    overlay
      .chunks(overlay.searchWords({ terms: termsOf(text) }, 9).map(({ chunkId }) => chunkId))
      .map(({ path, span }) => `${path}:${span.start}`);
  assert.deepEqual(foundBy('teapot'), ['src/upload/retry.ts:2']);
  assert.deepEqual(foundBy('retryUpload'), foundBy('upload'));
  assert.deepEqual(foundBy('push'), []);
  const [teapot] = overlay.chunksDefining('sendTeapot');
  assert.ok(teapot! < 0);
  assert.deepEqual(overlay.chunksDefining('SENDTEAPOT'), []);
  assert.deepEqual(overlay.chunksDefining('SENDTEAPOT', { ignoreCase: true }), [teapot]);
  assert.deepEqual(overlay.chunksDefining('retryUpload'), []);
  assert.deepEqual(
    overlay.chunksAt('src/upload/retry.ts', 0, 2),
    [],
    'spans are those of the buffer',
  );
  const stored = folder.snapshot.chunksAt('src/upload/retry.ts', 0, 99).map(({ id }) => id);
  assert.deepEqual(overlay.chunks(stored), [], 'stored chunks of the file are hidden');
});

test('is the snapshot itself where there are no buffers', () => {
  assert.equal(overlaySnapshot(folder.snapshot, []), folder.snapshot);
});

test('asks static embeddings too while a chunk of a buffer has no other', async () => {
  const file = await fileOf('src/upload/retry.ts', buffer);
  const bare = {
    ...file,
    chunks: file.chunks.map((chunk) => ({ ...chunk, contextual: undefined })),
  };
  const overlay = overlaySnapshot(folder.snapshot, [bare]);
  const { embeddedCount, chunkCount } = overlay.counts;
  assert.ok(0 < embeddedCount && embeddedCount < chunkCount);
  const [chunk] = overlay.chunksAt('src/upload/retry.ts', 0, 9);
  const vector = hashVector('anything');
  assert.equal(overlay.vectorScores(TOY_SPACE.id, vector, [chunk!.id]).size, 0);
  assert.equal(overlay.staticScores(vector, [chunk!.id]).size, 1);
});
