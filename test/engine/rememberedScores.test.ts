/** Two rankings of one question: the second reads only what the first has not read with the same re-ranker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reranker } from '../../src/engine/encoders/types';
import { RememberedScores } from '../../src/engine/rememberedScores';

/** Scores a text by its length and notes what it was given. */
function reader(fingerprint: string): { readonly reranker: Reranker; readonly read: string[] } {
  const read: string[] = [];
  const reranker: Reranker = {
    fingerprint,
    async score(query, texts) {
      read.push(...texts.map((text) => `${query}: ${text}`));
      return Float32Array.from(texts, ({ length }) => length);
    },
    dispose: () => assert.fail('it is somebody else who disposes it'),
  };
  return { reranker, read };
}

test('reads again what is new, in the order that is asked for', async () => {
  const { reranker, read } = reader('r');
  const scores = new RememberedScores();
  assert.equal(scores.count, 0);
  const first = scores.recording(reranker);
  assert.deepEqual([...(await first.score('q', ['a', 'bb']))], [1, 2]);
  assert.deepEqual([...(await first.score('q', ['ccc']))], [3]);
  assert.equal(scores.count, 3);
  const second = scores.reusing(reranker);
  assert.equal(second.fingerprint, 'r');
  assert.deepEqual([...(await second.score('q', ['dddd', 'ccc', 'eeeee', 'a']))], [4, 3, 5, 1]);
  assert.deepEqual(read, ['q: a', 'q: bb', 'q: ccc', 'q: dddd', 'q: eeeee']);
  assert.equal(scores.count, 3);
  second.dispose();
});

test('what another re-ranker said, or to another query, is not taken', async () => {
  const [one, other] = [reader('1'), reader('2')];
  const scores = new RememberedScores();
  await scores.recording(one.reranker).score('q', ['a']);
  await scores.reusing(other.reranker).score('q', ['a']);
  await scores.reusing(one.reranker).score('p', ['a']);
  await scores.reusing(one.reranker).score('q', ['a']);
  assert.deepEqual([one.read, other.read], [['q: a', 'p: a'], ['q: a']]);
});
