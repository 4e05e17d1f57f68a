/**
 * What a reader of a folder's index keeps in memory: static and contextual embeddings. They follow the
 * database by sequence numbers, a few milliseconds at a time; deletions are cheap enough to be taken over
 * whenever a snapshot is made, so that what is gone is never proposed.
 */
import type { Disposable } from '../../base/lifecycle';
import { readMeta } from './chunkTable';
import type { Database } from './database';
import { ReadOnlyCache } from './embeddings';
import { loadHnsw } from './hnsw';
import { type FolderFiles, fileStamp } from './indexFiles';
import { type VectorFileOwner, readVectorFile } from './vectorFile';
import { VectorIndex, type VectorView } from './vectorIndex';
import { INT8_ROWS, type RowView, VectorRows, viewOf } from './vectorRows';

export interface MemoryOptions {
  readonly storeId: string;
  readonly spaceId?: string;
  readonly embeddingsFile?: string;
  readonly files: FolderFiles;
}

type StaticRows = VectorRows<Int8Array>;
type PendingKey = readonly [chunkId: number, key: Uint8Array];

/** Rows fetched between two looks at the clock. */
const PAGE_ROWS = 256;
/** Time after which other work gets its turn. */
const SLICE_MS = 8;
/** Rows are copied together when so many are dead. */
const MAX_DEAD_SHARE = 0.25;
const MIN_DEAD_TO_COMPACT = 2_000;

export class FolderMemory implements Disposable {
  private statics: StaticRows | undefined;
  private lastStaticId = 0;
  private vectors: VectorIndex | undefined;
  /** Sequence number up to which embeddings were taken over; -1 before the first time. */
  private embeddedUpTo = -1;
  private removedUpTo = 0;
  /** Embeddings noted as present that were not found; looked for again at the next refresh. */
  private missing: PendingKey[] = [];
  private graphStamp = '';
  private readonly cache: ReadOnlyCache | undefined;

  constructor(private readonly options: MemoryOptions) {
    const { embeddingsFile, spaceId } = options;
    if (embeddingsFile && spaceId !== undefined) this.cache = new ReadOnlyCache(embeddingsFile);
  }

  get storeId(): string {
    return this.options.storeId;
  }

  /** The contextual embeddings; undefined while there are none. */
  get index(): VectorIndex | undefined {
    return this.vectors;
  }

  /** Contextual embeddings as a snapshot at `sequence` sees them. */
  vectorView(sequence: number): VectorView | undefined {
    return this.vectors?.view(sequence);
  }

  staticView(sequence: number): RowView<Int8Array> | undefined {
    return this.statics && viewOf(this.statics, sequence);
  }

  /** Takes over what was removed up to the connection's state, which is at `sequence`. */
  applyRemovals(database: Database, sequence: number): void {
    if (sequence <= this.removedUpTo) return;
    const ranges = database
      .prepare<[number, number, number]>(
        'SELECT sequence, firstChunk, endChunk FROM removal WHERE sequence > ?',
      )
      .all(this.removedUpTo);
    for (const [at, first, end] of ranges) {
      for (let id = first; id < end; id++) {
        this.statics?.kill(id, at);
        this.vectors?.rows.kill(id, at);
      }
    }
    this.removedUpTo = sequence;
  }

  /** Takes over everything up to the connection's state, which is at `sequence` and must not move. */
  async refresh(database: Database, sequence: number): Promise<void> {
    const before = this.removedUpTo;
    const clock = new Clock();
    await this.addStatics(database, clock);
    await this.addVectors(database, sequence, clock);
    await this.reconcile(database, before, clock);
    // A snapshot may have taken over removals of rows that were not here yet: go through them again.
    this.removedUpTo = before;
    this.applyRemovals(database, sequence);
    await this.compact(clock);
    await this.loadGraph();
  }

  dispose(): void {
    this.cache?.dispose();
  }

  private async addStatics(database: Database, clock: Clock): Promise<void> {
    const page = database.prepare<[number, Uint8Array]>(
      `SELECT chunkId, vector FROM staticEmbedding WHERE chunkId > ? ORDER BY chunkId LIMIT ${PAGE_ROWS}`,
    );
    for (let rows = page.all(this.lastStaticId); rows.length > 0;) {
      for (const [id, bytes] of rows) {
        // Another table of static embeddings: the old ones answer no query any more.
        if (this.statics?.dimension !== bytes.length) this.statics = staticRows(bytes.length);
        this.statics.append(id, new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length));
      }
      this.lastStaticId = rows.at(-1)![0];
      await clock.breathe();
      rows = page.all(this.lastStaticId);
    }
  }

  private async addVectors(database: Database, sequence: number, clock: Clock): Promise<void> {
    const { spaceId } = this.options;
    if (spaceId === undefined) return;
    if (this.embeddedUpTo < 0) {
      await this.loadFile(spaceId);
      this.embeddedUpTo = 0;
    }
    if (readMeta(database, 'embeddingSpace') !== spaceId) return;
    const again = this.missing;
    this.missing = [];
    for (let at = 0; at < again.length; at += PAGE_ROWS) {
      this.fetch(spaceId, again.slice(at, at + PAGE_ROWS));
      await clock.breathe();
    }
    await this.addNewVectors(database, spaceId, clock);
    this.embeddedUpTo = sequence;
  }

  private async addNewVectors(database: Database, spaceId: string, clock: Clock): Promise<void> {
    const page = database.prepare<[number, number, Uint8Array]>(
      `SELECT embeddedAt, chunkId, key FROM embeddable
       WHERE embeddedAt >= ?1 AND (embeddedAt, chunkId) > (?1, ?2)
       ORDER BY embeddedAt, chunkId LIMIT ${PAGE_ROWS}`,
    );
    let at = this.embeddedUpTo;
    let id = Number.MAX_SAFE_INTEGER;
    for (let rows = page.all(at, id); rows.length > 0; rows = page.all(at, id)) {
      const isNew = (chunkId: number): boolean => this.vectors?.rows.rowOf(chunkId) === undefined;
      this.fetch(
        spaceId,
        rows.filter((row) => isNew(row[1])).map((row) => [row[1], row[2]] as const),
      );
      [at, id] = rows.at(-1)!;
      await clock.breathe();
    }
  }

  /** Takes the vectors of these chunks out of the shared file. */
  private fetch(spaceId: string, chunks: readonly PendingKey[]): void {
    if (chunks.length === 0) return;
    const keys = chunks.map(([, key]) => key);
    const vectors = this.cache?.get(spaceId, keys) ?? [];
    chunks.forEach((chunk, index) => {
      const vector = vectors[index];
      if (!vector) {
        this.missing.push(chunk);
        return;
      }
      this.vectors ??= VectorIndex.empty(vector.length);
      this.vectors.append(chunk[0], vector);
    });
  }

  private async loadFile(spaceId: string): Promise<void> {
    const { files } = this.options;
    const rows = await readVectorFile(files.vectors(spaceId), this.owner(spaceId));
    if (!rows) return;
    this.vectors = new VectorIndex(rows);
    // Not known what was removed since the file was written.
    this.mustReconcile = true;
  }

  private mustReconcile = false;

  /** Compares rows with the chunks that exist, where the list of removals does not reach back far enough. */
  private async reconcile(database: Database, knownUpTo: number, clock: Clock): Promise<void> {
    const cutAt = Number(readMeta(database, 'removalsFrom') ?? 0);
    if (!this.mustReconcile && cutAt <= knownUpTo) return;
    this.mustReconcile = false;
    if (this.vectors) await killOthers(this.vectors.rows, database, 'embeddable', clock);
    if (this.statics) await killOthers(this.statics, database, 'staticEmbedding', clock);
  }

  private async compact(clock: Clock): Promise<void> {
    if (this.statics && isWorthCompacting(this.statics)) {
      this.statics = await copyLive(this.statics, staticRows(this.statics.dimension), clock);
    }
    if (this.vectors && isWorthCompacting(this.vectors.rows)) {
      const fresh = VectorIndex.empty(this.vectors.rows.dimension);
      await copyLive(this.vectors.rows, fresh.rows, clock);
      fresh.useGraph(this.vectors.currentGraph);
      this.vectors = fresh;
    }
  }

  private async loadGraph(): Promise<void> {
    const { spaceId, files } = this.options;
    if (spaceId === undefined || !this.vectors) return;
    const graphFiles = files.graph(spaceId);
    const stamp = fileStamp(graphFiles.description);
    if (stamp === this.graphStamp) return;
    this.graphStamp = stamp;
    const { dimension } = this.vectors.rows;
    this.vectors.useGraph(await loadHnsw(graphFiles, this.owner(spaceId), dimension));
  }

  private owner(spaceId: string): VectorFileOwner {
    return { storeId: this.options.storeId, spaceId };
  }
}

function staticRows(dimension: number): StaticRows {
  return new VectorRows(dimension, INT8_ROWS);
}

function isWorthCompacting(rows: { readonly deadCount: number; readonly count: number }): boolean {
  return rows.deadCount > MIN_DEAD_TO_COMPACT && rows.deadCount > rows.count * MAX_DEAD_SHARE;
}

async function copyLive<A extends Float32Array | Int8Array>(
  from: VectorRows<A>,
  to: VectorRows<A>,
  clock: Clock,
): Promise<VectorRows<A>> {
  for (let row = 0; row < from.count; row++) {
    if (from.isAlive(row)) to.append(from.idAt(row), from.at(row));
    if (row % PAGE_ROWS === 0) await clock.breathe();
  }
  return to;
}

/** Marks every row dead whose chunk is not in the table. */
async function killOthers(
  rows: VectorRows<Float32Array> | VectorRows<Int8Array>,
  database: Database,
  table: 'embeddable' | 'staticEmbedding',
  clock: Clock,
): Promise<void> {
  const page = database.prepare<[number]>(
    `SELECT chunkId FROM ${table} WHERE chunkId > ? ORDER BY chunkId LIMIT 4096`,
  );
  const live = new Set<number>();
  for (let ids = page.all(0); ids.length > 0; ids = page.all(ids.at(-1)![0])) {
    for (const [id] of ids) live.add(id);
    await clock.breathe();
  }
  for (let row = 0; row < rows.count; row++) {
    if (!live.has(rows.idAt(row))) rows.kill(rows.idAt(row), 1);
    if (row % 4096 === 0) await clock.breathe();
  }
}

/** Lets the event loop turn once enough time has gone by. */
class Clock {
  private since = performance.now();

  async breathe(): Promise<void> {
    if (performance.now() - this.since < SLICE_MS) return;
    await new Promise(setImmediate);
    this.since = performance.now();
  }
}
