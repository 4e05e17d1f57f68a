import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type MergeMethod,
  deviationWeights,
  mergeCheckpoints,
  mergeTensors,
  slerp,
} from '../../../src/engine/training/merge';
import { assertNear } from '../../support/lossChecks';

const BASE = Float64Array.of(1, 2, 3);
const A = Float64Array.of(1.1, 2, 2.8);
const B = Float64Array.of(1, 2.3, 3);
const METHODS: readonly MergeMethod[] = ['deviation', 'average', 'slerp'];

test('weighs checkpoints by their deviation, as worked out', () => {
  const deltas = [A, B].map((tensor) => tensor.map((value, i) => value - BASE[i]!));
  assertNear(deviationWeights(deltas), [0.427051, 0.572949]);
  assertNear(mergeTensors(BASE, [A, B], 'deviation'), [1.042705, 2.171885, 2.91459]);
  assertNear(mergeTensors(BASE, [A, B], 'average'), [1.05, 2.15, 2.9]);
});

test('gives a tensor to the only checkpoint that moved it', () => {
  const base = Float64Array.of(0.5, -0.5);
  const moved = Float64Array.of(0.7, -0.4);
  assertNear(mergeTensors(base, [base, moved], 'deviation'), [0.7, -0.4], 1e-15);
});

test('goes along the arc between two deviations, as worked out', () => {
  const [a, b] = [Float64Array.of(0.3, -0.1, 0.2), Float64Array.of(0.1, 0.4, 0.2)];
  assertNear(slerp(a, b, 0.5), [0.260935, 0.195701, 0.260935]);
  const zero = Float64Array.of(0, 0, 0);
  assertNear(mergeTensors(zero, [a, b], 'average'), [0.2, 0.15, 0.2]);
});

test('pulls to the base, as worked out', () => {
  const pulled = mergeTensors(BASE, [Float64Array.of(1.4, 1.8, 3.2)], 'average', 0.25);
  assertNear(pulled, [1.1, 1.95, 3.05]);
  for (const how of METHODS) assert.deepEqual(mergeTensors(BASE, [A, B], how, 0), BASE);
});

const tensor = fc
  .array(fc.float({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 })
  .map((values) => Float32Array.from(values));

test('merging identical checkpoints returns them, merging bases returns the base', () => {
  fc.assert(
    fc.property(tensor, tensor, fc.integer({ min: 1, max: 4 }), (base, tuned, count) => {
      for (const how of METHODS) {
        const same = Array.from({ length: count }, () => tuned);
        const merged = mergeTensors(base, same, how);
        assertNear(merged, tuned, 1e-6);
        assert.deepEqual(
          mergeTensors(base, [base, base], how).map((x) => x + 0),
          base.map((x) => x + 0),
        );
      }
    }),
  );
});

test('the ends of the arc are exact, and deviations of one length keep it', () => {
  fc.assert(
    fc.property(tensor, tensor, fc.double({ min: 0, max: 1, noNaN: true }), (first, second, u) => {
      const length = (x: Float64Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
      const unit = (x: Float32Array): Float64Array => {
        const values = Float64Array.from(x);
        return values.map((v) => v / length(values));
      };
      fc.pre([first, second].every((x) => length(Float64Array.from(x)) > 0.1));
      const [a, b] = [unit(first), unit(second)];
      assert.deepEqual(slerp(a, b, 0), a);
      assert.deepEqual(slerp(a, b, 1), b);
      // Opposite or equal ones have no stable arc.
      fc.pre(1 - Math.abs(a.reduce((sum, v, i) => sum + v * b[i]!, 0)) > 1e-5);
      assert.ok(Math.abs(length(slerp(a, b, u)) - 1) < 1e-9);
    }),
  );
});

test('merges all tensors of a checkpoint, and refuses one of another size by name', () => {
  const base = new Map([
    ['q', Float32Array.of(1, 2)],
    ['k', Float32Array.of(3)],
  ]);
  const tuned = new Map([
    ['q', Float32Array.of(2, 2)],
    ['k', Float32Array.of(5)],
  ]);
  const merged = mergeCheckpoints(base, [tuned, base], 'average');
  assert.deepEqual(
    [...merged],
    [
      ['q', Float32Array.of(1.5, 2)],
      ['k', Float32Array.of(4)],
    ],
  );
  const other = new Map([...tuned, ['q', Float32Array.of(1)]]);
  assert.throws(() => mergeCheckpoints(base, [other], 'average'), /q has 1 numbers/);
});
