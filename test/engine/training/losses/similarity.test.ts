import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  contrast,
  ownTargets,
  writeContrast,
} from '../../../../src/engine/training/losses/contrast';
import {
  COSENT_SCALE,
  cosent,
  cosentOffsets,
  writeCosent,
} from '../../../../src/engine/training/losses/cosent';
import type { Loss } from '../../../../src/engine/training/losses/matrix';
import {
  type SimilarityGradients,
  pearsonLoss,
  writePearsonLoss,
} from '../../../../src/engine/training/losses/pearson';
import {
  preferenceRank,
  writePreferenceRank,
} from '../../../../src/engine/training/losses/preferenceRank';
import {
  fallingRanks,
  rankDivergence,
  writeRankDivergence,
} from '../../../../src/engine/training/losses/rankDivergence';
import {
  middleLayerLoss,
  positiveRows,
  similarityFeeds,
  similarityLoss,
  squaredError,
  writeSimilarityLoss,
  writeSquaredError,
} from '../../../../src/engine/training/losses/similarity';
import type { GraphWriter } from '../../../../src/engine/training/graphWriter';
import { type Matrices, assertNear, checkLoss, columnOf } from '../../../support/lossChecks';
import { F1, PAIRS } from '../../../support/lossFixtures';

interface PairCase {
  readonly reference: (x: Float64Array) => Loss<SimilarityGradients>;
  readonly write: (
    writer: GraphWriter,
    similarities: string,
    feeds: Readonly<Record<string, string>>,
  ) => string;
  readonly feeds: Matrices;
  readonly x?: Float64Array;
  readonly value?: number;
  readonly gradient?: readonly number[];
}

/** A loss over a list of cosines, in both forms. */
async function checkPairs({
  reference,
  write,
  feeds,
  x,
  value,
  gradient,
}: PairCase): Promise<void> {
  await checkLoss<{ similarities: ReturnType<typeof columnOf> }, Matrices>({
    inputs: { similarities: columnOf(x ?? PAIRS.similarities) },
    reference: ({ similarities }) => {
      const loss = reference(similarities.data);
      const gradients = { similarities: columnOf(loss.gradients.similarities) };
      return { value: loss.value, gradients };
    },
    write: (writer, names) => write(writer, names.similarities, names),
    feeds,
    value,
    gradients: gradient ? { similarities: gradient.map((g) => [g]) } : {},
  });
}

const feedsOf = (labels: readonly number[], temperature = 0.05): Matrices => ({
  ...similarityFeeds(labels, temperature)!,
});

const { similarities, reversed, labels, binary } = PAIRS;

test('gives the worked Pearson losses and gradient, in both forms', async () => {
  for (const [x, y, value, gradient] of [
    [similarities, labels, 0.080855, [-0.203751, -0.47542, 0.47542, 0.203751]],
    [reversed, labels, 1.919145, undefined],
    [similarities, binary, 0.628609, undefined],
  ] as const)
    await checkPairs({
      reference: (x) => pearsonLoss(x, y),
      write: (writer, similarities, feeds) =>
        writePearsonLoss(writer, { similarities, standardLabels: feeds.standardLabels! }),
      feeds: feedsOf(y),
      ...{ x, value, gradient },
    });
});

test('gives the worked RankKL losses and gradient, in both forms', async () => {
  for (const [x, y, temperature, value, gradient] of [
    [similarities, labels, 0.05, 0.004458, [-0.0897, -0.000004, 0.0897, 0.000004]],
    [similarities, labels, 0.2, 0.030146, undefined],
    [reversed, labels, 0.05, 3.50414, undefined],
    [similarities, binary, 0.05, 1.081258, undefined],
  ] as const)
    await checkPairs({
      reference: (x) => rankDivergence(x, y, temperature),
      write: (writer, similarities, feeds) =>
        writeRankDivergence(writer, { similarities, ideal: feeds.ideal! }, temperature),
      feeds: feedsOf(y, temperature),
      ...{ x, value, gradient },
    });
});

test('gives the worked PRO losses, terms and gradient, in both forms', async () => {
  for (const [x, y, temperature, value, gradient] of [
    [similarities, labels, 0.05, 0.044554, [-0.000122, -0.39734, -0.022254, 0.419658]],
    [similarities, labels, 0.2, 0.281062, undefined],
    [reversed, labels, 0.05, 7.044554, undefined],
    [similarities, binary, 0.05, 3.010336, undefined],
  ] as const)
    await checkPairs({
      reference: (x) => preferenceRank(x, y, temperature),
      write: (writer, similarities, { weights, offsets, targets }) =>
        writePreferenceRank(
          writer,
          similarities,
          { weights: weights!, offsets: offsets!, targets: targets! },
          temperature,
        ),
      feeds: feedsOf(y, temperature),
      ...{ x, value, gradient },
    });
  const { rows } = preferenceRank(similarities, labels, 0.05);
  assertNear(rows, [0.000018, 0.126928, 0.006715]);
});

test('gives the worked totals, in both forms', async () => {
  for (const [temperature, value] of [
    [0.05, 0.206277],
    [0.2, 0.452972],
  ] as const)
    await checkPairs({
      reference: (x) => similarityLoss(x, labels, temperature),
      write: (writer, similarities, feeds) =>
        writeSimilarityLoss(
          writer,
          similarities,
          feeds as Parameters<typeof writeSimilarityLoss>[2],
          temperature,
        ),
      feeds: feedsOf(labels, temperature),
      value,
    });
});

test('gives the worked CoSENT losses, in both forms', async () => {
  for (const [x, y, scale, value] of [
    [similarities, labels, COSENT_SCALE, 0.036065],
    [similarities, labels, 5, 0.657585],
    [reversed, labels, COSENT_SCALE, 14.036065],
    [similarities, binary, COSENT_SCALE, 6.002566],
  ] as const)
    await checkPairs({
      reference: (x) => cosent(x, y, scale),
      write: (writer, similarities, { offsets }) =>
        writeCosent(writer, { similarities, offsets: offsets! }, scale),
      feeds: { offsets: cosentOffsets(y) },
      ...{ x, value },
    });
  const pairCount = cosentOffsets(labels).data.filter((offset) => offset === 0).length - 1;
  assert.equal(pairCount, 5);
});

test('gives the squared error of a single pair, in both forms', async () => {
  await checkPairs({
    reference: (x) => squaredError(x, [0.5]),
    write: (writer, similarities, { labels }) =>
      writeSquaredError(writer, { similarities, labels: labels! }),
    feeds: { labels: columnOf([0.5]) },
    x: Float64Array.of(0.9),
    value: 0.16,
    gradient: [0.8],
  });
});

test('shifts cosines for PRO where one is negative, in both forms', async () => {
  const x = Float64Array.of(0.5, -0.3, 0.1, -0.6);
  await checkPairs({
    reference: (x) => preferenceRank(x, labels, 0.2),
    write: (writer, similarities, { weights, offsets, targets }) =>
      writePreferenceRank(
        writer,
        similarities,
        { weights: weights!, offsets: offsets!, targets: targets! },
        0.2,
      ),
    feeds: feedsOf(labels, 0.2),
    x,
  });
  const shifted = preferenceRank(
    x.map((value) => value + 1),
    labels,
    0.2,
  );
  assertNear([preferenceRank(x, labels, 0.2).value], [shifted.value], 1e-12);
});

const cosine = fc.double({ min: 0.01, max: 0.99, noNaN: true });
const cosineLists = fc
  .array(cosine, { minLength: 4, maxLength: 4 })
  .map((x) => Float64Array.from(x));

test('Pearson does not change when cosines are stretched and moved', () => {
  fc.assert(
    fc.property(cosineLists, cosine, cosine, (x, a, b) => {
      fc.pre(Math.max(...x) - Math.min(...x) > 0.01);
      const moved = x.map((value) => a * value + b);
      assertNear([pearsonLoss(moved, labels).value], [pearsonLoss(x, labels).value], 1e-9);
    }),
  );
});

test('RankKL and PRO do not change when two items of one label swap', () => {
  fc.assert(
    fc.property(cosineLists, (x) => {
      const swapped = Float64Array.of(x[0]!, x[2]!, x[1]!, x[3]!);
      for (const loss of [rankDivergence, preferenceRank])
        assertNear([loss(swapped, labels, 0.05).value], [loss(x, labels, 0.05).value], 1e-12);
    }),
  );
});

test('skips a batch whose labels are all equal, for all three terms', () => {
  const equal = [0.5, 0.5, 0.5, 0.5];
  // RankKL alone would push all cosines together.
  assertNear([rankDivergence(similarities, equal, 0.05).value], [1.407975]);
  const { value, gradients } = similarityLoss(similarities, equal, 0.05);
  assert.equal(value, 0);
  assert.deepEqual(gradients.similarities, new Float64Array(4));
  assert.equal(similarityFeeds(equal, 0.05), undefined);
  assert.equal(pearsonLoss(similarities, equal).value, 0);
  assert.equal(preferenceRank(similarities, equal, 0.05).value, 0);
});

test('says nothing about Pearson where all cosines are equal, and no NaN, in both forms', async () => {
  await checkLoss({
    inputs: { similarities: columnOf([0.7, 0.7, 0.7, 0.7]) },
    reference: ({ similarities }) => {
      const loss = pearsonLoss(similarities.data, labels);
      const gradients = { similarities: columnOf(loss.gradients.similarities) };
      return { value: loss.value, gradients };
    },
    frozen: () => 0,
    write: (writer, names) => writePearsonLoss(writer, names),
    feeds: { standardLabels: similarityFeeds(labels, 0.05)!.standardLabels },
    value: 0,
    unused: ['similarities'],
  });
});

test('gives equal labels the mean of their ranks', () => {
  assert.deepEqual([...fallingRanks([1, 0.5, 0.5, 0])], [0, 1.5, 1.5, 3]);
  assert.deepEqual([...fallingRanks([2, 2, 2])], [1, 1, 1]);
});

test('takes for the middle layer only the pairs with label 1, in both forms', async () => {
  const y = [1, 0.5, 1];
  const [first, second] = [F1.queries, F1.positives];
  const rows = positiveRows(y);
  assert.deepEqual(rows, [0, 2]);
  const pick = { rows: 2, columns: 3, data: Float64Array.of(1, 0, 0, 0, 0, 1) };
  const { value } = await checkLoss({
    inputs: { first, second },
    reference: (inputs) => middleLayerLoss(inputs.first, inputs.second, y, 0.05),
    write: (writer, { first, second, pick, targets }) =>
      writeContrast(writer, {
        queries: writer.matmul(pick, first),
        positives: writer.matmul(pick, second),
        targets,
        inverseTemperature: writer.constant(20),
      }),
    feeds: { pick, targets: ownTargets(2) },
  });
  const only = (matrix: typeof first): typeof first => ({
    ...matrix,
    rows: 2,
    data: Float64Array.of(...matrix.data.slice(0, 4), ...matrix.data.slice(8)),
  });
  const plain = contrast({ queries: only(first), positives: only(second), temperature: 0.05 });
  assert.equal(value, plain.value);
  assert.equal(middleLayerLoss(first, second, [1, 0, 0], 0.05).value, 0);
});
