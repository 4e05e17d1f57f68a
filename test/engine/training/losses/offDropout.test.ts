import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../../src/base/random';
import {
  contrast,
  ownTargets,
  writeContrast,
} from '../../../../src/engine/training/losses/contrast';
import { cosines, logSumExp, rowOf } from '../../../../src/engine/training/losses/matrix';
import { offDropout, sharedCleanGradient } from '../../../../src/engine/training/losses/offDropout';
import { assertNear, checkLoss } from '../../../support/lossChecks';
import { F1, F1_CLEAN, randomMatrix } from '../../../support/lossFixtures';

const { queries, positives } = F1;

for (const { temperature, rho, value, rows } of [
  { temperature: 0.2, rho: 1, value: 0.121574, rows: [0.060699, 0.133318, 0.170707] },
  { temperature: 0.2, rho: 0.9, value: 0.189719, rows: [0.097906, 0.207845, 0.263406] },
  { temperature: 0.1, rho: 1, value: 0.012877, rows: undefined },
  { temperature: 0.1, rho: 0.9, value: 0.033382, rows: undefined },
]) {
  test(`gives the worked loss with clean negatives at τ = ${temperature}, ρ = ${rho}, in both forms`, async () => {
    const clean = F1_CLEAN.queries;
    const isWorked = temperature === 0.2 && rho === 1;
    await checkLoss({
      inputs: { queries, positives, clean },
      reference: ({ clean, ...noisy }) => {
        const both = { cleanQueries: clean, cleanPositives: clean };
        const loss = offDropout({ ...noisy, ...both, temperature, rho });
        const { queries, positives } = loss.gradients;
        const gradients = { queries, positives, clean: sharedCleanGradient(loss.gradients) };
        return { value: loss.value, gradients };
      },
      write: (writer, { clean, ...names }) =>
        writeContrast(writer, {
          ...names,
          clean: { queries: clean, positives: clean },
          inverseTemperature: writer.constant(1 / temperature),
          positiveScale: rho,
        }),
      feeds: { targets: ownTargets(3) },
      value,
      gradients: isWorked ? { clean: WORKED_CLEAN } : {},
    });
    const both = { cleanQueries: clean, cleanPositives: clean };
    if (rows) assertNear(offDropout({ queries, positives, ...both, temperature, rho }).rows, rows);
  });
}

const WORKED_CLEAN = [
  [0.003261, 0.036821, 0.152634, -0.011338],
  [0.151232, -0.148263, 0.215115, 0.049696],
  [0.074346, 0.294987, -0.050848, 0.038177],
];

test('gives the worked loss of labelled pairs, in both forms', async () => {
  const { queries: cleanQueries, positives: cleanPositives } = F1_CLEAN;
  await checkLoss({
    inputs: { queries, positives, cleanQueries, cleanPositives },
    reference: (inputs) => {
      const loss = offDropout({ ...inputs, temperature: 0.2, rho: 1 });
      const { queries, positives, clean } = loss.gradients;
      const [cleanQueries, cleanPositives] = [clean!.queries, clean!.positives];
      return { value: loss.value, gradients: { queries, positives, cleanQueries, cleanPositives } };
    },
    write: (writer, { cleanQueries: queries, cleanPositives: positives, ...names }) =>
      writeContrast(writer, {
        ...names,
        clean: { queries, positives },
        inverseTemperature: writer.constant(5),
      }),
    feeds: { targets: ownTargets(3) },
    value: 0.14728,
  });
  const loss = offDropout({ ...F1, cleanQueries, cleanPositives, temperature: 0.2, rho: 1 });
  assertNear(loss.rows, [0.050217, 0.166236, 0.225388]);
});

test('has the worked clean cosines', () => {
  const { data } = cosines(F1_CLEAN.queries, F1_CLEAN.queries).value;
  assertNear([data[1]!, data[2]!, data[5]!], [0.124676, 0.393183, 0.55303]);
});

test('without dropout equals InfoNCE with ρ/τ on the diagonal', () => {
  const random = seededRandom(4);
  const view = randomMatrix(5, 6, random);
  const [temperature, rho] = [0.1, 0.9];
  const same = { queries: view, positives: view, cleanQueries: view, cleanPositives: view };
  const loss = offDropout({ ...same, temperature, rho });
  const expected = Array.from({ length: 5 }, (_, i) => {
    const logits = rowOf(cosines(view, view).value, i).map((c) => c / temperature);
    logits[i] = rho / temperature;
    return logSumExp(logits) - logits[i]!;
  });
  assertNear(loss.rows, expected, 1e-12);
  const plain = contrast({ queries: view, positives: view, temperature });
  assertNear([offDropout({ ...same, temperature, rho: 1 }).value], [plain.value], 1e-12);
});

test('needs clean encodings of explicit negatives only as further columns', () => {
  const [cleanQueries, cleanPositives] = [F1_CLEAN.queries, F1_CLEAN.positives];
  const without = offDropout({ ...F1, cleanQueries, cleanPositives, temperature: 0.2, rho: 1 });
  const extra = F1.negatives;
  const withThem = offDropout({
    ...{ queries, positives, extra, cleanQueries, cleanPositives },
    ...{ temperature: 0.2, rho: 1 },
  });
  withThem.rows.forEach((row, i) => assert.ok(row > without.rows[i]!));
});
