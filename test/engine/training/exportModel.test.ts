import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { seededRandom } from '../../../src/base/random';
import { cosine } from '../../../src/base/vector';
import { readBundledCheckpoint } from '../../../src/engine/encoders/bundled';
import { dequantize, requantize } from '../../../src/engine/encoders/weights';
import { locateTensors } from '../../../src/engine/onnx/wire';
import type { EncoderGraphOptions } from '../../../src/engine/training/encoderGraphs';
import { mergeAdapters } from '../../../src/engine/training/exportCheckpoint';
import { exportModel } from '../../../src/engine/training/exportModel';
import { exportedForm } from '../../support/exportedForms';
import { leavesNothing } from '../../support/leaks';
import { chunkOf, toyBytes, withEncoder } from '../../support/trainable';

leavesNothing();
const chunk = chunkOf([6, 3]);

/** Moves every trained weight, exports, and returns what the encoder gave and what the new file gives. */
async function checkExport(
  bytes: Uint8Array,
  options: Pick<EncoderGraphOptions, 'selection' | 'adapters'>,
): Promise<{
  moved: Float32Array;
  exported: Float32Array;
  before: Float32Array;
  file: Uint8Array;
}> {
  const random = seededRandom(4);
  let [moved, exported, before] = Array<Float32Array>(3).fill(new Float32Array());
  let file = bytes;
  await withEncoder(bytes, { pooling: 'mean', ...options }, async (encoder) => {
    before = await encoder.encode(chunk);
    for (const { data } of encoder.weights.values())
      data.forEach((value, index) => (data[index] = value + 0.06 * (random() - 0.5)));
    moved = await encoder.encode(chunk);
    file = exportModel(bytes, mergeAdapters(bytes, encoder.weights));
  });
  await withEncoder(file, { pooling: 'mean' }, async (encoder) => {
    exported = await encoder.encode(chunk);
  });
  return { moved: moved!, exported: exported!, before: before!, file };
}

/** The model's bytes with the data of all weights left out. */
function otherBytes(model: Uint8Array): Uint8Array {
  const rest = Uint8Array.from(model);
  for (const { start, end } of locateTensors(model).values()) rest.fill(0, start, end);
  return rest;
}

function assertNear(actual: Float32Array, expected: Float32Array): void {
  const apart = Math.max(...actual.map((value, index) => Math.abs(value - expected[index]!)));
  assert.ok(apart < 1e-5, `off by ${apart}`);
}

describe('an exported model', () => {
  test('of floats gives what the encoder in training gave', async () => {
    const { moved, exported, before } = await checkExport(toyBytes(), {
      selection: { tables: true },
    });
    assertNear(exported, moved);
    assert.ok(cosine(moved.subarray(0, 8), before.subarray(0, 8)) < 0.999, 'training changed it');
  });

  test('has adapters multiplied out', async () => {
    const adapters = { rank: 2, random: seededRandom(5) };
    const { moved, exported } = await checkExport(toyBytes(), { adapters });
    assertNear(exported, moved);
  });

  test('keeps weights that an exporter named or folded otherwise', async () => {
    const { moved, exported } = await checkExport(exportedForm('bert', 13), {
      selection: { tables: true },
    });
    assertNear(exported, moved);
  });

  test('of 8 bits stays one: every other byte is as it was, and embeddings are near', async () => {
    const { modelFile } = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
    const bytes = fs.readFileSync(modelFile);
    const { moved, exported, before, file } = await checkExport(bytes, {
      selection: { tables: true, lastLayers: 1 },
    });
    const shapes = (model: Uint8Array): unknown =>
      [...locateTensors(model).values()].map(({ name, dataType, dims }) => ({
        name,
        dataType,
        dims,
      }));
    assert.deepEqual(shapes(file), shapes(bytes));
    assert.deepEqual(otherBytes(file), otherBytes(bytes));
    assert.ok(cosine(exported.subarray(0, 384), moved.subarray(0, 384)) > 0.999);
    assert.ok(
      cosine(before.subarray(0, 384), moved.subarray(0, 384)) < 0.999,
      'training changed it',
    );
  });
});

describe('rounding to 8 bits', () => {
  test('gives back what was rounded before', () => {
    for (const [axis, scaleCount] of [
      [1, 3],
      [0, 2],
      [0, 1],
    ] as const) {
      const values = Int8Array.of(127, -127, 3, -5, 8, 126);
      const scales = Float32Array.from({ length: scaleCount }, (_, index) => 0.0137 / (index + 1));
      const form = { values, scales, dims: [2, 3], axis };
      const { values: rounded, scales: newScales } = requantize(
        dequantize(form),
        form,
        seededRandom(1),
      );
      assert.deepEqual([[...rounded], [...newScales]], [[...values], [...scales]]);
    }
  });

  test('keeps on the whole what every value moved, though it is a tenth of a step', () => {
    const count = 20_000;
    const scales = Float32Array.of(0.01);
    const form = { scales, dims: [count], axis: 0 };
    const floats = Float32Array.from({ length: count }, (_, i) => 0.01 * ((i % 21) - 10 + 0.1));
    const { values } = requantize(floats, form, seededRandom(1));
    const moved = values.reduce((sum, value, i) => sum + value - ((i % 21) - 10), 0) / count;
    assert.ok(Math.abs(moved - 0.1) < 0.01, `${moved}`);
    assert.ok(values.every((value, i) => [0, 1].includes(value - ((i % 21) - 10))));
    assert.deepEqual(requantize(floats, form, seededRandom(1)).values, values);
  });

  test('lets a scale grow where its steps do not reach', () => {
    const form = { scales: Float32Array.of(0.01, 0.01), dims: [2, 2], axis: 0 };
    const floats = Float32Array.of(2.54, -1.27, 1.27, 0.5);
    const { scales, values } = requantize(floats, form, seededRandom(1));
    assert.deepEqual([...scales], [...Float32Array.of(0.02, 0.01)]);
    assert.deepEqual([values[0], values[2], values[3]], [127, 127, 50]);
  });
});
