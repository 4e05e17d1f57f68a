import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import { BatchMaker } from '../../../src/engine/training/batchMaker';
import { type PlanOptions, makePlan } from '../../../src/engine/training/plan';
import { makeRecipe } from '../../../src/engine/training/recipe';
import type { TrainingRecord } from '../../../src/engine/training/recordFile';

type Given = Partial<Extract<TrainingRecord, { task: 'ir' }>>;

function ir(query: string, given: Given = {}): TrainingRecord {
  return { task: 'ir', query, positives: [`answer ${query}`], negatives: [], line: 1, ...given };
}

function plan(
  records: readonly TrainingRecord[],
  more: Partial<PlanOptions> = {},
): ReturnType<typeof makePlan> {
  const train = records.map((record, at) => ({ ...record, line: at + 1 }));
  return makePlan({ train, heldOutShare: 0.2, seed: 1, ...more });
}

const dev = [ir('held out')];

describe('a plan', () => {
  test('has each text once and each query on one side, however it is written', () => {
    const records = Array.from({ length: 20 }, (_, at) => ir(`${at % 2 ? 'Q' : 'q'}  ${at >> 1}`));
    const { texts, train, heldOut } = plan(records);
    assert.equal(new Set(texts).size, texts.length);
    assert.deepEqual([train.rows.length, heldOut.rows.length], [16, 4]);
    const key = (query: number): string => texts[query]!.toLowerCase();
    const held = new Set(heldOut.rows.map(({ query }) => key(query)));
    assert.ok(train.rows.every(({ query }) => !held.has(key(query))));
  });

  test('leaves out empty texts and negatives that are a positive of their query, and says so', () => {
    const odd = ir('q', { positives: ['a', ' '], negatives: ['A', 'b', ''], weights: [1, 0.5, 1] });
    const { train, notes, texts } = plan([odd], { heldOut: dev });
    const [row] = train.rows;
    assert.deepEqual(
      row!.negatives.map((number) => texts[number]),
      ['b'],
    );
    assert.deepEqual(row!.negativeWeights, [0.5]);
    assert.equal(row!.positives.length, 1);
    assert.match(
      notes.join(),
      /Empty texts left out: 2,Negatives left out, for they are a positive of their own query: 1/,
    );
  });

  test('refuses what nothing can be learned from', () => {
    const refuse = (records: readonly TrainingRecord[], reason: RegExp): void => {
      assert.throws(
        () => plan(records),
        (error) =>
          error instanceof NearmissError && error.code === 'usage' && reason.test(error.message),
      );
    };
    refuse([], /no record/);
    refuse(
      [ir('', { positives: ['a'] }), ir('q', { positives: [' '] })],
      /No record has a query and/,
    );
    assert.throws(() => plan([ir('a'), ir('b')], { heldOut: [] }), /no record to test on/);
    refuse([ir('only')], /One record is too few/);
    const pair = (a: string): TrainingRecord => ({ task: 'sts', a, b: 'b', score: 1, line: 1 });
    refuse(['1', '2', '3', '4', '5'].map(pair), /All 4 pairs have the same score/);
  });

  test('says that pairs of one score teach nothing where queries do', () => {
    const pair = (score: number): TrainingRecord => ({
      ...{ task: 'sts', a: `a ${score}`, b: 'b', score, line: 1 },
    });
    const notesOf = (scores: readonly number[]): string =>
      plan([ir('q'), ...scores.map(pair)], { heldOut: dev }).notes.join();
    assert.match(notesOf([0.5, 0.5]), /Pairs that teach no order, for all have the score 0.5: 2/);
    assert.doesNotMatch(notesOf([0.5, 0.6]), /teach no order/);
  });
});

describe('batches', () => {
  const records = Array.from({ length: 11 }, (_, at) =>
    ir(`q${at}`, { negatives: [`wrong ${at}`, `answer q${(at + 1) % 11}`] }),
  );
  const task = { plan: plan(records, { heldOut: dev }), seed: 3, dimension: 0 };
  const recipe = makeRecipe('query-head', 20, { rows: 4, negatives: 1 });

  test('show every row once an epoch, in another order in the next, the same for the same number', () => {
    const maker = new BatchMaker({ ...task, recipe });
    const epoch = (number: number): number[] =>
      [0, 1, 2].flatMap((step) => {
        const batch = maker.at(3 * number + step);
        return batch.kind === 'rows' ? batch.queries : [];
      });
    const [first, second] = [epoch(0), epoch(1)];
    const inOrder = (queries: readonly number[]): number[] => [...queries].sort((a, b) => a - b);
    assert.deepEqual(inOrder(first), inOrder(second));
    assert.equal(new Set(first).size, 11);
    assert.notDeepEqual(first, second);
    assert.deepEqual(new BatchMaker({ ...task, recipe }).at(4), maker.at(4));
  });

  test('have a slot for each positive that is asked for, and repeat where a row has fewer', () => {
    const two = [ir('q0', { positives: ['a', 'b', 'c'] }), ir('q1', { positives: ['d'] })];
    const own = plan(two, { heldOut: dev });
    const textsOf = (positives: number): string[][] => {
      const made = makeRecipe('query-head', 20, { rows: 2, positives });
      const batch = new BatchMaker({ ...task, plan: own, recipe: made }).at(0);
      assert.ok(batch.kind === 'rows');
      const many = batch.rows.findIndex((row) => row.positives.length === 3);
      return batch.slots.map((slot) => {
        assert.deepEqual([slot.offsets.rows, slot.offsets.columns], [2, 2]);
        const [first, other] = [slot.positives[many]!, slot.positives[1 - many]!];
        return [own.texts[first]!, own.texts[other]!];
      });
    };
    const [first, ...none] = textsOf(1);
    assert.deepEqual(none, []);
    const slots = textsOf(5);
    assert.deepEqual(slots[0], first);
    assert.deepEqual(slots.map(([many]) => many).sort(), ['a', 'b', 'c']);
    assert.deepEqual(
      slots.map(([, single]) => single),
      ['d', 'd', 'd'],
    );
  });

  test('mask what answers the query of a row, but not its own mark', () => {
    const same = [
      ir('one', { positives: ['x'] }),
      ir('One', { positives: ['y'], negatives: ['x'] }),
    ];
    const marked = plan(same, { heldOut: dev });
    const batch = new BatchMaker({ ...task, plan: marked, recipe }).at(0);
    assert.ok(batch.kind === 'rows');
    const { rows, columns, data } = batch.slots[0]!.offsets;
    assert.deepEqual([rows, columns], [2, 3]);
    const asked = batch.queries.map((query) => marked.texts[query]);
    const [one, other] = [asked.indexOf('one'), asked.indexOf('One')];
    assert.equal(data[one * 3 + other], -Infinity);
    assert.equal(data[other * 3 + one], -Infinity);
    assert.equal(data[other * 3 + 2], 0);
    assert.equal(data[one * 3 + 2], -Infinity);
  });
});
