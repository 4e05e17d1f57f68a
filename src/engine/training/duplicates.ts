/**
 * Which texts must not count as negatives of one another. A repository says the same thing in many places, and a row
 * that pushes a copy of its own answer away unlearns what it learns. A column is masked for a row when it is one of
 * the row's positives, says the same, overlaps one in the same file, reads alike in the base space, or belongs to the
 * same query asked again. The row's own target is never masked.
 */
import { foldText } from '../../base/text';
import type { Span } from '../documents/document';
import { type Matrix, zeros } from './losses/matrix';

/** What is known of a text; what is not known cannot make it a duplicate. */
export interface TextIdentity {
  /** Equal for equal contents. */
  readonly hash: string;
  readonly path?: string;
  readonly span?: Span;
  /** Unit-length embedding in the base space. */
  readonly vector?: Float32Array;
}

/** Base cosines above this are copies with other names. */
export const DUPLICATE_COSINE = 0.98;

export function isDuplicate(
  a: TextIdentity,
  b: TextIdentity,
  ceiling: number = DUPLICATE_COSINE,
): boolean {
  if (a.hash === b.hash) return true;
  if (a.span && b.span && a.path === b.path && overlaps(a.span, b.span)) return true;
  return cosineOf(a.vector, b.vector) > ceiling;
}

function overlaps(a: Span, b: Span): boolean {
  return a.start < b.end && b.start < a.end;
}

function cosineOf(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (!a || !b) return -1;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Case and space do not make another query, nor how its letters are put together: as marks tell queries apart. */
export function foldQuery(text: string): string {
  return foldText(text);
}

export interface MaskRow {
  readonly query: string;
  readonly positives: readonly TextIdentity[];
}

export interface MaskColumn extends TextIdentity {
  /** The query whose positive the column is; further columns belong to none. */
  readonly query?: string;
}

/** `[rows, columns]`: -Infinity where a column must not count. Column i is the target of row i. */
export function duplicateMask(
  rows: readonly MaskRow[],
  columns: readonly MaskColumn[],
  ceiling: number = DUPLICATE_COSINE,
): Matrix {
  const mask = zeros(rows.length, columns.length);
  const queries = columns.map(({ query }) => (query === undefined ? undefined : foldQuery(query)));
  rows.forEach(({ query, positives }, i) => {
    const folded = foldQuery(query);
    columns.forEach((column, j) => {
      if (j === i) return;
      const isMasked =
        queries[j] === folded ||
        positives.some((positive) => isDuplicate(positive, column, ceiling));
      if (isMasked) mask.data[i * columns.length + j] = -Infinity;
    });
  });
  return mask;
}
