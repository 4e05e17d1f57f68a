import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../../src/base/random';
import { matrixOf } from '../../../src/engine/training/losses/matrix';
import {
  MINING_DEFAULTS,
  type MinedGroup,
  type MiningChunk,
  type MiningPool,
  type MiningQuery,
  type MiningSettings,
  type MiningSpace,
  mineGroup,
} from '../../../src/engine/training/negatives';
import {
  JointSpace,
  calibrate,
  cosineDistance,
  isNoCopy,
  percentile,
  selectHardNegatives,
} from '../../../src/engine/training/twoConditions';
import { type Voting, countVotes, meanScores } from '../../../src/engine/training/voting';
import { assertNear } from '../../support/lossChecks';
import { randomMatrix } from '../../support/lossFixtures';

/** Candidates c1 to c5 are chunks 1 to 5, the positive is chunk 6. */
const FIRST = [0.82, 0.75, 0.4, 0.66, 0.1, 0.78];
const SECOND = [0.6, 0.71, 0.55, 0.2, 0.3, 0.74];

function ranking(scores: readonly number[]): { chunkId: number; score: number }[] {
  return scores.map((score, i) => ({ chunkId: i + 1, score })).sort((a, b) => b.score - a.score);
}

const BALLOTS = [{ ranking: ranking(FIRST) }, { ranking: ranking(SECOND) }];

function votes(voting: Voting, ballots = BALLOTS): Map<number, number> {
  return new Map(countVotes(ballots, voting).map(({ chunkId, score }) => [chunkId, score]));
}

test('gives the worked soft votes and their order', () => {
  const soft = votes('soft');
  const worked = [0.87037, 0.923611, 0.532407, 0.388889, 0.092593, 0.972222];
  assertNear(
    [1, 2, 3, 4, 5, 6].map((id) => soft.get(id)!),
    worked,
  );
  assert.deepEqual([...soft.keys()], [6, 2, 1, 3, 4, 5]);
});

test('gives the worked fused votes, which put c1 before c2', () => {
  const fused = votes('fused');
  const worked = [0.032266, 0.032002, 0.03101, 0.030777, 0.030536, 0.032522];
  assertNear(
    [1, 2, 3, 4, 5, 6].map((id) => fused.get(id)!),
    worked,
  );
  assert.deepEqual([...fused.keys()].slice(0, 3), [6, 1, 2]);
});

test('lets weights decide, and equal weights change nothing', () => {
  const weighted = (weights: readonly [number, number]): Map<number, number> =>
    votes(
      'weighted',
      BALLOTS.map((ballot, i) => ({ ...ballot, weight: weights[i] })),
    );
  assertNear([...weighted([2, 2]).values()], [...votes('soft').values()], 1e-15);
  assert.equal([...weighted([1, 0]).keys()][0], 1);
  assert.equal([...weighted([0, 1]).keys()][0], 6);
});

test('gives a chunk that a ranker does not know that ranker’s lowest score', () => {
  const ballots = [
    {
      ranking: [
        { chunkId: 1, score: 0.9 },
        { chunkId: 2, score: 0.5 },
      ],
    },
    {
      ranking: [
        { chunkId: 3, score: 0.8 },
        { chunkId: 1, score: 0.4 },
      ],
    },
  ];
  assert.deepEqual(
    [...votes('soft', ballots)],
    [
      [1, 0.5],
      [3, 0.5],
      [2, 0],
    ],
  );
  const raw = meanScores(ballots);
  assertNear([raw(1), raw(2), raw(3)], [0.65, 0.45, 0.65], 1e-12);
});

test('gives the worked mean scores and ceiling: c2 falls, the others stay', () => {
  const raw = meanScores(BALLOTS);
  assertNear([1, 2, 3, 4, 5, 6].map(raw), [0.71, 0.73, 0.475, 0.43, 0.2, 0.76]);
  const ceiling = 0.95 * raw(6);
  assertNear([ceiling], [0.722]);
  assert.deepEqual(
    [1, 2, 3, 4, 5].filter((id) => raw(id) > ceiling),
    [2],
  );
});

const QUERY = [1, 0.2, 0.1];
const POSITIVE = [0.7, 0.6, 0.3];
const CANDIDATES = {
  a: [0.95, 0.3, 0.2],
  b: [0.72, 0.58, 0.32],
  c: [0.2, 0.9, 0.4],
  d: [0.9, -0.3, 0.1],
  e: [0.8, 0.1, -0.2],
};

test('selects a, e, d by the two conditions, with the worked distances', () => {
  const candidates = Object.values(CANDIDATES).map((vector) => ({
    toQuery: cosineDistance(QUERY, vector),
    toPositive: cosineDistance(POSITIVE, vector),
  }));
  const queryToPositive = cosineDistance(QUERY, POSITIVE);
  assertNear([queryToPositive], [0.144421]);
  assertNear(
    candidates.map(({ toQuery }) => toQuery),
    [0.010769, 0.134188, 0.592156, 0.130432, 0.060123],
  );
  const [a, b, , d, e] = candidates;
  assertNear(
    [a, b, d, e].map((x) => x!.toPositive),
    [0.081372, 0.000591, 0.481013, 0.304656],
  );
  const chosen = selectHardNegatives({ queryToPositive, candidates });
  assert.deepEqual(
    chosen.map((i) => Object.keys(CANDIDATES)[i]),
    ['a', 'e', 'd'],
  );
  assert.deepEqual(selectHardNegatives({ queryToPositive, candidates: [b!] }), []);
});

test('compares percentiles in the calibrated form, as worked out', () => {
  const calibration = {
    queryChunk: Float64Array.of(0.3, 0.4, 0.5, 0.6),
    chunkChunk: Float64Array.of(0.1, 0.2, 0.3, 0.5),
  };
  assert.equal(percentile(calibration.queryChunk, 0.45), 0.5);
  assert.equal(percentile(calibration.chunkChunk, 0.35), 0.75);
  assert.equal(percentile(calibration.chunkChunk, 0.25), 0.5);
  const kept = { toQuery: 0.45, toPositive: 0.35 };
  assert.ok(isNoCopy(kept, calibration) && !isNoCopy(kept));
  assert.ok(!isNoCopy({ toQuery: 0.45, toPositive: 0.25 }, calibration));
});

test('calibrates from random pairs, the same under one seed, no chunk with itself', () => {
  const [queries, chunks] = [
    randomMatrix(5, 4, seededRandom(1)),
    randomMatrix(7, 4, seededRandom(2)),
  ];
  const calibration = calibrate(queries, chunks, seededRandom(3));
  assert.deepEqual(calibrate(queries, chunks, seededRandom(3)), calibration);
  assert.equal(calibration.queryChunk.length, 1000);
  assert.ok(calibration.chunkChunk[0]! > 1e-6);
  assert.deepEqual(calibration.chunkChunk, calibration.chunkChunk.slice().sort());
});

test('puts several spaces side by side and keeps what varies', () => {
  const random = seededRandom(9);
  const [first, second] = [randomMatrix(40, 3, random), randomMatrix(40, 5, random)];
  // A space that says nothing new adds no component.
  const copied = JointSpace.fit([first, first], seededRandom(1), 0.999);
  assert.equal(copied.dimension, 3);
  const joint = JointSpace.fit([first, second], seededRandom(1), 1);
  assert.equal(joint.dimension, 8);
  const placed = joint.place([first, second]);
  assert.equal(placed.rows, 40);
  assert.ok(JointSpace.fit([first, second], seededRandom(1), 0.5).dimension < 8);
});

/** A world of chunks: each space ranks by a seeded score; files hold five chunks each. */
function world(seed: number, count = 60): MiningPool {
  const random = seededRandom(seed);
  const chunks = new Map<number, MiningChunk>();
  for (let id = 0; id < count; id++) {
    // Every seventh text repeats the one before.
    const hash = `h${id % 7 === 6 ? id - 1 : id}`;
    const start = (id % 5) * 10;
    const chunk = { id, hash, path: `f${Math.floor(id / 5)}`, span: { start, end: start + 10 } };
    chunks.set(id, { ...chunk, text: `text ${id}` });
  }
  const spaces = ['base', 'tuned', 'words'].map((name): MiningSpace => {
    const scores = Array.from({ length: count }, () => random());
    const ranked = scores
      .map((score, chunkId) => ({ chunkId, score }))
      .sort((a, b) => b.score - a.score);
    const rank = async (_: MiningQuery, limit: number) => ranked.slice(0, limit);
    return { name, isCosine: name !== 'words', rank };
  });
  return { chunks, spaces };
}

const query: MiningQuery = {
  text: 'q',
  positives: [3],
  explicit: [10, 21],
  acceptedElsewhere: [30],
};
const mine = (
  pool: MiningPool,
  changes: Partial<MiningSettings> = {},
  seed = 1,
): Promise<MinedGroup> =>
  mineGroup(query, pool, { ...MINING_DEFAULTS, ...changes }, seededRandom(seed));

test('mines the same group under one seed and other groups under others', async () => {
  const pool = world(1);
  const first = await mine(pool);
  assert.deepEqual(await mine(pool), first);
  const others = await Promise.all([2, 3, 4].map((seed) => mine(pool, {}, seed)));
  assert.ok(
    others.some(({ negatives }) => JSON.stringify(negatives) !== JSON.stringify(first.negatives)),
  );
});

test('no group holds its positive, a copy of it, what was accepted, a text twice, or three chunks of a file', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer(), async (worldSeed, seed) => {
      const pool = world(worldSeed);
      const { negatives } = await mine(pool, {}, seed);
      const ids = negatives.map(({ chunkId }) => chunkId);
      const chunks = [3, ...ids].map((id) => pool.chunks.get(id)!);
      assert.ok(!ids.includes(3) && !ids.includes(30));
      assert.equal(new Set(chunks.map(({ hash }) => hash)).size, chunks.length);
      for (const { path } of chunks)
        assert.ok(chunks.filter((chunk) => chunk.path === path).length <= 2);
    }),
    { numRuns: 40 },
  );
});

test('explicit marks are always there, mined chunks fill up to K-, one of them at random', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 12 }), async (seed, negativeCount) => {
      const settings = { negativeCount, ceiling: Infinity };
      const { negatives } = await mine(world(seed), settings, seed);
      const explicit = negatives.filter(({ source }) => source === 'explicit');
      assert.deepEqual(
        explicit.map(({ chunkId }) => chunkId),
        [10, 21],
      );
      assert.equal(negatives.length, Math.max(negativeCount, 2));
      const random = negatives.filter(({ source }) => source === 'random').length;
      assert.equal(random, negativeCount > 2 ? 1 : 0);
    }),
    { numRuns: 40 },
  );
});

test('the ceiling and the teacher never remove a mark of a person', async () => {
  const pool = world(2);
  const strict: MiningPool = {
    ...pool,
    // It finds everything better than the positive.
    teacher: async (_, texts) => texts.map((text) => (text === 'text 3' ? 0 : 1)),
  };
  const { negatives, dropped } = await mine(strict, { ceiling: 0, ranks: [1, 50] });
  assert.deepEqual(
    negatives.map(({ source }) => source),
    ['explicit', 'explicit', 'random'],
  );
  assert.ok(dropped.every(({ chunkId }) => chunkId !== 10 && chunkId !== 21));
});

test('draws from the voted ranks asked for, and from the best where those are too few', async () => {
  const pool = world(3);
  const flat = { ceiling: Infinity, randomCount: 0, perFile: 99, negativeCount: 6 };
  const { negatives } = await mine(pool, { ...flat, ranks: [2, 5] });
  const mined = negatives.filter(({ source }) => source === 'mined').map(({ vote }) => vote!);
  // The window holds four, all of them taken.
  assert.equal(mined.length, 4);
  const { negatives: wide } = await mine(pool, { ...flat, negativeCount: 7, ranks: [2, 5] });
  const best = wide.filter(({ source }) => source === 'mined').map(({ vote }) => vote!);
  assert.equal(Math.max(...best), best.at(-1));
});

test('takes out what the teacher finds as good as the positive, and gives margins for GPL', async () => {
  const scores = new Map([['text 3', 5]]);
  const teacher = async (_: string, texts: readonly string[]) =>
    texts.map((text) => scores.get(text) ?? Number(text.slice(5)) / 10);
  const pool = { ...world(4), teacher };
  const settings = { ceiling: Infinity, randomCount: 0, ranks: [1, 50] as const };
  const { negatives, dropped } = await mine(pool, settings);
  const doubted = dropped.filter(({ reason }) => reason === 'teacher').map((d) => d.chunkId);
  assert.ok(doubted.length > 0 && doubted.every((id) => id > 50));
  for (const { chunkId, margin } of negatives) assertNear([margin!], [5 - chunkId / 10], 1e-12);
  const { dropped: none } = await mine(pool, { ...settings, teacherMargin: -Infinity });
  assert.deepEqual(
    none.filter(({ reason }) => reason === 'teacher'),
    [],
  );
});

test('applies both conditions where distances are known, each switched by its flag', async () => {
  const place = new Map([...Array(60).keys()].map((id) => [id, id / 100]));
  const distances = {
    // The positive lies at .03; what is nearer to it than to the query (at 0) is a copy.
    toQuery: (_: MiningQuery, id: number) => place.get(id)!,
    between: (a: number, b: number) => Math.abs(place.get(a)! - place.get(b)!),
  };
  const pool = { ...world(5), distances };
  const settings = { ceiling: Infinity, condition: 'plain' as const };
  const { dropped } = await mine(pool, settings);
  const copies = dropped.filter(({ reason }) => reason === 'copy').map(({ chunkId }) => chunkId);
  // All beyond half the way to the positive.
  assert.ok(copies.length > 0 && copies.every((id) => id >= 2));
  const { dropped: easy } = await mine(pool, { ...settings, condition: 'off', mustConfuse: true });
  const easyIds = easy.filter(({ reason }) => reason === 'easy').map(({ chunkId }) => chunkId);
  assert.ok(easyIds.every((id) => id > 3) && easyIds.length > 10);
  const { dropped: off } = await mine(pool, { ...settings, condition: 'off' });
  assert.ok(off.every(({ reason }) => reason === 'duplicate' || reason === 'accepted'));
});

test('a query without a positive gets its marks and mined chunks, and no filter needs an answer', async () => {
  const alone = { text: 'q', positives: [], explicit: [10] };
  const group = await mineGroup(alone, world(6), MINING_DEFAULTS, seededRandom(1));
  assert.equal(group.negatives.length, 7);
  assert.deepEqual(group.dropped, []);
});

test('mines nothing from an empty pool', async () => {
  const group = await mineGroup(
    query,
    { chunks: new Map(), spaces: [] },
    MINING_DEFAULTS,
    seededRandom(1),
  );
  assert.deepEqual(group, { positives: [3], negatives: [], dropped: [] });
  assert.equal(matrixOf([]).rows, 0);
});
