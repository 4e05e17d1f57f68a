import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { LazyEmbedder } from '../../../src/engine/indexing/lazyEmbedder';
import { TOY_SPACE, toyEmbedder } from '../../support/toyIndexing';

/** A lazy embedder, and what happened to the ones it made. */
function lazy(options: { readonly releaseAfterMs?: number; readonly failures?: number } = {}) {
  const calls: string[] = [];
  let failuresLeft = options.failures ?? 0;
  const embedder = new LazyEmbedder({
    space: TOY_SPACE,
    releaseAfterMs: options.releaseAfterMs ?? 60_000,
    async load() {
      calls.push('load');
      if (failuresLeft-- > 0) throw new Error('not yet');
      return { ...toyEmbedder(20), dispose: () => calls.push('dispose') };
    },
  });
  return { embedder, calls };
}

test('loads when the first text comes, once', async () => {
  const { embedder, calls } = lazy();
  assert.deepEqual(calls, []);
  await Promise.all([embedder.embedDocuments(['a']), embedder.embedQuery('b')]);
  assert.deepEqual(calls, ['load']);
  embedder.dispose();
  await delay(0);
  assert.deepEqual(calls, ['load', 'dispose']);
});

test('lets an idle session go, and makes a new one for the next text', async () => {
  const { embedder, calls } = lazy({ releaseAfterMs: 10 });
  await embedder.prepare();
  await delay(40);
  await embedder.embedDocuments(['a']);
  assert.deepEqual(calls, ['load', 'dispose', 'load']);
  embedder.dispose();
});

test('tries again after a failure', async () => {
  const { embedder, calls } = lazy({ failures: 1 });
  await assert.rejects(embedder.prepare(), /not yet/);
  await embedder.prepare();
  assert.deepEqual(calls, ['load', 'load']);
  embedder.dispose();
});

test('finishes what is under way when disposed, and takes nothing new', async () => {
  const { embedder, calls } = lazy();
  const running = embedder.embedDocuments(['a']);
  embedder.dispose();
  assert.equal((await running).length, TOY_SPACE.dimension);
  await delay(0);
  assert.deepEqual(calls, ['load', 'dispose']);
  await assert.rejects(embedder.embedDocuments(['b']), { name: 'AbortError' });
});
