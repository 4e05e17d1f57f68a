/**
 * Marks against the index as it is now: which chunk lines mean, where a marked chunk has gone, which marked
 * files have changed, and what of all this crosses the wire.
 */
import { NearmissError } from '../base/errors';
import type { MarkParams } from '../protocol/methods';
import type { MarkInfo } from '../protocol/types';
import { chunkAt, followChunk, neighbours } from './feedback/follow';
import type { MarkMove } from './feedback/journal';
import { type Mark, type MarkedSource, placeOf } from './feedback/mark';
import type { KeptMark } from './feedback/marks';
import type { ChunkRow, Snapshot } from './store/types';

/** The chunk that the lines mean; throws where there is none. */
export function markedChunk(
  snapshot: Snapshot,
  { path: name, start, end }: Pick<MarkParams, 'path' | 'start' | 'end'>,
): ChunkRow {
  const chunk = chunkAt(snapshot, name, start, end);
  if (chunk) return chunk;
  const isThere = snapshot.document(name) !== undefined;
  throw new NearmissError(
    'notFound',
    isThere ? `${name} has no indexed text at these lines` : `${name} is not in the index`,
    isThere ? 'Choose lines that hold text' : `nearmiss why ${name} says why`,
  );
}

/** The span whose like is marked, as it is kept. */
export function markedSource(
  snapshot: Snapshot,
  source: NonNullable<MarkParams['source']>,
): MarkedSource {
  const chunk = markedChunk(snapshot, source);
  const { path: name, start, end, hash } = placeOf(chunk, chunk.path);
  return { path: name, start, end, hash };
}

/** Every path that a mark speaks of. */
export function pathsOf({ path: name, source }: Mark): string[] {
  return source ? [name, source.path] : [name];
}

/** A mark as it stands in this snapshot. */
export function currentInfo(snapshot: Snapshot, kept: KeptMark): MarkInfo {
  const { mark, origin } = kept;
  const chunk = followChunk(snapshot, [mark, origin], kept.near);
  const from = mark.source && followChunk(snapshot, [mark.source, origin.source!]);
  const isActive = chunk !== undefined && (mark.source === undefined || from !== undefined);
  const place = chunk && placeOf(chunk, chunk.path);
  const source = from ? placeOf(from, from.path) : mark.source;
  return toInfo({ ...mark, ...place, source }, isActive ? 'active' : 'stale');
}

/** The change to note when a mark's chunk or source is not as it was; undefined when nothing has changed. */
export function moveOf(snapshot: Snapshot, { mark, origin, near }: KeptMark): MarkMove | undefined {
  const chunk = followChunk(snapshot, [mark, origin], near);
  const from = mark.source && followChunk(snapshot, [mark.source, origin.source!]);
  const place = chunk && placeOf(chunk, chunk.path);
  const source = from && placeOf(from, from.path);
  const isMoved = place && (!isSamePlace(place, mark) || place.symbol !== mark.symbol);
  const hasMovedSource = source !== undefined && !isSamePlace(source, mark.source!);
  const around = chunk && neighbours(snapshot, chunk);
  const hasNewNear = around !== undefined && around.join() !== near.join();
  if (!isMoved && !hasMovedSource && !hasNewNear) return undefined;
  return {
    id: mark.id,
    place: isMoved ? place : undefined,
    source: hasMovedSource
      ? { path: source.path, start: source.start, end: source.end, hash: source.hash }
      : undefined,
    near: hasNewNear ? around : undefined,
  };
}

function isSamePlace(a: MarkedSource, b: MarkedSource): boolean {
  return a.path === b.path && a.start === b.start && a.end === b.end && a.hash === b.hash;
}

/**
 * Marked paths whose file is another than `seen` says; notes what is there now. A file that is not there may
 * have gone to another place: it has changed when the number of files has.
 */
export function changedSince(
  snapshot: Snapshot,
  marks: readonly KeptMark[],
  seen: Map<string, string>,
): ReadonlySet<string> {
  const absent = `absent of ${snapshot.counts.documentCount}`;
  const changed = new Set<string>();
  for (const name of new Set(marks.flatMap(({ mark }) => pathsOf(mark)))) {
    const now = snapshot.document(name)?.hash ?? absent;
    if (seen.get(name) !== now) changed.add(name);
    seen.set(name, now);
  }
  return changed;
}

/** A mark as it crosses the wire: lines from 0, the end excluded. */
export function toInfo(mark: Mark, state: MarkInfo['state']): MarkInfo {
  const { id, verdict, query, source, path: name, start, end, symbol, time, rank } = mark;
  return {
    id,
    verdict,
    query,
    source: source && { path: source.path, start: source.start - 1, end: source.end },
    path: name,
    start: start - 1,
    end,
    symbol,
    time,
    rank,
    checkpoint: mark.checkpoint,
    state,
    isWeak: mark.weak,
    author: mark.author,
  };
}
