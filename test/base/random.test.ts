import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sample, seededRandom, shuffle } from '../../src/base/random';

test('gives the same sequence for the same seed, on every machine', () => {
  const random = seededRandom(1);
  // Worked out with the published mulberry32: another machine or another year changes nothing.
  assert.deepEqual(
    [random(), random(), random()],
    [0.6270739405881613, 0.002735721180215478, 0.5274470399599522],
  );
});

test('stays in [0, 1) and near the middle on average', () => {
  const random = seededRandom(7);
  const values = Array.from({ length: 10_000 }, () => random());
  assert.ok(values.every((value) => 0 <= value && value < 1));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(mean - 0.5) < 0.02, `mean ${mean}`);
});

test('shuffles to the same items, leaving the given array as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
      const before = [...items];
      const shuffled = shuffle(items, seededRandom(seed));
      assert.deepEqual(items, before);
      const byValue = (a: number, b: number): number => a - b;
      assert.deepEqual([...shuffled].sort(byValue), [...items].sort(byValue));
    }),
  );
});

test('samples different positions, and all when there are fewer', () => {
  const items = ['a', 'b', 'c', 'd'];
  const picked = sample(items, 3, seededRandom(3));
  assert.equal(new Set(picked).size, 3);
  assert.equal(sample(items, 9, seededRandom(3)).length, 4);
});
