import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkInputs } from '../../../src/engine/training/chunks';
import { type DropoutKey, dropoutMasks } from '../../../src/engine/training/dropout';
import type { Matrix } from '../../../src/engine/training/losses/matrix';
import { offDropout } from '../../../src/engine/training/losses/offDropout';
import { contrast } from '../../../src/engine/training/losses/contrast';
import { assertNear } from '../../support/lossChecks';
import { F1 } from '../../support/lossFixtures';

const key: DropoutKey = { seed: 7, step: 3, purpose: 'queries' };

function dropoutMask(size: number, rate: number, of: DropoutKey | undefined): Float64Array {
  return dropoutMasks(rate, of)(size);
}

test('gives the same mask for the same key, and the two views differ', () => {
  assert.deepEqual(dropoutMask(64, 0.1, key), dropoutMask(64, 0.1, key));
  for (const other of [{ purpose: 'answers' }, { step: 4 }, { seed: 8 }])
    assert.notDeepEqual(dropoutMask(64, 0.1, { ...key, ...other }), dropoutMask(64, 0.1, key));
});

test('drops the share asked for and keeps the mean', () => {
  const mask = dropoutMask(50_000, 0.1, key);
  assert.deepEqual(new Set(mask), new Set([0, 1 / 0.9]));
  const dropped = mask.filter((value) => value === 0).length / mask.length;
  assert.ok(Math.abs(dropped - 0.1) < 0.005, `dropped ${dropped}`);
});

test('masks of neighbouring keys do not overlap', () => {
  // Twenty steps by two views: no stretch of 40 numbers of one mask is found in another.
  const texts = Array.from({ length: 40 }, (_, i) =>
    dropoutMask(400, 0.5, { ...key, step: Math.floor(i / 2), purpose: `${i % 2}` })
      .join('')
      .replaceAll('2', '1'),
  );
  for (const text of texts)
    for (const other of texts) assert.ok(text === other || !other.includes(text.slice(100, 140)));
});

test('a rate of 0 makes all passes alike, and off-dropout the plain loss', () => {
  assert.deepEqual(dropoutMask(5, 0, key), new Float64Array(5).fill(1));
  const masked = (purpose: string): Matrix => {
    const mask = dropoutMask(12, 0, { ...key, purpose });
    return { ...F1.queries, data: F1.queries.data.map((x, i) => x * mask[i]!) };
  };
  const [first, second] = [masked('first'), masked('second')];
  assert.deepEqual(first, second);
  const clean = { cleanQueries: F1.queries, cleanPositives: F1.queries };
  const noisy = { queries: first, positives: second, temperature: 0.1 };
  const plain = contrast(noisy);
  assertNear([offDropout({ ...noisy, ...clean, rho: 1 }).value], [plain.value], 1e-12);
});

test('the masks of a step are the same after a failure in the clean pass: there is no state to restore', () => {
  const before = dropoutMask(32, 0.1, key);
  const cleanPass = (): never => {
    dropoutMask(32, 0.1, undefined);
    throw new Error('out of memory');
  };
  assert.throws(cleanPass);
  assert.deepEqual(dropoutMask(32, 0.1, key), before);
});

test('the clean pass is bit-equal however often it is repeated, whatever ran between', () => {
  const clean = (): Float32Array => {
    const mask = dropoutMask(12, 0.1, undefined);
    return Float32Array.from(F1.queries.data, (x, i) => x * mask[i]!);
  };
  const first = clean();
  dropoutMask(12, 0.5, key);
  assert.deepEqual(clean(), first);
  assert.deepEqual(clean(), Float32Array.from(F1.queries.data));
});

test('what is fed to an encoder has the masks of its step and use, and none in a clean pass', () => {
  const sequences = [
    [101, 5, 6, 102],
    [101, 7, 102],
  ].map((ids) => ({ ids, secondStart: ids.length, secondType: 0 }));
  const masks = ['first', 'second'].map((input) => ({ input, dims: ['batch', 'sequence', 8] }));
  const options = { padId: 0, tokenBudget: 64, masks, dropout: 0.5, seed: 7 };
  const fed = (noise?: { readonly purpose: string; readonly step: number }): unknown[] => {
    const inputs = chunkInputs(sequences, options, noise);
    return masks.map(({ input }) => [...inputs[input]!.data]);
  };
  const noisy = fed({ purpose: 'chunk 0', step: 3 });
  assert.deepEqual(fed(), [Array(64).fill(1), Array(64).fill(1)]);
  assert.deepEqual(fed({ purpose: 'chunk 0', step: 3 }), noisy);
  assert.notDeepEqual(noisy[0], noisy[1]);
  assert.notDeepEqual(fed({ purpose: 'chunk 0', step: 4 }), noisy);
  assert.notDeepEqual(fed({ purpose: 'chunk 1', step: 3 }), noisy);
});
