import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutBatches, packInputs, runBatches } from '../../../src/engine/encoders/batches';

test('batches go from long to short and fill the budget, padding included', () => {
  assert.deepEqual(cutBatches([3, 10, 4, 9, 3], 20), [
    [1, 3],
    [2, 0, 4],
  ]);
});

test('every sequence is in one batch, and only one alone may exceed the budget', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 60 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 600 }), (all, budget) => {
      const batches = cutBatches(all, budget);
      const indexes = batches.flat().sort((a, b) => a - b);
      assert.deepEqual(indexes, [...all.keys()]);
      for (const batch of batches) {
        const width = Math.max(...batch.map((index) => all[index]!));
        assert.ok(batch.length === 1 || batch.length * width <= budget);
      }
    }),
  );
});

test('inputs are padded on the right, masked and typed', () => {
  const inputs = packInputs(
    [
      { ids: [1, 5, 2, 6, 2], secondStart: 3, secondType: 1 },
      { ids: [1, 7, 2], secondStart: 3, secondType: 1 },
    ],
    9,
  );
  assert.deepEqual(inputs.input_ids.shape, [2, 5]);
  assert.deepEqual(Array.from(inputs.input_ids.data, Number), [1, 5, 2, 6, 2, 1, 7, 2, 9, 9]);
  assert.deepEqual(Array.from(inputs.attention_mask.data, Number), [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  assert.deepEqual(Array.from(inputs.token_type_ids.data, Number), [0, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
});

test('as many batches run at a time as there are lanes, each once', async () => {
  let running = 0;
  let most = 0;
  const seen: number[] = [];
  const run = async ([index]: readonly number[]): Promise<void> => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    seen.push(index!);
    running--;
  };
  await runBatches([[0], [1], [2], [3], [4]], 2, run, undefined);
  assert.equal(most, 2);
  assert.deepEqual(
    seen.toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4],
  );
});

test('after a failure or an abort no further batch begins', async () => {
  const begun: number[] = [];
  const failing = async ([index]: readonly number[]): Promise<void> => {
    begun.push(index!);
    if (index === 1) throw new Error('broken');
  };
  await assert.rejects(runBatches([[0], [1], [2], [3]], 1, failing, undefined), /broken/);
  assert.deepEqual(begun, [0, 1]);
  const controller = new AbortController();
  const aborting = async ([index]: readonly number[]): Promise<void> => {
    begun.push(index!);
    controller.abort();
  };
  await assert.rejects(runBatches([[7], [8]], 1, aborting, controller.signal), {
    name: 'AbortError',
  });
  assert.deepEqual(begun, [0, 1, 7]);
});

test('waiting events have their turn between batches', async () => {
  let turnCount = 0;
  const timer = setInterval(() => turnCount++, 0);
  const busy = async (): Promise<void> => {
    const end = performance.now() + 3;
    while (performance.now() < end);
  };
  await runBatches(
    Array.from({ length: 20 }, () => [0]),
    1,
    busy,
    undefined,
  );
  clearInterval(timer);
  assert.ok(turnCount >= 10, String(turnCount));
});
