/**
 * The one writer of a folder's index. Every change carries the sequence number of its transaction, so that a
 * reader asks for what came after the number it knows. Which embeddings are there is noted beside the chunk;
 * the vectors themselves lie in the shared file.
 */
import type { Skipped } from '../documents/document';
import {
  type ChunkRange,
  type NewDocument,
  deleteChunks,
  deleteDocument,
  putDocument,
  rangeOf,
  readDocuments,
  readMeta,
  replaceSkipped,
  writeMeta,
} from './chunkTable';
import { countRows } from './counts';
import type { Database } from './database';
import type {
  DocumentRow,
  DocumentTier,
  EmbeddingCache,
  FolderWriter,
  NewChunk,
  PendingChunk,
  StoreCounts,
} from './types';

/** Removed ranges remembered for readers; one that is further behind starts over. */
const MAX_REMOVALS = 20_000;
/** Pending chunks looked up in the shared file at a time, at least. */
const MIN_LOOK_UP_COUNT = 64;

/** Takes ownership of both; without a cache nothing ever counts as embedded. */
export class SqliteFolderWriter implements FolderWriter {
  /** Sequence number of the transaction under way. */
  private sequence: number | undefined;
  private spaceId: string;

  constructor(
    private readonly database: Database,
    private readonly cache: EmbeddingCache | undefined,
  ) {
    this.spaceId = readMeta(database, 'embeddingSpace') ?? '';
    const isSameCache = readMeta(database, 'embeddingCache') === (cache?.id ?? '');
    if (!isSameCache) this.forgetEmbeddings(this.spaceId);
    this.trimRemovals();
  }

  documents(): Map<string, DocumentRow> {
    return readDocuments(this.database);
  }

  transaction<T>(body: () => T): T {
    if (this.sequence !== undefined) return this.database.transaction(body);
    try {
      return this.database.transaction(() => {
        this.sequence = Number(readMeta(this.database, 'sequence') ?? 0) + 1;
        writeMeta(this.database, 'sequence', String(this.sequence));
        return body();
      });
    } finally {
      this.sequence = undefined;
    }
  }

  putDocument(document: NewDocument, tier: DocumentTier, chunks: readonly NewChunk[]): void {
    this.changeDocuments((sequence) => {
      const old = rangeOf(this.database, document.path);
      if (old) deleteChunks(this.database, old, sequence);
      const range = putDocument(this.database, document, tier, chunks);
      this.markKnown(range, chunks);
    });
  }

  removeDocuments(paths: readonly string[]): void {
    if (paths.length === 0) return;
    this.changeDocuments((sequence) => {
      for (const path of paths) {
        const range = rangeOf(this.database, path);
        if (range) deleteChunks(this.database, range, sequence);
        deleteDocument(this.database, path);
      }
    });
  }

  touchDocument(path: string, mtimeMs: number, sizeBytes: number): void {
    this.transaction(() => {
      this.database
        .prepare('UPDATE document SET mtimeMs = ?, sizeBytes = ? WHERE path = ?')
        .run(mtimeMs, sizeBytes, path);
    });
  }

  setSkipped(skipped: readonly Skipped[]): void {
    this.transaction(() => replaceSkipped(this.database, skipped));
  }

  pendingEmbeddings(
    spaceId: string,
    limit: number,
    priority: readonly number[] = [],
  ): PendingChunk[] {
    this.useSpace(spaceId);
    const found: PendingChunk[] = [];
    for (const documentId of priority) {
      if (found.length >= limit) return found;
      this.collectPending(found, limit, documentId);
    }
    if (found.length < limit) this.collectPending(found, limit);
    return found;
  }

  pendingBeside(
    spaceId: string,
    after: number,
    limit: number,
  ): { readonly chunks: PendingChunk[]; readonly lastId: number } {
    const rows = this.database
      .prepare<[number, Uint8Array]>(
        'SELECT chunkId, key FROM embeddable WHERE chunkId > ? ORDER BY chunkId LIMIT ?',
      )
      .all(after, limit);
    const keys = rows.map(([, key]) => key);
    const isThere = this.cache?.has(spaceId, keys) ?? keys.map(() => false);
    const lacking = rows.filter((_, index) => !isThere[index]);
    const chunks = lacking.map(([id, key]) => this.pendingChunk(id, key));
    return { chunks, lastId: rows.at(-1)?.[0] ?? 0 };
  }

  counts(spaceId: string): StoreCounts {
    if (spaceId === this.spaceId) this.markArrived();
    return countRows(this.database, spaceId);
  }

  getMeta(key: string): string | undefined {
    return readMeta(this.database, `user.${key}`);
  }

  setMeta(key: string, value: string): void {
    this.transaction(() => writeMeta(this.database, `user.${key}`, value));
  }

  dispose(): void {
    try {
      this.markArrived();
    } finally {
      this.cache?.dispose();
      this.database.dispose();
    }
  }

  private changeDocuments(body: (sequence: number) => void): void {
    this.transaction(() => {
      const sequence = this.sequence!;
      writeMeta(this.database, 'documentSequence', String(sequence));
      body(sequence);
    });
  }

  /** Chunks handed out by `pendingEmbeddings` whose vector may have arrived since. */
  private handedOut = new Map<number, Uint8Array>();

  /** Marks what was handed out and is in the shared file by now. */
  private markArrived(): void {
    const ids = [...this.handedOut.keys()];
    if (ids.length === 0) return;
    const isThere = this.areEmbedded([...this.handedOut.values()]);
    this.handedOut.clear();
    this.mark(ids.filter((_, index) => isThere[index]));
  }

  /** Marks new chunks whose text was embedded before, in this folder or in another. */
  private markKnown(range: ChunkRange, chunks: readonly NewChunk[]): void {
    if (this.spaceId === '') return;
    const ids: number[] = [];
    const keys: Uint8Array[] = [];
    chunks.forEach(({ embeddingKey }, index) => {
      if (!embeddingKey) return;
      ids.push(range.first + index);
      keys.push(embeddingKey);
    });
    const isThere = this.areEmbedded(keys);
    this.mark(ids.filter((_, index) => isThere[index]));
  }

  private areEmbedded(keys: readonly Uint8Array[]): boolean[] {
    return this.cache?.has(this.spaceId, keys) ?? keys.map(() => false);
  }

  private mark(chunkIds: readonly number[]): void {
    if (chunkIds.length === 0) return;
    this.transaction(() => {
      const update = this.database.prepare(
        'UPDATE embeddable SET embeddedAt = ? WHERE chunkId = ?',
      );
      for (const id of chunkIds) update.run(this.sequence!, id);
    });
  }

  /** Adds pending chunks of one document or of all, in order of id; marks on the way what is there already. */
  private collectPending(found: PendingChunk[], limit: number, documentId?: number): void {
    const taken = new Set(found.map(({ chunkId }) => chunkId));
    for (let after = 0; ;) {
      const rows = this.pendingAfter(after, Math.max(limit, MIN_LOOK_UP_COUNT), documentId);
      if (rows.length === 0) return;
      after = rows.at(-1)![0];
      const isThere = this.areEmbedded(rows.map(([, key]) => key));
      this.mark(rows.filter((_, index) => isThere[index]).map(([id]) => id));
      for (const [index, [id, key]] of rows.entries()) {
        if (isThere[index] || taken.has(id)) continue;
        found.push(this.pendingChunk(id, key));
        this.handedOut.set(id, key);
        if (found.length >= limit) return;
      }
    }
  }

  private pendingAfter(
    chunkId: number,
    limit: number,
    documentId?: number,
  ): [number, Uint8Array][] {
    const where = 'embeddedAt = 0 AND chunkId > ?1';
    if (documentId === undefined) {
      return this.database
        .prepare<[number, Uint8Array]>(
          `SELECT chunkId, key FROM embeddable WHERE ${where} ORDER BY chunkId LIMIT ?2`,
        )
        .all(chunkId, limit);
    }
    return this.database
      .prepare<[number, Uint8Array]>(
        `SELECT chunkId, key FROM embeddable WHERE ${where}
           AND chunkId >= (SELECT firstChunk FROM document WHERE id = ?3)
           AND chunkId < (SELECT endChunk FROM document WHERE id = ?3)
         ORDER BY chunkId LIMIT ?2`,
      )
      .all(chunkId, limit, documentId);
  }

  private pendingChunk(chunkId: number, embeddingKey: Uint8Array): PendingChunk {
    const [documentId, path, symbol, text] = this.database
      .prepare<[number, string, string, string]>(
        `SELECT c.documentId, d.path, c.symbol, t.text FROM chunk c
         JOIN document d ON d.id = c.documentId JOIN chunkText t ON t.chunkId = c.id WHERE c.id = ?`,
      )
      .get(chunkId)!;
    return { chunkId, documentId, embeddingKey, path, symbol, text };
  }

  /** From here on `spaceId` is the space whose embeddings are noted. */
  private useSpace(spaceId: string): void {
    if (spaceId === this.spaceId) this.markArrived();
    else this.forgetEmbeddings(spaceId);
  }

  private forgetEmbeddings(spaceId: string): void {
    this.transaction(() => {
      this.database.exec('UPDATE embeddable SET embeddedAt = 0 WHERE embeddedAt > 0');
      writeMeta(this.database, 'embeddingSpace', spaceId);
      writeMeta(this.database, 'embeddingCache', this.cache?.id ?? '');
    });
    this.handedOut.clear();
    this.spaceId = spaceId;
  }

  /** Keeps the list of removed ranges short; notes up to where it was cut. */
  private trimRemovals(): void {
    const cut = this.database
      .prepare<[number]>(
        `SELECT sequence FROM removal ORDER BY sequence DESC LIMIT 1 OFFSET ${MAX_REMOVALS}`,
      )
      .get()?.[0];
    if (cut === undefined) return;
    this.transaction(() => {
      this.database.prepare('DELETE FROM removal WHERE sequence <= ?').run(cut);
      writeMeta(this.database, 'removalsFrom', String(cut));
    });
  }
}
