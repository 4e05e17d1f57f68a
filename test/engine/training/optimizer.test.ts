import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matrixOf } from '../../../src/engine/training/losses/matrix';
import {
  ADAMW_DEFAULTS,
  adamWState,
  adamWStep,
  biasCorrections,
  clipGradients,
  writeAdamW,
  writeClipFactor,
} from '../../../src/engine/training/optimizer';
import { learningRateAt } from '../../../src/engine/training/schedule';
import { assertNear, runOutputs } from '../../support/lossChecks';

const GRADIENTS = [0.5, -0.25, 0.1];
const WORKED = [0.899, 0.871467, 0.839071];

test("takes AdamW's worked steps", () => {
  const weights = new Map([['p', Float64Array.of(1)]]);
  const state = adamWState(weights);
  const seen = GRADIENTS.map((gradient) => {
    const gradients = new Map([['p', Float64Array.of(gradient)]]);
    adamWStep(state, weights, gradients, { ...ADAMW_DEFAULTS, learningRate: 0.1 });
    return weights.get('p')![0]!;
  });
  assertNear(seen, WORKED);
  assert.equal(state.step, 3);
});

test("takes AdamW's worked steps as the graph that training runs", async () => {
  let state = { weight: 1, first: 0, second: 0 };
  const seen: number[] = [];
  for (const [i, gradient] of GRADIENTS.entries()) {
    const scalars = {
      ...state,
      gradient,
      learningRate: 0.1,
      ...biasCorrections(i + 1, ADAMW_DEFAULTS),
    };
    const inputs = Object.fromEntries(
      Object.entries(scalars).map(([name, value]) => [name, matrixOf([[value]])]),
    ) as Record<keyof typeof scalars, ReturnType<typeof matrixOf>>;
    const result = await runOutputs(inputs, (writer, names) =>
      writeAdamW(writer, names, ADAMW_DEFAULTS),
    );
    const [weight, first, second] = [result.weight![0]!, result.first![0]!, result.second![0]!];
    state = { weight, first, second };
    seen.push(weight);
  }
  assertNear(seen, WORKED);
});

test('leaves weights without a gradient as they are', () => {
  const weights = new Map([
    ['p', Float32Array.of(1, 2)],
    ['still', Float32Array.of(3)],
  ]);
  const state = adamWState(weights);
  const gradients = new Map([['p', Float32Array.of(1, -1)]]);
  adamWStep(state, weights, gradients, { ...ADAMW_DEFAULTS, learningRate: 0.1 });
  assert.deepEqual(weights.get('still'), Float32Array.of(3));
  assert.ok(weights.get('p')![0]! < 1 && weights.get('p')![1]! > 1.99);
});

test('clips (3, 4) to norm 1, over all tensors together, and leaves what is short enough', async () => {
  const gradients = new Map([
    ['a', Float64Array.of(3)],
    ['b', Float64Array.of(4)],
  ]);
  assert.equal(clipGradients(gradients, 1), 5);
  assertNear([gradients.get('a')![0]!, gradients.get('b')![0]!], [0.6, 0.8]);
  const short = new Map([['a', Float64Array.of(0.3, 0.4)]]);
  clipGradients(short, 1);
  assert.deepEqual([...short.get('a')!], [0.3, 0.4]);
  for (const [squared, expected] of [
    [25, 0.2],
    [0.25, 1],
  ] as const) {
    const { factor } = await runOutputs({ squared: matrixOf([[squared]]) }, (writer, names) => ({
      factor: writeClipFactor(writer, names.squared, 1),
    }));
    assertNear(factor!, [expected]);
  }
});

test('warms up in a line and falls in a line', () => {
  const schedule = { peak: 2e-5, warmupSteps: 10, totalSteps: 100 };
  const rates = [0, 5, 10, 55, 100, 130].map((step) => learningRateAt(step, schedule));
  assertNear(rates, [0, 1e-5, 2e-5, 1e-5, 0, 0], 1e-18);
  assert.equal(learningRateAt(0, { peak: 1, warmupSteps: 0, totalSteps: 4 }), 1);
});
