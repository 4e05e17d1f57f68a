/** The loop with a learner of two numbers: least squares with a known answer. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AbortedError } from '../../../src/base/errors';
import type { TrainingNews } from '../../../src/engine/training/context';
import { RunControl } from '../../../src/engine/training/control';
import { settle } from '../../../src/engine/training/kept';
import {
  type Learner,
  type LoopOptions,
  type LoopResult,
  type LoopState,
  type Weight,
  runLoop,
} from '../../../src/engine/training/loop';
import { type RecipeChanges, makeRecipe } from '../../../src/engine/training/recipe';

class TwoNumbers implements Learner {
  readonly weights: ReadonlyMap<string, Weight> = new Map([
    ['w', { dims: [2], data: Float32Array.of(0, 0), isDecayed: false }],
  ]);
  stepCount = 0;
  /** The step from which on a loss is no number. */
  badFrom = Infinity;

  /** (w0 - 1)^2 + (w1 + 2)^2, each step one of the two. */
  step(stepIndex: number): ReturnType<Learner['step']> {
    this.stepCount++;
    const at = stepIndex % 2;
    const error = this.weights.get('w')!.data[at]! - (at === 0 ? 1 : -2);
    const loss = stepIndex >= this.badFrom ? Number.NaN : error * error;
    const gradient = new Float32Array(2);
    gradient[at] = 2 * error;
    const rows = [
      { line: 3, loss: 1 },
      { line: 7, loss },
    ];
    return Promise.resolve({ loss, gradients: new Map([['w', gradient]]), rows });
  }

  evaluate(): Promise<number> {
    const [a = 0, b = 0] = this.weights.get('w')!.data;
    return Promise.resolve(-((a - 1) ** 2) - (b + 2) ** 2);
  }
}

const changes = { steps: 60, evaluateEvery: 5, learningRate: 0.3, weightDecay: 0, clipNorm: 100 };

function options(learner: Learner, more: RecipeChanges = {}): LoopOptions {
  const recipe = makeRecipe('query-head', 20, { ...changes, patience: 100, ...more });
  return { learner, recipe, control: new RunControl() };
}

function finalWeights(result: LoopResult): Float32Array {
  return result.kept[0]!.weights.get('w')!;
}

describe('the training loop', () => {
  test('comes near the answer and keeps the three best states, best first', async () => {
    const result = await runLoop(options(new TwoNumbers()));
    assert.equal(result.reason, 'steps');
    assert.equal(result.baseMetric, -5);
    const [a, b] = finalWeights(result);
    assert.ok(Math.abs(a! - 1) < 0.2 && Math.abs(b! + 2) < 0.2, `${a} ${b}`);
    assert.equal(result.kept.length, 3);
    const metrics = result.kept.map(({ metric }) => metric);
    assert.deepEqual(
      metrics,
      [...metrics].sort((x, y) => y - x),
    );
  });

  test('stops when nothing was gained so many times', async () => {
    const learner = new TwoNumbers();
    learner.evaluate = () => Promise.resolve(0);
    const result = await runLoop(options(learner, { patience: 3 }));
    assert.deepEqual([result.reason, result.stepCount], ['patience', 20]);
  });

  test('stops when the time is up, with what there is', async () => {
    const result = await runLoop(options(new TwoNumbers(), { minutes: 1e-9 }));
    assert.deepEqual([result.reason, result.stepCount, result.kept], ['time', 0, []]);
  });

  test('stops at a loss that is no number, names the record and changes no weight by it', async () => {
    const learner = new TwoNumbers();
    learner.badFrom = 12;
    const good = await runLoop(options(new TwoNumbers(), { steps: 60 }));
    const result = await runLoop(options(learner));
    assert.equal(result.reason, 'notFinite');
    assert.match(result.problem!, /loss of step 13 .* record of line 7/);
    assert.equal(result.kept[0]?.step, 10);
    assert.ok(learner.weights.get('w')!.data.every(Number.isFinite));
    assert.ok(good.kept.every(({ step }) => step > 10));
  });

  test('ends with the same bits when it is cut off anywhere and goes on from its state', async () => {
    const whole = await runLoop(options(new TwoNumbers()));
    for (const cutAfter of [1, 4, 5, 17, 59]) {
      let state: LoopState | undefined;
      const save = (saved: LoopState): Promise<void> => {
        // As a file would keep it: no memory shared with the run.
        state = structuredClone(saved);
        return Promise.resolve();
      };
      const first = options(new TwoNumbers());
      const learner = first.learner as TwoNumbers;
      const onProgress = (): void => {
        if (learner.stepCount === cutAfter) first.control.cancel();
      };
      await assert.rejects(runLoop({ ...first, save, onProgress }), { name: 'AbortError' });
      assert.equal(state?.step, cutAfter);
      const result = await runLoop({ ...options(new TwoNumbers()), resumed: state });
      assert.deepEqual(result.kept, whole.kept, `cut after ${cutAfter}`);
    }
  });

  test('waits while paused', async () => {
    const run = options(new TwoNumbers());
    run.control.pause();
    let isDone = false;
    const running = runLoop(run).then(() => (isDone = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual([isDone, (run.learner as TwoNumbers).stepCount], [false, 0]);
    run.control.continue();
    await running;
    assert.equal(isDone, true);
  });

  test('is cancelled while paused', async () => {
    const run = options(new TwoNumbers());
    run.control.pause();
    const running = runLoop(run);
    run.control.cancel();
    await assert.rejects(running, { name: 'AbortError' });
  });
});

describe('choosing among the kept states', () => {
  const pulls = [0.5, 1];

  test('says before each state how many are left, and looks at none twice', async () => {
    const learner = new TwoNumbers();
    const result = await runLoop(options(learner));
    const looks: string[] = [];
    let lookCount = 0;
    const counting: Learner = {
      weights: learner.weights,
      step: (index) => learner.step(index),
      evaluate() {
        lookCount++;
        return learner.evaluate();
      },
    };
    const tell = ({ stage, done, total }: TrainingNews): void =>
      void looks.push(`${stage}: ${done} of ${total}`);
    const settled = await settle(counting, result, { merge: 'deviation', pulls }, { tell });
    // Both pulls of the merged states, and half of the way to the best, whose own figure is known.
    assert.deepEqual(
      looks,
      [0, 1, 2].map((done) => `choosing among kept states: ${done} of 3`),
    );
    assert.equal(lookCount, 3);
    assert.ok(settled.metric >= result.kept[0]!.metric);
    assert.equal(await learner.evaluate(), settled.metric);
  });

  test('ends between two states when it is cancelled', async () => {
    const learner = new TwoNumbers();
    const result = await runLoop(options(learner));
    const control = new RunControl();
    let lookCount = 0;
    learner.evaluate = () => {
      lookCount++;
      control.cancel();
      return Promise.resolve(0);
    };
    await assert.rejects(
      settle(learner, result, { merge: 'best', pulls: [0.25, ...pulls] }, { control }),
      AbortedError,
    );
    assert.equal(lookCount, 1);
  });
});
