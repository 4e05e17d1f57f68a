/**
 * Queries of people who have words of their own: the commonest words of a set's queries are replaced, everywhere, by names
 * that no model and no document knows, as a team says "the gateway" for what its code calls `edgeProxy`. What marks can
 * teach there is known to be much, so that it shows whether learning takes it and whether the gate lets it through.
 */
import { isStopWord } from '../../src/engine/store/terms';
import { seededRandom } from '../../src/base/random';

/** Shorter words are mostly grammar. */
const LEAST_LETTERS = 4;
/** What stands in a larger share of all queries tells them apart no more. */
const MOST_SHARE = 0.3;
const SYLLABLES = [
  'bra',
  'dor',
  'fen',
  'gul',
  'kem',
  'lov',
  'mip',
  'nar',
  'pez',
  'quo',
  'ruk',
  'sil',
  'tav',
  'vux',
  'wim',
  'zet',
];

/** The same queries with the `count` commonest words replaced. */
export function withJargon<T extends { readonly text: string }>(
  queries: readonly T[],
  count: number,
): T[] {
  const inQueries = new Map<string, number>();
  for (const { text } of queries)
    for (const word of new Set(wordsOf(text))) inQueries.set(word, (inQueries.get(word) ?? 0) + 1);
  const common = [...inQueries]
    .filter(([word, n]) => word.length >= LEAST_LETTERS && n <= MOST_SHARE * queries.length)
    // Nobody has a name of their own for grammar.
    .filter(([word]) => !isStopWord(word))
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, count);
  const random = seededRandom(20);
  const syllable = (): string => SYLLABLES[Math.floor(random() * SYLLABLES.length)]!;
  const names = new Map(common.map(([word]) => [word, syllable() + syllable() + syllable()]));
  return queries.map((query) => ({
    ...query,
    text: query.text.replaceAll(/[a-z]+/giu, (word) => names.get(word.toLowerCase()) ?? word),
  }));
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+/gu) ?? [];
}
