import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { principalAxes, symmetricEigen } from '../../src/tools/principalAxes';

describe('principal axes', () => {
  test('finds the widest direction first', () => {
    // Points on a line through (1, 2, 0) along (3, 4, 0), with a little width along (0, 0, 1).
    const rows = Float32Array.of(4, 6, 1, -2, -2, 1, 4, 6, -1, -2, -2, -1);
    const { mean, axes, keptVariance } = principalAxes(rows, 3, 2);
    assert.deepEqual(mean, Float32Array.of(1, 2, 0));
    assert.deepEqual(
      Array.from(axes, (value) => Math.round(1e6 * value) / 1e6),
      [0.6, 0.8, 0, 0, 0, 1],
    );
    assert.ok(Math.abs(keptVariance - 1) < 1e-9);
  });

  test('splits any symmetric matrix into orthonormal vectors and values', () => {
    const matrices = fc.integer({ min: 1, max: 7 }).chain((size) =>
      fc.tuple(
        fc.constant(size),
        fc.array(fc.integer({ min: -9, max: 9 }), {
          minLength: size * size,
          maxLength: size * size,
        }),
      ),
    );
    fc.assert(
      fc.property(matrices, ([size, entries]) => {
        const at = (i: number, j: number): number =>
          entries[Math.min(i, j) * size + Math.max(i, j)]!;
        const matrix = new Float64Array(size * size);
        matrix.forEach((_, k) => (matrix[k] = at(Math.floor(k / size), k % size)));
        const { values, vectors } = symmetricEigen(Float64Array.from(matrix), size);
        for (let i = 0; i < size; i++) {
          for (let j = 0; j < size; j++) {
            let product = 0;
            let restored = 0;
            for (let k = 0; k < size; k++) {
              product += vectors[k * size + i]! * vectors[k * size + j]!;
              restored += vectors[i * size + k]! * values[k]! * vectors[j * size + k]!;
            }
            assert.ok(Math.abs(product - (i === j ? 1 : 0)) < 1e-8);
            assert.ok(Math.abs(restored - matrix[i * size + j]!) < 1e-8);
          }
        }
      }),
    );
  });
});
