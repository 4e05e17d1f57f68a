/** Small indexes for tests: documents from a line of text a chunk, hand-made embeddings. */
import { createHash } from 'node:crypto';
import * as path from 'node:path';
import { normalize } from '../../src/base/vector';
import type { Disposable } from '../../src/base/lifecycle';
import { openFolderReader } from '../../src/engine/store/store';
import type { FolderWriter, NewChunk, Snapshot } from '../../src/engine/store/types';

export const SPACE = 'test-space';

/** Where the files of an index lie below a folder. */
export function indexPaths(folder: string): { index: string; embeddings: string } {
  return { index: path.join(folder, 'index.db'), embeddings: path.join(folder, 'embeddings.db') };
}

/** What the index below a folder holds now, until it is disposed of. */
export async function openSnapshot(folder: string): Promise<Disposable & { snapshot: Snapshot }> {
  const { index, embeddings } = indexPaths(folder);
  const reader = openFolderReader(index, { spaceId: SPACE, embeddingsFile: embeddings });
  await reader.refresh();
  const snapshot = reader.snapshot();
  const dispose = (): void => {
    snapshot.dispose();
    reader.dispose();
  };
  return { snapshot, dispose };
}

/** A chunk of one line at `line`; its key follows from its text. */
export function chunkOf(text: string, line = 0, more: Partial<NewChunk> = {}): NewChunk {
  return {
    span: { start: line, end: line + 1 },
    kind: 'code',
    symbol: '',
    definitions: [],
    text,
    embeddingKey: keyOf(text),
    ...more,
  };
}

export function keyOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest().subarray(0, 16);
}

/** Stores a document with one chunk a text. */
export function putTexts(
  writer: FolderWriter,
  name: string,
  texts: readonly string[],
  more: Partial<NewChunk> = {},
): void {
  const language = name.endsWith('.py') ? 'python' : 'typescript';
  const document = { path: name, language, hash: 'aa', sizeBytes: 1, mtimeMs: 1 };
  writer.putDocument(
    document,
    'syntax',
    texts.map((text, line) => chunkOf(text, line, more)),
  );
}

/** Texts of the chunks of scored results, in order. */
export function textsOf(
  snapshot: Snapshot,
  found: readonly { readonly chunkId: number }[],
): string[] {
  return snapshot.chunks(found.map(({ chunkId }) => chunkId)).map(({ text }) => text);
}

export function unit(...values: number[]): Float32Array {
  return normalize(Float32Array.from(values));
}
