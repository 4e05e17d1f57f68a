/**
 * The questions that teach most, as clients show them. Asked about are queries of people: what this user typed before,
 * what was opened for it, and what was marked without an answer; where these do not suffice, those that the folder asks itself.
 */
import { seededRandom, shuffle } from '../base/random';
import type { LearningQuestion, QuestionedPlace } from '../protocol/learning';
import { redactSecrets } from './documents/secrets';
import { followChunk } from './feedback/follow';
import { contentHash } from './feedback/mark';
import type { KeptMark } from './feedback/marks';
import type { PastQuery } from './feedback/pastQueries';
import { pseudoGuard } from './learning/guard';
import { placeOfChunk } from './learning/markData';
import { type AskableQuery, type BestQuestion, bestQuestions } from './learning/questions';
import type { SearchContext } from './search/types';
import type { ChunkRow } from './store/types';
import { foldQuery } from './training/duplicates';

/** Queries of the folder itself that may be asked, and queries that are looked at in all. */
const OWN_QUERIES = 60;
const MOST_ASKED = 200;
const LONGEST_QUERY = 500;
/** Whose places were judged so often without an answer is not asked again. */
const MOST_JUDGED = 2;
/** Lines of a place that are shown. */
const SHOWN_LINES = 10;

/** What is known of the queries of people. */
export interface AskedBefore {
  readonly marks: readonly KeptMark[];
  /** With what was opened to stay; newest last. */
  readonly past: readonly PastQuery[];
  /** As typed, newest first. */
  readonly typed: readonly string[];
}

export async function questionsFor(
  context: SearchContext,
  before: AskedBefore,
  count: number,
  signal?: AbortSignal,
): Promise<LearningQuestion[]> {
  const known = knownQueries(context, before);
  const answered = [...known.values()].filter(({ isAnswered }) => isAnswered);
  const open = [...known.values()].filter(
    ({ isAnswered, judged }) => !isAnswered && judged.size < MOST_JUDGED,
  );
  const own = pseudoGuard(context.snapshot, OWN_QUERIES, seededRandom(before.marks.length + 1))
    .filter(({ query }) => !known.has(foldQuery(query)))
    .map(({ query }) => newlyKnown(query));
  const queries = [
    ...open.map((query) => askable(query, true)),
    ...own.map((query) => askable(query, false)),
  ].slice(0, MOST_ASKED);
  const wanted = { queries, answered: answered.map(({ query }) => query), count };
  const questions = await bestQuestions(context, wanted, signal);
  return questions.map((question) => toQuestion(question));
}

/** Everything known about one query. */
interface KnownQuery {
  readonly query: string;
  isAnswered: boolean;
  readonly judged: Set<string>;
  readonly opened: ChunkRow[];
}

/** By query, case and space folded: typed ones first, then others from the newest on. */
function knownQueries(
  { snapshot }: SearchContext,
  { marks, past, typed }: AskedBefore,
): Map<string, KnownQuery> {
  const known = new Map<string, KnownQuery>();
  const of = (query: string): KnownQuery => {
    const key = foldQuery(query);
    const found = known.get(key) ?? newlyKnown(query);
    if (isFit(query)) known.set(key, found);
    return found;
  };
  for (const query of typed) of(query);
  for (const { query, place } of [...past].reverse())
    addTo(of(query).opened, followChunk(snapshot, [place]));
  for (const { mark, origin, near } of [...marks].reverse()) {
    if (mark.query === undefined) continue;
    const query = of(mark.query);
    const chunk = followChunk(snapshot, [mark, origin], near);
    if (mark.weak) addTo(query.opened, chunk);
    else if (mark.verdict === 'relevant') query.isAnswered = true;
    if (chunk && !mark.weak) query.judged.add(keyOf(chunk));
  }
  return known;
}

function newlyKnown(query: string): KnownQuery {
  return { query, isAnswered: false, judged: new Set(), opened: [] };
}

function isFit(query: string): boolean {
  return query.length <= LONGEST_QUERY && redactSecrets(query).count === 0;
}

function addTo(chunks: ChunkRow[], chunk: ChunkRow | undefined): void {
  if (chunk && !chunks.some(({ id }) => id === chunk.id)) chunks.push(chunk);
}

function askable({ query, judged, opened }: KnownQuery, isAsked: boolean): AskableQuery {
  const isJudged = (chunk: ChunkRow): boolean => judged.has(keyOf(chunk));
  return { query, isAsked, opened: opened.filter((chunk) => !isJudged(chunk)), isJudged };
}

function keyOf(chunk: ChunkRow): string {
  return JSON.stringify([chunk.path, contentHash(chunk)]);
}

function toQuestion(question: BestQuestion): LearningQuestion {
  const { query, places } = question;
  // The first of the ranking must not stand where a hand learns to find it; the same question always looks the same.
  const random = seededRandom(Number.parseInt(contentHash({ text: query }).slice(0, 8), 16));
  const shown = shuffle(places, random).map((chunk) => shownPlace(chunk));
  return { query, places: shown, sentence: sentenceOf(question) };
}

function sentenceOf({ word, hasOpened }: BestQuestion): string {
  if (word !== undefined) return `Nothing here says “${word}”, so the answer tells what it means`;
  return hasOpened
    ? 'One of them was opened for this before, and another one stands first'
    : 'Words and meaning do not put the same place first';
}

function shownPlace(chunk: ChunkRow): QuestionedPlace {
  const snippet = chunk.text.split('\n').slice(0, SHOWN_LINES).join('\n');
  return { ...placeOfChunk(chunk), snippet };
}
