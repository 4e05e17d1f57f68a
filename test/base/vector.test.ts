import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TopK, cosine, normalize } from '../../src/base/vector';

test('scales to norm 1 and leaves a zero vector alone', () => {
  assert.deepEqual([...normalize(Float32Array.of(3, 4))], [...Float32Array.of(0.6, 0.8)]);
  assert.deepEqual([...normalize(Float32Array.of(0, 0))], [0, 0]);
});

test('gives cosine 0 against a zero vector', () => {
  assert.equal(cosine(Float32Array.of(1, 0), Float32Array.of(0, 0)), 0);
});

test('keeps the k best, equal scores by the smaller index', () => {
  const top = new TopK(2);
  top.offer(5, 1);
  top.offer(3, 1);
  top.offer(9, 2);
  top.offer(1, 0.5);
  assert.deepEqual(top.results(), [
    { index: 9, score: 2 },
    { index: 3, score: 1 },
  ]);
});
