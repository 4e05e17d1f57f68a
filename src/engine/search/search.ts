/**
 * The pipeline: understand the query, retrieve, fuse, apply rules, limit each file, re-rank, apply marks,
 * explain. One snapshot from beginning to end; marks and weights are plain arguments.
 */
import { AbortedError } from '../../base/errors';
import type { ChunkFilter } from '../store/types';
import { type Ruled, applyRules, byScore, limitPerFile } from './boosts';
import { explainHit } from './explain';
import { isBelowFloor } from './floor';
import { type Fused, fuse } from './fuse';
import {
  applyMarks,
  cutMarked,
  type Influences,
  influencesOnQuery,
  isSunk,
  type MarkEffect,
  wantedChunks,
} from './marks';
import { mappedSnapshot, mapQuery } from './learned';
import { type ReadQuery, readSentence, readWords } from './learnedWords';
import { packHits } from './pack';
import { isMostlyUnknown, joinFilters, parseQuery, type Query } from './query';
import {
  bestWindow,
  firstStageConfidence,
  mostOfReranker,
  rerank,
  rerankText,
  rerankUntil,
  type RerankScore,
} from './rerank';
import {
  type Candidate,
  candidatesOf,
  type QueryVectors,
  RETRIEVER_DEPTH,
  retrieve,
} from './retrieve';
import type { Hit, SearchContext, SearchRequest, SearchResult, Tier } from './types';
import { DEFAULT_WEIGHTS, type FusionWeights, meaningShare } from './weights';

/** Candidates that the re-ranker reads without a clock. */
const DEFAULT_RERANK_COUNT = 30;
const DEFAULT_PER_FILE = 3;

/** A candidate on its way through the pipeline. */
interface Ranked extends Ruled {
  readonly fused: Fused;
  readonly mark?: MarkEffect;
  readonly repeatFactor: number;
  /** Here because of marks alone; the re-ranker does not read it, so that others are scored as without marks. */
  readonly isExtra: boolean;
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
  const typed = parseQuery(request.query);
  const { query, read } = readWords(typed, context.words, context.snapshot);
  const isUnknown = isMostlyUnknown(context.tokenizer, query.text);
  clock.lap('parse');
  const base = isUnknown || query.text === '' ? {} : await queryVectors(context, query, signal);
  clock.lap('embed');
  throwIfAborted(signal);
  // Marks were made on what was typed, so they are compared by that.
  const own = read.length > 0 ? undefined : base.contextual;
  const asTyped = base.contextual && (await markVector(context, typed, own, signal));
  const influences = influencesOnQuery(context.marks, typed, asTyped, context.snapshot);
  const vectors = mappedVectors(context, base);
  const question: Question = { query, vectors, influences, request, weights };
  const ranked = rankCandidates(context, question, clock);
  const finish = (unmarked: readonly Ranked[], isReranked: boolean): SearchResult => {
    const marked = applyMarks(unmarked, influences, sorting);
    const { limit, budgetTokens } = request;
    const { chunkId } = sorting;
    const hits = cutMarked(marked, unmarked, influences, { limit, chunkId });
    const shown = hits.map((hit) => toHit(hit, query, context, request));
    return {
      hits: budgetTokens === undefined ? shown : packHits(context.snapshot, shown, budgetTokens),
      tiers: tiersOf(vectors),
      noGoodMatch: isWithoutAnswer(hits, query, context),
      note: noteOf(isUnknown, query, read),
      isReranked,
      tookMs: clock.laps(),
    };
  };
  if (!request.rerank || !context.reranker || isUnknown || ranked.length < 2)
    return finish(ranked, false);
  onFirst?.(finish(ranked, false));
  const reranked = await rerankTop(context, question, ranked, signal);
  clock.lap('rerank');
  return finish(reranked, true);
}

/** One query with all that is decided about it before candidates are looked at. */
interface Question {
  readonly query: Query;
  readonly vectors: QueryVectors;
  readonly influences: Influences;
  readonly request: SearchRequest;
  readonly weights: FusionWeights;
}

const sorting = { chunkId: ({ candidate }: Ranked) => candidate.chunk.id, compare: byScore };

/** The hits before re-ranking, marks not applied yet. */
function rankCandidates(
  context: SearchContext,
  question: Question,
  clock: Stopwatch,
): readonly Ranked[] {
  const { query, vectors, influences, request, weights } = question;
  const snapshot = mappedSnapshot(context.snapshot, context.learned, vectors.spaceId);
  const filter: ChunkFilter = joinFilters(query.filter, request.filter);
  const depth = Math.max(RETRIEVER_DEPTH, request.limit * 2);
  const { candidates, wordsMs, vectorsMs } = retrieve(snapshot, query, vectors, filter, depth);
  clock.note('words', wordsMs);
  clock.note('vectors', vectorsMs);
  const hasMeaning = candidates.some((candidate) => candidate.contextual);
  const shares = {
    contextual: meaningShare(weights, query.kind),
    static: weights.meaningStatic,
    prose: weights.meaningProse,
  };
  const fused = fuse(candidates, shares);
  const ruled = applyRules(
    candidates,
    fused.map((part) => part.score),
    query,
    weights,
    hasMeaning,
  );
  const wanted = new Set(wantedChunks(influences));
  const limited = limitPerFile(
    ruled.map((hit, index) => ({ ...hit, ...unlimited, fused: fused[index]! })),
    {
      perFile: request.perFile ?? DEFAULT_PER_FILE,
      factor: weights.sameFileFactor,
      isKept: (id) => wanted.has(id) || isSunk(influences, id),
      isFree: (id) => isSunk(influences, id),
    },
  );
  for (const { candidate } of limited) wanted.delete(candidate.chunk.id);
  const missing = candidatesOf(snapshot, [...wanted], query, vectors, filter).map(unproposed);
  clock.lap('fuse');
  return missing.length === 0 ? limited : [...limited, ...missing];
}

const unlimited = { repeatFactor: 1, isExtra: false };

/** A chunk that is here only because it was marked relevant. */
function unproposed(candidate: Candidate): Ranked {
  const fused = { words: 0, meaning: 0, share: 0, score: 0 };
  return { candidate, base: 0, score: 0, effects: [], fused, repeatFactor: 1, isExtra: true };
}

/** What the user marked not relevant answers nothing; what was marked relevant for this very query does. */
function isWithoutAnswer(hits: readonly Ranked[], query: Query, context: SearchContext): boolean {
  const isAnswer = ({ mark }: Ranked): boolean =>
    mark?.similarity === 1 && mark.mark.verdict === 'relevant' && !mark.mark.isWeak;
  if (hits.some(isAnswer)) return false;
  const candidates = hits
    .filter(({ mark }) => mark?.mark.verdict !== 'notRelevant')
    .map((hit) => hit.candidate);
  return isBelowFloor(candidates, query, context.snapshot);
}

async function rerankTop(
  context: SearchContext,
  { query, request, weights }: Question,
  all: readonly Ranked[],
  signal: AbortSignal | undefined,
): Promise<Ranked[]> {
  const count = request.rerankCount ?? DEFAULT_RERANK_COUNT;
  const ranked = all.filter((hit) => !hit.isExtra);
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
  const reranked = ranked.map((hit, index): Ranked => {
    const score = scores[index];
    if (!score) return hit;
    const most = mostOfReranker(hit.candidate.chunk, weights);
    const added = most * unsure * top * score.share;
    return {
      ...hit,
      score: hit.score + added,
      rerank: { ...score, added, rank: rankOf.get(index)! },
    };
  });
  return [...reranked, ...all.filter((hit) => hit.isExtra)].sort(byScore);
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

/** Marks keep their effect whatever was learned: they are compared by base embeddings. `own` is that one where it is known. */
async function markVector(
  { marks, embedder, markEmbedder }: SearchContext,
  typed: Query,
  own: Float32Array | undefined,
  signal?: AbortSignal,
): Promise<Float32Array | undefined> {
  if (!marks?.length || (own && !markEmbedder)) return own;
  return (markEmbedder ?? embedder)?.embedQuery(typed.text, signal);
}

/** Through what was learned, where something was. Marks are compared by base embeddings all the same. */
function mappedVectors({ learned }: SearchContext, vectors: QueryVectors): QueryVectors {
  if (!learned || !vectors.contextual) return vectors;
  return { ...vectors, contextual: mapQuery(learned, vectors.contextual) };
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

function noteOf(isUnknown: boolean, query: Query, read: ReadQuery['read']): string | undefined {
  if (query.problems.length > 0) return query.problems.join('; ');
  if (isUnknown)
    return 'The active model does not know these characters, so the answer rests on words alone; a multilingual model would help: `nearmiss models catalog` lists some';
  return readSentence(read);
}

function toHit(hit: Ranked, query: Query, context: SearchContext, request: SearchRequest): Hit {
  const { chunk } = hit.candidate;
  const window = bestWindow(chunk, query, context.tokenizer);
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
      ? explainHit({ ...hit, meaningShare: hit.fused.meaningTier ? hit.fused.share : 0 })
      : undefined,
    mark: hit.mark,
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
