/**
 * The embeddings of a further space in memory: those of an encoder that was learned for the folder, beside the ones that the
 * index keeps note of. Of these no note is kept. Chunks come in the order of their ids, which are never used twice; those
 * whose vector is not in the shared file yet are looked for again, in the same order, in which they are also embedded.
 * They are scanned exactly: no graph is built over them.
 */
import type { Disposable } from '../../base/lifecycle';
import type { Database } from './database';
import { ReadOnlyCache } from './embeddings';
import { type Clock, copyLive, isWorthCompacting, killOthers, PAGE_ROWS } from './rowUpkeep';
import type { FurtherState } from './types';
import { VectorIndex, type VectorView } from './vectorIndex';

type PendingKey = readonly [chunkId: number, key: Uint8Array];

export class FurtherVectors implements Disposable {
  private vectors: VectorIndex | undefined;
  /** Chunks up to this one were looked for. */
  private lastId = 0;
  private missing: PendingKey[] = [];
  private counted: FurtherState | undefined;
  private readonly cache: ReadOnlyCache;

  constructor(
    private readonly spaceId: string,
    embeddingsFile: string,
  ) {
    this.cache = new ReadOnlyCache(embeddingsFile);
  }

  /** As of the last refresh; undefined before the first. */
  get state(): FurtherState | undefined {
    return this.counted;
  }

  /** As a snapshot at `sequence` sees them; undefined while there are none. */
  view(sequence: number): VectorView | undefined {
    return this.vectors?.view(sequence);
  }

  kill(chunkId: number, at: number): void {
    this.vectors?.rows.kill(chunkId, at);
  }

  /** Takes over what has come up to the connection's state, which must not move. */
  async refresh(database: Database, clock: Clock): Promise<void> {
    await this.lookAgain(clock);
    const page = database.prepare<[number, Uint8Array]>(
      `SELECT chunkId, key FROM embeddable WHERE chunkId > ? ORDER BY chunkId LIMIT ${PAGE_ROWS}`,
    );
    for (let rows = page.all(this.lastId); rows.length > 0; rows = page.all(this.lastId)) {
      this.missing.push(...this.fetch(rows));
      this.lastId = rows.at(-1)![0];
      await clock.breathe();
    }
    await this.count(database, clock);
  }

  /** Where the list of removals does not reach back far enough. */
  async reconcile(database: Database, clock: Clock): Promise<void> {
    if (this.vectors) await killOthers(this.vectors.rows, database, 'embeddable', clock);
  }

  async compact(clock: Clock): Promise<void> {
    if (!this.vectors || !isWorthCompacting(this.vectors.rows)) return;
    const fresh = VectorIndex.empty(this.vectors.rows.dimension);
    await copyLive(this.vectors.rows, fresh.rows, clock);
    this.vectors = fresh;
  }

  dispose(): void {
    this.cache.dispose();
  }

  /** From the front, as long as something has come: what is behind has not come either. */
  private async lookAgain(clock: Clock): Promise<void> {
    const left: PendingKey[] = [];
    let at = 0;
    while (at < this.missing.length) {
      const page = this.missing.slice(at, at + PAGE_ROWS);
      const lacking = this.fetch(page);
      at += page.length;
      left.push(...lacking);
      if (lacking.length === page.length) break;
      await clock.breathe();
    }
    this.missing = [...left, ...this.missing.slice(at)];
  }

  /** Takes the vectors of these chunks out of the shared file; returns those that it has not. */
  private fetch(chunks: readonly PendingKey[]): PendingKey[] {
    const vectors = this.cache.get(
      this.spaceId,
      chunks.map(([, key]) => key),
    );
    return chunks.filter(([id], index) => {
      const vector = vectors[index];
      if (!vector) return true;
      this.vectors ??= VectorIndex.empty(vector.length);
      this.vectors.append(id, vector);
      return false;
    });
  }

  /** Forgets chunks that are gone, and counts those that have a vector in the folder's own space and none here. */
  private async count(database: Database, clock: Clock): Promise<void> {
    const find = database.prepare<[number]>('SELECT embeddedAt FROM embeddable WHERE chunkId = ?');
    const left: PendingKey[] = [];
    let lackingCount = 0;
    for (const chunk of this.missing) {
      const embeddedAt = find.get(chunk[0])?.[0];
      if (embeddedAt === undefined) continue;
      left.push(chunk);
      if (embeddedAt > 0) lackingCount++;
      await clock.breathe();
    }
    this.missing = left;
    this.counted = { heldCount: this.vectors?.rows.liveCount ?? 0, lackingCount };
  }
}
