/** A training step on WebGPU against the CPU, on a software Vulkan device where one is installed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { leavesNothing } from '../../support/leaks';
import { SOFTWARE_DEVICE, softwareDeviceMissing } from '../../support/softwareDevice';
import { chunkOf, toyBytes, withEncoder } from '../../support/trainable';

leavesNothing();

interface Step {
  readonly encoded: Float32Array;
  readonly sums: ReadonlyMap<string, Float32Array>;
}

/** Two chunks, embedded and sent back, added up. */
async function stepOn(provider: string): Promise<Step> {
  let result: Step | undefined;
  const options = { pooling: 'mean', selection: { tables: true }, provider } as const;
  await withEncoder(toyBytes({ layerCount: 1 }), options, async (encoder) => {
    const chunk = chunkOf([5, 2, 3]);
    const encoded = await encoder.encode(chunk);
    const sums = encoder.zeroSums();
    const seed = encoded.map((_, index) => (index % 3) - 1);
    for (let count = 0; count < 2; count++) await encoder.addGradients(chunk, seed, sums);
    result = { encoded, sums };
  });
  return result!;
}

describe('a training step on WebGPU', { skip: softwareDeviceMissing }, () => {
  test('gives what the CPU gives, to 1e-4', async () => {
    process.env.VK_ICD_FILENAMES = SOFTWARE_DEVICE;
    const expected = await stepOn('cpu');
    const actual = await stepOn('webgpu');
    const values = (step: Step): [string, Float32Array][] => [
      ['embeddings', step.encoded],
      ...step.sums,
    ];
    const rightValues = new Map(values(expected));
    for (const [name, numbers] of values(actual)) {
      const right = rightValues.get(name)!;
      const apart = Math.max(...numbers.map((value, index) => Math.abs(value - right[index]!)));
      assert.ok(apart < 1e-4, `${name} is off by ${apart}`);
    }
    assert.ok([...actual.sums.values()].some((sum) => sum.some((value) => Math.abs(value) > 0.1)));
  });
});
