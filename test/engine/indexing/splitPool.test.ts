import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from '../../../src/engine/documents/document';
import { openSplitPool, type ThreadSplitter } from '../../../src/engine/indexing/splitPool';
import type { NewChunk } from '../../../src/engine/store/types';

/** A thread whose documents are done when the test says so. */
class ToyThread implements ThreadSplitter {
  readonly paths: string[] = [];
  isDisposed = false;
  private readonly waiting: { resolve(chunks: NewChunk[]): void; reject(error: Error): void }[] =
    [];
  private end: () => void = () => undefined;
  readonly ended = new Promise<void>((resolve) => (this.end = resolve));

  split(document: Document): Promise<NewChunk[]> {
    this.paths.push(document.path);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  finishOne(): void {
    this.waiting.shift()?.resolve([]);
  }

  die(): void {
    for (const task of this.waiting.splice(0)) task.reject(new Error('The thread ended'));
    this.end();
  }

  dispose(): void {
    this.isDisposed = true;
  }
}

async function openPool() {
  const threads: ToyThread[] = [];
  const pool = await openSplitPool(2, async () => {
    threads.push(new ToyThread());
    return threads.at(-1)!;
  });
  const give = (name: string): Promise<NewChunk[]> => pool.split({ path: name } as Document);
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { threads, pool, give, settle };
}

test('gives an edit to one thread and starts another only when documents wait', async () => {
  const { threads, give, settle } = await openPool();
  void give('a');
  await settle();
  threads[0]!.finishOne();
  await settle();
  void give('b');
  void give('c');
  await settle();
  assert.deepEqual(
    threads.map(({ paths }) => paths),
    [['a', 'b', 'c']],
  );
  for (const name of ['d', 'e', 'f', 'g']) void give(name);
  await settle();
  assert.deepEqual(
    threads.map(({ paths }) => paths),
    [
      ['a', 'b', 'c', 'f'],
      ['d', 'e', 'g'],
    ],
  );
});

test('loses with a thread only what that thread had, and starts another in its place', async () => {
  const { threads, give, settle } = await openPool();
  const [a, b, c] = [give('a'), give('b'), give('c')];
  const losses = [assert.rejects(a, /ended/), assert.rejects(b, /ended/)];
  await settle();
  threads[0]!.die();
  await Promise.all(losses);
  threads[1]!.finishOne();
  assert.deepEqual(await c, []);
  void give('d');
  await settle();
  assert.deepEqual(
    threads.map(({ paths }) => paths),
    [['a', 'b'], ['c'], ['d']],
  );
});

test('lets all threads go', async () => {
  const { threads, pool, give, settle } = await openPool();
  for (const name of ['a', 'b', 'c']) void give(name);
  await settle();
  pool.dispose();
  await settle();
  assert.deepEqual(
    threads.map(({ isDisposed }) => isDisposed),
    [true, true],
  );
});

test('says so when the first thread cannot be started', async () => {
  await assert.rejects(
    openSplitPool(2, () => Promise.reject(new Error('no memory'))),
    /no memory/,
  );
});
