import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cosine, normalize } from '../../../src/base/vector';
import { ChunkSet } from '../../../src/engine/store/chunkSet';
import { scanExactly, scoreChunks } from '../../../src/engine/store/exactScan';
import {
  BLOCK_ROWS,
  FLOAT_ROWS,
  INT8_ROWS,
  VectorRows,
  rowIn,
  viewOf,
} from '../../../src/engine/store/vectorRows';

function floatRows(vectors: readonly Float32Array[]): VectorRows<Float32Array> {
  const rows = new VectorRows(vectors[0]?.length ?? 2, FLOAT_ROWS);
  vectors.forEach((vector, index) => rows.append(index + 1, vector));
  return rows;
}

const component = fc.integer({ min: -100, max: 100 });

test('finds what sorting all cosines finds, in any dimension', () => {
  const corpus = fc.integer({ min: 1, max: 21 }).chain((dimension) =>
    fc.array(fc.array(component, { minLength: dimension, maxLength: dimension }), {
      minLength: 2,
      maxLength: 30,
    }),
  );
  fc.assert(
    fc.property(corpus, (lists) => {
      const vectors = lists.map((list) => normalize(Float32Array.from(list, (x) => x + 0.5)));
      const query = vectors[0]!;
      const found = scanExactly(viewOf(floatRows(vectors), 1), query, 5);
      const expected = vectors
        .map((vector) => cosine(query, vector))
        .sort((a, b) => b - a)
        .slice(0, 5);
      assert.equal(found.length, expected.length);
      found.forEach(({ score }, index) => assert.ok(Math.abs(score - expected[index]!) < 1e-5));
    }),
  );
});

test('orders equal scores by chunk id and keeps to the limit', () => {
  const rows = floatRows(Array.from({ length: 9 }, () => Float32Array.of(1, 0)));
  const ids = scanExactly(viewOf(rows, 1), Float32Array.of(1, 0), 3).map(({ chunkId }) => chunkId);
  assert.deepEqual(ids, [1, 2, 3]);
  assert.deepEqual(scanExactly(viewOf(rows, 1), Float32Array.of(1, 0), 0), []);
});

test('scales int8 rows back to cosines', () => {
  const rows = new VectorRows(2, INT8_ROWS);
  rows.append(7, Int8Array.of(127, 0));
  rows.append(8, Int8Array.of(0, -127));
  const query = Float32Array.of(1, 0);
  assert.deepEqual(scanExactly(viewOf(rows, 1), query, 9), [
    { chunkId: 7, score: 1 },
    { chunkId: 8, score: 0 },
  ]);
  assert.deepEqual(scoreChunks(viewOf(rows, 1), Float32Array.of(0, 1), [8, 9]), new Map([[8, -1]]));
});

test('shows each view the rows that lived then', () => {
  const rows = floatRows([Float32Array.of(1, 0), Float32Array.of(1, 0)]);
  const early = viewOf(rows, 5);
  rows.kill(1, 6);
  rows.append(3, Float32Array.of(1, 0));
  const late = viewOf(rows, 6);
  const ids = (view: typeof early): number[] =>
    scanExactly(view, Float32Array.of(1, 0), 9).map(({ chunkId }) => chunkId);
  assert.deepEqual(ids(early), [1, 2]);
  assert.deepEqual(ids(late), [2, 3]);
  assert.equal(rowIn(early, 3), undefined);
  assert.equal(rowIn(late, 1), undefined);
  assert.equal(rows.liveCount, 2);
});

test('keeps one row a chunk and drops rows of another dimension', () => {
  const rows = floatRows([Float32Array.of(1, 0)]);
  rows.append(1, Float32Array.of(0, 1));
  rows.append(2, Float32Array.of(0, 1, 0));
  assert.equal(rows.count, 1);
  assert.deepEqual(rows.at(0), Float32Array.of(1, 0));
});

test('grows past a block without moving rows', () => {
  const rows = new VectorRows(1, FLOAT_ROWS);
  for (let id = 1; id <= BLOCK_ROWS * 2 + 1; id++) rows.append(id, Float32Array.of(id));
  assert.equal(rows.at(BLOCK_ROWS)[0], BLOCK_ROWS + 1);
  const best = scanExactly(viewOf(rows, 1), Float32Array.of(1), 1);
  assert.deepEqual(best, [{ chunkId: BLOCK_ROWS * 2 + 1, score: BLOCK_ROWS * 2 + 1 }]);
});

test('holds ids as a set does', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200)), fc.nat(200), (ids, probe) => {
      const set = new ChunkSet(150);
      for (const id of ids) set.add(id);
      const model = new Set(ids.filter((id) => id < 150));
      assert.equal(set.size, model.size);
      assert.equal(set.has(probe), model.has(probe));
    }),
  );
});
