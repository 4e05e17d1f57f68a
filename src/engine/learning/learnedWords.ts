/**
 * What words of the people who ask mean in this folder. A word that the folder does not have says nothing to BM25 and
 * noise to the models, and yet the marks under it show what it stands for: the answers to several questions with the
 * word share a word that other texts have seldom. Counting is all there is to learn, so a run takes no time, and what came
 * out can be read.
 *
 *   evidence = 2 · ln (likelihood of k answers of n with the word, at k / n, against the share p of other answers or of
 *   all chunks, whichever is larger); a χ² of one degree of freedom, so that 7 is a chance of 1 in 120 a word
 */
import * as fs from 'node:fs/promises';
import * as z from 'zod';
import { messageOf, NearmissError } from '../../base/errors';
import { isUnknown, type LearnedWords } from '../search/learnedWords';
import { isStopWord, queryTermsOf, termsOf } from '../store/terms';
import type { Snapshot } from '../store/types';
import type { MarkedQuery } from './markData';
import type { ReadWord } from './report';

export const WORDS_FILE = 'words.json';

/** A query and the texts of its answers. */
export interface WordExample {
  readonly query: string;
  readonly answers: readonly string[];
}

/** What a word was found to stand for, and how many of its questions say so. */
export interface LearnedWord {
  readonly word: string;
  readonly as: string;
  readonly count: number;
  readonly of: number;
  readonly evidence: number;
}

/** Questions that have to agree: one answer shares a hundred words with its question's author by chance. */
const LEAST_COUNT = 2;
const LEAST_SHARE = 0.5;
const LEAST_EVIDENCE = 7;
/** Answers to other questions that all chunks count as. */
const PRIOR = 2;
/** Shorter words are mostly syntax. */
const LEAST_LETTERS = 3;
/** A file of a version holds no more, whoever wrote it. */
const MOST_WORDS = 1_000;
const MOST_LETTERS = 100;

/** The questions that have an answer. A chunk is its place, its name and its text. */
export function wordExamples(
  snapshot: Snapshot,
  queries: readonly Pick<MarkedQuery, 'text' | 'relevant'>[],
): WordExample[] {
  return queries
    .filter(({ relevant }) => relevant.length > 0)
    .map(({ text, relevant }) => ({
      query: text,
      answers: snapshot
        .chunks(relevant.map(({ chunkId }) => chunkId))
        .map((chunk) => `${chunk.path}\n${chunk.symbol}\n${chunk.text}`),
    }));
}

/** The words of these questions that the folder does not have, each with what most of its answers share. */
export function learnWords(examples: readonly WordExample[], snapshot: Snapshot): LearnedWord[] {
  const asked = examples.map(({ query }) => new Set(queryTermsOf(query)));
  const answered = examples.map(({ answers }) => new Set(answers.flatMap((text) => termsOf(text))));
  const spelling = spellingsOf(examples);
  const inAnswers = countBy(answered);
  const { chunkCount } = snapshot.counts;
  const out: LearnedWord[] = [];
  for (const [word, of] of countBy(asked)) {
    if (of < LEAST_COUNT || !isUnknown(word, snapshot)) continue;
    const own = [...asked.keys()].filter((at) => asked[at]!.has(word));
    const shared = countBy(own.map((at) => minus(answered[at]!, asked[at]!)));
    const found = [...shared]
      .filter(
        ([term, count]) => count >= LEAST_COUNT && count / of >= LEAST_SHARE && spelling.has(term),
      )
      // What the index leaves out, like the ending of a file's name, would find nothing.
      .filter(([term, count]) => snapshot.documentFrequency(term) >= count)
      .map(([term, count]): LearnedWord => {
        const everywhere = snapshot.documentFrequency(term) / Math.max(1, chunkCount);
        const elsewhere = inAnswers.get(term)! - count + PRIOR * everywhere;
        const share = Math.max(everywhere, elsewhere / (examples.length - of + PRIOR));
        return { word, as: spelling.get(term)!, count, of, evidence: evidenceOf(count, of, share) };
      })
      .sort((a, b) => b.evidence - a.evidence || (a.as < b.as ? -1 : 1));
    if (found[0] && found[0].evidence >= LEAST_EVIDENCE) out.push(found[0]);
  }
  return out.sort((a, b) => b.evidence - a.evidence || (a.word < b.word ? -1 : 1));
}

export function wordMap(words: readonly LearnedWord[]): LearnedWords {
  return new Map(words.map(({ word, as }) => [word, as]));
}

/** As a report tells them. */
export function wordsTold(words: readonly LearnedWord[]): readonly ReadWord[] {
  return words.map(({ word, as, count, of }) => ({ word, as, count, of }));
}

/** Twice the log of how much likelier `count` of `of` is at its own share than at `share`; 0 where it is no larger. */
export function evidenceOf(count: number, of: number, share: number): number {
  const expected = Math.min(1 - 1e-6, Math.max(1e-6, share));
  const own = count / of;
  if (own <= expected) return 0;
  const term = (n: number, p: number, q: number): number => (n === 0 ? 0 : n * Math.log(p / q));
  return 2 * (term(count, own, expected) + term(of - count, 1 - own, 1 - expected));
}

function countBy(sets: readonly ReadonlySet<string>[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const set of sets) for (const term of set) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

function minus(a: ReadonlySet<string>, b: ReadonlySet<string>): Set<string> {
  return new Set([...a].filter((term) => !b.has(term)));
}

/** How the answers write each term, the commonest spelling: models read words, not stems. */
function spellingsOf(examples: readonly WordExample[]): Map<string, string> {
  const byTerm = new Map<string, Map<string, number>>();
  for (const { answers } of examples)
    for (const found of answers.flatMap((text) => text.match(/\p{L}+/gu) ?? [])) {
      const word = found.toLowerCase();
      const term = termsOf(word)[0];
      if (term === undefined || word.length < LEAST_LETTERS || isStopWord(word)) continue;
      const spellings = byTerm.get(term) ?? new Map<string, number>();
      byTerm.set(term, spellings.set(word, (spellings.get(word) ?? 0) + 1));
    }
  return new Map(
    [...byTerm].map(([term, spellings]) => [
      term,
      [...spellings].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))[0]![0],
    ]),
  );
}

const fileSchema = z.strictObject({
  v: z.literal(1),
  words: z
    .array(
      z.strictObject({
        word: z.string().min(1).max(MOST_LETTERS),
        as: z.string().min(1).max(MOST_LETTERS),
        count: z.int().positive(),
        of: z.int().positive(),
        evidence: z.number(),
      }),
    )
    .max(MOST_WORDS),
});

export async function writeWords(file: string, words: readonly LearnedWord[]): Promise<void> {
  const kept = words
    .filter(({ word, as }) => Math.max(word.length, as.length) <= MOST_LETTERS)
    .slice(0, MOST_WORDS);
  await fs.writeFile(file, `${JSON.stringify({ v: 1, words: kept }, undefined, 2)}\n`);
}

/** Throws a NearmissError('model') where the file is no list of words. */
export async function readWordsFile(file: string): Promise<LearnedWord[]> {
  try {
    return fileSchema.parse(JSON.parse(await fs.readFile(file, 'utf8'))).words;
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? 'it holds no learned words' : messageOf(cause);
    const sentence = `The words ${file} cannot be used: ${reason}`;
    throw new NearmissError('model', sentence, 'Learn again', { cause });
  }
}
