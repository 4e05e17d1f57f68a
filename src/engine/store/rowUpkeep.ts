/** What keeps rows of embeddings in memory tidy while they follow the database, a few milliseconds at a time. */
import type { Database } from './database';
import type { VectorRows } from './vectorRows';

/** Rows fetched between two looks at the clock. */
export const PAGE_ROWS = 256;
/** Time after which other work gets its turn. */
const SLICE_MS = 8;
/** Rows are copied together when so many are dead. */
const MAX_DEAD_SHARE = 0.25;
const MIN_DEAD_TO_COMPACT = 2_000;

/** Lets the event loop turn once enough time has gone by. */
export class Clock {
  private since = performance.now();

  async breathe(): Promise<void> {
    if (performance.now() - this.since < SLICE_MS) return;
    await new Promise(setImmediate);
    this.since = performance.now();
  }
}

export function isWorthCompacting(rows: {
  readonly deadCount: number;
  readonly count: number;
}): boolean {
  return rows.deadCount > MIN_DEAD_TO_COMPACT && rows.deadCount > rows.count * MAX_DEAD_SHARE;
}

export async function copyLive<A extends Float32Array | Int8Array>(
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
export async function killOthers(
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
