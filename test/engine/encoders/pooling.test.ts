import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pooling, pool } from '../../../src/engine/encoders/pooling';

/** Two texts of two and one tokens, dimension 2; what is padding holds 9s, which must not count. */
const states = {
  data: Float32Array.of(3, 0, 0, 4, /* second */ 0, 2, 9, 9),
  width: 2,
  dimension: 2,
  lengths: [2, 1],
};

function checkPooling(pooling: Pooling, expected: readonly number[]): void {
  const actual = pool(states, pooling);
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) =>
    assert.ok(Math.abs(actual[i]! - value) < 1e-6, `${i}: ${actual[i]}`),
  );
}

test('mean pools to (1.5, 2), scaled to norm 1', () => checkPooling('mean', [0.6, 0.8, 0, 1]));
test('cls takes the first token', () => checkPooling('cls', [1, 0, 0, 1]));
test('max takes the larger of each component', () => checkPooling('max', [0.6, 0.8, 0, 1]));
test('mean over the square root of the length differs from the mean by its norm alone', () =>
  checkPooling('meanSqrtLength', [0.6, 0.8, 0, 1]));

test('max keeps the larger of two negative numbers', () => {
  const data = Float32Array.of(-3, -8, -6, -4);
  assert.deepEqual(
    [...pool({ data, width: 2, dimension: 2, lengths: [2] }, 'max')],
    [Math.fround(-0.6), Math.fround(-0.8)],
  );
});

test('states of zeros give an embedding of zeros and not NaN', () => {
  const zeros = { data: new Float32Array(4), width: 2, dimension: 2, lengths: [2] };
  assert.deepEqual([...pool(zeros, 'mean')], [0, 0]);
});
