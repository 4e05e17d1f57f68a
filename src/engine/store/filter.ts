/** Conditions on path, language and kind, turned into the set of chunks that pass. */
import { ChunkSet } from './chunkSet';
import type { Database } from './database';
import type { ChunkFilter } from './types';

/** A document as filters see it; its chunks are `first` up to but not including `end`. */
export interface CatalogEntry {
  readonly path: string;
  readonly language: string;
  readonly first: number;
  readonly end: number;
}

/** All documents, sorted by path. */
export function readCatalog(database: Database): CatalogEntry[] {
  return database
    .prepare<[string, string, number, number]>(
      'SELECT path, language, firstChunk, endChunk FROM document ORDER BY path',
    )
    .all()
    .map(([path, language, first, end]) => ({ path, language, first, end }));
}

/** Chunks that the filter lets through; undefined when it lets everything through. */
export function resolveFilter(
  database: Database,
  catalog: () => readonly CatalogEntry[],
  filter: ChunkFilter,
): ChunkSet | undefined {
  const { path, languages, kinds } = filter;
  if (!path && !languages && !kinds) return undefined;
  const endId = lastChunkId(database) + 1;
  const byDocument = new ChunkSet(endId);
  if (path || languages) {
    for (const entry of catalog()) {
      if (languages && !languages.has(entry.language)) continue;
      if (!path || path(entry.path)) byDocument.addRange(entry.first, entry.end);
    }
    if (!kinds) return byDocument;
  }
  const result = new ChunkSet(endId);
  const ofKind = database.prepare<[number]>('SELECT id FROM chunk WHERE kind = ?');
  for (const kind of kinds ?? []) {
    for (const [id] of ofKind.all(kind))
      if (!(path || languages) || byDocument.has(id)) result.add(id);
  }
  return result;
}

function lastChunkId(database: Database): number {
  return database.prepare<[number | null]>('SELECT max(id) FROM chunk').get()?.[0] ?? 0;
}
