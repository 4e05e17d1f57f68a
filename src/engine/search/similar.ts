/**
 * Find similar: other places that mean what a span of a file means. The query is the mean of the span's own
 * embeddings; where none are there yet, its rarest words stand in.
 */
import { NearmissError } from '../../base/errors';
import type { Span } from '../documents/document';
import { mostOverlapping } from '../documents/span';
import { queryTermsOf } from '../store/terms';
import type { ChunkFilter, ChunkRow, Scored, Snapshot } from '../store/types';
import { markPart } from './explain';
import { mappedSnapshot, mapQuery } from './learned';
import {
  applyMarks,
  cutMarked,
  type Influences,
  influencesOnSource,
  isSunk,
  type MarkEffect,
  wantedChunks,
} from './marks';
import { packHits } from './pack';
import { passes } from './retrieve';
import type { Hit, SearchContext, SearchResult } from './types';

export interface SimilarRequest {
  readonly path: string;
  /** 0-based lines, end exclusive. */
  readonly span: Span;
  readonly limit: number;
  readonly filter?: ChunkFilter;
  readonly perFile?: number;
  /** What the span says where it is not saved, in place of what is stored there. */
  readonly unsaved?: UnsavedText;
  /** As of a search. */
  readonly budgetTokens?: number;
}

export interface UnsavedText {
  readonly text: string;
  /** Its embedding in the space of the context's embedder, unit length. */
  readonly vector?: Float32Array;
}

const DEFAULT_PER_FILE = 3;
/** Words of the span that ask in place of an embedding. */
const STAND_IN_TERMS = 24;

export function findSimilar(context: SearchContext, request: SimilarRequest): SearchResult {
  const startMs = performance.now();
  const { snapshot } = context;
  const own = snapshot.chunksAt(request.path, request.span.start, request.span.end);
  if (own.length === 0 && !request.unsaved) throw nothingAt(snapshot, request);
  const asked = askedOf(context, own, request.unsaved);
  const influences = influencesOf(context, own, asked, request.span);
  const limit = (request.limit + influences.size) * 3 + own.length;
  const { scored, tier } = nearest(...underHead(context, asked, own), limit, request.filter);
  const found = toHits(snapshot, scored, own, request, influences);
  const marked = applyMarks(found, influences, sorting);
  const cut = { limit: request.limit, chunkId: sorting.chunkId };
  const hits = cutMarked(marked, found, influences, cut).map(explained);
  const { budgetTokens } = request;
  return {
    hits: budgetTokens === undefined ? hits : packHits(snapshot, hits, budgetTokens),
    tiers: [tier],
    noGoodMatch: hits.length === 0,
    isReranked: false,
    note: tier === 'words' ? 'Rests on words: this span has no embedding yet' : undefined,
    tookMs: { total: performance.now() - startMs },
  };
}

interface SimilarHit extends Omit<Hit, 'mark'> {
  readonly mark?: MarkEffect;
}

/** The order of the scan, also among equals. */
const sorting = {
  chunkId: (hit: SimilarHit) => hit.chunkId,
  compare: (a: SimilarHit, b: SimilarHit) => b.score - a.score,
};

function explained(hit: SimilarHit): Hit {
  return hit.mark ? { ...hit, explain: [markPart(hit.mark)] } : hit;
}

/** What stands for the span: its embedding, and the words that ask where there is none. */
interface Asked {
  readonly vector?: Float32Array;
  readonly text: string;
  /** Chunks that will be found and are the span itself. */
  readonly ownCount: number;
  readonly isUnsaved?: boolean;
}

function askedOf(
  { snapshot, embedder }: SearchContext,
  own: readonly ChunkRow[],
  unsaved: UnsavedText | undefined,
): Asked {
  const ownCount = own.length;
  if (unsaved) return { ...unsaved, ownCount, isUnsaved: true };
  const ids = own.map((chunk) => chunk.id);
  const vector = embedder && snapshot.meanVector(embedder.space.id, ids);
  return { vector, text: own.map((chunk) => chunk.text).join('\n'), ownCount };
}

/** What was marked for this span, or for one whose embedding is close to it. */
function influencesOf(
  { snapshot, embedder, markEmbedder, marks }: SearchContext,
  own: readonly ChunkRow[],
  asked: Asked,
  span: Span,
): Influences {
  const isStored = asked.isUnsaved !== true && markEmbedder !== undefined;
  const space = (isStored ? markEmbedder : embedder)?.space.id;
  const ids = own.map(({ id }) => id);
  const vector = isStored ? snapshot.meanVector(markEmbedder.space.id, ids) : asked.vector;
  const similarityTo = (id: number): number =>
    (space !== undefined && vector && snapshot.vectorScores(space, vector, [id]).get(id)) || 0;
  return influencesOnSource(marks, mostOverlapping(own, span)?.id, similarityTo, snapshot);
}

/** Both sides of a pair of chunks are documents, so only a head that maps both changes anything. */
function underHead(
  context: SearchContext,
  asked: Asked,
  own: readonly ChunkRow[],
): [SearchContext, Asked] {
  const { learned, embedder } = context;
  if (!learned?.mapsSimilar || learned.head?.kind !== 'shared-head' || !embedder || !asked.vector)
    return [context, asked];
  const spaceId = embedder.space.id;
  const snapshot = mappedSnapshot(context.snapshot, learned, spaceId);
  const ids = own.map(({ id }) => id);
  const vector =
    asked.isUnsaved === true ? mapQuery(learned, asked.vector) : snapshot.meanVector(spaceId, ids);
  return [
    { ...context, snapshot },
    { ...asked, vector },
  ];
}

function nearest(
  { snapshot, embedder, staticEncoder }: SearchContext,
  { vector, text, ownCount }: Asked,
  limit: number,
  filter: ChunkFilter | undefined,
): { scored: Scored[]; tier: 'contextual' | 'static' | 'words' } {
  if (embedder && vector)
    return {
      scored: snapshot.searchVectors(embedder.space.id, vector, limit, filter),
      tier: 'contextual',
    };
  const statics = staticEncoder?.embed(text);
  const scored = statics?.some((value) => value !== 0)
    ? snapshot.searchStatic(statics, limit, filter)
    : [];
  if (scored.length > ownCount) return { scored, tier: 'static' };
  return {
    scored: snapshot.searchWords({ terms: rarest(snapshot, text) }, limit, filter),
    tier: 'words',
  };
}

function rarest(snapshot: Snapshot, text: string): string[] {
  return [...new Set(queryTermsOf(text))]
    .map((term) => ({ term, count: snapshot.documentFrequency(term) }))
    .sort((a, b) => a.count - b.count || (a.term < b.term ? -1 : 1))
    .slice(0, STAND_IN_TERMS)
    .map(({ term }) => term);
}

function toHits(
  snapshot: Snapshot,
  scored: readonly Scored[],
  own: readonly ChunkRow[],
  request: SimilarRequest,
  influences: Influences,
): SimilarHit[] {
  const itself = new Set(own.map((chunk) => chunk.id));
  const perFile = request.perFile ?? DEFAULT_PER_FILE;
  const wanted = new Set(wantedChunks(influences));
  const scores = new Map(scored.map(({ chunkId, score }) => [chunkId, score]));
  const taken = new Map<string, number>();
  const hits: SimilarHit[] = [];
  const proposed = scored.map(({ chunkId }) => chunkId);
  const unproposed = snapshot
    .chunks([...wanted].filter((id) => !scores.has(id)))
    .filter((chunk) => passes(chunk, request.filter ?? {}));
  for (const chunk of [...snapshot.chunks(proposed), ...unproposed]) {
    const count = taken.get(chunk.path) ?? 0;
    const isMarked = wanted.has(chunk.id) || isSunk(influences, chunk.id);
    if (itself.has(chunk.id) || (count >= perFile && !isMarked)) continue;
    if (!isSunk(influences, chunk.id)) taken.set(chunk.path, count + 1);
    const { id: chunkId, path, span, symbol, kind, language, text } = chunk;
    hits.push({
      chunkId,
      path,
      span,
      symbol,
      kind,
      language,
      text,
      window: span,
      score: scores.get(chunkId) ?? 0,
    });
  }
  return hits;
}

function nothingAt(snapshot: Snapshot, request: SimilarRequest): NearmissError {
  const { path, span } = request;
  if (!snapshot.document(path))
    return new NearmissError(
      'notFound',
      `${path} is not in the index`,
      `nearmiss why ${path} says why`,
    );
  return new NearmissError(
    'notFound',
    `${path} has no indexed text at lines ${span.start + 1}-${span.end}`,
    'Choose lines that hold text',
  );
}
