import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Random, seededRandom, shuffle } from '../../../src/base/random';
import {
  type Dataset,
  RELEASED_SAMPLER,
  SAMPLER_DEFAULTS,
  planEpoch,
} from '../../../src/engine/training/batches';
import { clusterRows } from '../../../src/engine/training/clustering';
import { matrixOf } from '../../../src/engine/training/losses/matrix';
import {
  shuffleByCluster,
  shuffleByNeighbours,
  shuffleByShingle,
} from '../../../src/engine/training/neighbourShuffle';
import { randomMatrix } from '../../support/lossFixtures';

const numbers = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from + i);
const search = (count: number, batchSize: number): Dataset => ({
  ...{ task: 'ir', records: numbers(count), batchSize },
});
const similarity = (count: number, batchSize: number): Dataset => ({
  ...{ task: 'sts', records: numbers(count, 1000), batchSize },
});

test('cuts the worked numbers of steps from the released sampler', () => {
  for (const [datasets, steps, unused] of [
    [[search(70, 32), similarity(33, 16)], [2, 2], 7],
    [[search(120, 16), similarity(50, 32)], [7, 1], 26],
  ] as const) {
    const batches = planEpoch(datasets, RELEASED_SAMPLER, seededRandom(1));
    const count = (task: string): number => batches.filter((batch) => batch.task === task).length;
    assert.deepEqual([count('ir'), count('sts')], steps);
    const used = batches.flatMap(({ records }) => records).length;
    assert.equal(datasets[0].records.length + datasets[1].records.length - used, unused);
  }
});

test('uses every record every epoch, none over three times, between 1:1 and 4:1, one task a batch', () => {
  const size = fc.integer({ min: 1, max: 60 });
  fc.assert(
    fc.property(
      size,
      size,
      fc.integer({ min: 1, max: 16 }),
      fc.integer(),
      (ir, sts, batch, seed) => {
        const datasets = [search(ir, batch), similarity(sts, batch)];
        const batches = planEpoch(datasets, SAMPLER_DEFAULTS, seededRandom(seed));
        const uses = new Map<number, number>();
        for (const { task, records } of batches)
          for (const record of records) {
            assert.equal(record >= 1000, task === 'sts');
            uses.set(record, (uses.get(record) ?? 0) + 1);
          }
        assert.equal(uses.size, ir + sts);
        assert.ok(Math.max(...uses.values()) <= 3);
        const irSteps = batches.filter(({ task }) => task === 'ir').length;
        const stsSteps = batches.length - irSteps;
        const [irOnce, stsOnce] = [Math.ceil(ir / batch), Math.ceil(sts / batch)];
        // Outside the ratio only where three rounds of the scarcer task do not reach it.
        assert.ok(irSteps >= stsSteps || irSteps === 3 * irOnce);
        assert.ok(irSteps <= 4 * stsSteps || stsSteps === 3 * stsOnce);
      },
    ),
  );
});

test('twenty marks make a step even where a batch is larger', () => {
  const batches = planEpoch([search(20, 32)], SAMPLER_DEFAULTS, seededRandom(1));
  assert.deepEqual(
    batches.map(({ records }) => records.length),
    [20],
  );
});

test('shuffles anew each epoch and the same under one seed', () => {
  const epochs = (seed: number): string[] => {
    const random = seededRandom(seed);
    return [0, 1].map(() => JSON.stringify(planEpoch([search(30, 8)], SAMPLER_DEFAULTS, random)));
  };
  assert.deepEqual(epochs(1), epochs(1));
  assert.notEqual(epochs(1)[0], epochs(1)[1]);
});

const POINTS = matrixOf([
  [0, 0],
  [0.1, 0],
  [5, 5],
  [5, 5.1],
  [0.05, 0.1],
  [5.1, 5],
]);

test('puts neighbours together in the worked orders', () => {
  const order = (groupSize: number, texts: readonly string[]): number[] =>
    shuffleByNeighbours({ vectors: POINTS, texts }, { groupSize }, numbers(6)).flat();
  const different = ['a', 'b', 'c', 'd', 'e', 'f'];
  assert.deepEqual(order(3, different), [5, 3, 2, 4, 1, 0]);
  assert.deepEqual(order(2, different), [5, 4, 3, 2, 1, 0]);
  assert.deepEqual(order(3, ['a', 'a', 'c', 'd', 'e', 'f']), [3, 5, 1, 2, 4, 0]);
});

type Shuffler = (texts: readonly string[], groupSize: number, random: Random) => number[][];

const SHUFFLERS: Readonly<Record<string, Shuffler>> = {
  neighbours: (texts, groupSize, random) => {
    const vectors = randomMatrix(texts.length, 3, random);
    return shuffleByNeighbours(
      { vectors, texts },
      { groupSize },
      shuffle(numbers(texts.length), random),
    );
  },
  shingles: shuffleByShingle,
  clusters: (texts, groupSize, random) => {
    const vectors = randomMatrix(texts.length, 3, random);
    return shuffleByCluster({ vectors, texts }, { groupSize, clusterCount: 4 }, random);
  },
};

for (const [name, shuffler] of Object.entries(SHUFFLERS)) {
  test(`shuffling by ${name} is a seeded permutation with no text twice in a group`, () => {
    const words = fc.array(fc.constantFrom('open file', 'read file now', 'close', 'a b c', 'x y'), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(words, fc.integer({ min: 2, max: 4 }), fc.integer(), (texts, groupSize, seed) => {
        const groups = shuffler(texts, groupSize, seededRandom(seed));
        assert.deepEqual(shuffler(texts, groupSize, seededRandom(seed)), groups);
        assert.deepEqual(
          groups.flat().sort((a, b) => a - b),
          numbers(texts.length),
        );
        for (const group of groups) {
          assert.ok(group.length <= groupSize);
          assert.equal(new Set(group.map((i) => texts[i])).size, group.length);
        }
      }),
    );
  });
}

test('brings texts that share words together far more often than chance does', () => {
  const texts = numbers(60).map((i) => `topic${i % 12} about item${i % 12} number ${i}`);
  const together = (order: readonly number[]): number => {
    const groups = numbers(12).map((g) => order.slice(5 * g, 5 * g + 5));
    const pairs = groups.flatMap((group) =>
      group.flatMap((a) => group.map((b) => [a, b] as const)),
    );
    return pairs.filter(([a, b]) => a !== b && a % 12 === b % 12).length;
  };
  const mean = (make: (seed: number) => number[]): number =>
    [1, 2, 3, 4].map((seed) => together(make(seed))).reduce((a, b) => a + b) / 4;
  const random = mean((seed) => shuffle(numbers(60), seededRandom(seed)));
  const alike = mean((seed) => shuffleByShingle(texts, 5, seededRandom(seed)).flat());
  assert.ok(alike > 3 * random, `${alike} against ${random}`);
});

test('finds the clusters of points that lie apart', () => {
  const clusters = [...clusterRows(POINTS, 2, seededRandom(3))];
  assert.equal(new Set(clusters).size, 2);
  assert.equal(clusters[0], clusters[1]);
  assert.equal(clusters[0], clusters[4]);
  assert.equal(clusters[2], clusters[3]);
  assert.equal(clusters[2], clusters[5]);
  assert.deepEqual([...clusterRows(matrixOf([[1], [1]]), 5, seededRandom(1))].length, 2);
});
