import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ReviewedMark, reviewMarks } from '../../../src/engine/training/review';

/** A mark whose wrong text lies this far from the query and from the one positive. */
function mark(
  toQuery: number,
  toPositive: number,
  wrong = 'wrong',
  positive = 'right',
): ReviewedMark {
  return {
    query: 'how are retries counted',
    wrong: { hash: wrong },
    positives: [{ hash: positive, distances: { toQuery, toPositive } }],
  };
}

const fine = mark(0.2, 0.5);

test('shows marks that say the opposite of another mark, across spelling of the query', () => {
  const opposite = { ...mark(0.2, 0.5, 'right'), query: 'How are  retries COUNTED', positives: [] };
  assert.deepEqual(reviewMarks([fine, opposite], undefined), [
    {
      mark: 1,
      reason: 'contradiction',
      sentence: 'The same text was marked relevant for the same query',
    },
  ]);
});

test('knows answers that were marked apart from the mark', () => {
  const lone: ReviewedMark = { query: 'open a socket', wrong: { hash: 'a' }, positives: [] };
  const answers = [{ query: 'Open a  socket', hash: 'a' }];
  assert.deepEqual(reviewMarks([lone], undefined), []);
  const items = reviewMarks([lone], undefined, { answers });
  assert.deepEqual(
    items.map(({ reason }) => reason),
    ['contradiction'],
  );
});

test('shows marks on copies of the answer', () => {
  const vector = Float32Array.of(1, 0);
  const copy: ReviewedMark = {
    query: 'q',
    wrong: { hash: 'a', vector },
    positives: [{ hash: 'b', vector }],
  };
  assert.deepEqual(
    reviewMarks([fine, copy], undefined).map(({ mark, reason }) => [mark, reason]),
    [[1, 'copy']],
  );
});

test('shows marks nearer to the answer than to the query, by percentile where calibrated', () => {
  const close = mark(0.45, 0.35);
  const marks = [fine, fine, fine, close];
  assert.deepEqual(
    reviewMarks(marks, undefined).map(({ mark, reason }) => [mark, reason]),
    [[3, 'closeToAnswer']],
  );
  const calibration = {
    queryChunk: Float64Array.of(0.3, 0.4, 0.5, 0.6),
    chunkChunk: Float64Array.of(0.1, 0.2, 0.3, 0.5),
  };
  assert.deepEqual(reviewMarks(marks, calibration), []);
});

test('does not believe a condition that would set aside over 30 % of the marks; copies are still shown', () => {
  const close = mark(0.45, 0.35);
  const copy = mark(0.1, 0.9, 'right');
  const reasons = (marks: readonly ReviewedMark[]): string[] =>
    reviewMarks(marks, undefined).map(({ reason }) => reason);
  assert.deepEqual(reasons([close, ...Array<ReviewedMark>(9).fill(fine)]), ['closeToAnswer']);
  assert.deepEqual(reasons([close, close, fine, fine, copy]), ['contradiction']);
});
