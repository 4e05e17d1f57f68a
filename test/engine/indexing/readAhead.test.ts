import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAhead } from '../../../src/engine/indexing/readAhead';

/** Sizes taken in order; which were being read or waited to be taken when each was taken. */
async function aheadOf(sizes: readonly number[], limits: { count: number; bytes: number }) {
  const begun: number[] = [];
  const seen: number[] = [];
  const ahead: number[] = [];
  const read = async (size: number): Promise<number> => {
    begun.push(size);
    return size;
  };
  for await (const { result } of readAhead(sizes, { ...limits, bytesOf: (size) => size }, read)) {
    seen.push(result);
    ahead.push(begun.length - seen.length);
  }
  assert.deepEqual(seen, sizes);
  return ahead;
}

test('reads so many items ahead and gives them in order', async () => {
  assert.deepEqual(await aheadOf([1, 2, 3, 4, 5], { count: 3, bytes: 100 }), [2, 2, 2, 1, 0]);
});

test('reads no further than the bytes allow, and an item above them alone', async () => {
  assert.deepEqual(await aheadOf([4, 4, 4, 90, 4], { count: 5, bytes: 10 }), [1, 1, 0, 0, 0]);
});

test('leaves no rejection unhandled when the caller stops early', async () => {
  const limits = { count: 3, bytes: 10, bytesOf: () => 1 };
  const fail = (item: number): Promise<never> => Promise.reject(new Error(`no ${item}`));
  await assert.rejects(async () => {
    for await (const { result } of readAhead([1, 2, 3], limits, fail)) assert.fail(result);
  }, /no 1/);
  await new Promise((resolve) => setImmediate(resolve));
});
