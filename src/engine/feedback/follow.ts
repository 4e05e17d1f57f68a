/**
 * Where a marked chunk is now. By its content first, wherever that has gone; then by its symbol in the same
 * file; then by the lines it stood on, unless another chunk that was there before has moved up to them. When
 * none of these finds it, the code is gone.
 */
import { mostOverlapping, overlapOf } from '../documents/span';
import type { ChunkRow, Snapshot } from '../store/types';
import { contentHash, type MarkedSource } from './mark';

/** Chunks on each side whose content is remembered. */
const NEIGHBOURS = 4;
/** Chunks of one shape that are looked at for a text that has left its file. */
const MOST_LOOKED_AT = 2000;

/** What is known of a place; a source has no symbol. */
export interface Sought extends MarkedSource {
  readonly symbol?: string;
}

/** The chunk that was at `place`, or at one of the earlier `others`, as the snapshot has it now. */
export function followChunk(
  snapshot: Snapshot,
  places: readonly Sought[],
  near: readonly string[] = [],
): ChunkRow | undefined {
  for (const place of places) {
    const lines = snapshot.chunksAt(place.path, place.start - 1, place.end);
    const here = withHash(lines, place) ?? withHash(chunksOf(snapshot, place.path), place);
    if (here) return here;
  }
  for (const place of places) {
    const elsewhere = isThere(snapshot, place.path) ? undefined : findMoved(snapshot, place);
    if (elsewhere) return elsewhere;
  }
  const [last] = places;
  if (!last) return undefined;
  const chunks = chunksOf(snapshot, last.path);
  return bySymbol(chunks, last) ?? byLines(chunks, last, near);
}

/** The chunk with the largest part of the lines (0-based, end exclusive); the first of equals. */
export function chunkAt(
  snapshot: Snapshot,
  path: string,
  start: number,
  end: number,
): ChunkRow | undefined {
  const span = { start, end: Math.max(end, start + 1) };
  return mostOverlapping(snapshot.chunksAt(path, span.start, span.end), span);
}

/** Hashes of the chunks around one. */
export function neighbours(snapshot: Snapshot, chunk: ChunkRow): string[] {
  const chunks = chunksOf(snapshot, chunk.path);
  const index = chunks.findIndex(({ id }) => id === chunk.id);
  const around = chunks.slice(Math.max(0, index - NEIGHBOURS), index + NEIGHBOURS + 1);
  return around.filter(({ id }) => id !== chunk.id).map((other) => contentHash(other));
}

function chunksOf(snapshot: Snapshot, path: string): ChunkRow[] {
  return snapshot.chunksAt(path, 0, Number.MAX_SAFE_INTEGER);
}

function isThere(snapshot: Snapshot, path: string): boolean {
  return snapshot.document(path) !== undefined;
}

/** Equal texts can stand in a file more than once: the nearest is meant. */
function withHash(chunks: readonly ChunkRow[], place: Sought): ChunkRow | undefined {
  return nearest(
    chunks.filter((chunk) => contentHash(chunk) === place.hash),
    place,
  );
}

/** The same text in another file, after its own was renamed or moved. A file of the same name is preferred. */
function findMoved(snapshot: Snapshot, place: Sought): ChunkRow | undefined {
  const lineCount = place.end - place.start + 1;
  const ids = snapshot.chunksOfShape(lineCount, place.symbol).slice(0, MOST_LOOKED_AT);
  const same = snapshot.chunks(ids).filter((chunk) => contentHash(chunk) === place.hash);
  const name = fileName(place.path);
  return same.find((chunk) => fileName(chunk.path) === name) ?? same[0];
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function bySymbol(chunks: readonly ChunkRow[], place: Sought): ChunkRow | undefined {
  if (!place.symbol) return undefined;
  return nearest(
    chunks.filter((chunk) => chunk.symbol === place.symbol),
    place,
  );
}

function byLines(
  chunks: readonly ChunkRow[],
  place: Sought,
  near: readonly string[],
): ChunkRow | undefined {
  const others = new Set(near);
  const free = chunks.filter((chunk) => !others.has(contentHash(chunk)));
  const span = { start: place.start - 1, end: place.end };
  const found = mostOverlapping(free, span);
  return found && overlapOf(found.span, span) > 0 ? found : undefined;
}

function nearest(chunks: readonly ChunkRow[], place: Sought): ChunkRow | undefined {
  const distance = (chunk: ChunkRow): number => Math.abs(chunk.span.start + 1 - place.start);
  return [...chunks].sort((a, b) => distance(a) - distance(b) || a.id - b.id)[0];
}
