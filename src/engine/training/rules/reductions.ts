/**
 * Sums, means and the like. A reduced axis is put back with length 1, and the gradient spread along it:
 *
 *   y [2, 1] = sum of x [2, 3] over axis 1     gradient of x: g [2, 1] repeated three times
 */
import type { GraphWriter } from '../graphWriter';
import type { GradientRule, GradientStep, Rules } from './rule';

export type ReductionOp =
  | 'ReduceL1'
  | 'ReduceL2'
  | 'ReduceLogSum'
  | 'ReduceLogSumExp'
  | 'ReduceMax'
  | 'ReduceMean'
  | 'ReduceMin'
  | 'ReduceSum'
  | 'ReduceSumSquare';

interface Reduction {
  readonly write: GraphWriter;
  /** What was reduced; the result and its gradient with every reduced axis of length 1. */
  readonly x: string;
  readonly y: string;
  readonly g: string;
  readonly step: GradientStep;
}

export const reductions: Rules<ReductionOp> = {
  ReduceSum: reduction(({ write, x, g }) => write.expand(g, write.shapeOf(x))),
  ReduceMean: reduction((node) => {
    const share = node.write.div(node.g, countEach(node));
    return node.write.expand(share, node.write.shapeOf(node.x));
  }),
  ReduceMax: reduction(shareAmongEquals),
  ReduceMin: reduction(shareAmongEquals),
  ReduceL1: reduction(({ write, x, g }) => write.mul(g, write.op('Sign', [x]))),
  // x / |x|; where all is 0 the gradient is taken as 0.
  ReduceL2: reduction(({ write, x, y, g }) =>
    write.mul(write.div(g, write.max(y, write.constant(SMALLEST_NORM))), x),
  ),
  ReduceSumSquare: reduction(({ write, x, g }) => write.mul(write.scale(g, 2), x)),
  ReduceLogSum: reduction(({ write, x, y, g }) =>
    write.expand(write.div(g, write.exp(y)), write.shapeOf(x)),
  ),
  ReduceLogSumExp: reduction(({ write, x, y, g }) => write.mul(g, write.exp(write.sub(x, y)))),
};

/** Keeps 0 / 0 away, and changes no other norm of 32-bit floats. */
const SMALLEST_NORM = 1e-30;

function reduction(gradient: (node: Reduction) => string): GradientRule {
  return (step) => [
    () => {
      const { write } = step;
      const y = withReducedAxes(step, step.output);
      const g = withReducedAxes(step, step.gradient);
      return gradient({ write, x: step.input(0), y, g, step });
    },
  ];
}

/** The node's result, or its gradient, with the axes that it dropped put back with length 1. */
function withReducedAxes(step: GradientStep, name: string): string {
  if (step.int('keepdims', 1) === 1) return name;
  const axes = step.integers('axes', 1);
  // All axes are gone: a scalar fits everywhere.
  if (axes === undefined || axes.length === 0) return name;
  return step.write.unsqueeze(name, axes);
}

/** How many numbers went into each result. */
function countEach({ write, x, y, step }: Reduction): string {
  const axes = step.integers('axes', 1);
  const dims = step.dims(x);
  const reduced = axes?.map((axis) => dims?.at(axis)) ?? dims ?? [undefined];
  if (reduced.every((dim) => typeof dim === 'number'))
    return write.constant(reduced.reduce((product, dim) => product * dim, 1));
  const size = (name: string): string => write.toFloat(write.op('Size', [name]));
  return write.div(size(x), size(y));
}

function shareAmongEquals({ write, x, y, g, step }: Reduction): string {
  const isTaken = write.equal(x, y);
  const axes = step.integers('axes', 1);
  const share = write.div(g, write.reduceSum(isTaken, axes));
  return write.mul(share, isTaken);
}
