/**
 * What a reader of a folder's index keeps in memory: static and contextual embeddings. They follow the
 * database by sequence numbers, a few milliseconds at a time; deletions are cheap enough to be taken over
 * whenever a snapshot is made, so that what is gone is never proposed.
 */
import type { Disposable } from '../../base/lifecycle';
import { readMeta } from './chunkTable';
import type { Database } from './database';
import { ReadOnlyCache } from './embeddings';
import { FurtherVectors } from './furtherVectors';
import { loadHnsw } from './hnsw';
import { type FolderFiles, fileStamp } from './indexFiles';
import { Clock, copyLive, isWorthCompacting, killOthers, PAGE_ROWS } from './rowUpkeep';
import type { FurtherState } from './types';
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
  private readonly further = new Map<string, FurtherVectors>();

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

  /** Holds embeddings of these spaces too from the next refresh on, and lets go of others. */
  useFurther(spaceIds: readonly string[]): void {
    const { embeddingsFile } = this.options;
    for (const [spaceId, vectors] of this.further)
      if (!spaceIds.includes(spaceId)) {
        this.further.delete(spaceId);
        vectors.dispose();
      }
    if (embeddingsFile === undefined) return;
    for (const spaceId of spaceIds)
      if (!this.further.has(spaceId))
        this.further.set(spaceId, new FurtherVectors(spaceId, embeddingsFile));
  }

  furtherState(spaceId: string): FurtherState | undefined {
    return this.further.get(spaceId)?.state;
  }

  /** Embeddings of the further spaces as a snapshot at `sequence` sees them. */
  furtherViews(sequence: number): ReadonlyMap<string, VectorView> {
    const views = new Map<string, VectorView>();
    for (const [spaceId, vectors] of this.further) {
      const view = vectors.view(sequence);
      if (view) views.set(spaceId, view);
    }
    return views;
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
        for (const vectors of this.further.values()) vectors.kill(id, at);
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
    // A list of its own: one may go meanwhile.
    for (const vectors of [...this.further.values()]) await vectors.refresh(database, clock);
    await this.reconcile(database, before, clock);
    // A snapshot may have taken over removals of rows that were not here yet: go through them again.
    this.removedUpTo = before;
    this.applyRemovals(database, sequence);
    await this.compact(clock);
    await this.loadGraph();
  }

  dispose(): void {
    this.cache?.dispose();
    this.useFurther([]);
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
    for (const vectors of [...this.further.values()]) await vectors.reconcile(database, clock);
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
    for (const vectors of [...this.further.values()]) await vectors.compact(clock);
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
