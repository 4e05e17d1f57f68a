import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import { decodeModel, encodeModel } from '../../../src/engine/onnx/codec';
import { graphOf } from '../../../src/engine/onnx/graph';
import {
  DataType,
  dimsOf,
  float,
  floatAttribute,
  floatsOf,
  int8sOf,
  intAttribute,
  integersOf,
  intsAttribute,
  makeNode,
  makeTensor,
  opsetOf,
  requireOpset,
} from '../../../src/engine/onnx/model';
import { tinyModel } from '../../support/tinyModel';

test('attributes are read as they were made', () => {
  const attributes = { axis: -1, perm: [0, 2, 1], epsilon: float(0.5), mode: 'linear' };
  const node = makeNode({ op: 'Any', inputs: ['a'], outputs: ['b'], attributes });
  assert.equal(node.name, 'b');
  assert.equal(intAttribute(node, 'axis', 7), -1);
  assert.equal(intAttribute(node, 'other', 7), 7);
  assert.deepEqual(intsAttribute(node, 'perm'), [0, 2, 1]);
  assert.equal(intsAttribute(node, 'other'), undefined);
  assert.equal(floatAttribute(node, 'epsilon', 0), 0.5);
  assert.equal(Buffer.from(node.attribute[3]!.s).toString(), 'linear');
});

test('tensors are read as they were made, also after a way through bytes that are not aligned', () => {
  const tensors = [
    makeTensor('floats', Float32Array.of(1.5, -2), [2, 1]),
    makeTensor('bytes', Int8Array.of(-128, 127), [2]),
    makeTensor('integers', BigInt64Array.of(-1n, 5n), [2]),
    makeTensor('small', Int32Array.of(-7), []),
  ];
  const bytes = encodeModel(tinyModel({ tensors: [...tensors] }));
  for (let shift = 0; shift < 8; shift++) {
    const shifted = new Uint8Array(bytes.length + shift).subarray(shift);
    shifted.set(bytes);
    const graph = graphOf(decodeModel(shifted));
    assert.deepEqual([...floatsOf(graph.initializer('floats')!)], [1.5, -2]);
    assert.deepEqual(dimsOf(graph.initializer('floats')!), [2, 1]);
    assert.deepEqual([...int8sOf(graph.initializer('bytes')!)], [-128, 127]);
    assert.deepEqual(integersOf(graph.initializer('integers')!), [-1, 5]);
    assert.deepEqual(integersOf(graph.initializer('small')!), [-7]);
  }
});

test('values in typed fields in place of raw bytes are read alike', () => {
  const floats = makeTensor('floats', Float32Array.of(1, 2), [2]);
  floats.rawData = new Uint8Array(0);
  floats.floatData = [1, 2];
  assert.deepEqual([...floatsOf(floats)], [1, 2]);
  const integers = makeTensor('integers', BigInt64Array.of(3n), [1]);
  integers.rawData = new Uint8Array(0);
  integers.int64Data = [3n];
  assert.deepEqual(integersOf(integers), [3]);
});

test('half precision is widened: 1, -2, the smallest number, infinity', () => {
  const halves = makeTensor('halves', new Uint8Array(8), [8]);
  halves.dataType = DataType.FLOAT16;
  halves.dims = [4n];
  halves.rawData = new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00).buffer);
  assert.deepEqual([...floatsOf(halves)], [1, -2, 2 ** -24, Infinity]);
});

test('a weight that does not fill its shape, or is of another type, is refused', () => {
  const short = makeTensor('short', Float32Array.of(1, 2), [2]);
  short.dims = [3n];
  assert.throws(() => floatsOf(short), NearmissError);
  assert.throws(() => int8sOf(makeTensor('floats', Float32Array.of(1), [1])), NearmissError);
});

test('an operator set is asked for once', () => {
  const model = tinyModel();
  assert.equal(opsetOf(model), 17);
  assert.equal(opsetOf(model, 'com.microsoft'), 0);
  requireOpset(model, 'com.microsoft', 1);
  requireOpset(model, 'com.microsoft', 2);
  assert.equal(opsetOf(model, 'com.microsoft'), 1);
  assert.equal(model.opsetImport.length, 2);
});
