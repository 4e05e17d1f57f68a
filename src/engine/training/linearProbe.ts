/**
 * How much a straight cut through frozen features can tell: logistic regression with decay, by cross-validation, as
 * SentEval does it for embeddings. For pairs of texts the features are |a − b| and a ∘ b.
 */
import { seededRandom, shuffle } from '../../base/random';
import { type Matrix, dotOf, matrixOf, rowOf, sigmoid, zeros } from './losses/matrix';
import { ADAMW_DEFAULTS, adamWState, adamWStep } from './optimizer';

export interface Probe {
  /** Share of right answers over all folds. */
  readonly accuracy: number;
  /** Whether each row was told right by the fit that had not seen it. */
  readonly isRight: readonly boolean[];
}

export interface ProbeOptions {
  readonly folds?: number;
  readonly seed?: number;
}

/** What the steps below need to settle on a few thousand rows. */
const STEPS = 300;
const LEARNING_RATE = 0.05;
const DECAY = 0.1;

/** Probes rows of features for a label of two values. */
export function linearProbe(
  features: Matrix,
  labels: readonly boolean[],
  { folds = 5, seed = 1 }: ProbeOptions = {},
): Probe {
  const order = shuffle([...labels.keys()], seededRandom(seed));
  const isRight = labels.map(() => false);
  for (let fold = 0; fold < folds; fold++) {
    const test = order.filter((_, i) => i % folds === fold);
    const train = order.filter((_, i) => i % folds !== fold);
    if (test.length === 0 || train.length === 0) continue;
    const predict = fitLogistic(features, labels, train);
    for (const row of test) isRight[row] = predict(rowOf(features, row)) > 0.5 === labels[row];
  }
  return { accuracy: isRight.filter(Boolean).length / labels.length, isRight };
}

/** Features of pairs of texts from their embeddings: `[pairs, 2 D]`. */
export function pairFeatures(first: Matrix, second: Matrix): Matrix {
  return matrixOf(
    Array.from({ length: first.rows }, (_, i) => {
      const [a, b] = [rowOf(first, i), rowOf(second, i)];
      return [...a.map((x, d) => Math.abs(x - b[d]!)), ...a.map((x, d) => x * b[d]!)];
    }),
  );
}

function fitLogistic(
  features: Matrix,
  labels: readonly boolean[],
  rows: readonly number[],
): (row: Float64Array) => number {
  const standard = standardizer(features, rows);
  const inputs = rows.map((row) => standard(rowOf(features, row)));
  const weights = new Map([
    ['slopes', new Float64Array(features.columns)],
    ['offset', new Float64Array(1)],
  ]);
  const state = adamWState(weights);
  const [slopes, offset] = [weights.get('slopes')!, weights.get('offset')!];
  const predict = (input: Float64Array): number => sigmoid(dotOf(slopes, input) + offset[0]!);
  for (let step = 0; step < STEPS; step++) {
    const gradients = new Map([
      ['slopes', new Float64Array(features.columns)],
      ['offset', new Float64Array(1)],
    ]);
    inputs.forEach((input, i) => {
      const error = (predict(input) - (labels[rows[i]!] ? 1 : 0)) / rows.length;
      const sums = gradients.get('slopes')!;
      input.forEach((x, d) => (sums[d]! += error * x));
      gradients.get('offset')![0]! += error;
    });
    const learningRate = LEARNING_RATE * (1 - step / STEPS);
    adamWStep(state, weights, gradients, { ...ADAMW_DEFAULTS, weightDecay: DECAY, learningRate });
  }
  return (row) => predict(standard(row));
}

/** Features to mean 0 and variance 1 over the rows that are fitted. */
function standardizer(
  features: Matrix,
  rows: readonly number[],
): (row: Float64Array) => Float64Array {
  const moments = zeros(2, features.columns);
  const [means, variances] = [rowOf(moments, 0), rowOf(moments, 1)];
  for (const row of rows)
    rowOf(features, row).forEach((x, d) => {
      means[d]! += x / rows.length;
      variances[d]! += x ** 2 / rows.length;
    });
  const spreads = variances.map((v, d) => Math.sqrt(Math.max(v - means[d]! ** 2, 0)));
  return (row) => row.map((x, d) => (spreads[d]! > 1e-9 ? (x - means[d]!) / spreads[d]! : 0));
}
