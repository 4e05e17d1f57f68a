/** Products of matrices. A weight's gradient is one Gemm over all rows; a batched product is never summed over its batch. */
import type { GraphWriter } from '../graphWriter';
import type { Dim } from '../shapes';
import { sumBack } from './broadcast';
import { type GradientRule, type GradientStep, type Rules, once } from './rule';

export type ProductOp = 'Gemm' | 'MatMul';

type InputGradients = ReturnType<GradientRule>;

export const products: Rules<ProductOp> = {
  MatMul(step) {
    const isByMatrix = step.rank(step.input(0)) >= 2 && step.rank(step.input(1)) === 2;
    return isByMatrix ? byMatrix(step) : batched(step);
  },
  Gemm: general,
};

/**
 *   x [.., k] w [k, n] = y [.., n]      gradient of x: g wᵀ      of w: xᵀ g, over all rows at once
 */
function byMatrix(step: GradientStep): InputGradients {
  const { write } = step;
  const [x, w] = [step.input(0), step.input(1)];
  const isMatrix = step.rank(x) === 2;
  const [inputSize, outputSize] = step.dims(w)!;
  const g = once(() => (isMatrix ? step.gradient : write.rows(step.gradient, outputSize!)));
  return [
    () => {
      const rows = write.gemm(g(), w, { b: true });
      return isMatrix ? rows : write.reshape(rows, write.shapeOf(x));
    },
    () => write.gemm(isMatrix ? x : write.rows(x, inputSize!), g(), { a: true }),
  ];
}

/**
 *   a [.., m, k] b [.., k, n] = y [.., m, n]      gradient of a: g bᵀ      of b: aᵀ g, batch by batch
 *
 * A vector on the left is a row, on the right a column, and the axis it lacks is missing in y too.
 */
function batched(step: GradientStep): InputGradients {
  const { write } = step;
  const [a, b] = [step.input(0), step.input(1)];
  const row = step.rank(a) === 1;
  const column = step.rank(b) === 1;
  const lacking = [...(row ? [-2] : []), ...(column ? [-1] : [])];
  const g = once(() => (lacking.length ? write.unsqueeze(step.gradient, lacking) : step.gradient));
  const left = (): string => (row ? write.unsqueeze(a, [0]) : a);
  const right = (): string => (column ? write.unsqueeze(b, [1]) : b);
  const y = step.dims(step.output);
  const batch = y?.slice(0, y.length - 2 + lacking.length);
  const inBatch = (...dims: readonly Dim[]): readonly Dim[] | undefined =>
    batch && [...batch, ...dims];
  return [
    () => {
      const gradient = write.matmul(g(), turned(write, right(), column ? 2 : step.rank(b)));
      const from = inBatch(...(row ? [1] : []), ...step.dims(a)!.slice(-2));
      return sumBack(step, gradient, from, a);
    },
    () => {
      const gradient = write.matmul(turned(write, left(), row ? 2 : step.rank(a)), g());
      const from = inBatch(...step.dims(b)!.slice(-2));
      return sumBack(step, column ? write.squeeze(gradient, [-1]) : gradient, from, b);
    },
  ];
}

/** The matrices of a batch, each transposed. */
function turned(write: GraphWriter, name: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return write.transpose(name, [...axes.slice(0, -2), rank - 1, rank - 2]);
}

/**
 *   y = alpha a' b' + beta c, where a' and b' may be transposed
 */
function general(step: GradientStep): InputGradients {
  const { write, gradient: g } = step;
  const [a, b] = [step.input(0), step.input(1)];
  const ta = step.int('transA', 0) === 1;
  const tb = step.int('transB', 0) === 1;
  const scaled = (name: string): string => write.scale(name, step.float('alpha', 1));
  return [
    () => scaled(ta ? write.gemm(b, g, { a: tb, b: true }) : write.gemm(g, b, { b: !tb })),
    () => scaled(tb ? write.gemm(g, a, { a: true, b: ta }) : write.gemm(a, g, { a: !ta })),
    () => {
      const scaledBias = write.scale(g, step.float('beta', 1));
      return sumBack(step, scaledBias, step.dims(step.output), step.input(2));
    },
  ];
}
