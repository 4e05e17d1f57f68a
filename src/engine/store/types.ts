/** The plain data of the store room, and the two faces of a folder's index: one writer, many snapshots. */
import type { Disposable } from '../../base/lifecycle';
import type { Chunk, ChunkKind, Document, Skipped } from '../documents/document';

/** How far a document has come: words by line windows, words and static embeddings by syntax. */
export type DocumentTier = 'lines' | 'syntax';

export interface DocumentRow {
  readonly id: number;
  readonly path: string;
  readonly language: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** Hex sha256 of the bytes on disk. */
  readonly hash: string;
  readonly tier: DocumentTier;
}

/** A chunk as the writer takes it: what the splitter made, and what was computed from it. */
export interface NewChunk extends Chunk {
  /** Hash of the text that encoders read for this chunk; undefined for line windows, which are not embedded. */
  readonly embeddingKey?: Uint8Array;
  /** Static embedding, each component scaled to int8 (127 = 1). */
  readonly staticEmbedding?: Int8Array;
}

/** A chunk as a search sees it. */
export interface ChunkRow extends Chunk {
  readonly id: number;
  readonly documentId: number;
  readonly path: string;
  readonly language: string;
  readonly kind: ChunkKind;
}

/** Which chunks a search may return. All given conditions hold; an empty object lets everything through. */
export interface ChunkFilter {
  /** True for paths that may appear. */
  readonly path?: (path: string) => boolean;
  readonly languages?: ReadonlySet<string>;
  readonly kinds?: ReadonlySet<ChunkKind>;
}

export interface Scored {
  readonly chunkId: number;
  /** Larger is better; comparable only within one retriever and query. */
  readonly score: number;
}

/** Words to look for. Terms are as `terms.ts` makes them. */
export interface LexicalQuery {
  /** Any of these may match; each counts once. */
  readonly terms: readonly string[];
  /** Each phrase must occur, its terms side by side. */
  readonly phrases?: readonly (readonly string[])[];
  /** None of these may occur. */
  readonly without?: readonly string[];
  /** Weights of the three columns in BM25. */
  readonly weights?: { readonly content: number; readonly path: number; readonly symbol: number };
}

/** Counts for status and progress. */
export interface StoreCounts {
  readonly documentCount: number;
  readonly chunkCount: number;
  /** Documents already split by syntax (the others rest on line windows). */
  readonly syntaxDocumentCount: number;
  /** Chunks to be embedded at all (line windows are not). */
  readonly embeddableCount: number;
  /** Chunks whose contextual embedding in the current space is present. */
  readonly embeddedCount: number;
  readonly skippedCount: number;
}

/** An unchanging view of one folder's index that one search holds to its end. */
export interface Snapshot extends Disposable {
  readonly counts: StoreCounts;
  /** Best first by BM25. */
  searchWords(query: LexicalQuery, limit: number, filter?: ChunkFilter): Scored[];
  /** Best first by cosine, contextual embeddings of `spaceId`. Empty when none are there. */
  searchVectors(
    spaceId: string,
    vector: Float32Array,
    limit: number,
    filter?: ChunkFilter,
  ): Scored[];
  /** Best first by cosine, static embeddings. */
  searchStatic(vector: Float32Array, limit: number, filter?: ChunkFilter): Scored[];
  /** Cosines of exactly these chunks; chunks without an embedding are missing from the map. */
  vectorScores(
    spaceId: string,
    vector: Float32Array,
    chunkIds: readonly number[],
  ): Map<number, number>;
  staticScores(vector: Float32Array, chunkIds: readonly number[]): Map<number, number>;
  /** Mean of the stored embeddings of these chunks, unit length, for find-similar; undefined when none has one. */
  meanVector(spaceId: string, chunkIds: readonly number[]): Float32Array | undefined;
  /** Rows of the chunks that still exist, in the order asked. */
  chunks(ids: readonly number[]): ChunkRow[];
  /** Chunks that define this name, case-sensitive, or equal but for case when `ignoreCase`. */
  chunksDefining(name: string, options?: { readonly ignoreCase?: boolean }): number[];
  /** Chunks of a document that overlap the lines (0-based, end exclusive), in order. */
  chunksAt(path: string, start: number, end: number): ChunkRow[];
  /** Chunks of so many lines, and under this symbol where one is given; in order. */
  chunksOfShape(lineCount: number, symbol?: string): number[];
  /** Number of chunks a term occurs in (any column), for rarity. */
  documentFrequency(term: string): number;
  /** Mean number of terms of a chunk over all columns of the word index; 0 where there is none. */
  averageTermCount(): number;
  /** All paths, sorted. */
  paths(): readonly string[];
  document(path: string): DocumentRow | undefined;
  /** What was left out of the index. */
  skipped(): Skipped[];
  /** A value that the writer noted with `setMeta`. */
  getMeta(key: string): string | undefined;
}

/** What readers of a folder's index are told. */
export interface FolderReaderOptions {
  /** The space whose contextual embeddings are held in memory; without it only words and static embeddings answer. */
  readonly spaceId?: string;
  /** The shared file of embeddings; without it only what the folder's own sidecar holds is found. */
  readonly embeddingsFile?: string;
}

/** One folder's index as the searching process sees it. Its file may not exist yet. */
export interface FolderReader extends Disposable {
  /** An unchanging view of what is committed now; dispose it when the search ends. Cheap, never waits. */
  snapshot(): Snapshot;
  /**
   * Takes embeddings that were added since the last call into memory, in slices of a few milliseconds.
   * Deletions and words need no refresh: the next snapshot has them.
   */
  refresh(): Promise<void>;
  /** Snapshots answer in these spaces too, from what the next refresh takes in; others are let go of. */
  useFurther(spaceIds: readonly string[]): void;
  /** What the last refresh found of a further space; undefined before the first. */
  furtherState(spaceId: string): FurtherState | undefined;
}

/** How far a second set of embeddings is. */
export interface FurtherState {
  readonly heldCount: number;
  /** Chunks that have an embedding in the folder's own space and none in this one. */
  readonly lackingCount: number;
}

export interface FolderWriterOptions {
  /** The shared file of embeddings: what it has is not asked for again. Without it no embedding is ever noted. */
  readonly embeddingsFile?: string;
  readonly busyTimeoutMs?: number;
}

/** What the writer of a folder's index can do. Every call is atomic; `transaction` makes several calls one. */
export interface FolderWriter extends Disposable {
  documents(): Map<string, DocumentRow>;
  transaction<T>(body: () => T): T;
  /** Replaces a document and all its chunks. */
  putDocument(
    document: Omit<Document, 'text'>,
    tier: DocumentTier,
    chunks: readonly NewChunk[],
  ): void;
  removeDocuments(paths: readonly string[]): void;
  /** Notes that a document's bytes are the same though its times changed. */
  touchDocument(path: string, mtimeMs: number, sizeBytes: number): void;
  setSkipped(skipped: readonly Skipped[]): void;
  /**
   * Chunks that lack an embedding in the space, in the order of `priority` (document ids first), then by id.
   * What was handed out before and is in the shared file by now counts as present, so the loop is: ask, embed,
   * `EmbeddingCache.put`, ask again, until nothing comes.
   */
  pendingEmbeddings(spaceId: string, limit: number, priority?: readonly number[]): PendingChunk[];
  /**
   * Chunks that lack an embedding in a space beside the folder's own, among the next so many after this id; no note is
   * kept of them, so the caller remembers how far it has looked. `lastId` is that of the last chunk looked at, 0 at the end.
   */
  pendingBeside(
    spaceId: string,
    after: number,
    limit: number,
  ): { readonly chunks: PendingChunk[]; readonly lastId: number };
  counts(spaceId: string): StoreCounts;
  getMeta(key: string): string | undefined;
  setMeta(key: string, value: string): void;
}

export interface PendingChunk {
  readonly chunkId: number;
  readonly documentId: number;
  readonly embeddingKey: Uint8Array;
  readonly path: string;
  readonly symbol: string;
  readonly text: string;
}

/** Embeddings of every folder, keyed by space and text read. A cache: losing it costs time, nothing else. */
export interface EmbeddingCache extends Disposable {
  /** Changes when the file was lost and made anew. */
  readonly id: string;
  has(spaceId: string, keys: readonly Uint8Array[]): boolean[];
  get(spaceId: string, keys: readonly Uint8Array[]): (Float32Array | undefined)[];
  put(spaceId: string, entries: readonly { key: Uint8Array; vector: Float32Array }[]): void;
  /** Removes at most so many vectors of spaces that are not wanted; returns how many, 0 when there are no more. */
  removeSpaces(isWanted: (spaceId: string) => boolean, limit: number): number;
}
