/** The row of section 9: one implementation of four losses, each part a flag, and its graph. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, seededRandom } from '../../../src/base/random';
import { batchSoftmax } from '../../../src/engine/training/losses/batchSoftmax';
import { contrast } from '../../../src/engine/training/losses/contrast';
import { dimensionWise } from '../../../src/engine/training/losses/dimensionWise';
import {
  hardNegativeOffsets,
  infoNce,
  ownColumnsOnly,
} from '../../../src/engine/training/losses/infoNce';
import { localizedContrastive } from '../../../src/engine/training/losses/localizedContrastive';
import {
  type Matrix,
  cosines,
  matrixOf,
  rowOf,
  zeros,
} from '../../../src/engine/training/losses/matrix';
import { severalPositives } from '../../../src/engine/training/losses/severalPositives';
import { retrievalFeeds, writeRetrievalLoss } from '../../../src/engine/training/retrievalGraph';
import { RetrievalLossGraphs } from '../../../src/engine/training/retrievalLossGraph';
import {
  type RetrievalBatch,
  type RetrievalRecipe,
  retrievalLoss,
} from '../../../src/engine/training/retrievalStep';
import { type Matrices, assertNear, checkLoss, countNodes } from '../../support/lossChecks';
import { F1, randomMatrix } from '../../support/lossFixtures';

const OFF: RetrievalRecipe = {
  tau: 0.1,
  columnWeight: 0,
  diagonal: 0,
  mixing: 1,
  hnm: { k: 0, s: 0, alpha: 0.5 },
  pm: { enabled: false, delta: 0.1 },
  dcl: { lambda: 0, t: 5 },
  offDropout: { enabled: false, rho: 1 },
  gpl: { weight: 0, scale: 1 },
};

/** F1 with each row's own negative. */
function f1Batch(changes: Partial<RetrievalBatch> = {}): RetrievalBatch {
  return {
    ...F1,
    owners: [0, 1, 2],
    offsets: zeros(3, 6),
    rowWeights: [1, 1, 1],
    isExplicit: [false, false, false],
    ...changes,
  };
}

const withoutNegatives = f1Batch({ negatives: undefined, owners: [], offsets: zeros(3, 3) });
const seeded = (): Random => seededRandom(3);

test('with all parts off is SimCSE, with and without hard negatives, bit for bit', () => {
  const plain = retrievalLoss(withoutNegatives, OFF, seeded());
  const simcse = infoNce({ queries: F1.queries, positives: F1.positives, temperature: 0.1 });
  assert.equal(plain.value, simcse.value);
  assert.deepEqual(plain.queries, simcse.gradients.queries);
  assert.deepEqual(plain.positives, simcse.gradients.positives);
  const offsets = hardNegativeOffsets(3, { hardNegativeWeight: 2 });
  const hard = retrievalLoss(f1Batch({ offsets }), OFF, seeded());
  assert.equal(hard.value, infoNce({ ...F1, temperature: 0.1, hardNegativeWeight: 2 }).value);
});

test('is CoDiEmb’s loss of one positive', () => {
  const { queries, positives, negatives } = F1;
  const codiemb = severalPositives({ queries, slots: [positives], negatives, temperature: 0.1 });
  assert.equal(retrievalLoss(f1Batch(), OFF, seeded()).value, codiemb.value);
});

test('is twice the row half of BSC, and with the columns at full weight twice all of it', () => {
  const [queries, answers] = [F1.queries, F1.positives];
  const bsc = batchSoftmax({ queries, answers, temperature: 0.1 });
  const half = retrievalLoss(withoutNegatives, OFF, seeded()).value;
  assertNear([half], [bsc.rows.reduce((sum, row) => sum + row / 3, 0)], 1e-15);
  const both = retrievalLoss(withoutNegatives, { ...OFF, columnWeight: 1 }, seeded());
  assertNear([both.value], [2 * bsc.value], 1e-15);
  assertNear(
    both.queries.data,
    bsc.gradients.queries.data.map((g) => 2 * g),
    1e-15,
  );
});

test('with only a row’s own negatives is LCE over cosines', () => {
  const offsets = ownColumnsOnly(3, 3, (row, column) => row === column);
  const own = cosines(F1.queries, F1.positives).value;
  const negative = cosines(F1.queries, F1.negatives).value;
  const scores = matrixOf([0, 1, 2].map((i) => [rowOf(own, i)[i]!, rowOf(negative, i)[i]!]));
  const group = { positiveCount: 1, negativeCount: 1 };
  const lce = localizedContrastive(scores, [group, group, group], 0.1);
  assertNear([retrievalLoss(f1Batch({ offsets }), OFF, seeded()).value], [lce.value], 1e-14);
});

test('each part that is on but has nothing to do leaves the baseline bit for bit', () => {
  const baseline = retrievalLoss(f1Batch(), OFF, seeded());
  for (const idle of [
    // One own negative a row: no pair to mix.
    { hnm: { k: 4, s: 6, alpha: 0.5 } },
    // Fewer than 32 rows.
    { dcl: { lambda: 0.1, t: 5 } },
    // δ = 0 and all positives ahead: no case A, no case C.
    { pm: { enabled: true, delta: 0 } },
  ])
    assert.deepEqual(retrievalLoss(f1Batch(), { ...OFF, ...idle }, seeded()), baseline);
});

test('a mark of a person never enters positive mixing', () => {
  const pm = { enabled: true, delta: Infinity };
  const marked = f1Batch({ isExplicit: [true, true, true] });
  const baseline = retrievalLoss(marked, OFF, seeded());
  assert.deepEqual(retrievalLoss(marked, { ...OFF, pm }, seeded()), baseline);
  const free = retrievalLoss(f1Batch(), { ...OFF, pm }, seeded());
  assert.notEqual(free.value, baseline.value);
});

test('leaves the dimension-wise part out below 32 rows and at λ = 0, and takes it in from there', () => {
  const random = seededRandom(8);
  for (const [rows, lambda] of [
    [31, 0.1],
    [32, 0],
    [32, 0.1],
  ] as const) {
    const [queries, positives] = [randomMatrix(rows, 6, random), randomMatrix(rows, 6, random)];
    const batch: RetrievalBatch = {
      ...{ queries, positives, owners: [], offsets: zeros(rows, rows) },
      ...{ rowWeights: Array<number>(rows).fill(1), isExplicit: Array<boolean>(rows).fill(false) },
    };
    const loss = retrievalLoss(batch, { ...OFF, dcl: { lambda, t: 5 } }, seeded());
    const plain = contrast({ queries, positives, temperature: 0.1 }).value;
    const part = dimensionWise({ first: queries, second: positives, t: 5 }).value;
    const expected = rows === 32 && lambda > 0 ? plain + lambda * part : plain;
    assertNear([loss.value], [expected], 1e-12);
  }
});

/** A batch of random vectors: four rows of three own negatives, one column masked, weights of all kinds. */
function randomBatch(rows: number): RetrievalBatch {
  const random = seededRandom(rows);
  const queries = randomMatrix(rows, 6, random);
  const near = (matrix: Matrix, spread: number): Matrix => ({
    ...matrix,
    data: matrix.data.map((x) => x + spread * (2 * random() - 1)),
  });
  const negatives = randomMatrix(3 * rows, 6, random);
  const offsets = zeros(rows, 4 * rows);
  offsets.data[1] = -Infinity;
  offsets.data[rows + 5] = Math.log(0.3);
  return {
    ...{ queries, positives: near(queries, 0.9), negatives, offsets },
    owners: Array.from({ length: 3 * rows }, (_, i) => Math.floor(i / 3)),
    rowWeights: Array.from({ length: rows }, (_, i) => 1 - 0.2 * (i % 3)),
    isExplicit: Array.from({ length: rows }, (_, i) => i === 1),
    clean: { queries: near(queries, 0.1), positives: near(queries, 0.7) },
    margins: Array.from({ length: 3 * rows }, (_, i) => (i % 4 === 1 ? undefined : 0.1 * (i % 5))),
  };
}

const PARTS: Readonly<Record<string, Partial<RetrievalRecipe>>> = {
  'nothing else': {},
  columns: { columnWeight: 0.5 },
  'one level': { diagonal: 3 },
  'synthetic negatives': { hnm: { k: 3, s: 2, alpha: 0.4 } },
  'some rows mixed': {
    mixing: 0.5,
    hnm: { k: 3, s: 2, alpha: 0.4 },
    pm: { enabled: true, delta: 0.5 },
  },
  'mixed positives': { pm: { enabled: true, delta: 0.5 } },
  'clean encodings': { offDropout: { enabled: true, rho: 0.9 } },
  dimensions: { dcl: { lambda: 0.1, t: 5 } },
  'a teacher’s margins': { gpl: { weight: 0.7, scale: 0.5 } },
  everything: {
    gpl: { weight: 0.7, scale: 0.5 },
    columnWeight: 0.5,
    diagonal: 2,
    hnm: { k: 3, s: 2, alpha: 0.4 },
    pm: { enabled: true, delta: 0.5 },
    offDropout: { enabled: true, rho: 0.9 },
    dcl: { lambda: 0.1, t: 5 },
  },
};

for (const [name, part] of Object.entries(PARTS)) {
  test(`the graph gives loss and gradients of the step with ${name}`, async () => {
    const recipe: RetrievalRecipe = { ...OFF, ...part };
    const batch = randomBatch(recipe.dcl.lambda > 0 ? 32 : 4);
    const isClean = recipe.offDropout.enabled;
    const { queries, positives, negatives, clean } = batch;
    const inputs: Matrices = {
      ...{ queries, positives, negatives: negatives! },
      ...(isClean && { cleanQueries: clean!.queries, cleanPositives: clean!.positives }),
    };
    await checkLoss<Matrices, Matrices>({
      inputs,
      reference: ({ queries, positives, negatives, cleanQueries, cleanPositives }) => {
        const moved = isClean && { clean: { queries: cleanQueries!, positives: cleanPositives! } };
        const encodings = { queries: queries!, positives: positives!, negatives };
        const loss = retrievalLoss({ ...batch, ...encodings, ...moved }, recipe, seeded());
        return {
          value: loss.value,
          gradients: {
            ...{ queries: loss.queries, positives: loss.positives, negatives: loss.negatives! },
            ...(isClean && {
              cleanQueries: loss.clean!.queries,
              cleanPositives: loss.clean!.positives,
            }),
          },
        };
      },
      // Which vectors are mixed jumps, and the mixed positives are not differentiated in full.
      isSmooth: !recipe.pm.enabled && recipe.dcl.lambda === 0,
      write: (writer, names) =>
        writeRetrievalLoss(writer, names as Parameters<typeof writeRetrievalLoss>[1], {
          ...recipe,
          rowCount: queries.rows,
        }),
      feeds: { ...retrievalFeeds(batch, recipe, seeded()) } as Matrices,
    });
  });
}

test('training runs these graphs, one for all sizes, to the reference’s numbers', async () => {
  for (const [name, part] of Object.entries(PARTS)) {
    const recipe: RetrievalRecipe = { ...OFF, ...part };
    const graphs = new RetrievalLossGraphs(6);
    try {
      for (const rows of [4, 7, 33]) {
        const batch = randomBatch(rows);
        const [actual, expected] = [
          await graphs.loss(batch, recipe, seeded()),
          retrievalLoss(batch, recipe, seeded()),
        ];
        assertNear([actual.value], [expected.value], 1e-9, name);
        const slopes = [actual.inverseTemperature, expected.inverseTemperature];
        assertNear([slopes[0]!], [slopes[1]!], 1e-9, `${name}: slope of 1/tau`);
        for (const of of ['queries', 'positives', 'negatives'] as const)
          assertNear(actual[of]!.data, expected[of]!.data, 1e-9, `${name}: ${of}`);
        assert.equal(actual.clean === undefined, expected.clean === undefined);
        if (expected.clean)
          assertNear(actual.clean!.queries.data, expected.clean.queries.data, 1e-9, name);
      }
    } finally {
      graphs.dispose();
    }
  }
});

test('the graph that training runs needs no negatives, and says which row is no number', async () => {
  const graphs = new RetrievalLossGraphs(F1.queries.columns);
  try {
    const plain = await graphs.loss(withoutNegatives, OFF, seeded());
    assertNear([plain.value], [retrievalLoss(withoutNegatives, OFF, seeded()).value], 1e-12);
    const queries = { ...F1.queries, data: Float64Array.from(F1.queries.data) };
    queries.data[F1.queries.columns] = Number.NaN;
    const { rows } = await graphs.loss({ ...withoutNegatives, queries }, OFF, seeded());
    assert.deepEqual([...rows].map(Number.isFinite), [true, false, true]);
  } finally {
    graphs.dispose();
  }
});

test('writes no node for a part that is off', () => {
  const counts = new Map<string, number>();
  for (const name of ['nothing else', 'columns', 'synthetic negatives'])
    counts.set(name, nodeCount({ ...OFF, ...PARTS[name] }));
  assert.ok(counts.get('nothing else')! < counts.get('columns')!);
  assert.ok(counts.get('nothing else')! < counts.get('synthetic negatives')!);
});

function nodeCount(recipe: RetrievalRecipe): number {
  const batch = randomBatch(4);
  const feeds = { ...retrievalFeeds(batch, recipe, seeded()) } as Matrices;
  const { queries, positives, negatives } = batch;
  return countNodes({ ...feeds, queries, positives, negatives: negatives! }, (writer, names) =>
    writeRetrievalLoss(writer, names as Parameters<typeof writeRetrievalLoss>[1], {
      ...recipe,
      rowCount: 4,
    }),
  );
}
