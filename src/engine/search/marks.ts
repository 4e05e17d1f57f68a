/**
 * What the user's marks do to an answer, at once and before anything is trained. A mark counts for the query
 * it was set for, and for close paraphrases of it by the cosine of their base embeddings, the more the closer.
 * It is the last stage: everything before it is as without marks, so other hits keep their order, other
 * queries change nothing, and taking a mark back restores the answer bit for bit.
 */
import { dot } from '../../base/vector';
import { foldText } from '../../base/text';
import type { Snapshot } from '../store/types';
import type { Query } from './query';

/** Hits that a person sees without scrolling: what is marked not relevant never stands among them. */
export const FOLD = 10;
/** Base cosine from which on two queries ask the same. */
const CLOSE = 0.9;
/** Weight of a mark at exactly that cosine; it grows to 1 at cosine 1. */
const LEAST_WEIGHT = 0.25;
/**
 * What a mark of weight 1 adds to a relevant hit, in units of the best score of the answer: more than 1, so
 * that it stands first though it scored nothing by itself.
 */
const RAISE = 1.25;
/** Share of that for a hit that was only opened. */
const WEAK_SHARE = 0.1;

/** A mark as a search takes it. */
export interface SearchMark {
  readonly id: string;
  readonly verdict: 'relevant' | 'notRelevant';
  /** The hit was opened, nobody judged it. */
  readonly isWeak: boolean;
  /** When it was set, ISO 8601: of two equally close marks on one chunk the later counts. */
  readonly time: string;
  /** What it was set for, as a person knows it. */
  readonly setFor: string;
  /** For marks of a query: its text without syntax, folded, and its embedding where there is one. */
  readonly query?: string;
  readonly vector?: Float32Array;
  /** For marks of a source span: the chunk that is there now. */
  readonly source?: (snapshot: Snapshot) => number | undefined;
  /** The marked chunk as the snapshot has it; undefined when its code is gone. */
  readonly chunk: (snapshot: Snapshot) => number | undefined;
}

/** A mark that counts for the question at hand. */
export interface MarkInfluence {
  readonly mark: SearchMark;
  /** 1: set for this very question; less: for a close one. */
  readonly similarity: number;
}

/** Influences by chunk. */
export type Influences = ReadonlyMap<number, MarkInfluence>;

const NONE: Influences = new Map();

/** Marks that count for a query. `vector` is its base embedding, where it has one. */
export function influencesOnQuery(
  marks: readonly SearchMark[] | undefined,
  query: Query,
  vector: Float32Array | undefined,
  snapshot: Snapshot,
): Influences {
  if (!marks?.length || query.text === '') return NONE;
  const folded = foldText(query.text);
  // A name asked for is exact: one that is spelled nearly so is another name, not a paraphrase.
  const base = query.kind === 'symbol' || query.kind === 'path' ? undefined : vector;
  return byChunk(marks, snapshot, (mark) => {
    if (mark.query === undefined) return 0;
    if (mark.query === folded) return 1;
    return base && mark.vector?.length === base.length ? belowOne(dot(base, mark.vector)) : 0;
  });
}

/** Marks that count for the like of a span. `own` is its chunk, `similarityTo` the cosine to another chunk. */
export function influencesOnSource(
  marks: readonly SearchMark[] | undefined,
  own: number | undefined,
  similarityTo: (chunkId: number) => number,
  snapshot: Snapshot,
): Influences {
  if (!marks?.length) return NONE;
  return byChunk(marks, snapshot, (mark) => {
    const source = mark.source?.(snapshot);
    if (source === undefined) return 0;
    return source === own ? 1 : belowOne(similarityTo(source));
  });
}

/** The name of a paraphrase is never 1, which means the question itself. */
function belowOne(similarity: number): number {
  return Math.min(similarity, 0.9999);
}

function byChunk(
  marks: readonly SearchMark[],
  snapshot: Snapshot,
  similarityOf: (mark: SearchMark) => number,
): Influences {
  const found = new Map<number, MarkInfluence>();
  for (const mark of marks) {
    const similarity = similarityOf(mark);
    const chunkId = similarity >= CLOSE ? mark.chunk(snapshot) : undefined;
    if (chunkId === undefined) continue;
    const influence = { mark, similarity };
    const other = found.get(chunkId);
    if (!other || isStronger(influence, other)) found.set(chunkId, influence);
  }
  return found;
}

function isStronger(a: MarkInfluence, b: MarkInfluence): boolean {
  if (a.mark.isWeak !== b.mark.isWeak) return b.mark.isWeak;
  if (a.similarity !== b.similarity) return a.similarity > b.similarity;
  return a.mark.time >= b.mark.time;
}

/** True for a chunk that must not stand above the fold. */
export function isSunk(influences: Influences, chunkId: number): boolean {
  return influences.get(chunkId)?.mark.verdict === 'notRelevant';
}

/** Chunks marked relevant, which belong into the answer though nothing else proposed them. */
export function wantedChunks(influences: Influences): number[] {
  return [...influences]
    .filter(([, { mark }]) => mark.verdict === 'relevant' && !mark.isWeak)
    .map(([chunkId]) => chunkId);
}

/** What a mark did to one hit. */
export interface MarkEffect extends MarkInfluence {
  /** Added to the score; negative where it took away. */
  readonly added: number;
}

/** How hits are told apart and ordered. */
interface Sorting<H> {
  readonly chunkId: (hit: H) => number;
  readonly compare: (a: H, b: H) => number;
}

interface Scored {
  readonly score: number;
  readonly mark?: MarkEffect;
}

/**
 * Moves marked hits; `hits` come best first. What is marked relevant gains in proportion to the best score.
 * What is marked not relevant falls behind the first `FOLD` of the others, or behind all of them, however the
 * scores lie. Scores never rise with rank afterwards either.
 */
export function applyMarks<H extends Scored>(
  hits: readonly H[],
  influences: Influences,
  { chunkId, compare }: Sorting<H>,
): readonly H[] {
  if (influences.size === 0) return hits;
  const top = Math.max(1e-6, hits[0]?.score ?? 0);
  const influenceOn = (hit: H): MarkInfluence | undefined => influences.get(chunkId(hit));
  const kept = hits
    .filter((hit) => !isSunk(influences, chunkId(hit)))
    .map((hit) => changed(hit, influenceOn(hit), (score, weight) => score + RAISE * weight * top))
    .sort(compare);
  const limit = kept[Math.min(FOLD, kept.length) - 1]?.score ?? Infinity;
  const sunk = hits
    .filter((hit) => isSunk(influences, chunkId(hit)))
    .map((hit) => changed(hit, influenceOn(hit), (score, weight) => lowered(score, limit, weight)));
  return [...kept.slice(0, FOLD), ...[...kept.slice(FOLD), ...sunk].sort(compare)];
}

/**
 * The first `limit` of the marked hits. What the answer would hold but for its mark stays in it, as far as there is
 * room below the fold: a person sees what was marked, and can take it back there.
 */
export function cutMarked<H>(
  marked: readonly H[],
  unmarked: readonly H[],
  influences: Influences,
  { limit, chunkId }: { readonly limit: number; readonly chunkId: (hit: H) => number },
): readonly H[] {
  const top = unmarked.slice(0, limit).map(chunkId);
  const seen = new Set(top.filter((id) => isSunk(influences, id)).slice(0, limit - FOLD));
  if (limit <= FOLD || seen.size === 0) return marked.slice(0, limit);
  let room = limit - seen.size;
  return marked.filter((hit) => seen.has(chunkId(hit)) || room-- > 0);
}

/** At most the limit, and less by the weight; a cosine below 0 falls as well. */
function lowered(score: number, limit: number, weight: number): number {
  const atMost = Math.min(score, limit);
  return atMost - weight * Math.abs(atMost);
}

function changed<H extends Scored>(
  hit: H,
  influence: MarkInfluence | undefined,
  change: (score: number, weight: number) => number,
): H {
  if (!influence) return hit;
  const score = change(hit.score, weightOf(influence));
  return { ...hit, score, mark: { ...influence, added: score - hit.score } };
}

function weightOf({ mark, similarity }: MarkInfluence): number {
  const closeness = Math.min(1, (similarity - CLOSE) / (1 - CLOSE));
  const weight = LEAST_WEIGHT + (1 - LEAST_WEIGHT) * closeness;
  return mark.isWeak ? weight * WEAK_SHARE : weight;
}

/** One sentence that names the mark. */
export function sentenceOfMark({ mark, similarity }: MarkInfluence): string {
  const { verdict, isWeak, setFor, time } = mark;
  const did = isWeak ? 'opened it' : `marked it ${verdict === 'relevant' ? '' : 'not '}relevant`;
  const close =
    similarity === 1 ? '' : `, which is close to this (cosine ${similarity.toFixed(2)})`;
  return `you ${did} for ${setFor} on ${time.slice(0, 10)}${close}`;
}
