import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { dot, normalize } from '../../../src/base/vector';
import { RowMemory, suitsKernels } from '../../../src/engine/store/rowMemory';
import {
  BLOCK_ROWS,
  FLOAT_ROWS,
  INT8_ROWS,
  VectorRows,
} from '../../../src/engine/store/vectorRows';

const random = seededRandom(3);

function randomUnit(dimension: number): Float32Array {
  return normalize(Float32Array.from({ length: dimension }, () => random() - 0.5));
}

function toInt8(vector: Float32Array): Int8Array {
  return Int8Array.from(vector, (value) => Math.round(value * 127));
}

test('gives the dot products of JavaScript, for floats to single precision', () => {
  for (const dimension of [16, 64, 256, 384, 1024]) {
    const rows = new VectorRows(dimension, FLOAT_ROWS);
    const vectors = Array.from({ length: 37 }, () => randomUnit(dimension));
    vectors.forEach((vector, index) => rows.append(index, vector));
    const query = randomUnit(dimension);
    const scores = rows.scoreBlock(0, vectors.length, query);
    assert.ok(scores, 'this machine has WebAssembly');
    vectors.forEach((vector, index) =>
      assert.ok(Math.abs(scores[index]! - dot(vector, query)) < 1e-6, `${dimension} ${index}`),
    );
  }
});

test('gives the dot products of int8 rows to a thousandth', () => {
  for (const dimension of [16, 256]) {
    const rows = new VectorRows(dimension, INT8_ROWS);
    const vectors = Array.from({ length: 37 }, () => toInt8(randomUnit(dimension)));
    vectors.forEach((vector, index) => rows.append(index, vector));
    const query = randomUnit(dimension);
    const scores = rows.scoreBlock(0, vectors.length, query)!;
    vectors.forEach((vector, index) => {
      const expected = dot(Float32Array.from(vector), query) / 127;
      assert.ok(Math.abs(scores[index]! / 127 / 16_384 - expected) < 1e-3, `${dimension} ${index}`);
    });
  }
});

test('does not overflow where every component has one sign', () => {
  const rows = new VectorRows(1024, INT8_ROWS);
  rows.append(1, new Int8Array(1024).fill(-4));
  const [score] = rows.scoreBlock(0, 1, normalize(new Float32Array(1024).fill(1)))!;
  assert.equal(score, -4 * 1024 * 512);
});

test('keeps what rows hold while memory grows', () => {
  const rows = new VectorRows(16, FLOAT_ROWS);
  const basis = (at: number): Float32Array => new Float32Array(16).fill(0).fill(1, at, at + 1);
  for (let id = 0; id < BLOCK_ROWS * 3; id++) rows.append(id, basis(id % 16));
  for (const id of [0, 5, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS * 3 - 1]) {
    assert.deepEqual(Array.from(rows.at(id)), Array.from(basis(id % 16)));
  }
  assert.equal(rows.scoreBlock(2, BLOCK_ROWS, basis(15))![BLOCK_ROWS - 1], 1);
});

test('leaves other dimensions to JavaScript', () => {
  assert.equal(suitsKernels(384), true);
  assert.equal(suitsKernels(10), false);
  assert.equal(suitsKernels(16_384), false);
  const rows = new VectorRows(10, FLOAT_ROWS);
  rows.append(1, randomUnit(10));
  assert.equal(rows.scoreBlock(0, 1, randomUnit(10)), undefined);
});

test('says when there is no more memory', () => {
  const memory = RowMemory.create()!;
  const first = memory.reserve(100);
  assert.equal(first, 65_536);
  assert.equal(memory.reserve(65_537), 65_536 * 2);
  assert.equal(memory.reserve(2 ** 40), undefined);
  assert.equal(memory.reserve(1), 65_536 * 4);
});
