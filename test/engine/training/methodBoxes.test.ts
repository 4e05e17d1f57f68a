/** What the methods promise of training as a whole: marks, dropout and stored embeddings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { applyHead } from '../../../src/engine/encoders/heads';
import { BatchMaker } from '../../../src/engine/training/batchMaker';
import { HeadLearner, type HeadTask } from '../../../src/engine/training/headLearner';
import { RunControl } from '../../../src/engine/training/control';
import { settle } from '../../../src/engine/training/kept';
import { runLoop } from '../../../src/engine/training/loop';
import { makePlan } from '../../../src/engine/training/plan';
import type { TrainingRecord } from '../../../src/engine/training/recordFile';
import { makeRecipe } from '../../../src/engine/training/recipe';
import { randomMatrix } from '../../support/lossFixtures';

/** Marks on ten queries: one relevant and one not, or only one that is not. */
const marks: TrainingRecord[] = Array.from({ length: 10 }, (_, i) => ({
  ...{ task: 'ir', query: `query ${i}`, line: i + 1 },
  positives: i % 3 === 0 ? [] : [`right ${i}`],
  negatives: [`wrong ${i}`],
}));

const plan = makePlan({ train: marks, heldOut: marks.slice(0, 3), heldOutShare: 0.2, seed: 1 });

function taskOf(dropout: number): HeadTask {
  const dimension = 6;
  const vectors = Float32Array.from(
    randomMatrix(plan.texts.length, dimension, seededRandom(4)).data,
  );
  for (let at = 0; at < vectors.length; at += dimension) {
    const row = vectors.subarray(at, at + dimension);
    const norm = Math.hypot(...row);
    row.forEach((x, d) => (row[d] = x / norm));
  }
  const recipe = makeRecipe('query-head', 10, { dropout, rank: 2, rows: 4 });
  return { kind: 'query-head', plan, vectors, dimension, base: 'toy', recipe, seed: 3 };
}

test('a mark never becomes a pair labelled 0, whose own score would get no gradient', () => {
  assert.deepEqual(plan.train.pairs, []);
  assert.equal(plan.train.rows.length, marks.length);
  const maker = new BatchMaker(taskOf(0));
  for (let step = 0; step < 12; step++) assert.equal(maker.at(step).kind, 'rows');
});

test('evaluation has dropout off: the figure does not know the rate', async () => {
  const figures = await Promise.all(
    [0, 0.5].map((rate) => new HeadLearner(taskOf(rate)).evaluate()),
  );
  assert.equal(figures[0], figures[1]);
  const gradients = await Promise.all(
    [0, 0.5].map(async (rate) => (await new HeadLearner(taskOf(rate)).step(0)).gradients.get('b')),
  );
  assert.notDeepEqual(gradients[0], gradients[1]);
});

test('training a query head leaves every stored embedding as it was, bit for bit', async () => {
  const task = taskOf(0.1);
  const before = Float32Array.from(task.vectors);
  const learner = new HeadLearner(task);
  for (let step = 0; step < 8; step++) {
    const { gradients } = await learner.step(step);
    for (const [name, { data }] of learner.weights)
      gradients.get(name)?.forEach((g, i) => (data[i]! -= 0.1 * g));
  }
  assert.deepEqual(task.vectors, before);
  assert.ok(learner.head.b.some((x) => x !== 0));
});

test('plain chunks with no mark at all teach a shared head: a text is its own positive under two masks', async () => {
  const chunks: TrainingRecord[] = Array.from({ length: 6 }, (_, i) => ({
    ...{ task: 'ir', query: `chunk ${i}`, line: i + 1 },
    ...{ positives: [`chunk ${i}`], negatives: [], source: 'synthetic' },
  }));
  const own = makePlan({ train: chunks, heldOut: marks, heldOutShare: 0.2, seed: 1 });
  const vectors = Float32Array.from(randomMatrix(own.texts.length, 6, seededRandom(5)).data);
  const gradientAt = async (dropout: number): Promise<{ loss: number; size: number }> => {
    const recipe = makeRecipe('shared-head', 10, { dropout, rank: 2, anchor: 0 });
    const task = { kind: 'shared-head', plan: own, vectors, dimension: 6, base: 'toy' } as const;
    const { loss, gradients } = await new HeadLearner({ ...task, recipe, seed: 3 }).step(0);
    return { loss, size: Math.hypot(...gradients.get('b')!) };
  };
  const [without, withViews] = [await gradientAt(0), await gradientAt(0.3)];
  // Without dropout both views are one vector: the positive has nothing to say.
  assert.ok(withViews.loss > without.loss);
  assert.ok(withViews.size > 0);
});

test('marks are learned to .9 and more while what is held out does not fall', async () => {
  // Queries mirror one direction of their answers, which a map of low rank can undo.
  const [dimension, count, heldOutCount] = [12, 60, 20];
  const random = seededRandom(11);
  const unit = (values: readonly number[]): number[] => {
    const norm = Math.hypot(...values);
    return values.map((value) => value / norm);
  };
  const answers = Array.from({ length: count }, () =>
    unit(
      Array.from({ length: dimension }, (_, d) =>
        d === 0 ? (random() < 0.5 ? -0.8 : 0.8) : random() - 0.5,
      ),
    ),
  );
  const asked = answers.map((answer) =>
    unit(answer.map((x, d) => (d === 0 ? -x : x) + 0.05 * (random() - 0.5))),
  );
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, x, d) => sum + x * b[d]!, 0);
  // Marked not relevant: the wrong answer that the base puts first.
  const nearMiss = asked.map((query, own) =>
    [...answers.keys()]
      .filter((other) => other !== own)
      .reduce((best, other) =>
        dot(query, answers[other]!) > dot(query, answers[best]!) ? other : best,
      ),
  );
  const records = asked.map((_, i): TrainingRecord => ({
    ...{ task: 'ir', query: `q${i}`, line: i + 1 },
    ...{ positives: [`d${i}`], negatives: [`d${nearMiss[i]!}`] },
  }));
  const [train, heldOut] = [records.slice(heldOutCount), records.slice(0, heldOutCount)];
  const own = makePlan({ train, heldOut, heldOutShare: 0, seed: 1 });
  const vectors = Float32Array.from(
    own.texts.flatMap((text) => (text[0] === 'q' ? asked : answers)[Number(text.slice(1))]!),
  );
  const recipe = makeRecipe('query-head', train.length, {
    ...{ learningRate: 0.02, anchor: 0, patience: 20, duplicateCosine: 1 },
  });
  const learner = new HeadLearner({
    ...{ kind: 'query-head', plan: own, vectors, dimension, base: 'toy', recipe, seed: 3 },
  });
  const accuracy = (): number => {
    const mapped = applyHead(learner.head, vectors);
    const row = (from: Float32Array, text: number): number[] => [
      ...from.subarray(text * dimension, (text + 1) * dimension),
    ];
    const { rows } = own.train;
    const right = rows.filter(({ query, positives, negatives }) => {
      const q = row(mapped, query);
      return dot(q, row(vectors, positives[0]!)) > dot(q, row(vectors, negatives[0]!));
    });
    return right.length / rows.length;
  };
  const before = accuracy();
  assert.ok(before < 0.5, `the base ranks ${before} of the marks right`);
  const result = await runLoop({ learner, recipe, control: new RunControl() });
  const settled = await settle(learner, result, recipe);
  assert.ok(accuracy() >= 0.9, `${accuracy()}`);
  assert.ok(settled.metric >= result.baseMetric, `${result.baseMetric} to ${settled.metric}`);
});
