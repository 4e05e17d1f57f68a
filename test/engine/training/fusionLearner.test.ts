/** The numbers of the ranking in training: the gradient is that of the loss, and what a wrong hit weighs is a flag. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQuery } from '../../../src/engine/search/query';
import type { Candidate } from '../../../src/engine/search/retrieve';
import { FusionLearner, type FusionQuery } from '../../../src/engine/training/fusionLearner';

function candidate(id: number, words: number, cosine: number, file: string): Candidate {
  const chunk = {
    ...{ id, documentId: id, path: file, language: 'typescript', kind: 'code' as const },
    ...{ span: { start: 0, end: 1 }, symbol: '', definitions: [], text: '' },
  };
  return {
    chunk,
    words: { value: words, rank: id },
    contextual: { value: cosine, rank: 4 - id },
  };
}

/** The right one is found by meaning, the wrong one by words. */
function query(wrong: readonly number[] = [1]): FusionQuery {
  return {
    line: 1,
    query: parseQuery('retry uploads'),
    candidates: [
      candidate(1, 9, 0.2, 'src/retry.ts'),
      candidate(2, 4, 0.5, 'src/queue.ts'),
      candidate(3, 1, 0.7, 'src/network.ts'),
    ],
    ...{ hasMeaning: true, logits: new Map<number, number>(), relevant: new Set([3]) },
    wrong: new Set(wrong),
    weight: 1,
  };
}

function learner(own: FusionQuery, hardNegativeAlpha: number): FusionLearner {
  const recipe = { tau: 0.1, rows: 4, fusionPull: 1, hardNegativeAlpha };
  return new FusionLearner([own], [own], recipe, 1);
}

const STEP = 1e-2;

for (const alpha of [1, 3])
  test(`the gradient is that of the loss, with marked hits weighing ${alpha}`, async () => {
    const made = learner(query(), alpha);
    made.theta.fill(0.3);
    const gradient = (await made.step(0)).gradients.get('theta')!;
    assert.ok(gradient.some((value) => Math.abs(value) > 0.01));
    for (const [at, value] of made.theta.entries()) {
      const lossAt = async (x: number): Promise<number> => {
        made.theta[at] = x;
        const { loss } = await made.step(0);
        made.theta[at] = value;
        return loss;
      };
      const slope = ((await lossAt(value + STEP)) - (await lossAt(value - STEP))) / (2 * STEP);
      assert.ok(Math.abs(slope - gradient[at]!) < 1e-3, `${at}: ${gradient[at]}, not ${slope}`);
    }
  });

test('a hit marked wrong is one of all others at a weight of 1, and costs more above that', async () => {
  const lossOf = async (own: FusionQuery, alpha: number): Promise<number> =>
    (await learner(own, alpha).step(0)).loss;
  const plain = await lossOf(query([]), 1);
  assert.equal(await lossOf(query(), 1), plain);
  assert.equal(await lossOf(query([]), 3), plain);
  assert.ok((await lossOf(query(), 3)) > plain);
});

test('a record of half the weight says half as much', async () => {
  const slope = async (weight: number): Promise<Float32Array> =>
    (await learner({ ...query(), weight }, 1).step(0)).gradients.get('theta')!;
  const [whole, half] = [await slope(1), await slope(0.5)];
  assert.ok(whole.some((value) => Math.abs(value) > 1e-4));
  // At the defaults the pull to them has no slope.
  whole.forEach((value, at) => assert.ok(Math.abs(half[at]! - value / 2) < 1e-6));
});

test('teaches nothing where nothing marked relevant is found', () => {
  assert.equal(learner({ ...query(), relevant: new Set([9]) }, 1).usableCount, 0);
});
