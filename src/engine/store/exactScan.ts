/**
 * The nearest embeddings by looking at every one: the answer below some 20,000 rows and under narrow filters,
 * and the oracle that the graph is measured against.
 */
import { TopK } from '../../base/vector';
import type { ChunkSet } from './chunkSet';
import type { Scored } from './types';
import { BLOCK_ROWS, type RowArray, type RowView, rowIn } from './vectorRows';

/** The components of an int8 row are these many times those of the embedding. */
const INT8_SCALE = 127;

/** Candidates taken beyond the limit, for scores that single precision cannot tell apart. */
const SPARE = 16;
/** Share of allowed rows below which each is scored alone. */
const NARROW = 0.125;

/** The `limit` best rows of the view by cosine, best first. Equal scores order by chunk id. */
export function scanExactly<A extends RowArray>(
  view: RowView<A>,
  query: Float32Array,
  limit: number,
  allowed?: ChunkSet,
): Scored[] {
  const { rows, count, sequence } = view;
  if (query.length !== rows.dimension || limit <= 0) return [];
  const isNarrow = allowed !== undefined && allowed.size < count * NARROW;
  const best = new TopK(limit + SPARE);
  for (let start = 0; start < count; start += BLOCK_ROWS) {
    const end = Math.min(count, start + BLOCK_ROWS);
    const block = start / BLOCK_ROWS;
    const scores = isNarrow ? undefined : rows.scoreBlock(block, end - start, query);
    for (let row = start; row < end; row++) {
      if (scores && !(scores[row - start]! >= best.threshold)) continue;
      if ((allowed && !allowed.has(rows.idAt(row))) || !rows.isAliveAt(row, sequence)) continue;
      best.offer(row, scores ? scores[row - start]! : scoreRow(view, query, row));
    }
  }
  return scanRows(view, query, limit, { rows: best.results().map(({ index }) => index) });
}

/** The same over some rows only; rows beyond the view and dead ones are passed over. */
export function scanRows<A extends RowArray>(
  view: RowView<A>,
  query: Float32Array,
  limit: number,
  which: { readonly rows: readonly number[]; readonly allowed?: ChunkSet },
): Scored[] {
  const { rows, count, sequence } = view;
  if (query.length !== rows.dimension) return [];
  const best = new TopK(limit);
  for (const row of which.rows) {
    if (row >= count || !rows.isAliveAt(row, sequence)) continue;
    if (which.allowed && !which.allowed.has(rows.idAt(row))) continue;
    best.offer(rows.idAt(row), scoreRow(view, query, row));
  }
  return best.results().map(({ index, score }) => ({ chunkId: index, score }));
}

/** Cosines of the given chunks; those without a row are missing. */
export function scoreChunks<A extends RowArray>(
  view: RowView<A>,
  query: Float32Array,
  chunkIds: readonly number[],
): Map<number, number> {
  const scores = new Map<number, number>();
  if (query.length !== view.rows.dimension) return scores;
  for (const id of chunkIds) {
    const row = rowIn(view, id);
    if (row !== undefined) scores.set(id, scoreRow(view, query, row));
  }
  return scores;
}

function scoreRow<A extends RowArray>(view: RowView<A>, query: Float32Array, row: number): number {
  const block = view.rows.blockAt(Math.floor(row / BLOCK_ROWS));
  return dotFunction(block)(block, row % BLOCK_ROWS, query);
}

type DotFunction = (block: RowArray, row: number, query: Float32Array) => number;

/** Two functions that read alike, because one that meets both array types is several times slower. */
function dotFunction(block: RowArray): DotFunction {
  return block instanceof Int8Array ? (dotInt8 as DotFunction) : (dotFloat as DotFunction);
}

// Eight sums, so that one multiplication need not wait for the last: twice as fast as four.
function dotFloat(block: Float32Array, row: number, query: Float32Array): number {
  const { length } = query;
  let at = row * length;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let e = 0;
  let f = 0;
  let g = 0;
  let h = 0;
  let i = 0;
  for (; i + 7 < length; i += 8, at += 8) {
    a += query[i]! * block[at]!;
    b += query[i + 1]! * block[at + 1]!;
    c += query[i + 2]! * block[at + 2]!;
    d += query[i + 3]! * block[at + 3]!;
    e += query[i + 4]! * block[at + 4]!;
    f += query[i + 5]! * block[at + 5]!;
    g += query[i + 6]! * block[at + 6]!;
    h += query[i + 7]! * block[at + 7]!;
  }
  for (; i < length; i++, at++) a += query[i]! * block[at]!;
  return a + b + (c + d) + (e + f + (g + h));
}

function dotInt8(block: Int8Array, row: number, query: Float32Array): number {
  const { length } = query;
  let at = row * length;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let e = 0;
  let f = 0;
  let g = 0;
  let h = 0;
  let i = 0;
  for (; i + 7 < length; i += 8, at += 8) {
    a += query[i]! * block[at]!;
    b += query[i + 1]! * block[at + 1]!;
    c += query[i + 2]! * block[at + 2]!;
    d += query[i + 3]! * block[at + 3]!;
    e += query[i + 4]! * block[at + 4]!;
    f += query[i + 5]! * block[at + 5]!;
    g += query[i + 6]! * block[at + 6]!;
    h += query[i + 7]! * block[at + 7]!;
  }
  for (; i < length; i++, at++) a += query[i]! * block[at]!;
  return (a + b + (c + d) + (e + f + (g + h))) / INT8_SCALE;
}
