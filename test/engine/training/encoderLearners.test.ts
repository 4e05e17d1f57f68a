/** The encoders in training on toy checkpoints: chunks against whole batches, differences, and that they learn. */
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, describe, test } from 'node:test';
import {
  type Checkpoint,
  readCheckpoint,
  readModelBytes,
} from '../../../src/engine/encoders/checkpoint';
import { type FramedTokenizer, loadTokenizer } from '../../../src/engine/encoders/tokenizer';
import { BiEncoderLearner } from '../../../src/engine/training/biEncoderLearner';
import { RunControl } from '../../../src/engine/training/control';
import { CrossEncoderLearner, groupLoss } from '../../../src/engine/training/crossEncoderLearner';
import type { EncoderGraphOptions } from '../../../src/engine/training/encoderGraphs';
import { type Learner, runLoop } from '../../../src/engine/training/loop';
import { type Plan, makePlan } from '../../../src/engine/training/plan';
import {
  type Part,
  type Recipe,
  type RecipeChanges,
  makeRecipe,
} from '../../../src/engine/training/recipe';
import type { TrainingRecord } from '../../../src/engine/training/recordFile';
import {
  type TrainableEncoder,
  openTrainableEncoder,
} from '../../../src/engine/training/trainableEncoder';
import { temporaryFolder } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const scratch = temporaryFolder(after);

interface Setting {
  readonly checkpoint: Checkpoint;
  readonly tokenizer: FramedTokenizer;
  readonly encoder: TrainableEncoder;
}

async function open(
  kind: 'bi-encoder' | 'cross-encoder',
  options: EncoderGraphOptions,
): Promise<Setting> {
  const folder = writeToyCheckpoint(path.join(scratch, kind), { kind });
  const checkpoint = await readCheckpoint(folder);
  const tokenizer = await loadTokenizer(folder);
  const pooling = kind === 'bi-encoder' ? checkpoint.pooling : undefined;
  const encoder = await openTrainableEncoder(await readModelBytes(checkpoint.modelFile), {
    pooling,
    ...options,
  });
  after(() => encoder.dispose());
  return { checkpoint, tokenizer, encoder };
}

const words = ['alpha', 'bravo', 'delta', 'gamma', 'kappa', 'omega', 'sigma', 'theta'];

/** What "the X" asks for is "read X"; everything else is wrong, what reads most alike among it. */
function records(count: number): TrainingRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const [word, other] = [words[index % words.length]!, words[(index + 3) % words.length]!];
    const tail = ' of file'.repeat(index % 3);
    const negatives = [`read ${other}`, `class ${other}${tail}`];
    return {
      task: 'ir',
      query: `the ${word} ${index}`,
      positives: [`read ${word}${tail}`],
      negatives,
      line: index + 1,
    };
  });
}

function planOf(count: number, pairs: readonly TrainingRecord[] = []): Plan {
  return makePlan({ train: [...records(count), ...pairs], heldOutShare: 0.25, seed: 2 });
}

function recipeOf(part: Part, changes: RecipeChanges = {}): Recipe {
  return makeRecipe(part, 20, { rows: 6, negatives: 2, duplicateCosine: 1, ...changes });
}

function bi(setting: Setting, recipe: Recipe, plan = planOf(16)): Learner {
  const learner = new BiEncoderLearner({ ...setting, plan, recipe, seed: 1 });
  after(() => learner.dispose());
  return learner;
}

function cross(setting: Setting, recipe: Recipe): Learner {
  return new CrossEncoderLearner({ ...setting, plan: planOf(16), recipe, seed: 1 });
}

/** Gradients of a few entries of each weight against differences of the loss; the runtime computes in 32 bits. */
async function checkDifferences(learner: Learner, stepIndex: number): Promise<void> {
  const { gradients } = await learner.step(stepIndex);
  let checkedCount = 0;
  for (const [name, { data }] of learner.weights) {
    const gradient = gradients.get(name)!;
    const at = gradient.reduce(
      (best, value, i) => (Math.abs(value) > Math.abs(gradient[best]!) ? i : best),
      0,
    );
    if (Math.abs(gradient[at]!) < 0.02) continue;
    const value = data[at]!;
    const lossAt = async (x: number): Promise<number> => {
      data[at] = x;
      return (await learner.step(stepIndex)).loss;
    };
    const [above, below] = [await lossAt(value + 5e-3), await lossAt(value - 5e-3)];
    data[at] = value;
    const difference = (above - below) / 1e-2;
    const error = Math.abs(difference - gradient[at]!) / Math.max(0.1, Math.abs(difference));
    assert.ok(error < 0.03, `${name}[${at}]: ${gradient[at]} and ${difference}`);
    checkedCount++;
  }
  assert.ok(checkedCount >= 5, `only ${checkedCount} weights have a gradient`);
}

/** The largest difference of two steps' gradients, in units of the largest gradient. */
async function difference(a: Learner, b: Learner, stepIndex = 0): Promise<number> {
  const [first, second] = [await a.step(stepIndex), await b.step(stepIndex)];
  let [most, largest] = [0, 0];
  for (const [name, gradient] of first.gradients)
    gradient.forEach((value, i) => {
      most = Math.max(most, Math.abs(value - second.gradients.get(name)![i]!));
      largest = Math.max(largest, Math.abs(value));
    });
  assert.ok(largest > 1e-3, 'the gradient is zero');
  return most / largest + Math.abs(first.loss - second.loss);
}

describe('the bi-encoder in training', () => {
  test('has the gradients of its loss, through pooling and two passes', async () => {
    const setting = await open('bi-encoder', { selection: { lastLayers: 1 } });
    await checkDifferences(bi(setting, recipeOf('bi-encoder', { tau: 0.5, chunkTokens: 32 })), 0);
    const pairs = words.map((word, index): TrainingRecord => {
      const b = index % 2 === 0 ? `class ${word}` : 'of';
      return { task: 'sts', a: `read ${word}`, b, score: 1 - (index % 3) / 2, line: 100 + index };
    });
    const plan = makePlan({ train: pairs, heldOutShare: 0.2, seed: 1 });
    await checkDifferences(bi(setting, recipeOf('bi-encoder', { sts: { tau: 0.5 } }), plan), 0);
  });

  test('gives the same gradient in chunks of any size', async () => {
    const setting = await open('bi-encoder', { selection: {} });
    const whole = bi(setting, recipeOf('bi-encoder', { chunkTokens: 65_536 }));
    for (const chunkTokens of [16, 60, 200])
      assert.ok(
        (await difference(whole, bi(setting, recipeOf('bi-encoder', { chunkTokens })))) < 1e-5,
      );
  });

  test('drops the same numbers in both passes, others in the next step, and none when it is tested', async () => {
    const setting = await open('bi-encoder', { selection: {}, dropout: ['hidden', 'attention'] });
    const learner = bi(
      setting,
      recipeOf('bi-encoder', { dropout: 0.2, chunkTokens: 60, tau: 0.5 }),
    );
    await checkDifferences(learner, 3);
    assert.equal(await difference(learner, learner, 3), 0);
    assert.equal(await learner.evaluate(), await learner.evaluate());
  });

  test('learns what the toy cannot know', async () => {
    const setting = await open('bi-encoder', { selection: {} });
    const changes = { learningRate: 0.01, steps: 30, evaluateEvery: 15, patience: 9 };
    const recipe = recipeOf('bi-encoder', changes);
    const result = await runLoop({
      learner: bi(setting, recipe),
      recipe,
      control: new RunControl(),
    });
    assert.ok(
      result.kept[0]!.metric > result.baseMetric + 0.05,
      `${result.baseMetric} ${result.kept[0]!.metric}`,
    );
  });
});

describe('the cross-encoder in training', () => {
  test('has the gradients of its loss over groups', async () => {
    const setting = await open('cross-encoder', {
      selection: {},
      loss: groupLoss(recipeOf('cross-encoder', { tau: 0.5 })),
    });
    await checkDifferences(cross(setting, recipeOf('cross-encoder', { tau: 0.5, rows: 3 })), 1);
  });

  test('gives the same gradient in chunks of any size, and in adapters', async () => {
    const setting = await open('cross-encoder', {
      selection: {},
      loss: groupLoss(recipeOf('cross-encoder', { tau: 1 })),
    });
    const whole = cross(setting, recipeOf('cross-encoder', { chunkTokens: 65_536 }));
    for (const chunkTokens of [16, 120])
      assert.ok(
        (await difference(whole, cross(setting, recipeOf('cross-encoder', { chunkTokens })))) <
          1e-5,
      );
  });

  test('learns what the toy cannot know', async () => {
    const setting = await open('cross-encoder', {
      selection: {},
      loss: groupLoss(recipeOf('cross-encoder', { tau: 1 })),
    });
    const changes = { learningRate: 0.01, steps: 40, evaluateEvery: 20, patience: 9 };
    const recipe = recipeOf('cross-encoder', changes);
    const result = await runLoop({
      learner: cross(setting, recipe),
      recipe,
      control: new RunControl(),
    });
    assert.ok(
      result.kept[0]!.metric > result.baseMetric + 0.05,
      `${result.baseMetric} ${result.kept[0]!.metric}`,
    );
  });
});
