/** How much of a difference is noise: intervals and tests for figures of few queries. */
import { type Random, seededRandom } from '../../base/random';
import { mean } from './metrics';

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Resamples of a bootstrap. */
const RESAMPLES = 2000;

/** A bootstrap interval of the mean: the middle `level` of the means of resamples. The same under one seed. */
export function bootstrapInterval(
  values: readonly number[],
  { level = 0.95, seed = 1 }: { readonly level?: number; readonly seed?: number } = {},
): Interval {
  const random = seededRandom(seed);
  const means = Float64Array.from({ length: RESAMPLES }, () => resampledMean(values, random));
  means.sort();
  const at = (share: number): number => means[Math.round(share * (RESAMPLES - 1))]!;
  return { mean: mean(values), low: at((1 - level) / 2), high: at((1 + level) / 2) };
}

function resampledMean(values: readonly number[], random: Random): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[Math.floor(random() * values.length)]!;
  return values.length === 0 ? 0 : sum / values.length;
}

/** Student's interval of the mean, for paired differences; `standardError` is that of the mean. */
export function studentInterval(
  values: readonly number[],
  level = 0.95,
): Interval & { readonly standardError: number } {
  const centre = mean(values);
  const freedom = values.length - 1;
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / freedom;
  const standardError = Math.sqrt(variance / values.length);
  const half = studentQuantile((1 + level) / 2, freedom) * standardError;
  return { mean: centre, low: centre - half, high: centre + half, standardError };
}

/** Half the width of the 95 % interval of a rate near one half. */
export function rateHalfWidth(count: number): number {
  return 1.96 * Math.sqrt(0.25 / count);
}

/** Fewest wins of `count` that chance alone reaches with at most the given probability (one-sided sign test). */
export function signTestWins(count: number, probability = 0.05): number {
  let tail = 0;
  for (let wins = count; wins >= 0; wins--) {
    tail += Math.exp(logChoose(count, wins) - count * Math.LN2);
    if (tail > probability) return wins + 1;
  }
  return 0;
}

/** The t below which the share `p` (over one half) of Student's distribution lies. */
export function studentQuantile(p: number, freedom: number): number {
  let [low, high] = [0, 1e3];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (studentShare(middle, freedom) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function studentShare(t: number, freedom: number): number {
  return 1 - incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
}

/** The regularised incomplete beta function by its continued fraction (Numerical Recipes, 6.4). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    a * Math.log(x) + b * Math.log(1 - x) - (logGamma(a) + logGamma(b) - logGamma(a + b)),
  );
  let [c, d, sum] = [1, 1 / (1 - ((a + b) * x) / (a + 1)), 1 / (1 - ((a + b) * x) / (a + 1))];
  for (let m = 1; m < 200; m++) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / (1 + term * d);
      c = 1 + term / c;
      sum *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-14) break;
  }
  return (front * sum) / a;
}

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}

/** Lanczos' approximation, good to 1e-14. */
function logGamma(x: number): number {
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  const y = x - 1;
  const series = coefficients.reduce(
    (sum, value, i) => sum + value / (y + i + 1),
    0.99999999999980993,
  );
  const t = y + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(series);
}
