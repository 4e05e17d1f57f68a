/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101): Adam's step, and weight decay apart from it.
 *   m ← β₁m + (1−β₁)g    v ← β₂v + (1−β₂)g²    p ← p(1 − lr·wd) − lr · m̂ / (√v̂ + ε),  m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ)
 * Clipping scales all gradients together, so that their common norm is at most the limit.
 */
import type { GraphWriter } from './graphWriter';

export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export const ADAMW_DEFAULTS: AdamWSettings = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
};

/** Weights, gradients or moments by name. */
export type NamedNumbers = ReadonlyMap<string, Float32Array | Float64Array>;

/** What the optimiser remembers between steps. */
export interface AdamWState {
  /** Steps taken. */
  step: number;
  readonly first: NamedNumbers;
  readonly second: NamedNumbers;
}

/** The state before the first step: moments of zeros, of the weights' number types. */
export function adamWState(weights: NamedNumbers): AdamWState {
  const zeros = (): NamedNumbers =>
    new Map(
      [...weights].map(([name, values]) => [name, values.map(() => 0) as typeof values] as const),
    );
  return { step: 0, first: zeros(), second: zeros() };
}

export interface AdamWStepSettings extends AdamWSettings {
  readonly learningRate: number;
  /** Factor on the learning rate of a weight that has one of its own; 1 without it. */
  readonly rateOf?: (name: string) => number;
  /** False for weights that decay leaves alone, biases and scales; all decay without it. */
  readonly isDecayed?: (name: string) => boolean;
}

/** One step; weights and state change in place. Weights without a gradient stay as they are, undecayed. */
export function adamWStep(
  state: AdamWState,
  weights: NamedNumbers,
  gradients: NamedNumbers,
  { learningRate: commonRate, isDecayed, rateOf, ...settings }: AdamWStepSettings,
): void {
  const { beta1, beta2, epsilon, weightDecay } = settings;
  const { correction1, correction2 } = biasCorrections(++state.step, settings);
  for (const [name, gradient] of gradients) {
    const [p, m, v] = [weights.get(name)!, state.first.get(name)!, state.second.get(name)!];
    const learningRate = rateOf ? commonRate * rateOf(name) : commonRate;
    const kept = isDecayed?.(name) === false ? 1 : 1 - learningRate * weightDecay;
    for (let i = 0; i < p.length; i++) {
      const g = gradient[i]!;
      m[i] = beta1 * m[i]! + (1 - beta1) * g;
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
      const change = m[i]! / correction1 / (Math.sqrt(v[i]! / correction2) + epsilon);
      p[i] = p[i]! * kept - learningRate * change;
    }
  }
}

/** 1 − βᵗ for both moments. */
export function biasCorrections(
  step: number,
  { beta1, beta2 }: Pick<AdamWSettings, 'beta1' | 'beta2'>,
): { readonly correction1: number; readonly correction2: number } {
  return { correction1: 1 - beta1 ** step, correction2: 1 - beta2 ** step };
}

/** Added to the norm before dividing, as the usual implementations do. */
const CLIP_EPSILON = 1e-6;

/** The norm of all gradients together. */
function globalNorm(gradients: NamedNumbers): number {
  let sum = 0;
  for (const values of gradients.values()) for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

/** Scales the gradients in place so that their norm is at most the limit; returns the norm before. */
export function clipGradients(gradients: NamedNumbers, limit: number): number {
  const norm = globalNorm(gradients);
  const factor = limit / (norm + CLIP_EPSILON);
  if (factor >= 1) return norm;
  for (const values of gradients.values())
    for (let i = 0; i < values.length; i++) values[i]! *= factor;
  return norm;
}

/** One tensor's step as names in a graph; the scalars are inputs, so that one graph serves all steps. */
export interface AdamWNames {
  readonly weight: string;
  readonly gradient: string;
  readonly first: string;
  readonly second: string;
  readonly learningRate: string;
  /** See `biasCorrections`. */
  readonly correction1: string;
  readonly correction2: string;
}

/** Writes the step of one tensor; returns the names of the new weight and moments. */
export function writeAdamW(
  writer: GraphWriter,
  names: AdamWNames,
  { beta1, beta2, epsilon, weightDecay }: AdamWSettings,
): { readonly weight: string; readonly first: string; readonly second: string } {
  const { gradient, learningRate } = names;
  const first = writer.add(writer.scale(names.first, beta1), writer.scale(gradient, 1 - beta1));
  const square = writer.scale(writer.square(gradient), 1 - beta2);
  const second = writer.add(writer.scale(names.second, beta2), square);
  const deviation = writer.sqrt(writer.div(second, names.correction2));
  const change = writer.div(
    writer.div(first, names.correction1),
    writer.add(deviation, writer.constant(epsilon)),
  );
  const decay = writer.sub(writer.constant(1), writer.scale(learningRate, weightDecay));
  const weight = writer.sub(writer.mul(names.weight, decay), writer.mul(learningRate, change));
  return { weight, first, second };
}

/** Writes the factor that clips gradients of this squared norm (a scalar) to the limit: at most 1. */
export function writeClipFactor(writer: GraphWriter, squaredNorm: string, limit: number): string {
  const norm = writer.add(writer.sqrt(squaredNorm), writer.constant(CLIP_EPSILON));
  return writer.min(writer.div(writer.constant(limit), norm), writer.constant(1));
}
