/**
 * The unchanging view that one search holds to its end: a read transaction on a connection of its own, and
 * the embeddings as they were when it began.
 */
import {
  findDefining,
  findShaped,
  readChunk,
  readChunksAt,
  readDocument,
  readMeta,
  readSkipped,
} from './chunkTable';
import type { ChunkSet } from './chunkSet';
import { NO_COUNTS } from './counts';
import type { Database } from './database';
import { scanExactly, scoreChunks } from './exactScan';
import { type CatalogEntry, resolveFilter } from './filter';
import { averageTermCount, searchWords } from './lexicalIndex';
import type { ChunkFilter, Scored, Snapshot, StoreCounts } from './types';
import { type VectorView, meanOf, searchVectorView } from './vectorIndex';
import type { RowView } from './vectorRows';

/** What a snapshot is made of. */
export interface SnapshotParts {
  /** In a read transaction. */
  readonly connection: SearchConnection;
  readonly spaceId: string | undefined;
  readonly vectors: VectorView | undefined;
  /** Embeddings of further spaces, by their ids. */
  readonly further: ReadonlyMap<string, VectorView>;
  readonly statics: RowView<Int8Array> | undefined;
  readonly catalog: (database: Database) => readonly CatalogEntry[];
  readonly frequencyOf: (database: Database, term: string) => number;
  readonly counts: (database: Database) => StoreCounts;
  /** Takes the connection back. */
  readonly release: () => void;
}

/** A reading connection on which SQL knows `isAllowed(chunkId)`. */
export class SearchConnection {
  private allowed: ChunkSet | undefined;

  constructor(readonly database: Database) {
    database.addFunction('isAllowed', (id) => (this.allowed?.has(id) === false ? 0 : 1));
  }

  /** Runs `body` while `isAllowed` means this set. */
  withAllowed<T>(allowed: ChunkSet | undefined, body: () => T): T {
    this.allowed = allowed;
    try {
      return body();
    } finally {
      this.allowed = undefined;
    }
  }
}

export class SqliteSnapshot implements Snapshot {
  private readonly database: Database;
  private readonly resolved = new WeakMap<ChunkFilter, { readonly set: ChunkSet | undefined }>();
  private isDisposed = false;

  constructor(private readonly parts: SnapshotParts) {
    this.database = parts.connection.database;
  }

  get counts(): StoreCounts {
    return this.parts.counts(this.database);
  }

  searchWords: Snapshot['searchWords'] = (query, limit, filter) => {
    const allowed = this.resolve(filter);
    if (allowed?.size === 0) return [];
    return this.parts.connection.withAllowed(allowed, () =>
      searchWords(this.database, {
        query,
        limit,
        chunkCount: this.counts.chunkCount,
        frequencyOf: (term) => this.documentFrequency(term),
        isFiltered: allowed !== undefined,
      }),
    );
  };

  searchVectors(
    spaceId: string,
    vector: Float32Array,
    limit: number,
    filter?: ChunkFilter,
  ): Scored[] {
    const view = this.vectorsOf(spaceId);
    return view ? searchVectorView(view, vector, limit, this.resolve(filter)) : [];
  }

  searchStatic(vector: Float32Array, limit: number, filter?: ChunkFilter): Scored[] {
    const { statics } = this.parts;
    return statics ? scanExactly(statics, vector, limit, this.resolve(filter)) : [];
  }

  vectorScores: Snapshot['vectorScores'] = (spaceId, vector, chunkIds) => {
    const view = this.vectorsOf(spaceId);
    return view ? scoreChunks(view, vector, chunkIds) : new Map<number, number>();
  };

  staticScores: Snapshot['staticScores'] = (vector, chunkIds) => {
    const { statics } = this.parts;
    return statics ? scoreChunks(statics, vector, chunkIds) : new Map<number, number>();
  };

  meanVector(spaceId: string, chunkIds: readonly number[]): Float32Array | undefined {
    const view = this.vectorsOf(spaceId);
    return view && meanOf(view, chunkIds);
  }

  chunks: Snapshot['chunks'] = (ids) =>
    ids.map((id) => readChunk(this.database, id)).filter((row) => row !== undefined);

  chunksDefining: Snapshot['chunksDefining'] = (name, options) =>
    findDefining(this.database, name, options?.ignoreCase ?? false);

  chunksAt: Snapshot['chunksAt'] = (path, start, end) =>
    readChunksAt(this.database, path, start, end);

  chunksOfShape: Snapshot['chunksOfShape'] = (lineCount, symbol) =>
    findShaped(this.database, lineCount, symbol);

  documentFrequency(term: string): number {
    return this.parts.frequencyOf(this.database, term);
  }

  averageTermCount(): number {
    return averageTermCount(this.database);
  }

  paths(): readonly string[] {
    return this.parts.catalog(this.database).map(({ path }) => path);
  }

  document: Snapshot['document'] = (path) => readDocument(this.database, path);

  skipped: Snapshot['skipped'] = () => readSkipped(this.database);

  getMeta(key: string): string | undefined {
    return readMeta(this.database, `user.${key}`);
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.parts.release();
  }

  private vectorsOf(spaceId: string): VectorView | undefined {
    return spaceId === this.parts.spaceId ? this.parts.vectors : this.parts.further.get(spaceId);
  }

  /** The same filter object is resolved once. */
  private resolve(filter: ChunkFilter | undefined): ChunkSet | undefined {
    if (!filter) return undefined;
    const known = this.resolved.get(filter);
    if (known) return known.set;
    const set = resolveFilter(this.database, () => this.parts.catalog(this.database), filter);
    this.resolved.set(filter, { set });
    return set;
  }
}

/** The view of an index that does not exist yet. */
export const EMPTY_SNAPSHOT: Snapshot = {
  counts: NO_COUNTS,
  searchWords: () => [],
  searchVectors: () => [],
  searchStatic: () => [],
  vectorScores: () => new Map(),
  staticScores: () => new Map(),
  meanVector: () => undefined,
  chunks: () => [],
  chunksDefining: () => [],
  chunksAt: () => [],
  chunksOfShape: () => [],
  documentFrequency: () => 0,
  averageTermCount: () => 0,
  paths: () => [],
  document: () => undefined,
  skipped: () => [],
  getMeta: () => undefined,
  dispose() {},
};
