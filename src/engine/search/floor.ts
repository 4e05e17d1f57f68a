/**
 * When nothing here answers, the search says so above the weak hits. The floor looks at raw values, which
 * keep their level between queries, never at scaled ones: the best cosine, and the share of the query's rare
 * words that one good hit holds.
 */
import { termsOf } from '../store/terms';
import type { Snapshot } from '../store/types';
import type { Query } from './query';
import type { Candidate } from './retrieve';

/**
 * Best cosine plus half the covered share of words. On the development sets at most 2 of 100 questions that
 * have an answer stay below; of questions about something else 80 to 98 of 100 do.
 */
const FLOOR = 0.5;
const COVERAGE_WEIGHT = 0.5;
/** With words alone: less than this share of the query in every hit. */
const WORDS_FLOOR = 0.25;
/** Hits whose words are looked at. */
const LOOKED_AT = 3;

/** True when even the best of these hits, in order of rank, is unlikely to answer. */
export function isBelowFloor(
  hits: readonly Candidate[],
  query: Query,
  snapshot: Pick<Snapshot, 'counts' | 'documentFrequency'>,
): boolean {
  if (hits.length === 0) return true;
  if (hits.some((hit) => hit.defines !== undefined || (hit.pathFit ?? 0) > 0)) return false;
  if (query.phrases.length > 0) return false;
  const covered = coveredShare(hits.slice(0, LOOKED_AT), query, snapshot);
  const cosines = hits.flatMap((hit) => (hit.contextual ? [hit.contextual.value] : []));
  if (cosines.length === 0) return covered < WORDS_FLOOR;
  return Math.max(...cosines) + COVERAGE_WEIGHT * covered < FLOOR;
}

/** Largest share of the query's words, weighted by rarity, that one of the hits holds; 0 to 1. */
function coveredShare(
  hits: readonly Candidate[],
  query: Query,
  snapshot: Pick<Snapshot, 'counts' | 'documentFrequency'>,
): number {
  const count = snapshot.counts.chunkCount;
  const rarity = query.terms.slice(0, 64).map((term) => {
    const frequency = snapshot.documentFrequency(term);
    return { term, weight: Math.log(1 + (count - frequency + 0.5) / (frequency + 0.5)) };
  });
  const total = rarity.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return 0;
  const shares = hits.map(({ chunk }) => {
    const terms = new Set(termsOf(`${chunk.path} ${chunk.symbol} ${chunk.text}`));
    return (
      rarity.reduce((sum, { term, weight }) => sum + (terms.has(term) ? weight : 0), 0) / total
    );
  });
  return Math.max(...shares);
}
