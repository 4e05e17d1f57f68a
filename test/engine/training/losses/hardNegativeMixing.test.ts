import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../../../src/base/random';
import {
  contrast,
  offsetBlocks,
  ownTargets,
} from '../../../../src/engine/training/losses/contrast';
import {
  MIXING_DEFAULTS,
  type MixingSettings,
  chooseMixedPairs,
  hardNegativeMixing,
  mixColumns,
  mixingWeights,
  syntheticOffsets,
  writeHardNegativeMixing,
} from '../../../../src/engine/training/losses/hardNegativeMixing';
import {
  cosines,
  dotOf,
  matrixOf,
  pairCosines,
  rowOf,
} from '../../../../src/engine/training/losses/matrix';
import { assertNear, checkLoss } from '../../../support/lossChecks';
import { F4, randomMatrix } from '../../../support/lossFixtures';

const UNGUARDED: MixingSettings = { k: 2, s: 1, alpha: 0.5 };
const f4 = { ...F4, columns: F4.positives };
const firstPairs = chooseMixedPairs(f4, UNGUARDED, seededRandom(1));

test('mixes the two hardest negatives of each row of F4, whose mixtures have the worked cosines', () => {
  assert.deepEqual(
    firstPairs.map(({ first, second }) => [first + 1, second + 1]),
    [
      [4, 2],
      [4, 3],
      [2, 1],
      [1, 2],
    ],
  );
  const mixed = mixColumns(F4.positives, firstPairs, 0.5).value;
  assertNear(pairCosines(F4.queries, mixed).value, [0.613825, 0.862439, 0.591079, 0.986727]);
  // A midpoint may be nearer to the query than both of its ends.
  const row = rowOf(cosines(F4.queries, F4.positives).value, 3);
  assertNear([row[0]!, row[1]!], [0.895414, 0.822065]);
});

for (const { k, s, temperature, value, plain, rows } of [
  {
    ...{ k: 2, s: 1, temperature: 0.05, value: 0.21519, plain: 0.05382 },
    rows: [0.011972, 0.11621, 0.001062, 0.731516],
  },
  {
    ...{ k: 2, s: 1, temperature: 0.2, value: 0.683705, plain: 0.467719 },
    rows: [0.442298, 0.801689, 0.351533, 1.139301],
  },
  { k: 3, s: 3, temperature: 0.2, value: 0.837356, plain: 0.467719, rows: undefined },
]) {
  test(`gives the worked loss of F4 for k = ${k} at ${temperature}, in both forms`, async () => {
    const pairs = chooseMixedPairs(f4, { k, s, alpha: 0.5 }, seededRandom(1));
    await checkLoss({
      inputs: F4,
      reference: (inputs) => {
        const loss = hardNegativeMixing({ ...inputs, temperature, pairs, alpha: 0.5 });
        const { queries, positives } = loss.gradients;
        return { value: loss.value, gradients: { queries, positives } };
      },
      write: (writer, names) =>
        writeHardNegativeMixing(writer, {
          ...names,
          inverseTemperature: writer.constant(1 / temperature),
        }),
      feeds: {
        targets: ownTargets(4),
        mixingWeights: mixingWeights(pairs, 4, 0.5),
        extraOffsets: offsetBlocks(syntheticOffsets(4, 4, pairs)).extraOffsets,
      },
      value,
    });
    assertNear([contrast({ ...F4, temperature }).value], [plain]);
    if (rows) {
      const loss = hardNegativeMixing({ ...F4, temperature, pairs, alpha: 0.5 });
      assertNear(loss.rows, rows);
    }
  });
}

test('equals plain InfoNCE bit for bit when no vector is synthesised', () => {
  const pairs = chooseMixedPairs(f4, { k: 3, s: 0, alpha: 0.5 }, seededRandom(1));
  const loss = hardNegativeMixing({ ...F4, temperature: 0.05, pairs, alpha: 0.5 });
  assert.deepEqual(loss, contrast({ ...F4, temperature: 0.05 }));
});

/** Random batches of 3 to 7 rows. */
function forBatches(
  check: (batch: typeof F4 & { readonly columns: typeof F4.positives }, seed: number) => void,
): void {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 7 }), fc.integer(), (rowCount, seed) => {
      const random = seededRandom(seed);
      const positives = randomMatrix(rowCount, 4, random);
      const queries = randomMatrix(rowCount, 4, random);
      check({ queries, positives, columns: positives }, seed);
    }),
  );
}

test('makes synthetic vectors of norm 1', () => {
  forBatches((batch, seed) => {
    const pairs = chooseMixedPairs(batch, { k: 4, s: 3, alpha: 0.3 }, seededRandom(seed));
    const mixed = mixColumns(batch.positives, pairs, 0.3).value;
    for (let i = 0; i < mixed.rows; i++) {
      const norm = Math.sqrt(dotOf(rowOf(mixed, i), rowOf(mixed, i)));
      assert.ok(Math.abs(norm - 1) <= 1e-12, `norm ${norm}`);
    }
  });
});

test('never mixes a row with its own positive, nor a pair twice', () => {
  forBatches((batch, seed) => {
    const pairs = chooseMixedPairs(batch, { k: 6, s: 40, alpha: 0.5 }, seededRandom(seed));
    const keys = pairs.map(({ row, first, second }) => {
      assert.ok(first !== row && second !== row && first !== second);
      return `${row} ${Math.min(first, second)} ${Math.max(first, second)}`;
    });
    assert.equal(new Set(keys).size, keys.length);
  });
});

test('never lowers the loss of a row', () => {
  forBatches((batch, seed) => {
    const pairs = chooseMixedPairs(batch, { k: 4, s: 6, alpha: 0.5 }, seededRandom(seed));
    const mixed = hardNegativeMixing({ ...batch, temperature: 0.1, pairs, alpha: 0.5 });
    const plain = contrast({ ...batch, temperature: 0.1 });
    plain.rows.forEach((row, i) => assert.ok(mixed.rows[i]! >= row));
  });
});

test('takes no more than k columns and s pairs a row, the same under one seed', () => {
  forBatches((batch, seed) => {
    const settings = { k: 3, s: 2, alpha: 0.5 };
    const pairs = chooseMixedPairs(batch, settings, seededRandom(seed));
    assert.deepEqual(chooseMixedPairs(batch, settings, seededRandom(seed)), pairs);
    for (let row = 0; row < batch.queries.rows; row++) {
      const own = pairs.filter((pair) => pair.row === row);
      assert.ok(own.length <= 2);
      assert.ok(new Set(own.flatMap(({ first, second }) => [first, second])).size <= 3);
    }
  });
});

test('leaves out copies of a negative and mixtures that sit on the positive', () => {
  const guarded = { ...MIXING_DEFAULTS, k: 2, s: 1 };
  // Row 4's mixture has cosine .976 to its positive.
  const rows = chooseMixedPairs(f4, guarded, seededRandom(1)).map(({ row }) => row);
  assert.deepEqual(rows, [0, 1, 2]);
  const columns = matrixOf([
    [1, 0],
    [0, 1],
    [0.01, 1],
  ]);
  const twins = { queries: columns, positives: columns, columns };
  const first = chooseMixedPairs(twins, { ...guarded, positiveCeiling: 1 }, seededRandom(1));
  // Columns 2 and 3 are copies of one another: the first row mixes nothing.
  assert.ok(first.every(({ row }) => row !== 0));
});

test('has no pair where a row has a single negative', () => {
  const columns = matrixOf([
    [1, 0],
    [0, 1],
  ]);
  const inputs = { queries: columns, positives: columns, columns };
  assert.deepEqual(chooseMixedPairs(inputs, UNGUARDED, seededRandom(1)), []);
});
