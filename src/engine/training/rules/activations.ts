/**
 * GELU in its spellings. The exact one is x P(x) with P the normal distribution, P(x) = (1 + erf(x / sqrt 2)) / 2; the
 * backward pass works erf out anew, for keeping it would cost more memory than it saves time.
 */
import type { GraphWriter } from '../graphWriter';
import { sumBack } from './broadcast';
import { type GradientStep, type Rules, once } from './rule';

export type ActivationOp =
  | 'Gelu'
  | 'HardSigmoid'
  | 'com.microsoft.BiasGelu'
  | 'com.microsoft.FastGelu'
  | 'com.microsoft.Gelu'
  | 'com.microsoft.QuickGelu';

export const activations: Rules<ActivationOp> = {
  Gelu: (step) => {
    const tanh = step.text('approximate', 'none') === 'tanh';
    const slope = tanh ? tanhSlope : erfSlope;
    return [() => step.write.mul(step.gradient, slope(step.write, step.input(0)))];
  },
  'com.microsoft.Gelu': (step) => [
    () => step.write.mul(step.gradient, erfSlope(step.write, step.input(0))),
  ],
  'com.microsoft.BiasGelu': (step) => withBias(step, erfSlope),
  'com.microsoft.FastGelu': (step) => withBias(step, tanhSlope),
  // y = x s with s = sigmoid(alpha x): s + alpha y (1 - s)
  'com.microsoft.QuickGelu': (step) => [
    () => {
      const { write, output: y, gradient: g } = step;
      const alpha = step.float('alpha', 1.702);
      const s = write.sigmoid(write.scale(step.input(0), alpha));
      const rest = write.mul(write.scale(y, alpha), write.sub(write.constant(1), s));
      return write.mul(g, write.add(s, rest));
    },
  ],
  // Straight between 0 and 1, flat outside.
  HardSigmoid: (step) => [
    () => {
      const { write, output: y } = step;
      const inside = write.mul(
        write.greater(y, write.constant(0)),
        write.greater(write.constant(1), y),
      );
      return write.mul(step.gradient, write.scale(inside, step.float('alpha', 0.2)));
    },
  ],
};

type Slope = (write: GraphWriter, x: string) => string;

/** P(x) + x p(x), with p the normal density; with v = x / sqrt 2 it is (1 + erf(v) + v exp(ln(2 / sqrt pi) - v²)) / 2. */
function erfSlope(write: GraphWriter, x: string): string {
  const v = write.scale(x, Math.SQRT1_2);
  const exponent = write.sub(write.constant(Math.log(2 / Math.sqrt(Math.PI))), write.square(v));
  const curve = write.add(write.op('Erf', [v]), write.mul(v, write.exp(exponent)));
  return write.scale(write.add(curve, write.constant(1)), 0.5);
}

/** y = x (1 + t) / 2 with t = tanh(c (x + .044715 x³)): (1 + t) / 2 + x (1 - t²) c (1 + 3 · .044715 x²) / 2 */
function tanhSlope(write: GraphWriter, x: string): string {
  const c = Math.sqrt(2 / Math.PI);
  const one = write.constant(1);
  const half = write.constant(0.5);
  const squared = write.square(x);
  const cubic = write.add(write.scale(squared, CUBE_WEIGHT), one);
  const t = write.tanh(write.mul(write.scale(x, c), cubic));
  const inner = write.scale(write.add(write.scale(squared, 3 * CUBE_WEIGHT), one), c / 2);
  const curve = write.mul(x, write.mul(write.sub(one, write.square(t)), inner));
  return write.add(write.mul(write.add(t, one), half), curve);
}

const CUBE_WEIGHT = 0.044715;

/** An activation of x + bias, where the bias may be left out. */
function withBias(step: GradientStep, slope: Slope): ReturnType<Rules<string>[string]> {
  const { write } = step;
  const [x, bias] = [step.input(0), step.input(1)];
  const g = once(() =>
    write.mul(step.gradient, slope(write, bias === '' ? x : write.add(x, bias))),
  );
  return [g, () => sumBack(step, g(), step.dims(x), bias)];
}
