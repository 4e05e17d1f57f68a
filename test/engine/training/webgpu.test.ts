/** A training step on WebGPU against the CPU, on a software Vulkan device where one is installed. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import { leavesNothing } from '../../support/leaks';
import { chunkOf, toyBytes, withEncoder } from '../../support/trainable';

/** Debian's software Vulkan device: no GPU is needed to run WebGPU, slowly. */
const SOFTWARE_DEVICE = '/usr/lib/chromium/vk_swiftshader_icd.json';
const skip = fs.existsSync(SOFTWARE_DEVICE)
  ? false
  : 'no software Vulkan device here (Debian: chromium-common and libvulkan1)';

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

describe('a training step on WebGPU', { skip }, () => {
  test('gives what the CPU gives, to 1e-4', async () => {
    process.env.VK_ICD_FILENAMES = SOFTWARE_DEVICE;
    const expected = await stepOn('cpu');
    const actual = await stepOn('webgpu');
    const all = [['embeddings', actual.encoded, expected.encoded] as const].concat(
      [...expected.sums].map(([name, sum]) => [name, actual.sums.get(name)!, sum] as never),
    );
    for (const [name, values, right] of all) {
      const apart = Math.max(...values.map((value, index) => Math.abs(value - right[index]!)));
      assert.ok(apart < 1e-4, `${name} is off by ${apart}`);
    }
    assert.ok([...actual.sums.values()].some((sum) => sum.some((value) => Math.abs(value) > 0.1)));
  });
});
