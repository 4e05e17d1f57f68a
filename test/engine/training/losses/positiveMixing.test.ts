import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../../../src/base/random';
import {
  contrast,
  ownTargets,
  writeContrast,
} from '../../../../src/engine/training/losses/contrast';
import {
  type Matrix,
  addTo,
  cosines,
  dotOf,
  matrixOf,
  rowOf,
  scaleRows,
  unitRows,
  zeros,
} from '../../../../src/engine/training/losses/matrix';
import {
  type MixedPositive,
  choosePositives,
  mixPositives,
  positiveMixing,
  positivePlan,
  writeMixedPositives,
} from '../../../../src/engine/training/losses/positiveMixing';
import { assertNear, checkLoss } from '../../../support/lossChecks';
import { F3, randomMatrix } from '../../../support/lossFixtures';

const similarities = cosines(F3.queries, F3.positives).value;
const plan = choosePositives(similarities, { delta: 0.1 });

test('finds the worked cosines, cases and mixtures of F3', () => {
  assertNear(
    similarities.data,
    [0.943456, 0.09759, 0.747409, 0.895531, 0.774845, 0.99322, 0.819566, 0.753066, 0.860063],
  );
  assert.deepEqual(plan, [
    { rule: 'B', other: 2 },
    { rule: 'C', other: 2 },
    { rule: 'A', other: 0 },
  ]);
  const gap = (row: number, other: number): number => {
    const values = rowOf(similarities, row);
    return (values[row]! - values[other]!) / values[row]!;
  };
  assertNear([gap(0, 2), gap(2, 0)], [0.207797, 0.047086]);
  const mixed = mixPositives({ ...F3, plan, stopGradient: false }).value;
  const worked = [
    [0.9, 0.3, 0.1],
    [0.549404, 0.887649, 0.087649],
    [0.9, 0.556028, 0.048794],
  ];
  assertNear(mixed.data, matrixOf(worked).data);
});

function ownWeight(fixed?: readonly [number, number]) {
  return ({ rule, other }: MixedPositive, i: number): number => {
    const [p, m] = [rowOf(similarities, i)[i]!, rowOf(similarities, i)[other]!];
    return rule === 'B' ? 1 : rule === 'A' && fixed ? fixed[0] : p / (p + m);
  };
}

for (const { temperature, fixedWeights, value } of [
  { temperature: 0.05, fixedWeights: undefined, value: 0.656139 },
  { temperature: 0.2, fixedWeights: undefined, value: 0.868886 },
  { temperature: 0.05, fixedWeights: [1, 0.5], value: 0.656554 },
  { temperature: 0.2, fixedWeights: [1, 0.5], value: 0.854358 },
] as const) {
  for (const stopGradient of [false, true]) {
    const name = `${fixedWeights ? 'fixed weights' : 'weights by share'} at ${temperature}`;
    test(`gives the worked loss of F3 with ${name}, gradient ${stopGradient ? 'stopped' : 'through'}, in both forms`, async () => {
      // Where the gradient is stopped, only a row's own vector moves, by its weight at the point itself.
      const { value: mixture } = mixPositives({ ...F3, plan, fixedWeights, stopGradient: true });
      await checkLoss({
        inputs: F3,
        reference: (inputs) => mixedLoss(inputs),
        frozen: stopGradient
          ? ({ queries, positives }) => {
              const moved = addTo(addTo(zeros(3, 3), positives), F3.positives, -1);
              const weighted = scaleRows(moved, plan.map(ownWeight(fixedWeights)));
              const mixed = addTo(weighted, mixture);
              return contrast({ queries, positives: mixed, temperature }).value;
            }
          : undefined,
        write: (writer, names) => {
          const { queries, positives, stoppedQueries, stoppedPositives, targets, ...plan } = names;
          const stopped = { queries: stoppedQueries, positives: stoppedPositives };
          const mixed = writeMixedPositives(
            writer,
            { queries, positives, plan },
            stopGradient ? stopped : undefined,
          );
          const inverseTemperature = writer.constant(1 / temperature);
          return writeContrast(writer, { queries, positives: mixed, targets, inverseTemperature });
        },
        feeds: {
          targets: ownTargets(3),
          stoppedQueries: F3.queries,
          stoppedPositives: F3.positives,
          ...positivePlan(plan, fixedWeights),
        },
        value,
      });
    });

    function mixedLoss(inputs: typeof F3) {
      const loss = positiveMixing({ ...inputs, temperature, plan, fixedWeights, stopGradient });
      const { queries, positives } = loss.gradients;
      return { value: loss.value, gradients: { queries, positives } };
    }
  }
}

test('gives the worked losses of rows, plain and mixed', () => {
  const plain = contrast({ ...F3, temperature: 0.05 });
  assertNear(plain.rows, [0.019629, 4.511094, 0.446319]);
  assertNear([plain.value], [1.659014]);
  const rows = (temperature: number): Float64Array =>
    positiveMixing({ ...F3, temperature, plan, stopGradient: false }).rows;
  assertNear(rows(0.05), [0.143211, 0.778808, 1.046399]);
  assertNear(rows(0.2), [0.559184, 0.9818, 1.065673]);
});

test('weakens the pull of the positive of row 2 as worked out, which is why marks stay away from it', () => {
  // The unit step from the positive that turns it straight towards the query.
  const [query, positive] = [F3.queries, F3.positives].map((m) => rowOf(unitRows(m).value, 1));
  const cosine = dotOf(query!, positive!);
  const towards = query!.map((q, d) => (q - cosine * positive![d]!) / Math.sqrt(1 - cosine ** 2));
  const rowWeights = [0, 3, 0];
  const pull = (positives: Matrix): number => -dotOf(rowOf(positives, 1), towards);
  for (const [temperature, plain, mixed] of [
    [0.05, 12.202775, 0.552569],
    [0.2, 2.553511, 0.15967],
  ] as const) {
    const inputs = { ...F3, temperature, rowWeights };
    assertNear([pull(contrast(inputs).gradients.positives)], [plain]);
    const loss = positiveMixing({ ...inputs, plan, stopGradient: false });
    assertNear([pull(loss.gradients.positives)], [mixed]);
  }
});

test('has no case A where δ is 0, and no case B of a wide gap where δ is infinite', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = seededRandom(seed);
      const values = cosines(randomMatrix(5, 4, random), randomMatrix(5, 4, random)).value;
      const rules = (delta: number): string[] =>
        choosePositives(values, { delta }).map(({ rule }) => rule);
      assert.ok(!rules(0).includes('A'));
      rules(Infinity).forEach((rule, row) => {
        // Only what has no weights (p ≤ 0, or p + m ≤ 0) may stay as it is.
        const p = rowOf(values, row)[row]!;
        const m = Math.max(...rowOf(values, row).filter((_, j) => j !== row));
        assert.equal(rule === 'B', p <= 0 ? p > m || p + m <= 1e-6 : p > m && p + m <= 1e-6);
      });
    }),
  );
});

test('never touches a row that a person marked', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat({ max: 3 }), (seed, marked) => {
      const random = seededRandom(seed);
      const [queries, positives] = [randomMatrix(4, 3, random), randomMatrix(4, 3, random)];
      const plan = choosePositives(
        cosines(queries, positives).value,
        { delta: Infinity },
        { isExplicit: (row) => row === marked },
      );
      const mixed = mixPositives({ queries, positives, plan, stopGradient: true }).value;
      assert.deepEqual([...rowOf(mixed, marked)], [...rowOf(positives, marked)]);
    }),
  );
});

test('keeps the positive where its weights would have no stable sum', () => {
  const values = matrixOf([
    [-0.5, 0.5, 0.2],
    [0.9, -0.2, 0.1],
    [-0.3, -0.4, -0.2],
  ]);
  const rules = choosePositives(values, { delta: 0.1 }).map(({ rule }) => rule);
  assert.deepEqual(rules, ['B', 'C', 'B']);
});
