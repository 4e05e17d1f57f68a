/** Each method of a recipe in real steps: off it is the baseline bit for bit, on it changes the step by its own loss. */
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, describe, test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { readCheckpoint, readModelBytes } from '../../../src/engine/encoders/checkpoint';
import { loadTokenizer } from '../../../src/engine/encoders/tokenizer';
import { BiEncoderLearner } from '../../../src/engine/training/biEncoderLearner';
import { CrossEncoderLearner, groupLoss } from '../../../src/engine/training/crossEncoderLearner';
import { HeadLearner } from '../../../src/engine/training/headLearner';
import type { Learner } from '../../../src/engine/training/loop';
import { type Plan, makePlan } from '../../../src/engine/training/plan';
import { withPseudoRows } from '../../../src/engine/training/pseudoRows';
import { reviewedPlan } from '../../../src/engine/training/quarantine';
import {
  type Part,
  type Recipe,
  type RecipeChanges,
  makeRecipe,
} from '../../../src/engine/training/recipe';
import type { TrainingRecord } from '../../../src/engine/training/recordFile';
import { RetrievalLossGraphs } from '../../../src/engine/training/retrievalLossGraph';
import { openTrainableEncoder } from '../../../src/engine/training/trainableEncoder';
import { temporaryFolder } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const scratch = temporaryFolder(after);
const words = ['alpha', 'bravo', 'delta', 'gamma', 'kappa', 'omega', 'sigma', 'theta'];

/** Searches with a teacher's margins, marks alone, and pairs where they are asked for. */
function planOf({ pairs = false, alone = true, positiveCount = 1 } = {}): Plan {
  const rows = words.map((word, index): TrainingRecord => {
    const other = words[(index + 3) % 8]!;
    return {
      ...{ task: 'ir', query: `the ${word}`, line: index + 1 },
      positives: [`read ${word}`, `file of ${word}`, `const ${word}`].slice(0, positiveCount),
      ...{ negatives: [`read ${other}`, `class ${other}`], margins: [0.5, null] },
    };
  });
  const lone: TrainingRecord[] = [
    { task: 'ir', query: 'the only one', positives: [], negatives: ['read theta of'], line: 20 },
  ];
  const alike = words.map((word, index): TrainingRecord => {
    const b = index % 2 === 0 ? `class ${word}` : 'of';
    return {
      task: 'sts',
      a: `read ${word}`,
      b,
      score: index % 3 === 0 ? 1 : 0.5,
      line: 30 + index,
    };
  });
  const train = pairs ? alike : [...rows, ...(alone ? lone : [])];
  return makePlan({ train, heldOut: rows.slice(0, 2), heldOutShare: 0, seed: 1 });
}

const COMMON: RecipeChanges = {
  ...{ rows: 16, negatives: 2, duplicateCosine: 1, quarantine: false, tau: 0.5 },
  ...{ hnm: { k: 0, s: 0 }, dropout: 0, anchor: 0, columnWeight: 0.5, chunkTokens: 4096 },
};

function recipeOf(part: Part, changes: RecipeChanges): Recipe {
  return makeRecipe(part, 20, { ...COMMON, ...changes });
}

function head(changes: RecipeChanges, plan = planOf(), losses?: RetrievalLossGraphs): Learner {
  const random = seededRandom(5);
  const dimension = 6;
  const vectors = Float32Array.from(
    { length: plan.texts.length * dimension },
    () => random() - 0.5,
  );
  const learner = new HeadLearner({
    ...{ kind: 'shared-head', plan, vectors, dimension, base: '', seed: 1, losses },
    recipe: recipeOf('shared-head', { rank: 3, ...changes }),
  });
  // As it starts, the head changes nothing and half of its gradients are zero.
  learner.head.b.forEach((_, i) => (learner.head.b[i] = random() - 0.5));
  return learner;
}

async function setting(kind: 'bi-encoder' | 'cross-encoder') {
  const folder = writeToyCheckpoint(path.join(scratch, kind), { kind });
  const checkpoint = await readCheckpoint(folder);
  const bytes = await readModelBytes(checkpoint.modelFile);
  return { checkpoint, bytes, tokenizer: await loadTokenizer(folder), seed: 1 };
}

async function bi(changes: RecipeChanges, plan = planOf()): Promise<Learner> {
  const { bytes, ...given } = await setting('bi-encoder');
  const recipe = recipeOf('bi-encoder', changes);
  const middleLayer = recipe.sts.middle.weight > 0 ? recipe.sts.middle.layer : undefined;
  const encoder = await openTrainableEncoder(bytes, {
    pooling: 'mean',
    selection: {},
    middleLayer,
  });
  after(() => encoder.dispose());
  const random = seededRandom(6);
  const size = plan.texts.length * given.checkpoint.dimension;
  const vectors = Float32Array.from({ length: size }, () => random() - 0.5);
  const learner = new BiEncoderLearner({
    ...{ ...given, plan, recipe, encoder },
    ...(recipe.anchor > 0 && { vectors }),
  });
  after(() => learner.dispose());
  return learner;
}

async function cross(changes: RecipeChanges, plan = planOf()): Promise<Learner> {
  const { bytes, ...given } = await setting('cross-encoder');
  const recipe = recipeOf('cross-encoder', changes);
  const encoder = await openTrainableEncoder(bytes, { selection: {}, loss: groupLoss(recipe) });
  after(() => encoder.dispose());
  return new CrossEncoderLearner({ ...given, plan, recipe, encoder });
}

type Made = Learner | Promise<Learner>;

/** The same loss and the same gradients, to the last bit. */
async function checkSame(first: Made, second: Made): Promise<void> {
  const [a, b] = [await (await first).step(0), await (await second).step(0)];
  assert.equal(a.loss, b.loss);
  assert.deepEqual([...a.gradients], [...b.gradients]);
}

/** Another loss, and gradients that are the differences of it. */
async function checkOn(without: Made, withIt: Made, tolerance: number, step = 5e-3): Promise<void> {
  const learner = await withIt;
  const [off, on] = [await (await without).step(0), await learner.step(0)];
  assert.ok(Math.abs(on.loss - off.loss) > 1e-4, `${off.loss} and ${on.loss}`);
  let checkedCount = 0;
  for (const [name, { data }] of learner.weights) {
    const gradient = on.gradients.get(name)!;
    const at = gradient.reduce(
      (best, v, i) => (Math.abs(v) > Math.abs(gradient[best]!) ? i : best),
      0,
    );
    if (Math.abs(gradient[at]!) < 0.02) continue;
    const value = data[at]!;
    const lossAt = async (x: number): Promise<number> => {
      data[at] = x;
      return (await learner.step(0)).loss;
    };
    const [above, below] = [await lossAt(value + step), await lossAt(value - step)];
    data[at] = value;
    const error = Math.abs((above - below) / (2 * step) - gradient[at]!);
    assert.ok(
      error < tolerance * Math.max(0.1, Math.abs(gradient[at]!)),
      `${name}: off by ${error}`,
    );
    checkedCount++;
  }
  assert.ok(checkedCount >= 2, `only ${checkedCount} weights have a gradient`);
}

/** What a mark is compared with is not differentiated, so differences cannot check it: its part goes with its weight. */
async function checkLinear(make: (weight: number) => Made): Promise<void> {
  const steps = [];
  for (const weight of [0, 1, 2]) steps.push(await (await make(weight)).step(0));
  const [none, one, two] = steps;
  const part = one!.loss - none!.loss;
  assert.ok(part > 1e-3 && Math.abs(two!.loss - one!.loss - part) < 1e-5);
  let most = 0;
  for (const [name, gradient] of none!.gradients)
    gradient.forEach((value, i) => {
      const own = one!.gradients.get(name)![i]! - value;
      most = Math.max(most, Math.abs(own));
      assert.ok(Math.abs(two!.gradients.get(name)![i]! - value - 2 * own) < 1e-5, name);
    });
  assert.ok(most > 0.01, `${most}`);
}

const pairs = planOf({ pairs: true });
const makers = { head, bi } as const;

test('a head learns the same by the graphs of the loss as by the reference', async () => {
  const losses = new RetrievalLossGraphs(6);
  after(() => losses.dispose());
  const all: RecipeChanges = {
    ...{ hnm: { k: 4, s: 6 }, anchor: 1, dropout: 0.1, learnTau: true, gpl: { weight: 0.5 } },
    ...{ diagonal: 2 },
    offDropout: { enabled: true },
  };
  // One set of graphs for several recipes, as tuning has it.
  for (const changes of [{}, { columnWeight: 0 }, all]) {
    const [a, b] = [head(changes), head(changes, planOf(), losses)];
    for (const step of [0, 1, 5]) {
      const [expected, actual] = [await a.step(step), await b.step(step)];
      assert.ok(Math.abs(actual.loss - expected.loss) < 1e-9);
      for (const [name, gradient] of expected.gradients)
        gradient.forEach((value, i) =>
          assert.ok(Math.abs(actual.gradients.get(name)![i]! - value) < 1e-6, name),
        );
    }
  }
});

describe('methods of a recipe', () => {
  for (const [name, make] of Object.entries(makers)) {
    test(`${name}: margins of a teacher`, async () => {
      const off = { gpl: { weight: 0, scale: 3 } };
      await checkSame(make({}), make(off));
      const plan = planOf({ alone: false });
      await checkOn(make({}, plan), make({ gpl: { weight: 2, scale: 0.5 } }, plan), 0.03);
    });

    test(`${name}: several positives a query`, async () => {
      const [one, three] = [planOf(), planOf({ alone: false, positiveCount: 3 })];
      // Where every query has one positive there is nothing more to take.
      await checkSame(make({}, one), make({ positives: 3 }, one));
      await checkSame(make({}, three), make({ positives: 1 }, three));
      await checkOn(make({}, three), make({ positives: 2 }, three), 0.03);
      const all = { positives: 3, offDropout: { enabled: true }, dropout: 0.1 };
      const { loss } = await (await make(all, three)).step(0);
      assert.ok(Number.isFinite(loss));
    });

    test(`${name}: mixed negatives, in a share of the rows`, async () => {
      const plan = planOf({ alone: false });
      const on = { hnm: { k: 4, s: 6 } };
      await checkSame(make(on, plan), make({ ...on, mixing: 1 }, plan));
      await checkSame(make({}, plan), make({ ...on, mixing: 0 }, plan));
      const lossAt = async (mixing: number): Promise<number> =>
        (await (await make({ ...on, mixing }, plan)).step(0)).loss;
      const [none, half, all] = [await lossAt(0), await lossAt(0.5), await lossAt(1)];
      // Further columns only add to the loss.
      assert.ok(none <= half && half <= all && none < all, `${none}, ${half}, ${all}`);
    });

    test(`${name}: the anchor`, async () => {
      const plan = planOf({ alone: false });
      await checkSame(make({}, plan), make({ anchor: 0, anchorTexts: 9 }, plan));
      await checkOn(make({}, plan), make({ anchor: 3, anchorTexts: 4 }, plan), 0.03);
    });

    test(`${name}: one level for all answers`, async () => {
      await checkSame(make({}), make({ diagonal: 0 }));
      const plan = planOf({ alone: false });
      await checkOn(make({}, plan), make({ diagonal: 20 }, plan), 0.03);
    });

    test(`${name}: a learned temperature`, async () => {
      await checkSame(make({}), make({ learnTau: false }));
      const learner = await make({ learnTau: true });
      const alpha = learner.weights.get('inverseTemperature')!;
      assert.deepEqual([[...alpha.data], alpha.isDecayed, alpha.learningRate], [[2], false, 2e-3]);
      const [off, on] = [await (await make({})).step(0), await learner.step(0)];
      // The first step has the recipe's temperature; the others are the same, the slope comes along.
      assert.equal(on.loss, off.loss);
      const slope = on.gradients.get('inverseTemperature')![0]!;
      const lossAt = async (x: number): Promise<number> => {
        alpha.data[0] = x;
        return (await learner.step(0)).loss;
      };
      const difference = ((await lossAt(2.05)) - (await lossAt(1.95))) / 0.1;
      // The loss of a mark alone keeps the recipe's temperature.
      assert.ok(Math.abs(difference - slope) < 1e-3, `${difference} and ${slope}`);
      alpha.data[0] = 1000;
      await learner.step(0);
      assert.equal(alpha.data[0], 100);
      assert.equal((await make({ learnTau: true }, pairs)).weights.size, learner.weights.size);
    });

    test(`${name}: marks alone`, async () => {
      const alone = planOf();
      await checkSame(make({ negativeOnly: 0 }, alone), make({ negativeOnly: 0 }, planOf()));
      await checkLinear((negativeOnly) => make({ negativeOnly }));
    });

    test(`${name}: the combo for pairs`, async () => {
      const off = { sts: { combo: { enabled: false, mu: 0.9 } } };
      await checkSame(make({}, pairs), make(off, pairs));
      const on = { sts: { tau: 0.5, combo: { enabled: true, mu: 0.5 } } };
      await checkOn(make({ sts: { tau: 0.5 } }, pairs), make(on, pairs), 0.03);
      const byRange = { sts: { ...on.sts, normalization: 'coordinate' as const } };
      // Which text has the largest coordinate jumps: only what is exact enough for a small step can be checked.
      if (name === 'head') await checkOn(make(on, pairs), make(byRange, pairs), 0.03, 2e-4);
      const [cosine, range] = [await make(on, pairs), await make(byRange, pairs)];
      assert.notEqual((await cosine.step(0)).loss, (await range.step(0)).loss);
    });
  }

  test('bi: the middle layer of alike pairs', async () => {
    const off = { sts: { tau: 0.5, middle: { weight: 0, layer: 1 } } };
    await checkSame(bi({ sts: { tau: 0.5 } }, pairs), bi(off, pairs));
    const on = { sts: { tau: 0.5, middle: { weight: 2, layer: 1 } } };
    await checkOn(bi({ sts: { tau: 0.5 } }, pairs), bi(on, pairs), 0.03);
    // What is tested is the last layer alone.
    assert.equal(await (await bi(on)).evaluate(), await (await bi({})).evaluate());
    await assert.rejects(
      bi({ sts: { middle: { weight: 1, layer: 2 } } }),
      /has 2 layers, so 2 is not/,
    );
  });

  test('cross: margins of a teacher, and marks alone', async () => {
    await checkSame(cross({}), cross({ gpl: { weight: 0 }, negativeOnly: 0 }));
    await checkOn(cross({}), cross({ gpl: { weight: 1 } }), 0.1);
    await checkSame(cross({}, planOf({ alone: false })), cross({}));
    await checkLinear((negativeOnly) => cross({ negativeOnly }));
    // In any chunks, also where a chunk has no group with a positive.
    const whole = await cross({ negativeOnly: 1, gpl: { weight: 1 } });
    const cut = await cross({ negativeOnly: 1, gpl: { weight: 1 }, chunkTokens: 16 });
    const [a, b] = [await whole.step(0), await cut.step(0)];
    assert.ok(Math.abs(a.loss - b.loss) < 1e-5, `${a.loss} and ${b.loss}`);
    for (const [name, gradient] of a.gradients)
      gradient.forEach((value, i) => {
        assert.ok(Math.abs(value - b.gradients.get(name)![i]!) < 1e-4, name);
      });
  });

  test('queries that the texts make themselves, at most their share and none that is held out', () => {
    const code = (name: string): string =>
      `/** ${name} one two three words. */\nfunction ${name}Thing() {\n  return alpha + bravo + delta + gamma + kappa;\n}`;
    const records = words.map((word, index): TrainingRecord => ({
      ...{ task: 'ir', query: `q ${word}`, positives: [code(word)], line: index + 1 },
      negatives: [],
    }));
    const held = [{ ...records[0]!, query: 'alpha one two three words', line: 99 }];
    const plan = makePlan({ train: records, heldOut: held, heldOutShare: 0, seed: 1 });
    assert.equal(withPseudoRows(plan, 0, 1), plan);
    const made = withPseudoRows(plan, 0.5, 1);
    const rows = made.train.rows.slice(8);
    const queries = rows.map(({ query }) => made.texts[query]!);
    assert.ok(rows.length === 7 && !queries.includes('alpha one two three words'), queries.join());
    for (const { positives, weight, isExplicit, line, query } of rows) {
      const word = made.texts[query]!.split(' ')[0]!;
      assert.deepEqual([weight, isExplicit, words.indexOf(word) + 1], [0.2, false, line]);
      assert.match(made.texts[positives[0]!]!, new RegExp(`^function ${word}Thing`));
    }
    assert.equal(withPseudoRows(plan, 0.2, 1).train.rows.length, 10);
    assert.deepEqual(withPseudoRows(plan, 0.2, 1), withPseudoRows(plan, 0.2, 1));
  });

  test('marks that contradict one another are set aside for every part, also without embeddings', () => {
    const records: TrainingRecord[] = [
      { task: 'ir', query: 'the same', positives: ['read x'], negatives: [], line: 1 },
      { task: 'ir', query: 'The  same', positives: [], negatives: ['read x', 'read y'], line: 2 },
    ];
    const plan = makePlan({ train: records, heldOut: records, heldOutShare: 0, seed: 1 });
    const notes: string[] = [];
    const note = (text: string): void => void notes.push(text);
    const review = (quarantine: boolean): Plan => {
      const recipe = makeRecipe('fusion', 2, { quarantine });
      return reviewedPlan({ plan, recipe, seed: 1, note }, undefined, 0);
    };
    assert.equal(review(false), plan);
    const { rows } = review(true).train;
    assert.deepEqual(
      rows[1]!.negatives.map((text) => plan.texts[text]),
      ['read y'],
    );
    assert.match(
      notes.join(),
      /Set aside: a negative of line 2, for the same text is marked relevant/,
    );
  });
});
