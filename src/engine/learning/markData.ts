/**
 * Marks as learning takes them: by query, each on the chunk that is there now, with the weight of section 1.1 of the
 * methods. What says the same twice counts once. What is stale, speaks of a secret, or was left out by a person does not
 * come in; what contradicts itself is set aside.
 */
import type { Span } from '../documents/document';
import { redactSecrets } from '../documents/secrets';
import { followChunk } from '../feedback/follow';
import type { Mark } from '../feedback/mark';
import type { KeptMark } from '../feedback/marks';
import { parseQuery } from '../search/query';
import type { ChunkRow, Snapshot } from '../store/types';
import { foldQuery } from '../training/duplicates';
import type { RankedPlace, ReviewDecision, ReviewItem } from './report';

/** An opened hit is half an answer. */
const OPENED_WEIGHT = 0.5;

/** A chunk that was judged. */
export interface JudgedChunk {
  readonly markId: string;
  readonly chunkId: number;
  readonly path: string;
  readonly span: Span;
  readonly symbol: string;
  readonly time: string;
  readonly weight: number;
}

/** Everything said about one query. */
export interface MarkedQuery {
  /** As typed, filters included: what is searched. */
  readonly asked: string;
  /** Without its syntax: what is learned. */
  readonly text: string;
  /** Of the newest mark. */
  readonly time: string;
  readonly relevant: readonly JudgedChunk[];
  readonly wrong: readonly JudgedChunk[];
  /** All that is said about it came with the repository. */
  readonly isOthers?: true;
}

/** Two chunks, and whether they were found alike. */
export interface MarkedPair {
  readonly a: number;
  readonly b: number;
  readonly isAlike: boolean;
  readonly time: string;
}

export interface MarkData {
  readonly queries: readonly MarkedQuery[];
  readonly pairs: readonly MarkedPair[];
  /** Set aside, for a person to look at. */
  readonly review: readonly ReviewItem[];
  readonly counts: MarkCounts;
}

/** Usable ones and those of each reason to leave one out are all the marks there are. */
interface MarkCounts {
  readonly marks: number;
  readonly usable: number;
  readonly relevant: number;
  readonly notRelevant: number;
  readonly opened: number;
  /** The code is gone. */
  readonly stale: number;
  /** A person said so. */
  readonly dropped: number;
  /** The query holds a secret. */
  readonly secret: number;
  /** Until a person decides. */
  readonly setAside: number;
  /** Says what another mark says, or nothing that can be learned. */
  readonly repeated: number;
}

export type Decisions = ReadonlyMap<string, ReviewDecision>;

/** Gathers what can be learned from. The same marks give the same data. */
export function gatherMarks(
  snapshot: Snapshot,
  kept: readonly KeptMark[],
  decisions: Decisions = new Map(),
): MarkData {
  const review: ReviewItem[] = [];
  const byQuery = new Map<string, Building>();
  const pairs: MarkedPair[] = [];
  const out = { stale: 0, dropped: 0, secret: 0 };
  for (const one of [...kept].sort((a, b) => compareTimes(a.mark, b.mark))) {
    const { mark, origin, near } = one;
    if (decisions.get(mark.id) === 'drop') {
      out.dropped++;
      continue;
    }
    const chunk = followChunk(snapshot, [mark, origin], near);
    if (mark.query !== undefined && redactSecrets(mark.query).count > 0) out.secret++;
    else if (!chunk) out.stale++;
    else if (mark.source) {
      const source = followChunk(snapshot, [mark.source, origin.source!]);
      if (!source) out.stale++;
      else if (source.id !== chunk.id) pairs.push(pairOf(mark, source, chunk));
    } else addTo(byQuery, mark, chunk, review);
  }
  const queries = [...byQuery.values()]
    .map((building) => finish(building, decisions, review))
    .filter(({ relevant, wrong }) => relevant.length + wrong.length > 0);
  const setAside = 2 * review.filter(({ reason }) => reason === 'contradiction').length;
  const used = countUsed(queries, pairs);
  const { stale, dropped, secret } = out;
  const repeated = kept.length - used.usable - stale - dropped - secret - setAside;
  const counts = { marks: kept.length, ...used, ...out, setAside, repeated };
  return { queries, pairs, review, counts };
}

function countUsed(
  queries: readonly MarkedQuery[],
  pairs: readonly MarkedPair[],
): Pick<MarkCounts, 'usable' | 'relevant' | 'notRelevant' | 'opened'> {
  const relevant = count(queries, (query) => query.relevant.filter(({ weight }) => weight === 1));
  const opened = count(queries, (query) => query.relevant.filter(({ weight }) => weight < 1));
  const notRelevant = count(queries, (query) => query.wrong);
  const usable = relevant + opened + notRelevant + pairs.length;
  return { usable, relevant, notRelevant, opened };
}

/** The data without marks that a person should look at first. */
export function withoutMarks(data: MarkData, aside: readonly ReviewItem[]): MarkData {
  const gone = new Set(aside.map(({ id }) => id));
  const keeps = ({ markId }: JudgedChunk): boolean => !gone.has(markId);
  const queries = data.queries
    .map((query) => ({
      ...query,
      relevant: query.relevant.filter(keeps),
      wrong: query.wrong.filter(keeps),
    }))
    .filter(({ relevant, wrong }) => relevant.length + wrong.length > 0);
  const used = countUsed(queries, data.pairs);
  const setAside = data.counts.setAside + data.counts.usable - used.usable;
  return {
    ...data,
    queries,
    review: [...data.review, ...aside],
    counts: { ...data.counts, ...used, setAside },
  };
}

export function placeOfChunk({
  path,
  span,
  symbol,
}: Pick<ChunkRow, 'path' | 'span' | 'symbol'>): RankedPlace {
  return { path, start: span.start, end: span.end, symbol };
}

/** Oldest first; of the same time in the order in which they were set. */
function compareTimes(a: Mark, b: Mark): number {
  return a.time === b.time ? 0 : a.time < b.time ? -1 : 1;
}

interface Building {
  asked: string;
  text: string;
  time: string;
  isOwn: boolean;
  /** By chunk; the latest verdict of each kind. */
  readonly relevant: Map<number, JudgedChunk>;
  readonly wrong: Map<number, JudgedChunk>;
}

function addTo(
  byQuery: Map<string, Building>,
  mark: Mark,
  chunk: ChunkRow,
  review: ReviewItem[],
): void {
  const asked = mark.query!;
  const { text } = parseQuery(asked);
  if (text === '') return;
  const key = foldQuery(asked);
  const building: Building = byQuery.get(key) ?? {
    ...{ asked, text, time: mark.time, isOwn: false },
    ...{ relevant: new Map(), wrong: new Map() },
  };
  byQuery.set(key, building);
  building.time = mark.time;
  building.isOwn ||= mark.author === undefined;
  const judged = {
    ...{ markId: mark.id, chunkId: chunk.id, time: mark.time },
    ...{ path: chunk.path, span: chunk.span, symbol: chunk.symbol },
    weight: mark.weak ? OPENED_WEIGHT : 1,
  };
  const side = mark.verdict === 'relevant' ? building.relevant : building.wrong;
  const known = side.get(chunk.id);
  if (known)
    review.push({
      ...{ id: mark.id, reason: 'duplicate', query: asked, suspect: placeOfChunk(chunk) },
      sentence: 'The same was said before, so it counts once',
    });
  // An opened hit never takes the place of a judged one.
  if (!known || known.weight <= judged.weight) side.set(chunk.id, judged);
}

/** What was called right and wrong at once says nothing, until a person decides. */
function finish(building: Building, decisions: Decisions, review: ReviewItem[]): MarkedQuery {
  const { asked, text, time, relevant, wrong } = building;
  for (const [chunkId, bad] of [...wrong]) {
    const decision = decisions.get(bad.markId);
    if (decision === 'both') {
      wrong.delete(chunkId);
      relevant.set(chunkId, { ...bad, weight: 1 });
      continue;
    }
    const good = relevant.get(chunkId);
    if (!good) continue;
    if (decision === 'keep' || good.weight < 1) relevant.delete(chunkId);
    else {
      relevant.delete(chunkId);
      wrong.delete(chunkId);
      review.push({
        ...{ id: bad.markId, reason: 'contradiction', query: asked },
        ...{ answer: placeOfChunk(good), suspect: placeOfChunk(bad) },
        sentence: 'The same text was marked relevant and not relevant for the same query',
      });
    }
  }
  const sides = { relevant: [...relevant.values()], wrong: [...wrong.values()] };
  return { asked, text, time, ...sides, ...(!building.isOwn && { isOthers: true }) };
}

function pairOf(mark: Mark, source: ChunkRow, chunk: ChunkRow): MarkedPair {
  const isAlike = mark.verdict === 'relevant';
  return { a: source.id, b: chunk.id, isAlike, time: mark.time };
}

function count(
  queries: readonly MarkedQuery[],
  of: (query: MarkedQuery) => readonly unknown[],
): number {
  return queries.reduce((sum, query) => sum + of(query).length, 0);
}
