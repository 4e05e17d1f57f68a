/**
 * "Which of these is right?": the questions whose answers teach most. What an answer is worth is the number of asked
 * queries that it may help, times the chance that there is one:
 *
 *   worth = presence · (disagreement + Σ over words that the folder has not: queries with the word · its need)
 *
 * A word of the people who ask is learned from several answers that share something, and then helps every query with it;
 * more of them make it surer, and count for less. Where all words are known, a question helps its own query, the more the further
 * words and meaning are apart. Questions are chosen one after the other, each in view of those before it.
 */
import { dot } from '../../base/vector';
import { isUnknown } from '../search/learnedWords';
import { parseQuery } from '../search/query';
import { type Candidate, RETRIEVER_DEPTH, retrieve } from '../search/retrieve';
import type { SearchContext } from '../search/types';
import { queryTermsOf, termsOf } from '../store/terms';
import type { ChunkRow } from '../store/types';
import { foldQuery } from '../training/duplicates';
import { type PlacesWanted, questionPlaces } from './questionPlaces';

/** A query that may be asked about. */
export interface AskableQuery extends PlacesWanted {
  /** A person asked it; others are the folder's own. */
  readonly isAsked: boolean;
}

export interface BestQuestion {
  readonly query: string;
  /** Two to four; the first of the ranking first. */
  readonly places: readonly ChunkRow[];
  /** The word of the query that the folder has not and that its answer tells most about, as typed. */
  readonly word?: string;
  /** One of the places was opened for it. */
  readonly hasOpened: boolean;
}

export interface QuestionsWanted {
  readonly queries: readonly AskableQuery[];
  /** Queries that have an answer already. */
  readonly answered: readonly string[];
  readonly count: number;
}

/** A rank beyond this is as good as not found. */
const FAR = 50;
/** Answers from which on a word may be learned; further ones make it surer, and count less the more there are. */
const ENOUGH_ANSWERS = 2;
/** Questions with a word that make it worth learning: it is learned from two. */
const LEAST_QUERIES = 2;
/** What the folder asks itself has its answer and is nobody's question. */
const OWN_WORTH = 0.05;
/** The chance of a right answer among four: where something was opened; at least and at most where nothing was. */
const PRESENCE_OPENED = 0.8;
const PRESENCE_LEAST = 0.1;
const PRESENCE_MOST = 0.85;
/** A query this near to one that was chosen asks the same again. */
const SAME_COSINE = 0.95;

/** The best questions first, at most one a query; nothing where no embedding answers. */
export async function bestQuestions(
  context: SearchContext,
  { queries, answered, count }: QuestionsWanted,
  signal?: AbortSignal,
): Promise<BestQuestion[]> {
  const drafts = await draftAll(context, queries, signal);
  const need = new WordNeed(
    drafts.filter(({ from }) => from.isAsked).map(({ words }) => words),
    answered.map((query) => unknownWords(context, query)),
  );
  const out: BestQuestion[] = [];
  const chosen: Draft[] = [];
  while (out.length < count && drafts.length > 0) {
    const next = takeBest(drafts, need);
    if (chosen.some(({ vector }) => dot(vector, next.vector) > SAME_COSINE)) continue;
    const places = await questionPlaces(context, next.from, signal);
    if (places.length < 2) continue;
    const { query, opened } = next.from;
    const openedIds = new Set(opened.map(({ id }) => id));
    const hasOpened = places.some(({ id }) => openedIds.has(id));
    out.push({ query, places, word: need.best(next.words), hasOpened });
    need.expect(next.words, next.presence);
    chosen.push(next);
  }
  return out;
}

/** Terms, each as somebody typed it. */
type Words = ReadonlyMap<string, string>;

/** What is known of a query before its places are looked for. */
interface Draft {
  readonly from: AskableQuery;
  readonly vector: Float32Array;
  /** Words that the folder has not, as terms, each with how it was typed. */
  readonly words: Words;
  /** The chance that a right answer is among its places. */
  readonly presence: number;
  /** How far apart words and meaning are, 0 to 1. */
  readonly disagreement: number;
}

async function draftAll(
  context: SearchContext,
  queries: readonly AskableQuery[],
  signal?: AbortSignal,
): Promise<Draft[]> {
  const drafts: Draft[] = [];
  const seen = new Set<string>();
  for (const from of queries) {
    signal?.throwIfAborted();
    if (seen.has(foldQuery(from.query))) continue;
    seen.add(foldQuery(from.query));
    const draft = await draftOf(context, from, signal);
    if (draft) drafts.push(draft);
  }
  return drafts;
}

/** Undefined where there is nothing to choose between, or what was opened stands first already. */
async function draftOf(
  context: SearchContext,
  from: AskableQuery,
  signal?: AbortSignal,
): Promise<Draft | undefined> {
  const { snapshot, embedder } = context;
  const query = parseQuery(from.query);
  if (!embedder || query.text === '') return undefined;
  const vector = await embedder.embedQuery(query.text, signal);
  const vectors = { contextual: vector, spaceId: embedder.space.id };
  const { candidates } = retrieve(snapshot, query, vectors, query.filter, RETRIEVER_DEPTH);
  const byWords = candidates.find(({ words }) => words?.rank === 1);
  const byMeaning = candidates.find(({ contextual }) => contextual?.rank === 1);
  const firsts = [byMeaning, byWords].filter((first) => first !== undefined);
  if (firsts.length === 0) return undefined;
  const opened = new Set(from.opened.map(({ id }) => id));
  if (opened.size > 0 && firsts.every(({ chunk }) => opened.has(chunk.id))) return undefined;
  return {
    ...{ from, vector, words: unknownWords(context, query.text) },
    presence: opened.size > 0 ? PRESENCE_OPENED : presenceOf(byMeaning?.contextual?.value),
    disagreement: byWords && byMeaning ? disagreementOf(byWords, byMeaning) : 0,
  };
}

/** By the best cosine: .16 below .44 and .84 from .69 on were right among four, and it rises evenly between. */
function presenceOf(bestCosine = 0): number {
  return Math.min(PRESENCE_MOST, Math.max(PRESENCE_LEAST, 2 * bestCosine - 0.6));
}

/** 0 where both put the same first. */
function disagreementOf(byWords: Candidate, byMeaning: Candidate): number {
  if (byWords.chunk.id === byMeaning.chunk.id) return 0;
  const rank = (vote: Candidate['words']): number => vote?.rank ?? FAR;
  return Math.min(1, Math.min(rank(byWords.contextual), rank(byMeaning.words)) / FAR);
}

/** Terms of a query that neither the folder has nor marks have taught, each as it is typed. */
function unknownWords({ snapshot, words: taught }: SearchContext, query: string): Words {
  const { text } = parseQuery(query);
  const asked = new Set(queryTermsOf(text));
  const found = new Map<string, string>();
  for (const typed of text.match(/[\p{L}\p{N}_]+/gu) ?? []) {
    const term = termsOf(typed)[0];
    if (term === undefined || !asked.has(term) || taught?.has(term)) continue;
    if (isUnknown(term, snapshot)) found.set(term, typed);
  }
  return found;
}

/** Takes out the one that is worth most; the first of equals. */
function takeBest(drafts: Draft[], need: WordNeed): Draft {
  const worths = drafts.map(({ from, words, presence, disagreement }) => {
    const worth = presence * (disagreement + need.of(words));
    return from.isAsked ? worth : OWN_WORTH * worth;
  });
  const at = worths.indexOf(Math.max(...worths));
  return drafts.splice(at, 1)[0]!;
}

/** How many asked queries each unknown word stands in, and how far its answers suffice. */
class WordNeed {
  private readonly queryCounts = new Map<string, number>();
  private readonly answers = new Map<string, number>();

  constructor(asked: readonly Words[], answered: readonly Words[]) {
    for (const words of [...asked, ...answered]) add(this.queryCounts, words, 1);
    for (const words of answered) add(this.answers, words, 1);
  }

  /** Queries that an answer with these words may help. */
  of(words: Words): number {
    return [...words.keys()].reduce((sum, term) => sum + this.ofTerm(term), 0);
  }

  /** The word that most depends on the answer, as typed. */
  best(words: Words): string | undefined {
    const terms = [...words.keys()].filter((term) => this.ofTerm(term) > 0);
    return words.get(terms.sort((a, b) => this.ofTerm(b) - this.ofTerm(a))[0] ?? '');
  }

  /** A question about a query with these words was chosen; it has an answer by that chance. */
  expect(words: Words, presence: number): void {
    add(this.answers, words, presence);
  }

  private ofTerm(term: string): number {
    const queryCount = this.queryCounts.get(term) ?? 0;
    if (queryCount < LEAST_QUERIES) return 0;
    const lacking = ENOUGH_ANSWERS / (1 + (this.answers.get(term) ?? 0));
    return queryCount * Math.min(1, lacking) ** 2;
  }
}

function add(counts: Map<string, number>, words: Words, value: number): void {
  for (const term of words.keys()) counts.set(term, (counts.get(term) ?? 0) + value);
}
