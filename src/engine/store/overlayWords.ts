/**
 * Word search over chunks that are in no table: BM25 as FTS5 computes it (k1 1.2, b 0.75, weighted counts over
 * the columns, the length over all of them), with the frequencies of the index around them.
 */
import { columnsOf, DEFAULT_WEIGHTS, type LexicalEntry, tellingTerms } from './lexicalIndex';
import type { LexicalQuery } from './types';

const K1 = 1.2;
const B = 0.75;
/** What FTS5 takes for a term that every second chunk has. */
const LEAST_IDF = 1e-6;

export interface Surroundings {
  readonly chunkCount: number;
  /** Mean number of terms of a chunk, all columns together. */
  readonly averageTermCount: number;
  readonly frequencyOf: (term: string) => number;
}

/** A query made ready for scoring many chunks. */
export interface OverlayWordSearch {
  readonly scored: readonly { readonly terms: readonly string[]; readonly idf: number }[];
  readonly phrases: readonly (readonly string[])[];
  readonly without: readonly string[];
  readonly weights: readonly number[];
  readonly averageTermCount: number;
}

export function wordSearchOf(query: LexicalQuery, around: Surroundings): OverlayWordSearch {
  const { chunkCount, averageTermCount, frequencyOf } = around;
  const { content, path, symbol } = query.weights ?? DEFAULT_WEIGHTS;
  const phrases = query.phrases ?? [];
  const idfOf = (count: number): number =>
    Math.max(LEAST_IDF, Math.log((chunkCount - count + 0.5) / (count + 0.5)));
  const terms = tellingTerms({ query, chunkCount, frequencyOf });
  const scored = terms.map(({ term, count }) => ({ terms: [term], idf: idfOf(count) }));
  // As in the expression for FTS5, where the first phrase stands among the terms as well.
  for (const phrase of [...phrases, ...phrases.slice(0, 1)]) {
    // A phrase is at most as common as its rarest term.
    const count = Math.min(...phrase.map((term) => frequencyOf(term)));
    scored.push({ terms: [...phrase], idf: idfOf(count) });
  }
  return {
    scored,
    phrases,
    without: query.without ?? [],
    weights: [content, path, symbol],
    averageTermCount,
  };
}

/** BM25 of a chunk, larger is better; undefined when it does not match. */
export function scoreEntry(
  search: OverlayWordSearch,
  entry: Omit<LexicalEntry, 'chunkId'>,
): number | undefined {
  const columns = termColumns(entry);
  const has = (terms: readonly string[]): boolean =>
    columns.some((column) => occurrences(column, terms) > 0);
  if (!search.phrases.every(has) || search.without.some((term) => has([term]))) return undefined;
  const length = columns.reduce((sum, column) => sum + column.length, 0);
  let score = 0;
  let isFound = false;
  for (const { terms, idf } of search.scored) {
    const frequency = columns.reduce(
      (sum, column, index) => sum + search.weights[index]! * occurrences(column, terms),
      0,
    );
    if (frequency === 0) continue;
    isFound = true;
    const norm = K1 * (1 - B + (B * length) / search.averageTermCount);
    score += (idf * frequency * (K1 + 1)) / (frequency + norm);
  }
  return isFound ? score : undefined;
}

/** All terms of a chunk. */
export function termsOfEntry(entry: Omit<LexicalEntry, 'chunkId'>): ReadonlySet<string> {
  return new Set(termColumns(entry).flat());
}

/** Columns of the last chunks asked for: a query asks for each of them many times. */
const remembered = new WeakMap<object, readonly (readonly string[])[]>();

function termColumns(entry: Omit<LexicalEntry, 'chunkId'>): readonly (readonly string[])[] {
  let columns = remembered.get(entry);
  if (!columns) {
    columns = columnsOf(entry).map((column) => (column === '' ? [] : column.split(' ')));
    remembered.set(entry, columns);
  }
  return columns;
}

/** How often the terms stand side by side in a column. */
function occurrences(column: readonly string[], terms: readonly string[]): number {
  let count = 0;
  for (let at = 0; at + terms.length <= column.length; at++)
    if (terms.every((term, index) => column[at + index] === term)) count++;
  return count;
}
