/**
 * Candidates from every retriever: BM25, contextual embeddings, the static table where embeddings are still
 * missing, definitions of the names asked for, and files whose name or path was asked for. Each candidate
 * then gets every retriever's value that can be had, so that fusing compares like with like.
 */
import type { ChunkFilter, ChunkRow, Scored, Snapshot } from '../store/types';
import type { Query } from './query';

/** Candidates a retriever proposes. Fixed, so that the order of the first hits does not depend on the limit. */
export const RETRIEVER_DEPTH = 200;
/** Definitions of one name beyond this many say little about which is meant. */
const MAX_DEFINITIONS = 60;
/** Files that a path or symbol query may bring in by name. */
const MAX_NAMED_FILES = 20;
const MAX_CHUNKS_OF_NAMED_FILE = 40;

/** One retriever's view of one candidate. */
export interface Vote {
  /** BM25 score or cosine. */
  readonly value: number;
  /** From 1 within this retriever's own list; absent when it was scored without being proposed. */
  readonly rank?: number;
}

export interface Candidate {
  readonly chunk: ChunkRow;
  readonly words?: Vote;
  readonly contextual?: Vote;
  readonly static?: Vote;
  /** Name of the query that this chunk defines. */
  readonly defines?: string;
  /** The file's path or name was asked for: 1 exact, less for a looser fit. */
  readonly pathFit?: number;
}

/** A query's vectors in the spaces that are there. */
export interface QueryVectors {
  readonly spaceId?: string;
  readonly contextual?: Float32Array;
  readonly static?: Float32Array;
}

export interface Retrieved {
  readonly candidates: readonly Candidate[];
  readonly wordsMs: number;
  readonly vectorsMs: number;
}

/** All candidates of a query, each once, in no particular order. `depth` is at least RETRIEVER_DEPTH. */
export function retrieve(
  snapshot: Snapshot,
  query: Query,
  vectors: QueryVectors,
  filter: ChunkFilter,
  depth: number,
): Retrieved {
  const startMs = performance.now();
  const words = searchWords(snapshot, query, filter, depth);
  const namedMs = performance.now();
  const contextual =
    vectors.contextual && vectors.spaceId
      ? snapshot.searchVectors(vectors.spaceId, vectors.contextual, depth, filter)
      : [];
  const isIncomplete = snapshot.counts.embeddedCount < snapshot.counts.chunkCount;
  const statics =
    vectors.static && (isIncomplete || !vectors.contextual)
      ? snapshot.searchStatic(vectors.static, depth, filter)
      : [];
  const found = new Map<number, Mutable>();
  addVotes(found, words, 'words');
  addVotes(found, contextual, 'contextual');
  addVotes(found, statics, 'static');
  addDefinitions(found, snapshot, query);
  addNamedFiles(found, snapshot, query);
  const candidates = complete(found, snapshot, vectors, filter, query);
  const endMs = performance.now();
  return { candidates, wordsMs: namedMs - startMs, vectorsMs: endMs - namedMs };
}

/** Chunks as candidates that no retriever proposed, with the values they have; what the filter refuses is missing. */
export function candidatesOf(
  snapshot: Snapshot,
  chunkIds: readonly number[],
  query: Query,
  vectors: QueryVectors,
  filter: ChunkFilter,
): readonly Candidate[] {
  const found = new Map<number, Mutable>(chunkIds.map((id) => [id, {}]));
  return complete(found, snapshot, vectors, filter, query);
}

type Mutable = {
  words?: Vote;
  contextual?: Vote;
  static?: Vote;
  defines?: string;
  pathFit?: number;
};
type Retriever = 'words' | 'contextual' | 'static';

function searchWords(
  snapshot: Snapshot,
  query: Query,
  filter: ChunkFilter,
  depth: number,
): Scored[] {
  if (query.terms.length === 0 && query.phrases.length === 0) return [];
  const { terms, phrases, without } = query;
  return snapshot.searchWords({ terms, phrases, without }, depth, filter);
}

function addVotes(
  found: Map<number, Mutable>,
  scored: readonly Scored[],
  retriever: Retriever,
): void {
  scored.forEach(({ chunkId, score }, index) => {
    entry(found, chunkId)[retriever] = { value: score, rank: index + 1 };
  });
}

function entry(found: Map<number, Mutable>, chunkId: number): Mutable {
  let candidate = found.get(chunkId);
  if (!candidate) found.set(chunkId, (candidate = {}));
  return candidate;
}

function addDefinitions(found: Map<number, Mutable>, snapshot: Snapshot, query: Query): void {
  for (const identifier of query.identifiers) {
    const name = lastName(identifier);
    let ids = snapshot.chunksDefining(name);
    if (ids.length === 0) ids = snapshot.chunksDefining(name, { ignoreCase: true });
    for (const id of ids.slice(0, MAX_DEFINITIONS)) entry(found, id).defines = identifier;
  }
}

/** The last part of a qualified name: `a.b`, `A::b`, `a->b`, `A#b`. */
export function lastName(identifier: string): string {
  return identifier.split(/\.|::|->|#|\\/).at(-1) ?? identifier;
}

function addNamedFiles(found: Map<number, Mutable>, snapshot: Snapshot, query: Query): void {
  if (query.kind !== 'path' && query.kind !== 'symbol') return;
  const wanted = query.kind === 'path' ? query.text : lastName(query.identifiers[0] ?? query.text);
  const fits = snapshot
    .paths()
    .map((path) => ({
      path,
      fit: query.kind === 'path' ? pathFit(path, wanted) : nameFit(path, wanted),
    }))
    .filter(({ fit }) => fit > 0)
    .sort((a, b) => b.fit - a.fit || a.path.length - b.path.length || (a.path < b.path ? -1 : 1));
  for (const { path, fit } of fits.slice(0, MAX_NAMED_FILES)) {
    const chunks = snapshot
      .chunksAt(path, 0, Number.MAX_SAFE_INTEGER)
      .slice(0, MAX_CHUNKS_OF_NAMED_FILE);
    for (const chunk of chunks) entry(found, chunk.id).pathFit = fit;
  }
}

/** 1 for the path itself, falling with looser fits; 0 for none. */
function pathFit(path: string, wanted: string): number {
  const have = path.toLowerCase();
  const want = wanted
    .toLowerCase()
    .replaceAll('\\', '/')
    .replace(/^\.?\//, '');
  if (want === '') return 0;
  if (have === want || have.endsWith(`/${want}`)) return 1;
  if (`/${have}`.includes(`/${want.replace(/\/$/, '')}/`)) return 0.6;
  if (have.includes(want)) return 0.5;
  const segments = want.split('/').filter(Boolean);
  let from = 0;
  for (const segment of segments) {
    const at = have.indexOf(segment, from);
    if (at < 0) return 0;
    from = at + segment.length;
  }
  return segments.length > 1 ? 0.3 : 0;
}

/** A file named after a symbol, whatever the naming convention: InterceptorManager, interceptor_manager. */
function nameFit(path: string, symbol: string): number {
  const stem = fileStem(path).toLowerCase().replace(/[-_.]/g, '');
  const name = symbol.toLowerCase().replace(/[-_.$]/g, '');
  return name.length >= 3 && stem === name ? 1 : 0;
}

/** The file's name without its extensions. */
export function fileStem(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.indexOf('.', 1);
  return dot < 0 ? name : name.slice(0, dot);
}

/** Reads the rows, drops what the filter refuses, and fills in the values that a retriever did not propose. */
function complete(
  found: Map<number, Mutable>,
  snapshot: Snapshot,
  vectors: QueryVectors,
  filter: ChunkFilter,
  query: Query,
): Candidate[] {
  const rows = snapshot.chunks([...found.keys()]).filter((row) => passes(row, filter));
  const ids = rows.map((row) => row.id);
  const lacking = (retriever: Retriever): number[] =>
    ids.filter((id) => found.get(id)?.[retriever] === undefined);
  if (vectors.contextual && vectors.spaceId)
    fill(
      found,
      snapshot.vectorScores(vectors.spaceId, vectors.contextual, lacking('contextual')),
      'contextual',
    );
  if (vectors.static) {
    const silent = ids.filter((id) => {
      const votes = found.get(id);
      return votes?.contextual === undefined && votes?.static === undefined;
    });
    fill(found, snapshot.staticScores(vectors.static, silent), 'static');
  }
  const needsWords = query.phrases.length > 0 || query.without.length > 0;
  return rows
    .filter((row) => !needsWords || satisfies(row, query, found.get(row.id)?.words !== undefined))
    .map((chunk) => ({ chunk, ...found.get(chunk.id) }));
}

function fill(
  found: Map<number, Mutable>,
  values: Map<number, number>,
  retriever: Retriever,
): void {
  for (const [id, value] of values) entry(found, id)[retriever] ??= { value };
}

/** True for a chunk that the filter lets through. */
export function passes(row: ChunkRow, filter: ChunkFilter): boolean {
  return (
    (filter.path?.(row.path) ?? true) &&
    (filter.languages?.has(row.language) ?? true) &&
    (filter.kinds?.has(row.kind) ?? true)
  );
}

// BM25 has looked at phrases and excluded words; what only vectors or names proposed has not been looked at.
function satisfies(row: ChunkRow, query: Query, isFromWords: boolean): boolean {
  if (isFromWords) return true;
  if (query.phrases.length > 0) return false;
  const text = `${row.path}\n${row.text}`.toLowerCase();
  return query.without.every((word) => !text.includes(word));
}
