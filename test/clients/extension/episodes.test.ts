/** What counts as one search, as other words for it, as its end. Times are milliseconds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Episodes } from '../../../src/clients/extension/episodes';

const minute = 60_000;

test('counts a question once, however often it is answered', () => {
  const episodes = new Episodes();
  assert.deepEqual(episodes.asked('retry', 0, 1000), [{ kind: 'search' }]);
  assert.deepEqual(episodes.asked('retry', 1500, 2000), []);
});

test('takes other words within a minute for the same question', () => {
  const episodes = new Episodes();
  episodes.asked('retry', 0, 1000);
  assert.deepEqual(episodes.asked('retry upload', 30_000, 31_000), [{ kind: 'reformulated' }]);
  // Time runs from the first key press of the first words.
  assert.deepEqual(episodes.opened(3, 42_000), [{ kind: 'opened', rank: 3, seconds: 42 }]);
});

test('gives a question up when another comes later, or nothing for ten minutes', () => {
  const episodes = new Episodes();
  episodes.asked('retry', 0, 0);
  assert.deepEqual(episodes.asked('theme', 2 * minute, 2 * minute), [
    { kind: 'unresolved' },
    { kind: 'search' },
  ]);
  assert.deepEqual(episodes.passed(11 * minute), []);
  assert.deepEqual(episodes.passed(12 * minute), [{ kind: 'unresolved' }]);
  assert.deepEqual(episodes.passed(13 * minute), []);
});

test('counts the first opened hit of a question and no other', () => {
  const episodes = new Episodes();
  assert.deepEqual(episodes.opened(1, 0), []);
  episodes.asked('retry', 0, 1000);
  assert.deepEqual(episodes.opened(undefined, 2000), [
    { kind: 'opened', rank: undefined, seconds: 2 },
  ]);
  assert.deepEqual(episodes.opened(2, 3000), []);
  assert.deepEqual(episodes.asked('retry', 4000, 5000), [{ kind: 'search' }]);
});
