/**
 * The one loop of all parts: batches in, steps of AdamW, held-out figures, early stop, the best states kept. A part
 * brings gradients and a figure; everything it draws at random depends on the seed and the number of the step alone, so
 * that a run that was cut off and resumed ends with the same bytes as one that was not.
 */
import { NearmissError, isAbort } from '../../base/errors';
import type { RunControl } from './control';
import { ADAMW_DEFAULTS, type AdamWState, adamWState, adamWStep, clipGradients } from './optimizer';
import type { Recipe } from './recipe';
import { learningRateAt } from './schedule';

/** A trained tensor. */
export interface Weight {
  readonly dims: readonly number[];
  /** Changed in place by each step. */
  readonly data: Float32Array;
  /** False for biases and the scales of norms, which are not pulled to zero. */
  readonly isDecayed: boolean;
  /** A peak of its own for the learning rate. */
  readonly learningRate?: number;
}

/** What one step gave. */
export interface StepOutcome {
  readonly loss: number;
  /** By the weight's name; a weight that is missing has no part in this step. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** Loss of each row beside the line of its record, to say where it went wrong. */
  readonly rows: readonly { readonly line: number; readonly loss: number }[];
}

/** One part in training. */
export interface Learner {
  readonly weights: ReadonlyMap<string, Weight>;
  /** Loss and gradients with the weights as they are now. The same number gives the same batch. */
  step(stepIndex: number): Promise<StepOutcome>;
  /** The held-out figure, larger is better. */
  evaluate(): Promise<number>;
}

/** A copy of all weights, and the held-out figure they reached. */
export interface KeptState {
  readonly step: number;
  readonly metric: number;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** Everything that a run needs to go on: steps done, weights, moments, the best so far. */
export interface LoopState {
  readonly step: number;
  readonly baseMetric: number;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly moments: AdamWState;
  /** Best first. */
  readonly kept: readonly KeptState[];
  /** Evaluations since the best. */
  readonly worseCount: number;
}

export interface LoopProgress {
  readonly step: number;
  readonly stepCount: number;
  /** Mean over the last steps. */
  readonly loss: number;
  readonly metric: number | undefined;
  readonly baseMetric: number;
  /** Undefined before the first step. */
  readonly secondsLeft: number | undefined;
}

export interface LoopOptions {
  readonly learner: Learner;
  readonly recipe: Recipe;
  readonly control: RunControl;
  readonly resumed?: LoopState;
  /** Keeps the state, after each evaluation and when the run is cancelled. */
  readonly save?: (state: LoopState) => Promise<void>;
  readonly onProgress?: (progress: LoopProgress) => void;
}

export type StopReason = 'steps' | 'patience' | 'time' | 'notFinite';

export interface LoopResult {
  /** The weights before the first step. */
  readonly start: ReadonlyMap<string, Float32Array>;
  /** Best first, at most as many as the recipe keeps. */
  readonly kept: readonly KeptState[];
  readonly baseMetric: number;
  readonly stepCount: number;
  readonly reason: StopReason;
  /** Set when a loss was not finite: a sentence that names the step and the record. */
  readonly problem?: string;
  readonly lastLoss: number;
}

/** Weight of the newest loss in the mean that is shown. */
const LOSS_SHARE = 0.1;

/** Trains until a reason to stop comes up. Throws an AbortedError when cancelled, after saving. */
export async function runLoop(options: LoopOptions): Promise<LoopResult> {
  const run = new Run(options);
  try {
    return await run.toEnd();
  } catch (error) {
    await run.saveIfCancelled(error);
    throw error;
  }
}

class Run {
  private readonly startMs = performance.now();
  private readonly firstStep: number;
  private readonly start: ReadonlyMap<string, Float32Array>;
  private readonly moments: AdamWState;
  private step: number;
  private kept: KeptState[];
  private worseCount: number;
  private baseMetric = 0;
  private loss = Number.NaN;
  private metric: number | undefined;
  private isReady = false;

  constructor(private readonly options: LoopOptions) {
    const { learner, resumed } = options;
    this.start = copyWeights(learner.weights);
    this.moments = resumed?.moments ?? adamWState(copyWeights(learner.weights));
    this.firstStep = this.step = resumed?.step ?? 0;
    this.kept = [...(resumed?.kept ?? [])];
    this.worseCount = resumed?.worseCount ?? 0;
    if (resumed) setWeights(learner.weights, resumed.weights);
  }

  async toEnd(): Promise<LoopResult> {
    const { learner, recipe, control, resumed } = this.options;
    await control.turn();
    this.baseMetric = resumed?.baseMetric ?? (await learner.evaluate());
    this.isReady = true;
    while (this.step < recipe.steps) {
      this.tell();
      await control.turn();
      if (performance.now() - this.startMs > recipe.minutes * 60_000) return this.end('time');
      const problem = await this.one();
      if (problem !== undefined) return this.end('notFinite', problem);
      if (this.step % recipe.evaluateEvery !== 0 && this.step !== recipe.steps) continue;
      await this.look();
      if (this.worseCount >= recipe.patience) return this.end('patience');
    }
    return this.end('steps');
  }

  async saveIfCancelled(error: unknown): Promise<void> {
    if (this.isReady && isAbort(error)) await this.save();
  }

  /** One step; a sentence where its numbers are not finite, and then no weight has changed. */
  private async one(): Promise<string | undefined> {
    const { learner, recipe } = this.options;
    const outcome = await learner.step(this.step);
    const norm = clipGradients(outcome.gradients, recipe.clipNorm);
    if (!Number.isFinite(outcome.loss) || !Number.isFinite(norm))
      return notFinite(this.step + 1, outcome);
    const learningRate = learningRateAt(this.step + 1, {
      peak: recipe.learningRate,
      warmupSteps: Math.round(recipe.steps * recipe.warmupShare),
      totalSteps: recipe.steps + 1,
    });
    adamWStep(this.moments, arraysOf(learner.weights), outcome.gradients, {
      ...{ ...ADAMW_DEFAULTS, weightDecay: recipe.weightDecay, learningRate },
      isDecayed: (name) => learner.weights.get(name)?.isDecayed ?? false,
      rateOf: (name) =>
        (learner.weights.get(name)?.learningRate ?? recipe.learningRate) / recipe.learningRate,
    });
    this.step++;
    this.loss = Number.isNaN(this.loss)
      ? outcome.loss
      : (1 - LOSS_SHARE) * this.loss + LOSS_SHARE * outcome.loss;
    return undefined;
  }

  /** Evaluates, keeps the state if it is among the best, and saves. */
  private async look(): Promise<void> {
    const { learner, recipe } = this.options;
    const metric = (this.metric = await learner.evaluate());
    const isBest = metric > (this.kept[0]?.metric ?? -Infinity);
    const state = { step: this.step, metric, weights: copyWeights(learner.weights) };
    // Equal figures: the earlier state stands first, it is nearer to the base.
    this.kept = [...this.kept, state]
      .sort((a, b) => b.metric - a.metric || a.step - b.step)
      .slice(0, recipe.keep);
    this.worseCount = isBest ? 0 : this.worseCount + 1;
    await this.save();
  }

  private async save(): Promise<void> {
    const { learner, save } = this.options;
    await save?.({
      step: this.step,
      baseMetric: this.baseMetric,
      weights: copyWeights(learner.weights),
      moments: this.moments,
      kept: this.kept,
      worseCount: this.worseCount,
    });
  }

  private async end(reason: StopReason, problem?: string): Promise<LoopResult> {
    // Stopped between two evaluations, or before the first: what there is counts.
    if (this.kept.length === 0 && this.step > 0) await this.look();
    this.tell();
    return {
      start: this.start,
      kept: this.kept,
      baseMetric: this.baseMetric,
      stepCount: this.step,
      reason,
      problem,
      lastLoss: this.loss,
    };
  }

  private tell(): void {
    const { recipe, onProgress } = this.options;
    const done = this.step - this.firstStep;
    const seconds = (performance.now() - this.startMs) / 1000;
    const budgetLeft = recipe.minutes * 60 - seconds;
    const stepsLeft = (seconds / done) * (recipe.steps - this.step);
    onProgress?.({
      step: this.step,
      stepCount: recipe.steps,
      loss: this.loss,
      metric: this.metric,
      baseMetric: this.baseMetric,
      secondsLeft: done === 0 ? undefined : Math.max(0, Math.min(budgetLeft, stepsLeft)),
    });
  }
}

function notFinite(step: number, { rows }: StepOutcome): string {
  const row = rows.find(({ loss }) => !Number.isFinite(loss));
  const lines = rows.map(({ line }) => line);
  const where = row
    ? `the record of line ${row.line}`
    : `one of the records of lines ${[...new Set(lines)].join(', ')}`;
  return `The loss of step ${step} is not a finite number, at ${where}; training stopped, and the last good state is kept`;
}

function arraysOf(weights: ReadonlyMap<string, Weight>): Map<string, Float32Array> {
  return new Map([...weights].map(([name, { data }]) => [name, data]));
}

function copyWeights(weights: ReadonlyMap<string, Weight>): Map<string, Float32Array> {
  return new Map([...weights].map(([name, { data }]) => [name, Float32Array.from(data)]));
}

/** Overwrites the weights with a kept state. */
export function setWeights(
  weights: ReadonlyMap<string, Weight>,
  values: ReadonlyMap<string, Float32Array>,
): void {
  for (const [name, { data }] of weights) {
    const value = values.get(name);
    if (value?.length !== data.length)
      throw new NearmissError(
        'model',
        `The saved state of the run does not fit: ${name} has ${value?.length ?? 0} numbers, not ${data.length}`,
        'Start the run anew, without --resume',
      );
    data.set(value);
  }
}
