/** The gate on answers made by hand: what passes, and every condition that can stop it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import type { Answer } from '../../../src/engine/learning/arena';
import {
  choosePrimary,
  decide,
  decideAgain,
  type Evidence,
  repeatedVerdict,
  type RepeatedEvidence,
  verdictOf,
} from '../../../src/engine/learning/gate';
import type { Judged } from '../../../src/engine/learning/measures';

/** The right chunk is 1, the wrong one 2. */
function answer(...order: number[]): Answer {
  return { order, places: [], parts: new Map() };
}

const RIGHT = answer(1, 3, 2);
const WRONG = answer(2, 3, 1);

function judged(count: number, prefix = 'q'): Judged[] {
  return Array.from({ length: count }, (_, at) => ({
    asked: `${prefix}${at}`,
    relevant: [1],
    wrong: prefix === 'g' ? [] : [2],
  }));
}

function answers(queries: readonly Judged[], of: (at: number) => Answer): Map<string, Answer> {
  return new Map(queries.map(({ asked }, at) => [asked, of(at)]));
}

/** 20 held-out queries, all answered wrongly before; by default 15 of them rightly afterwards. */
function evidence(changes: Partial<Evidence> = {}, count = 20): Evidence {
  const [heldOut, guard] = [judged(count), judged(10, 'g')];
  return {
    ...{ primary: 'near-miss accuracy', heldOut, guard },
    before: answers(heldOut, () => WRONG),
    after: answers(heldOut, (at) => (at < 15 ? RIGHT : WRONG)),
    guardBefore: answers(guard, () => RIGHT),
    guardAfter: answers(guard, () => RIGHT),
    ...changes,
  };
}

function failedOf(given: Evidence): string[] {
  return decide(given).conditions.flatMap(({ isMet, name }) => (isMet ? [] : [name]));
}

test('lets a clear gain pass, and says so in one sentence', () => {
  const given = evidence();
  const result = decide(given);
  assert.equal(result.isPassed, true);
  assert.equal(result.mapsSimilar, true);
  assert.match(
    verdictOf(result, given),
    /^Promoted: 15 of 20 unseen queries improved, 0 got worse; near-miss accuracy \.000 → \.750, 95 % interval \+\.\d{3} to \+\.\d{3}; the right answer stands higher for 15 of 20, lower for 0: MRR@10 \.333 → \.833, 95 % interval \+\.\d{3} to \+\.\d{3}$/,
  );
  const figure = result.figures.find(({ name }) => name === 'MRR@10');
  assert.deepEqual([figure?.before.toFixed(4), figure?.after.toFixed(4)], ['0.3333', '0.8333']);
});

test('says beside a gain in pairs that right answers stand hardly higher, of all that can tell', () => {
  const heldOut = judged(20);
  const alone = { asked: 'alone', relevant: [1], wrong: [] };
  const all = [...heldOut, alone];
  // Another hit takes the place of the wrong one: the pair is right, and the answer stands where it stood.
  const given = evidence({
    heldOut: all,
    before: answers(all, (at) => (at < 20 ? answer(2, 1, 3) : answer(2, 3, 1))),
    after: answers(all, (at) => (at < 20 ? answer(3, 1, 2) : answer(2, 1, 3))),
  });
  assert.match(
    verdictOf(decide(given), given),
    /^Promoted: 20 of 20 unseen queries improved, 0 got worse; near-miss accuracy \.000 → 1\.000, .+; the right answer stands higher for 1 of 21, lower for 0: MRR@10 \.492 → \.500, 95 % interval \+\.000 to \+\.\d{3}$/,
  );
  const ranked = { ...given, primary: 'MRR@10' as const };
  assert.doesNotMatch(verdictOf(decide(ranked), ranked), /the right answer/);
});

test('stops what no more queries gain than lose', () => {
  const heldOut = judged(20);
  const before = answers(heldOut, (at) => (at % 2 === 0 ? RIGHT : WRONG));
  const after = answers(heldOut, (at) => (at % 2 === 0 ? WRONG : RIGHT));
  const failed = failedOf(evidence({ before, after }));
  assert.ok(failed.includes('gain on held-out queries'));
  assert.ok(failed.includes('more gained than lost'));
  assert.ok(failed.includes('held-out MRR@10'));
});

test('stops a gain that one query alone makes', () => {
  const after = answers(judged(20), (at) => (at === 0 ? RIGHT : WRONG));
  assert.deepEqual(failedOf(evidence({ after })), [
    ...['gain on held-out queries', 'more gained than lost'],
  ]);
});

// Resampling never draws a loss where there is none: three of eight looked like a sure gain, which one in eight coins makes.
test('stops a gain of so few queries that a coin makes it, however sure an interval looks', () => {
  const rising = (count: number): string[] => {
    const after = answers(judged(12), (at) => (at < count ? RIGHT : WRONG));
    return failedOf(evidence({ after }, 12));
  };
  assert.deepEqual(rising(4), ['more gained than lost']);
  assert.deepEqual(rising(5), []);
  const { conditions } = decide(evidence({}, 20));
  const { value, limit, count } = conditions.find(({ name }) => name === 'more gained than lost')!;
  assert.deepEqual({ value, limit, count }, { value: 15, limit: 12, count: 20 });
});

test('promotes nothing by chance: of runs that change queries at random few pass', () => {
  const steps = [answer(1, 3, 2), answer(3, 1, 2), answer(3, 4, 1, 2), answer(3, 4, 5, 6, 1, 2)];
  const random = seededRandom(7);
  const draw = (): Answer => steps[Math.floor(random() * steps.length)]!;
  const [runCount, queryCount] = [400, 12];
  let passedCount = 0;
  for (let run = 0; run < runCount; run++) {
    const heldOut = judged(queryCount);
    const [before, after] = [answers(heldOut, draw), answers(heldOut, draw)];
    const given = evidence({ ...{ primary: 'MRR@10', before, after } }, queryCount);
    if (decide(given).isPassed) passedCount++;
  }
  assert.ok(passedCount <= 0.05 * runCount, `${passedCount} of ${runCount} passed`);
});

test('stops a gain of fewer than eight queries', () => {
  assert.deepEqual(failedOf(evidence({}, 7)), ['enough queries']);
});

test('stops what hurts queries that nobody marked', () => {
  const guardAfter = answers(judged(10, 'g'), (at) => (at === 0 ? answer(3, 1) : RIGHT));
  assert.deepEqual(failedOf(evidence({ guardAfter })), ['guard queries']);
});

test('says that there were no guard queries where the folder makes none', () => {
  const none = { guard: [], guardBefore: new Map(), guardAfter: new Map() };
  const { isPassed, conditions, figures } = decide(evidence(none));
  assert.equal(isPassed, true);
  const { count, sentence } = conditions.find(({ name }) => name === 'guard queries')!;
  assert.equal(count, 0);
  assert.match(sentence, /^There were none: /);
  assert.deepEqual(
    figures.filter(({ of }) => of === 'guard queries'),
    [],
  );
});

test('stops a map that moves embeddings too far, bunches them, or drops dimensions', () => {
  const chunks = { meanCosineBefore: 0.1, meanCosineAfter: 0.12, rankBefore: 100, rankAfter: 95 };
  const check = (change: object, more: object = {}): string[] =>
    failedOf(
      evidence({
        geometry: { cosineToBase: 0.95, count: 9, chunks: { ...chunks, ...change }, ...more },
      }),
    );
  assert.deepEqual(check({}), []);
  assert.deepEqual(check({}, { cosineToBase: 0.89 }), ['near the base']);
  assert.deepEqual(check({ meanCosineAfter: 0.16 }), ['spread of chunks']);
  assert.deepEqual(check({ rankAfter: 89 }), ['dimensions in use']);
});

test('lets a version pass whose find-similar alone is another, which then stays as it was', () => {
  const result = decide(evidence({ similar: { overlap: 0.3, count: 10 } }));
  assert.equal(result.isPassed, true);
  assert.equal(result.mapsSimilar, false);
  const guardAfter = answers(judged(10, 'g'), () => WRONG);
  const both = decide(evidence({ similar: { overlap: 0.3, count: 10 }, guardAfter }));
  assert.equal(both.isPassed, false);
});

test('decides by near-miss accuracy where there are pairs enough, else by MRR', () => {
  assert.equal(choosePrimary(judged(8)), 'near-miss accuracy');
  assert.equal(choosePrimary([...judged(7), ...judged(20, 'g')]), 'MRR@10');
});

/** 20 marked queries of which the last `unseen` came after the version; `after` answers them by it. */
function again(after: (at: number) => Answer, unseen = 10): RepeatedEvidence {
  const { heldOut: marked, guardAfter, ...rest } = evidence();
  return {
    ...{ marked, unseen: marked.slice(20 - unseen), guard: rest.guard, guardAfter },
    ...{ before: rest.before, after: answers(marked, after), guardBefore: rest.guardBefore },
  };
}

test('a version that is measured again holds while nothing is worse than the base', () => {
  for (const after of [() => WRONG, () => RIGHT]) {
    const result = decideAgain(again(after));
    assert.equal(result.isPassed, true);
    assert.match(
      repeatedVerdict(result),
      /^Holds: MRR@10 beside the base: 20 marked queries \.333 → .*, 10 queries marked since /,
    );
  }
});

test('a version that is measured again is stopped by each set that became worse', () => {
  const right = (given: RepeatedEvidence): RepeatedEvidence => ({
    ...given,
    before: answers(given.marked, () => RIGHT),
  });
  const failed = (given: RepeatedEvidence): string[] =>
    decideAgain(given).conditions.flatMap(({ isMet, name }) => (isMet ? [] : [name]));
  assert.deepEqual(failed(right(again((at) => (at === 0 ? WRONG : RIGHT)))), ['marked queries']);
  assert.deepEqual(failed(right(again((at) => (at === 19 ? WRONG : RIGHT)))), [
    ...['marked queries', 'queries marked since'],
  ]);
  // Fewer than eight say nothing by themselves.
  assert.deepEqual(failed(right(again((at) => (at === 19 ? WRONG : RIGHT), 7))), [
    'marked queries',
  ]);
  const worse = { ...again(() => RIGHT), guardAfter: answers(judged(10, 'g'), () => WRONG) };
  assert.deepEqual(failed(worse), ['guard queries']);
  assert.match(repeatedVerdict(decideAgain(worse)), /^Does not hold \(guard queries\): /);
});

test('says of a version that nothing could be measured on, instead of no figures', () => {
  const none = { marked: [], unseen: [], guard: [] };
  assert.equal(
    repeatedVerdict(decideAgain({ ...again(() => RIGHT), ...none })),
    'Holds: there was no query to measure it on',
  );
});
