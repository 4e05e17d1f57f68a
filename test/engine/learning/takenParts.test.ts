/** Which parts of a run answer, on answers made by hand: rivals, parts together, and what is said about it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../src/engine/learning/arena';
import { decide, type Evidence } from '../../../src/engine/learning/gate';
import type { Judged } from '../../../src/engine/learning/measures';
import type { Measured } from '../../../src/engine/learning/measuring';
import type { LearningTier } from '../../../src/engine/learning/report';
import {
  joinedOrBest,
  type Taken,
  togetherOf,
  verdictOfRun,
  withoutRivals,
} from '../../../src/engine/learning/takenParts';
import { outcomeOf, type TriedTier } from '../../../src/engine/learning/triedTier';
import { temporaryFolder } from '../../support/temporaryFolder';

/** The right chunk is 1, the wrong one 2. */
const RIGHT: Answer = { order: [1, 3, 2], places: [], parts: new Map() };
const WRONG: Answer = { order: [2, 3, 1], places: [], parts: new Map() };

const QUERIES: readonly Judged[] = Array.from({ length: 40 }, (_, at) => ({
  ...{ asked: `q${at}`, relevant: [1], wrong: [2] },
}));

/** All queries were answered wrongly before; those in `rightAt` are answered rightly afterwards. */
function measured(rightAt: (at: number) => boolean, heldOut = QUERIES): Measured {
  const of = (answer: (at: number) => Answer): Map<string, Answer> =>
    new Map(heldOut.map(({ asked }) => [asked, answer(Number(asked.slice(1)))]));
  const evidence: Evidence = {
    ...{ primary: 'near-miss accuracy', heldOut, guard: [] },
    before: of(() => WRONG),
    after: of((at) => (rightAt(at) ? RIGHT : WRONG)),
    ...{ guardBefore: new Map(), guardAfter: new Map() },
  };
  return { evidence, result: decide(evidence) };
}

function tried(tier: LearningTier, one: Measured): TriedTier {
  const byFold = [{}];
  return { tier, out: '', byFold, whole: {}, measured: one, seconds: 1 };
}

const first = (count: number) => (at: number) => at < count;
/** An encoder is measured on the first fold alone. */
const FOLD = QUERIES.slice(0, 20);
const FAILED = measured(first(0));

function checkTaken({ parts, note }: Taken, tiers: readonly LearningTier[], said?: string): void {
  assert.deepEqual(
    parts.map(({ tier }) => tier),
    tiers,
  );
  assert.equal(note, said);
}

const MAP_TAKEN =
  'Only one of a map of embeddings and the encoder can answer: a map of embeddings is taken, which gains no less';
const ENCODER_TAKEN =
  'Only one of a map of embeddings and the encoder can answer: the encoder is taken, which gains no less';

test('takes the better one of a map and an encoder that both pass, and says so', () => {
  const [less, more] = [measured(first(10), FOLD), measured(first(18), FOLD)];
  checkTaken(withoutRivals([tried('head', more), tried('encoder', less)]), ['head'], MAP_TAKEN);
  checkTaken(
    withoutRivals([tried('head', less), tried('encoder', more)]),
    ['encoder'],
    ENCODER_TAKEN,
  );
});

test('takes the map where both gain the same: nothing has to be embedded anew', () => {
  const same = measured(first(12), FOLD);
  checkTaken(withoutRivals([tried('head', same), tried('encoder', same)]), ['head'], MAP_TAKEN);
  checkTaken(withoutRivals([tried('encoder', same), tried('head', same)]), ['head'], MAP_TAKEN);
});

test('compares the two on the queries that both were asked', () => {
  // Over all queries the map gains .5; on those of the encoder it gains .25, and the encoder .4.
  const map = measured((at) => at < 5 || at >= 25);
  assert.ok(map.result.isPassed);
  const encoder = measured(first(8), FOLD);
  checkTaken(
    withoutRivals([tried('head', map), tried('encoder', encoder)]),
    ['encoder'],
    ENCODER_TAKEN,
  );
});

test('leaves what passed alone as it is, and in its order', () => {
  const good = measured(first(15), FOLD);
  const all: readonly TriedTier[] = [
    tried('words', good),
    tried('fusion', FAILED),
    tried('head', good),
    tried('cross-encoder', good),
    tried('encoder', FAILED),
  ];
  checkTaken(withoutRivals(all), ['words', 'head', 'cross-encoder']);
  checkTaken(withoutRivals([tried('head', FAILED), tried('encoder', good)]), ['encoder']);
  checkTaken(withoutRivals([tried('head', FAILED), tried('encoder', FAILED)]), []);
  checkTaken(withoutRivals([]), []);
  checkTaken(
    withoutRivals([tried('fusion', good), tried('head', good), tried('encoder', good)]),
    ['fusion', 'head'],
    MAP_TAKEN,
  );
});

test('takes parts together where that is no worse than the best of them, else the best alone', () => {
  const parts = [
    tried('fusion', measured(first(12))),
    tried('encoder', measured(first(9), FOLD)),
    tried('words', measured(first(7))),
  ];
  // On the first fold the weights gain .6, the encoder .45.
  const joined = measured(first(14), FOLD);
  const together = joinedOrBest(parts, joined);
  checkTaken(together, ['fusion', 'encoder', 'words']);
  assert.ok(together.parts.every((one) => one.measured === joined));
  const alone =
    'Together the parts are no better than the weights of the ranking alone, which is taken';
  checkTaken(joinedOrBest(parts, measured(first(11), FOLD)), ['fusion'], alone);
  checkTaken(joinedOrBest(parts, measured(first(0), FOLD)), ['fusion'], alone);
  checkTaken(joinedOrBest(parts, measured(first(12), FOLD)), ['fusion', 'encoder', 'words']);
});

test('says in the verdict what was taken did, not what was left out', (t) => {
  const folder = temporaryFolder((end) => t.after(end));
  const [map, encoder] = [measured(first(10), FOLD), measured(first(18), FOLD)];
  const both = [tried('head', map), tried('encoder', encoder)];
  const outcomes = both.map((one) => outcomeOf({ ...one, out: folder }));
  // Both are kept by themselves, in their own words; one answers.
  assert.deepEqual(
    outcomes.map(({ isKept, sentence }) => [isKept, sentence.slice(0, 39)]),
    [
      [true, 'Kept: 10 of 20 unseen queries improved,'],
      [true, 'Kept: 18 of 20 unseen queries improved,'],
    ],
  );
  const { parts } = withoutRivals(both);
  const said = togetherOf(parts, both).measured;
  assert.match(verdictOfRun(said, outcomes, undefined), /^Promoted: 18 of 20 unseen queries/);
  const beside = { isWorse: true, sentence: 'Beside the version in use it is worse' };
  assert.equal(
    verdictOfRun(said, outcomes, beside),
    'Not promoted: Beside the version in use it is worse',
  );
  assert.match(
    verdictOfRun(said, outcomes, { ...beside, isWorse: false }),
    /^Promoted: 18 of 20 unseen queries/,
  );
});

test('reports the part that came nearest where none passed, and why where none could be trained', () => {
  const none = [tried('fusion', FAILED), tried('head', measured(first(1)))];
  const { measured: nearest } = togetherOf(withoutRivals(none).parts, none);
  assert.match(
    verdictOfRun(nearest, [], undefined),
    /^Not promoted \(gain on held-out queries, more gained than lost\): 1 of 40 unseen queries improved/,
  );
  const failed = {
    ...{ tier: 'head' as const, isKept: false, figures: [], conditions: [] },
    ...{ seconds: 0, bytes: 0, recomputedVectorCount: 0 },
  };
  assert.equal(
    verdictOfRun(undefined, [{ ...failed, sentence: 'Not trained: no row' }], undefined),
    'Not promoted: no part could be trained (Not trained: no row)',
  );
});
