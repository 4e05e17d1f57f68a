/**
 * The level of scores. A contrastive loss orders hits inside a query and says nothing about how high a score must be to
 * mean "this answers", and training moves the level that the search's floor was set for. Two remedies beside the losses
 * that align the diagonal (`batchSoftmax.ts`): a fitted scale, P(answers) = σ(slope · score + offset), after Platt 1999
 * with the steps of Lin, Lin and Weng 2007; and a straight line that brings a tuned model's scores back to the level of
 * its base, so that thresholds in use keep their meaning.
 */
import { sigmoid } from './losses/matrix';
import { mean } from './metrics';

/** P(answers) = σ(slope · score + offset). */
export interface Level {
  readonly slope: number;
  readonly offset: number;
}

const NEWTON_STEPS = 100;
/** Keeps the curvature above zero where all scores are alike. */
const RIDGE = 1e-12;

/** Fits the scale to scores of hits that answer and of hits that do not; both must be there for it to say anything. */
export function fitLevel(scores: ArrayLike<number>, answers: readonly boolean[]): Level {
  const yes = answers.filter(Boolean).length;
  const no = answers.length - yes;
  // Not 1 and 0: few samples shall not make certain.
  const targets = answers.map((answer) => (answer ? (yes + 1) / (yes + 2) : 1 / (no + 2)));
  let level: Level = { slope: 0, offset: Math.log((yes + 1) / (no + 1)) };
  let loss = lossOf(level, scores, targets);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const next = betterLevel(level, loss, scores, targets);
    if (!next) break;
    [level, loss] = [next.level, next.loss];
  }
  return level;
}

/** A Newton step, halved until the loss falls; undefined when none makes it fall. */
function betterLevel(
  { slope, offset }: Level,
  loss: number,
  scores: ArrayLike<number>,
  targets: readonly number[],
): { readonly level: Level; readonly loss: number } | undefined {
  let [gradientSlope, gradientOffset] = [0, 0];
  let [ss, so, oo] = [RIDGE, 0, RIDGE];
  targets.forEach((target, i) => {
    const score = scores[i]!;
    const p = sigmoid(slope * score + offset);
    const curvature = p * (1 - p);
    gradientSlope += (p - target) * score;
    gradientOffset += p - target;
    ss += curvature * score * score;
    so += curvature * score;
    oo += curvature;
  });
  const determinant = ss * oo - so * so;
  const stepSlope = -(oo * gradientSlope - so * gradientOffset) / determinant;
  const stepOffset = -(ss * gradientOffset - so * gradientSlope) / determinant;
  for (let share = 1; share > 1e-10; share /= 2) {
    const level = { slope: slope + share * stepSlope, offset: offset + share * stepOffset };
    const next = lossOf(level, scores, targets);
    if (next < loss - 1e-12) return { level, loss: next };
  }
  return undefined;
}

/** Σ −t ln p − (1−t) ln(1−p). */
function lossOf(level: Level, scores: ArrayLike<number>, targets: readonly number[]): number {
  return targets.reduce((sum, target, i) => {
    const x = level.slope * scores[i]! + level.offset;
    return sum + Math.max(x, 0) - target * x + Math.log1p(Math.exp(-Math.abs(x)));
  }, 0);
}

/** How likely a hit of this score answers, 0 to 1. */
export function probabilityAt(level: Level, score: number): number {
  return sigmoid(level.slope * score + level.offset);
}

/** The score from which a hit answers with this probability; undefined where scores say nothing. */
export function thresholdAt({ slope, offset }: Level, probability: number): number | undefined {
  if (!(slope > 0)) return undefined;
  return (Math.log(probability / (1 - probability)) - offset) / slope;
}

/** A straight line from one scale of scores to another. */
export interface ScaleMatch {
  readonly factor: number;
  readonly shift: number;
}

/** Brings scores `from` to the mean and spread of scores `to`, of the same pairs of texts under another model. */
export function matchScale(from: ArrayLike<number>, to: ArrayLike<number>): ScaleMatch {
  const spread = spreadOf(from);
  const factor = spread > 0 ? spreadOf(to) / spread : 1;
  return { factor, shift: mean(to) - factor * mean(from) };
}

function spreadOf(values: ArrayLike<number>): number {
  const centre = mean(values);
  return Math.sqrt(mean(Float64Array.from(values, (value) => (value - centre) ** 2)));
}
