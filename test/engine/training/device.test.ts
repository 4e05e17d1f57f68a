/** Which device trains: by the loss it comes to first, by its speed then. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DeviceTrial, chooseDevice, tryDevice } from '../../../src/engine/training/device';
import type { Learner } from '../../../src/engine/training/loop';

const cpu: DeviceTrial = { provider: 'cpu', stepMs: 200, loss: 2 };
const webgpu: DeviceTrial = { provider: 'webgpu', stepMs: 50, loss: 2.0001 };

function check(
  asked: 'auto' | 'webgpu',
  trials: readonly [DeviceTrial, DeviceTrial],
  provider: string,
  reason: RegExp,
): void {
  const choice = chooseDevice(asked, ...trials);
  assert.equal(choice.provider, provider);
  assert.match(choice.reason, reason);
  assert.deepEqual(choice.trials, trials);
}

describe('the device that trains', () => {
  test('is the faster one where both come to the same loss', () => {
    check(
      'auto',
      [cpu, webgpu],
      'webgpu',
      /^WebGPU trains: 50 ms .* against 200 ms, the same loss/,
    );
    const slow = { ...webgpu, stepMs: 900 };
    check('auto', [cpu, slow], 'cpu', /^The processor trains, for WebGPU is slower: 900 ms/);
    check('webgpu', [cpu, slow], 'webgpu', /^WebGPU trains as asked, slower: 900 ms/);
  });

  test('is the processor where the other does not start or comes to another loss', () => {
    const asked = ['auto', 'webgpu'] as const;
    for (const how of asked) {
      check(how, [cpu, { provider: 'webgpu', problem: 'no adapter' }], 'cpu', /no adapter/);
      for (const loss of [2.001, Number.NaN])
        check(
          how,
          [cpu, { ...webgpu, loss }],
          'cpu',
          /WebGPU comes to another loss \((2.0010|NaN)/,
        );
      check(how, [{ provider: 'cpu', problem: 'odd' }, webgpu], 'cpu', /can be compared/);
    }
  });

  test('is timed by the second of two real steps, and a fault is its problem', async () => {
    const steps: number[] = [];
    const learner: Learner = {
      weights: new Map(),
      step: (index) => {
        steps.push(index);
        return Promise.resolve({ loss: 0.5, gradients: new Map(), rows: [] });
      },
      evaluate: () => Promise.resolve(0),
    };
    const trial = await tryDevice('cpu', (action) => action(learner));
    assert.deepEqual([steps, trial.loss, trial.problem], [[0, 0], 0.5, undefined]);
    assert.ok(trial.stepMs! >= 0);
    const failed = await tryDevice('webgpu', () => Promise.reject(new Error('device lost')));
    assert.deepEqual(failed, { provider: 'webgpu', problem: 'device lost' });
  });
});
