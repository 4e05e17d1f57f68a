/**
 * Words that people who ask have and the folder has not, read as words of the folder, as marks taught. Such a word by
 * itself finds nothing: no chunk has it, and no model knows it. A word that the folder knows by now is left alone.
 */
import { queryTermsOf, termsOf } from '../store/terms';
import type { Snapshot } from '../store/types';
import type { Query } from './query';

/** A word as the folder writes it, by the term that it is asked with. */
export type LearnedWords = ReadonlyMap<string, string>;

/** Chunks that may have a word which counts as unknown all the same: a quotation, a slip of the pen. */
const MOST_KNOWN = 2;
const MOST_KNOWN_SHARE = 0.001;

/** A query as it is understood: the same object where nothing of it was learned. */
export interface ReadQuery {
  readonly query: Query;
  /** What was read as what, as typed, in order. */
  readonly read: readonly { readonly word: string; readonly as: string }[];
}

/** Puts the folder's words in the place of those that were learned. Syntax, exact phrases and filters stay as typed. */
export function readWords(
  query: Query,
  words: LearnedWords | undefined,
  snapshot: Snapshot,
): ReadQuery {
  if (!words || words.size === 0) return { query, read: [] };
  const read: { word: string; as: string }[] = [];
  const text = query.text.replaceAll(/[\p{L}\p{N}_]+/gu, (word) => {
    const term = termsOf(word)[0];
    const as = term === undefined ? undefined : words.get(term);
    if (as === undefined || !isUnknown(term!, snapshot)) return word;
    if (!read.some((known) => known.word === word)) read.push({ word, as });
    return as;
  });
  if (read.length === 0) return { query, read };
  return { query: { ...query, text, terms: queryTermsOf(text) }, read };
}

/** True for a word that hardly any chunk has. */
export function isUnknown(term: string, snapshot: Snapshot): boolean {
  const most = Math.max(MOST_KNOWN, MOST_KNOWN_SHARE * snapshot.counts.chunkCount);
  return snapshot.documentFrequency(term) <= most;
}

/** What a person is told about it. */
export function readSentence(read: ReadQuery['read']): string | undefined {
  if (read.length === 0) return undefined;
  return `Your marks taught: ${read.map(({ word, as }) => `“${word}” is read as “${as}”`).join(', ')}`;
}
