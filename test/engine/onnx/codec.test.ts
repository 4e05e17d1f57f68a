import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { createRegistry, equals } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { NearmissError } from '../../../src/base/errors';
import { installationRoot } from '../../../src/base/installation';
import { decodeModel, encodeModel } from '../../../src/engine/onnx/codec';
import { ModelProtoSchema } from '../../../src/engine/onnx/generated/onnx_pb';
import { graphOf } from '../../../src/engine/onnx/graph';
import { tinyModel } from '../../support/tinyModel';

for (const name of ['bi-encoder', 'cross-encoder']) {
  test(`decoding and encoding loses nothing of the ${name}`, () => {
    const bytes = fs.readFileSync(path.join(installationRoot(), 'models', name, 'model.onnx'));
    const first = decodeModel(bytes);
    const second = decodeModel(encodeModel(first));
    assert.ok(
      equals(ModelProtoSchema, first, second, { registry: createRegistry(), unknown: true }),
    );
    for (const tensor of graphOf(first).initializers) {
      const again = graphOf(second).initializer(tensor.name)!;
      assert.ok(Buffer.from(tensor.rawData).equals(again.rawData), tensor.name);
    }
  });
}

test('fields that this version of ONNX does not know survive', () => {
  const known = encodeModel(tinyModel());
  // Field 999, length-delimited, three bytes.
  const unknown = Uint8Array.of(0xba, 0x3e, 3, 1, 2, 3);
  const bytes = Uint8Array.from([...known, ...unknown]);
  const again = Buffer.from(encodeModel(decodeModel(bytes)));
  assert.ok(again.includes(Buffer.from(unknown)));
  assert.equal(again.length, bytes.length);
});

test('weights are views of the file and not copies', () => {
  const bytes = encodeModel(tinyModel());
  const weight = graphOf(decodeModel(bytes)).initializer('weight')!;
  assert.equal(weight.rawData.buffer, bytes.buffer);
});

test('what is no model is one sentence with what to do', () => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(255, 255), Buffer.from('<html></html>')]) {
    assert.throws(
      () => decodeModel(bytes),
      (error) =>
        error instanceof NearmissError &&
        error.code === 'model' &&
        !error.message.includes('\n') &&
        error.advice !== undefined,
    );
  }
});

test('a model cut anywhere is read and checked, or is one error', () => {
  const whole = encodeModel(tinyModel());
  let refusedCount = 0;
  for (let size = 0; size < whole.length; size++) {
    if (!isAccepted(whole.subarray(0, size))) refusedCount++;
  }
  // What can be cut off unnoticed is the operator set at the end alone.
  assert.ok(refusedCount > whole.length - 10, `${refusedCount} of ${whole.length}`);
});

test('a model with flipped bytes is read and checked, or is one error', () => {
  const whole = encodeModel(tinyModel());
  const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(flips, (all) => {
      const bytes = whole.slice();
      for (const [at, mask] of all) bytes[at]! ^= mask;
      isAccepted(bytes);
    }),
    { numRuns: 3000, seed: 5 },
  );
});

/** False when the bytes are refused as they should be; any other failure is the test's. */
function isAccepted(bytes: Uint8Array): boolean {
  try {
    graphOf(decodeModel(bytes)).check();
    return true;
  } catch (error) {
    assert.ok(error instanceof NearmissError && error.code === 'model', String(error));
    return false;
  }
}
