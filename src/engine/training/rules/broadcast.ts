/**
 * Broadcasting backwards. What was repeated to fit the other operand gets the sum of what its copies got:
 *
 *   y [2, 3, 4] = a [3, 1] + b [2, 3, 4]     gradient of a: summed over axes 0 and 2, shaped [3, 1]
 */
import type { Dim } from '../shapes';
import type { GradientRule, GradientStep } from './rule';

/** A rule for an operator that broadcasts: each gradient is summed back to its operand's shape. */
export function broadcasting(rule: GradientRule): GradientRule {
  return (step) =>
    rule(step).map((gradient, index) => {
      const operand = step.input(index);
      return gradient && (() => sumBack(step, gradient(), step.dims(step.output), operand));
    });
}

/** A gradient of shape `from` (undefined: not known), summed to the shape of an operand that was repeated to it. */
export function sumBack(
  step: GradientStep,
  gradient: string,
  from: readonly Dim[] | undefined,
  operand: string,
): string {
  const to = step.dims(operand);
  if (to?.length === 0) return from?.length === 0 ? gradient : step.write.reduceSum(gradient);
  return from && to ? sumKnown(step, gradient, from, to) : sumUnknown(step, gradient, operand);
}

/** With both shapes known: the axes that the operand lacks first, then those of which it has one. */
function sumKnown(
  { write }: GradientStep,
  gradient: string,
  from: readonly Dim[],
  to: readonly Dim[],
): string {
  const extra = from.length - to.length;
  const rest = from.slice(extra);
  const repeated = to.flatMap((dim, axis) => (dim === 1 && rest[axis] !== 1 ? [axis] : []));
  const sum = extra > 0 ? sumLeading(write, gradient, extra, rest) : gradient;
  return repeated.length > 0 ? write.reduceSum(sum, repeated) : sum;
}

/** One sum down the rows of a matrix is much faster than one over several axes. */
function sumLeading(
  write: GradientStep['write'],
  gradient: string,
  count: number,
  rest: readonly Dim[],
): string {
  const fixed = rest.filter((dim) => typeof dim === 'number');
  if (fixed.length === rest.length)
    return write.reduceSum(write.reshape(gradient, [-1, ...fixed]), [0], 'drop');
  const axes = Array.from({ length: count }, (_, axis) => axis);
  return write.reduceSum(gradient, axes, 'drop');
}

/** With a shape unknown: the axes to sum over are found at run time. Runs on the CPU only. */
function sumUnknown({ write }: GradientStep, gradient: string, operand: string): string {
  const from = write.shapeOf(gradient);
  const to = write.shapeOf(operand);
  const missing = write.sub(write.shapeOf(from), write.shapeOf(to));
  const padded = write.concat([write.expand(write.integers([1]), missing), to], 0);
  const isRepeated = write.op('Not', [write.op('Equal', [from, padded])]);
  const axes = write.reshape(write.op('NonZero', [isRepeated]), [-1]);
  const sum = write.op('ReduceSum', [gradient, axes], { keepdims: 1, noop_with_empty_axes: 1 });
  return write.reshape(sum, to);
}
