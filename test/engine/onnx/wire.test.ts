import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { BugError, NearmissError } from '../../../src/base/errors';
import { installationRoot } from '../../../src/base/installation';
import { decodeModel, encodeModel } from '../../../src/engine/onnx/codec';
import { graphOf } from '../../../src/engine/onnx/graph';
import { dimsOf, floatsOf } from '../../../src/engine/onnx/model';
import { locateTensors, overwriteTensor } from '../../../src/engine/onnx/wire';
import { tinyModel } from '../../support/tinyModel';

const bundled = path.join(installationRoot(), 'models/bi-encoder/model.onnx');

test('finds every weight of the bundled model where the decoder finds it', () => {
  const bytes = fs.readFileSync(bundled);
  const spans = locateTensors(bytes);
  const tensors = graphOf(decodeModel(bytes)).initializers.filter(
    ({ rawData }) => rawData.length > 0,
  );
  assert.ok(tensors.length > 100);
  assert.equal(spans.size, tensors.length);
  for (const tensor of tensors) {
    const span = spans.get(tensor.name)!;
    assert.deepEqual([span.dataType, span.dims], [tensor.dataType, dimsOf(tensor)]);
    assert.equal(span.start + bytes.byteOffset, tensor.rawData.byteOffset);
    assert.equal(span.end - span.start, tensor.rawData.length);
  }
});

test('an overwritten weight has the new values and every other byte is as before', () => {
  const before = encodeModel(tinyModel());
  const after = before.slice();
  const span = locateTensors(after).get('weight')!;
  overwriteTensor(after, span, Float32Array.of(9, 8, 7, 6));
  const weight = graphOf(decodeModel(after)).initializer('weight')!;
  assert.deepEqual([...floatsOf(weight)], [9, 8, 7, 6]);
  assert.deepEqual(after.subarray(0, span.start), before.subarray(0, span.start));
  assert.deepEqual(after.subarray(span.end), before.subarray(span.end));
});

test('data of another size is refused', () => {
  const bytes = encodeModel(tinyModel());
  const span = locateTensors(bytes).get('weight')!;
  assert.throws(() => overwriteTensor(bytes, span, Float32Array.of(1)), BugError);
});

test('a model cut anywhere gives spans inside its bytes or one error', () => {
  const whole = encodeModel(tinyModel());
  for (let size = 0; size < whole.length; size++) checkBounded(whole.subarray(0, size));
});

test('a model with flipped bytes gives spans inside its bytes or one error', () => {
  const whole = encodeModel(tinyModel());
  const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(flips, (all) => {
      const bytes = whole.slice();
      for (const [at, mask] of all) bytes[at]! ^= mask;
      checkBounded(bytes);
    }),
    { numRuns: 2000, seed: 3 },
  );
});

function checkBounded(bytes: Uint8Array): void {
  try {
    for (const { start, end } of locateTensors(bytes).values()) {
      assert.ok(0 <= start && start <= end && end <= bytes.length);
    }
  } catch (error) {
    assert.ok(error instanceof NearmissError && error.code === 'model', String(error));
  }
}
