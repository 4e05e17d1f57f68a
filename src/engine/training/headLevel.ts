/**
 * What the scores of a trained head mean: the fitted chance that a hit of a given cosine answers, and the straight line
 * back to the level of the base, on which the search's floor rests. From held-out queries where there are enough of
 * them, for a head is too sure of what it has learnt from.
 */
import { type Random, sample, seededRandom } from '../../base/random';
import { type Head, applyHead } from '../encoders/heads';
import { type Level, type ScaleMatch, fitLevel, matchScale, thresholdAt } from './level';
import { type Plan, type Row, documentsOf, seedFor } from './plan';

export interface HeadLevel {
  /** P(answers) = σ(slope · cosine + offset). */
  readonly fitted: Level;
  /** The cosine from which on a hit rather answers than not; missing where cosines say nothing. */
  readonly threshold?: number;
  /** Brings the head's cosines to the level of the base's. */
  readonly toBase: ScaleMatch;
  /** Pairs it was fitted on, and how many of them answer. */
  readonly pairCount: number;
  readonly answerCount: number;
}

/** Held-out answers from which on the training rows are left out. */
const ENOUGH_ANSWERS = 8;
/** Documents drawn for each query, beside its negatives, as hits that do not answer. */
const DRAWN = 8;

/** Fits the level of a head on a plan's rows; undefined where no row has a positive. */
export function levelOfHead(
  head: Head,
  plan: Plan,
  vectors: Float32Array,
  seed: number,
): HeadLevel | undefined {
  const random = seededRandom(seedFor(seed, 'level', 0));
  const count = (rows: readonly Row[]): number =>
    rows.reduce((sum, { positives }) => sum + positives.length, 0);
  const { train, heldOut } = plan;
  const rows =
    count(heldOut.rows) >= ENOUGH_ANSWERS ? heldOut.rows : [...train.rows, ...heldOut.rows];
  const drawnFrom = documentsOf(plan);
  const pairs = rows.flatMap((row) => pairsOf(row, drawnFrom, random));
  if (count(rows) === 0) return undefined;
  const base = pairs.map(({ query, document }) =>
    cosineOf(vectors, head.dimension, query, document),
  );
  const mapped = applyHead(head, vectors);
  const documents = head.kind === 'shared-head' ? mapped : vectors;
  const tuned = pairs.map(({ query, document }) =>
    cosineOf(mapped, head.dimension, query, document, documents),
  );
  const answers = pairs.map(({ isAnswer }) => isAnswer);
  const fitted = fitLevel(tuned, answers);
  return {
    fitted,
    threshold: thresholdAt(fitted, 0.5),
    toBase: matchScale(tuned, base),
    pairCount: pairs.length,
    answerCount: answers.filter(Boolean).length,
  };
}

interface LevelPair {
  readonly query: number;
  readonly document: number;
  readonly isAnswer: boolean;
}

/** A row's positives, its negatives, and some other documents. */
function pairsOf(row: Row, documents: readonly number[], random: Random): LevelPair[] {
  const { query, positives, negatives } = row;
  const known = new Set([...positives, ...negatives]);
  const others = sample(documents, DRAWN, random).filter((document) => !known.has(document));
  return [
    ...positives.map((document) => ({ query, document, isAnswer: true })),
    ...[...negatives, ...others].map((document) => ({ query, document, isAnswer: false })),
  ];
}

/** Of unit-length rows. */
function cosineOf(
  queries: Float32Array,
  dimension: number,
  query: number,
  document: number,
  documents: Float32Array = queries,
): number {
  let sum = 0;
  for (let d = 0; d < dimension; d++)
    sum += queries[query * dimension + d]! * documents[document * dimension + d]!;
  return sum;
}
