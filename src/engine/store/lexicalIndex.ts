/**
 * Word search: BM25 over SQLite FTS5 (Robertson and Zaragoza 2009; k1 1.2, b 0.75 as FTS5 fixes them). The
 * table keeps no text, only counts; its three columns hold a chunk's content, the words of its path and the
 * names it stands under. Rare terms are asked first: a term that every second chunk has says nothing and
 * costs most.
 */
import type { Database } from './database';
import { joinedTermsOf } from './terms';
import type { LexicalQuery, Scored } from './types';

/** What the index takes of one chunk. */
export interface LexicalEntry {
  readonly chunkId: number;
  readonly path: string;
  readonly symbol: string;
  readonly definitions: readonly string[];
  readonly text: string;
}

export const DEFAULT_WEIGHTS = { content: 1, path: 1, symbol: 1 } as const;
/** Terms that a search uses: the rarest ones of a long query. */
const MAX_TERMS = 64;
/** Different terms that are looked up to find the rarest; more make no better query. */
const MAX_TERMS_READ = 512;
/** Chunks below which even a common term costs nothing. */
const FEW_CHUNKS = 2_000;
/** Occurrences up to which every chunk with any of the terms is scored, at half a microsecond each. */
const MAX_SCORED = 15_000;
/** Beyond that only chunks with one of the rarer terms are, which together occur about so often. */
const RARER_COUNT = 10_000;
/** Folders above a file whose names are searched as words. */
const PATH_FOLDERS = 3;

const INSERT = 'INSERT INTO words(rowid, content, path, symbol) VALUES(?, ?, ?, ?)';

/** Adds a chunk that is not in the index yet. */
export function addWords(database: Database, entry: LexicalEntry): void {
  database.prepare(INSERT).run(entry.chunkId, ...columnsOf(entry));
}

/** What the three columns hold of a chunk: content, path and symbol, terms joined by blanks. */
export function columnsOf(entry: Omit<LexicalEntry, 'chunkId'>): [string, string, string] {
  const names = [entry.symbol, ...entry.definitions.filter((name) => !entry.symbol.includes(name))];
  return [joinedTermsOf(entry.text), pathTerms(entry.path), joinedTermsOf(names.join(' '))];
}

/** Mean number of terms of a chunk, all columns together; 0 for an empty index. */
export function averageTermCount(database: Database): number {
  const bytes = database
    .prepare<[Uint8Array]>('SELECT block FROM words_data WHERE id = ?')
    .get(AVERAGES_ID)?.[0];
  const [rowCount = 0, ...termCounts] = bytes ? varints(bytes) : [];
  return rowCount === 0 ? 0 : termCounts.reduce((sum, count) => sum + count, 0) / rowCount;
}

/** Row in which FTS5 keeps the number of rows and of each column's terms (FTS5_AVERAGES_ROWID in fts5_index.c). */
const AVERAGES_ID = 1;

/** The numbers of a record of SQLite's varints: seven bits a byte, the highest first, the top bit says "more". */
function varints(bytes: Uint8Array): number[] {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of bytes) {
    number = number * 128 + (byte & 127);
    if (byte & 128) continue;
    numbers.push(number);
    number = 0;
  }
  return numbers;
}

/** Removes the chunks `first` up to but not including `end`. */
export function removeWords(database: Database, first: number, end: number): void {
  database.prepare('DELETE FROM words WHERE rowid >= ? AND rowid < ?').run(first, end);
}

/** Terms of a path: the file's stem twice, then the last three folders. */
export function pathTerms(path: string): string {
  const segments = path.split('/');
  const name = segments.pop() ?? '';
  const dot = name.lastIndexOf('.');
  const stem = dot > 0 ? name.slice(0, dot) : name;
  return joinedTermsOf([stem, stem, ...segments.slice(-PATH_FOLDERS)].join(' '));
}

/** Number of chunks that have the term in any column. */
export function countChunksWith(database: Database, term: string): number {
  return database.prepare<[number]>('SELECT doc FROM wordCount WHERE term = ?').get(term)?.[0] ?? 0;
}

export interface WordSearch {
  readonly query: LexicalQuery;
  readonly limit: number;
  /** Number of all chunks, to tell a common term. */
  readonly chunkCount: number;
  readonly frequencyOf: (term: string) => number;
  /** Set when only some chunks may appear: `isAllowed` is then known to SQL under that name. */
  readonly isFiltered: boolean;
}

/** Best first by BM25; equal scores order by chunk id. */
export function searchWords(database: Database, search: WordSearch): Scored[] {
  const { content, path, symbol } = search.query.weights ?? DEFAULT_WEIGHTS;
  const counted = tellingTerms(search);
  const match = matchExpression({ ...search.query, terms: counted.map(({ term }) => term) });
  if (match === undefined || search.limit <= 0) return [];
  const rarer = search.query.phrases?.length ? undefined : rarerTerms(counted);
  const where = [
    'words MATCH ?',
    // The sign keeps FTS5 from looking each of them up by itself.
    ...(rarer ? ['+rowid IN (SELECT rowid FROM words WHERE words MATCH ?)'] : []),
    ...(search.isFiltered ? ['isAllowed(rowid)'] : []),
  ].join(' AND ');
  const rows = database
    .prepare<[number, number]>(
      `SELECT rowid, bm25(words, ?, ?, ?) AS score FROM words WHERE ${where} ORDER BY score, rowid LIMIT ?`,
    )
    .all(content, path, symbol, match, ...(rarer ? [rarer] : []), search.limit);
  // FTS5 gives better matches smaller numbers.
  return rows.map(([chunkId, score]) => ({ chunkId, score: -score }));
}

export interface CountedTerm {
  readonly term: string;
  readonly count: number;
}

/** Expression for the rarer of terms sorted by count; undefined while all together are not too many. */
function rarerTerms(counted: readonly CountedTerm[]): string | undefined {
  const total = counted.reduce((sum, { count }) => sum + count, 0);
  if (total <= MAX_SCORED) return undefined;
  const rarer: string[] = [];
  let sum = 0;
  for (const { term, count } of counted) {
    if (rarer.length > 0 && sum + count > RARER_COUNT) break;
    rarer.push(term);
    sum += count;
  }
  return rarer.length < counted.length ? matchExpression({ terms: rarer }) : undefined;
}

/** The different terms that occur, rarest first, in a large index without those of every second chunk unless nothing else remains. */
export function tellingTerms(
  search: Pick<WordSearch, 'query' | 'chunkCount' | 'frequencyOf'>,
): CountedTerm[] {
  const different = [...new Set(search.query.terms)].filter(isTerm).slice(0, MAX_TERMS_READ);
  const counted = different
    .map((term, index) => ({ term, index, count: search.frequencyOf(term) }))
    .filter(({ count }) => count > 0);
  // BM25 as FTS5 counts it gives such a term no weight anyway.
  const isTelling = (count: number): boolean =>
    search.chunkCount < FEW_CHUNKS || count * 2 <= search.chunkCount;
  const telling = counted.filter(({ count }) => isTelling(count));
  const kept = telling.length > 0 ? telling : counted;
  return kept.sort((a, b) => a.count - b.count || a.index - b.index).slice(0, MAX_TERMS);
}

/** The query in the syntax of FTS5, every term a quoted string; undefined when nothing is asked for. */
export function matchExpression(query: LexicalQuery): string | undefined {
  const phrases = (query.phrases ?? [])
    .map((phrase) => phrase.filter(isTerm))
    .filter((phrase) => phrase.length > 0);
  const terms = query.terms.filter(isTerm);
  // The first phrase stands among the terms as well: they add to the score, none of them is needed.
  const optional =
    phrases.length > 0 ? [quotePhrase(phrases[0]!), ...terms.map(quote)] : terms.map(quote);
  if (optional.length === 0) return undefined;
  const needed = [...phrases.map(quotePhrase), `(${optional.join(' OR ')})`].join(' AND ');
  const without = (query.without ?? []).filter(isTerm).slice(0, MAX_TERMS);
  return without.length === 0 ? needed : `(${needed}) NOT (${without.map(quote).join(' OR ')})`;
}

/** True for text that the tokenizer finds a token in. */
function isTerm(term: string): boolean {
  return /[a-z0-9_\u0080-\uffff]/i.test(term);
}

function quote(term: string): string {
  return `"${term.replaceAll('"', '""').replaceAll('\0', ' ')}"`;
}

function quotePhrase(phrase: readonly string[]): string {
  return phrase.map(quote).join(' + ');
}
