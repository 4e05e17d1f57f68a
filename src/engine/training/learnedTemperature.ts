/**
 * A temperature that is learnt with the weights (BSC, arXiv 2110.15725): its inverse is a weight of its own, with a
 * learning rate of its own and no decay, kept within bounds, for on separable data it would grow without end.
 */
import type { Weight } from './loop';
import { clampInverseTemperature } from './losses/batchSoftmax';
import type { Recipe } from './recipe';

const INVERSE_TEMPERATURE = 'inverseTemperature';
/** The released code's rate for an inverse that begins at 1; ours begins at 1/tau and moves in proportion. */
const LEARNING_RATE = 1e-3;

export class LearnedTemperature {
  /** To be put among the learner's weights; empty where the recipe's tau stays. */
  readonly weights: ReadonlyMap<string, Weight>;
  private readonly data: Float32Array | undefined;

  constructor(private readonly recipe: Pick<Recipe, 'learnTau' | 'tau'>) {
    const { learnTau, tau } = recipe;
    this.data = learnTau ? Float32Array.of(1 / tau) : undefined;
    const learningRate = LEARNING_RATE / tau;
    this.weights = new Map(
      this.data && [
        [INVERSE_TEMPERATURE, { dims: [1], data: this.data, isDecayed: false, learningRate }],
      ],
    );
  }

  /** The temperature of the next step. */
  get tau(): number {
    if (!this.data) return this.recipe.tau;
    this.data[0] = clampInverseTemperature(this.data[0]!);
    return 1 / this.data[0];
  }

  /** The gradient by the weight's name; nothing where it is not learnt. */
  gradients(inverseTemperature: number): [string, Float32Array][] {
    return this.data ? [[INVERSE_TEMPERATURE, Float32Array.of(inverseTemperature)]] : [];
  }
}
