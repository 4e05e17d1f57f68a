/**
 * The pipeline: understand the query, retrieve, fuse, apply rules, limit each file, re-rank, explain.
 * One snapshot from beginning to end; marks and weights are plain arguments.
 */
import { AbortedError } from '../../base/errors';
import type { Tokenizer } from '../encoders/types';
import type { ChunkFilter } from '../store/types';
import { type Ruled, applyRules, byScore, limitPerFile } from './boosts';
import { explainHit } from './explain';
import { isBelowFloor } from './floor';
import { type Fused, fuse } from './fuse';
import { type Query, joinFilters, parseQuery } from './query';
import {
  bestWindow,
  firstStageConfidence,
  rerank,
  rerankText,
  rerankUntil,
  type RerankScore,
} from './rerank';
import { type QueryVectors, RETRIEVER_DEPTH, retrieve } from './retrieve';
import type { Hit, SearchContext, SearchRequest, SearchResult, Tier } from './types';
import { DEFAULT_WEIGHTS, type FusionWeights, meaningShare } from './weights';

/** Candidates that the re-ranker reads without a clock. */
const DEFAULT_RERANK_COUNT = 30;
const DEFAULT_PER_FILE = 3;
/** From this share of unknown tokens on, embeddings of the text mean nothing. */
const MOSTLY_UNKNOWN = 0.5;

/** A candidate on its way through the pipeline. */
interface Ranked extends Ruled {
  readonly fused: Fused;
  readonly mark: number;
  readonly repeatFactor: number;
  readonly rerank?: RerankScore & { readonly added: number; readonly rank: number };
}

/**
 * Answers a query. With re-ranking and a budget, `onFirst` gets the fused hits before the re-ranker starts;
 * the result is the one update that follows.
 */
export async function search(
  context: SearchContext,
  request: SearchRequest,
  signal?: AbortSignal,
  onFirst?: (result: SearchResult) => void,
): Promise<SearchResult> {
  const clock = stopwatch();
  const weights = { ...DEFAULT_WEIGHTS, ...context.weights };
  const query = parseQuery(request.query);
  const isUnknown = isMostlyUnknown(context.tokenizer, query.text);
  clock.lap('parse');
  const vectors = isUnknown || query.text === '' ? {} : await queryVectors(context, query, signal);
  clock.lap('embed');
  throwIfAborted(signal);
  const ranked = rankCandidates(context, query, vectors, request, weights, clock);
  const finish = (hits: readonly Ranked[], isReranked: boolean): SearchResult => ({
    hits: hits.slice(0, request.limit).map((hit) => toHit(hit, query, context, request, weights)),
    tiers: tiersOf(vectors),
    noGoodMatch: isBelowFloor(
      hits.slice(0, request.limit).map((hit) => hit.candidate),
      query,
      context.snapshot,
    ),
    note: noteOf(isUnknown, query),
    isReranked,
    tookMs: clock.laps(),
  });
  if (!request.rerank || !context.reranker || isUnknown || ranked.length < 2)
    return finish(ranked, false);
  onFirst?.(finish(ranked, false));
  const reranked = await rerankTop(context, query, ranked, request, weights, signal);
  clock.lap('rerank');
  return finish(reranked, true);
}

function rankCandidates(
  context: SearchContext,
  query: Query,
  vectors: QueryVectors,
  request: SearchRequest,
  weights: FusionWeights,
  clock: Stopwatch,
): Ranked[] {
  const filter: ChunkFilter = joinFilters(query.filter, request.filter);
  const depth = Math.max(RETRIEVER_DEPTH, request.limit * 2);
  const { candidates, wordsMs, vectorsMs } = retrieve(
    context.snapshot,
    query,
    vectors,
    filter,
    depth,
  );
  clock.note('words', wordsMs);
  clock.note('vectors', vectorsMs);
  const hasMeaning = candidates.some((candidate) => candidate.contextual);
  const shares = { contextual: meaningShare(weights, query.kind), static: weights.meaningStatic };
  const fused = fuse(candidates, shares);
  const ruled = applyRules(
    candidates,
    fused.map((part) => part.score),
    query,
    weights,
    hasMeaning,
  );
  const top = Math.max(0, ...ruled.map((hit) => hit.score));
  const marks = new Map((context.marks ?? []).map((mark) => [mark.chunkId, mark.change]));
  const ranked = ruled.map((hit, index): Ranked => {
    const mark = (marks.get(hit.candidate.chunk.id) ?? 0) * top;
    return { ...hit, score: hit.score + mark, mark, fused: fused[index]!, repeatFactor: 1 };
  });
  const limited = limitPerFile(ranked, request.perFile ?? DEFAULT_PER_FILE, weights.sameFileFactor);
  clock.lap('fuse');
  return limited;
}

async function rerankTop(
  context: SearchContext,
  query: Query,
  ranked: readonly Ranked[],
  request: SearchRequest,
  weights: FusionWeights,
  signal: AbortSignal | undefined,
): Promise<Ranked[]> {
  const count = request.rerankCount ?? DEFAULT_RERANK_COUNT;
  const candidates = ranked.slice(0, count);
  const texts = candidates.map(({ candidate: { chunk } }) =>
    rerankText(chunk, bestWindow(chunk, query, context.tokenizer)),
  );
  const scores =
    request.budgetMs === undefined
      ? await rerank(context.reranker!, query, texts, signal)
      : await rerankUntil(
          context.reranker!,
          query,
          texts,
          performance.now() + request.budgetMs,
          signal,
        );
  const top = Math.max(1e-6, ranked[0]?.score ?? 0);
  const unsure = 1 - firstStageConfidence(ranked.map((hit) => hit.score));
  const order = scores.map((_, index) => index).sort((a, b) => scores[b]!.logit - scores[a]!.logit);
  const rankOf = new Map(order.map((index, rank) => [index, rank + 1]));
  return ranked
    .map((hit, index): Ranked => {
      const score = scores[index];
      if (!score) return hit;
      const added = weights.rerank * unsure * top * score.share;
      return {
        ...hit,
        score: hit.score + added,
        rerank: { ...score, added, rank: rankOf.get(index)! },
      };
    })
    .sort(byScore);
}

/** The query in every space there is; tiers whose encoder is missing stay out. */
async function queryVectors(
  context: SearchContext,
  query: Query,
  signal?: AbortSignal,
): Promise<QueryVectors> {
  const { embedder, snapshot, staticEncoder } = context;
  const counts = snapshot.counts;
  const hasContextual = embedder !== undefined && counts.embeddedCount > 0;
  const isComplete = counts.embeddedCount >= counts.chunkCount;
  const contextual = hasContextual ? await embedder.embedQuery(query.text, signal) : undefined;
  const needsStatic = staticEncoder !== undefined && !(hasContextual && isComplete);
  return {
    spaceId: contextual ? embedder?.space.id : undefined,
    contextual,
    static: needsStatic ? nonZeroVector(staticEncoder.embed(query.text)) : undefined,
  };
}

function nonZeroVector(vector: Float32Array): Float32Array | undefined {
  return vector.some((value) => value !== 0) ? vector : undefined;
}

function tiersOf(vectors: QueryVectors): Tier[] {
  const tiers: Tier[] = ['words'];
  if (vectors.static) tiers.push('static');
  if (vectors.contextual) tiers.push('contextual');
  return tiers;
}

function isMostlyUnknown(tokenizer: Tokenizer | undefined, text: string): boolean {
  return tokenizer !== undefined && text !== '' && tokenizer.unknownShare(text) > MOSTLY_UNKNOWN;
}

function noteOf(isUnknown: boolean, query: Query): string | undefined {
  if (query.problems.length > 0) return query.problems.join('; ');
  if (isUnknown)
    return 'The active model does not know these characters, so the answer rests on words alone; a multilingual model would help';
  return undefined;
}

function toHit(
  hit: Ranked,
  query: Query,
  context: SearchContext,
  request: SearchRequest,
  weights: FusionWeights,
): Hit {
  const { chunk } = hit.candidate;
  const window = bestWindow(chunk, query, context.tokenizer);
  const share =
    hit.fused.meaningTier === 'static' ? weights.meaningStatic : meaningShare(weights, query.kind);
  return {
    chunkId: chunk.id,
    path: chunk.path,
    span: chunk.span,
    symbol: chunk.symbol,
    kind: chunk.kind,
    language: chunk.language,
    text: chunk.text,
    window: {
      start: chunk.span.start + window.start,
      end: Math.min(chunk.span.end, chunk.span.start + window.end),
    },
    score: hit.score,
    explain: request.explain
      ? explainHit({ ...hit, meaningShare: hit.fused.meaningTier ? share : 0 })
      : undefined,
  };
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortedError();
}

interface Stopwatch {
  lap(stage: string): void;
  note(stage: string, ms: number): void;
  laps(): Readonly<Record<string, number>>;
}

function stopwatch(): Stopwatch {
  const startMs = performance.now();
  const stages: Record<string, number> = {};
  let lastMs = startMs;
  return {
    lap(stage) {
      const nowMs = performance.now();
      stages[stage] = nowMs - lastMs;
      lastMs = nowMs;
    },
    note(stage, ms) {
      stages[stage] = ms;
    },
    laps: () => ({ ...stages, total: performance.now() - startMs }),
  };
}
