/**
 * How good a state is on what it was not trained on: the mean nDCG@10 of the held-out queries over all documents of
 * the records, and Spearman's correlation of held-out pairs; where both are there, the mean of the two.
 */
import { sample, seededRandom } from '../../base/random';
import { type Plan, type RowSet, documentsOf, seedFor } from './plan';
import { meanOf } from './losses/matrix';
import { ndcgAt, spearman } from './metrics';

/** A lone pair has no order. */
const FEWEST_PAIRS = 2;

/** The documents that held-out queries are asked of, in order: all, or those of the held-out side and others at random. */
export function heldOutPool(plan: Plan, mostOthers: number, seed: number): number[] {
  const wanted = new Set(documentsOf({ train: { rows: [], pairs: [] }, heldOut: plan.heldOut }));
  const others = documentsOf(plan).filter((text) => !wanted.has(text));
  if (others.length <= mostOthers) return [...wanted, ...others].sort((a, b) => a - b);
  const random = seededRandom(seedFor(seed, 'distractors', 0));
  return [...wanted, ...sample(others, mostOthers, random)].sort((a, b) => a - b);
}

/** What the figure of a plan's held-out records is, by what they hold. */
export function figureName({ rows, pairs }: RowSet): string {
  if (pairs.length < FEWEST_PAIRS) return 'nDCG@10';
  return rows.length === 0 ? 'Spearman' : 'mean of nDCG@10 and Spearman';
}

/**
 * A figure, larger is better, for a similarity of two texts given by number: of a query and a document, and of two
 * documents where an encoder reads those in another way.
 */
export function rankingFigure(
  heldOut: RowSet,
  documents: readonly number[],
  similarity: (query: number, document: number) => number,
  alike: (a: number, b: number) => number = similarity,
): number {
  const figures = [...rankingValues(heldOut, documents, similarity), ...pairValues(heldOut, alike)];
  return figures.length === 0 ? 0 : meanOf(figures);
}

function rankingValues(
  heldOut: RowSet,
  documents: readonly number[],
  similarity: (query: number, document: number) => number,
): number[] {
  const values = heldOut.rows.map(({ query, positives, negatives }) => {
    if (positives.length > 0) return rankedNdcg(query, positives, documents, similarity);
    // A lone negative is right when it is not among the best: the share of texts that stand above it.
    return meanOf(negatives.map((negative) => shareAbove(query, negative, documents, similarity)));
  });
  return values.length === 0 ? [] : [meanOf(values)];
}

function rankedNdcg(
  query: number,
  positives: readonly number[],
  documents: readonly number[],
  similarity: (query: number, document: number) => number,
): number {
  const wanted = new Set(positives);
  const ranked = documents
    .map((document) => ({ document, score: similarity(query, document) }))
    .sort((a, b) => b.score - a.score || a.document - b.document);
  return ndcgAt(
    10,
    ranked.map(({ document }) => (wanted.has(document) ? 1 : 0)),
    positives.map(() => 1),
  );
}

function shareAbove(
  query: number,
  negative: number,
  documents: readonly number[],
  similarity: (query: number, document: number) => number,
): number {
  const own = similarity(query, negative);
  const above = documents.filter((document) => similarity(query, document) > own).length;
  return Math.min(1, above / Math.min(10, Math.max(1, documents.length - 1)));
}

function pairValues(
  { pairs }: RowSet,
  similarity: (query: number, document: number) => number,
): number[] {
  if (pairs.length < FEWEST_PAIRS) return [];
  return [
    spearman(
      pairs.map(({ a, b }) => similarity(a, b)),
      pairs.map(({ score }) => score),
    ),
  ];
}
