/** Operators that move numbers and change none: the gradient is moved back, and what was left out gets 0. */
import { NearmissError } from '../../../base/errors';
import { intsAttribute } from '../../onnx/model';
import { constantIntegers } from '../../onnx/constants';
import type { GraphWriter, Padding } from '../graphWriter';
import type { Dim } from '../shapes';
import { sumBack } from './broadcast';
import { type GradientRule, type GradientStep, type Rules } from './rule';

export type MovementOp =
  | 'Concat'
  | 'Expand'
  | 'Flatten'
  | 'Pad'
  | 'Reshape'
  | 'Slice'
  | 'Split'
  | 'Squeeze'
  | 'Transpose'
  | 'Trilu'
  | 'Unsqueeze';

/** The same numbers in the same order under another shape. */
const reshaped: GradientRule = (step) => [
  () => step.write.reshape(step.gradient, step.write.shapeOf(step.input(0))),
];

export const movement: Rules<MovementOp> = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: (step) => [() => turnBack(step)],
  Expand: (step) => [() => sumBack(step, step.gradient, step.dims(step.output), step.input(0))],
  Concat: cutApart,
  Split: (step) => [() => joinParts(step)],
  Slice: (step) => [() => padBack(step)],
  Pad: (step) => [() => cutPadding(step)],
  Trilu: (step) => [
    () => {
      const inputs = [step.gradient, ...step.node.input.slice(1)];
      return step.write.op('Trilu', inputs, { upper: step.int('upper', 1) });
    },
  ],
};

function turnBack({ write, node, gradient }: GradientStep): string {
  const perm = intsAttribute(node, 'perm');
  // Without an order all axes are reversed, and reversed again they are back.
  if (!perm) return write.op('Transpose', [gradient]);
  const back = perm.map((_, axis) => perm.indexOf(axis));
  return write.transpose(gradient, back);
}

/** Each part of a Concat gets its own piece of the gradient. */
function cutApart(step: GradientStep): ReturnType<GradientRule> {
  const { write, node, gradient } = step;
  const axis = step.int('axis', 0);
  const sizes = node.input.map((part) => step.dims(part)?.at(axis));
  return node.input.map((_, index) => () => {
    const before = sizes.slice(0, index);
    const start = total(before);
    const end = total(sizes.slice(0, index + 1));
    if (start !== undefined && end !== undefined) return write.slice(gradient, axis, start, end);
    const from = sumOfSizes(write, node.input.slice(0, index), axis);
    const to = write.add(from, write.sizeOf(node.input[index]!, axis));
    return write.slice(gradient, axis, from, to);
  });
}

/** The sum of dimensions that are all known. */
function total(dims: readonly (Dim | undefined)[]): number | undefined {
  const known = dims.filter((dim) => typeof dim === 'number');
  return known.length === dims.length ? known.reduce((sum, dim) => sum + dim, 0) : undefined;
}

function sumOfSizes(write: GraphWriter, parts: readonly string[], axis: number): string {
  if (parts.length === 0) return write.integers([0]);
  return write.addAll(parts.map((part) => write.sizeOf(part, axis)));
}

/** The gradients of all parts one behind the other; a part nobody used gets 0. */
function joinParts(step: GradientStep): string {
  const { write, node } = step;
  const parts = node.output.map((part, index) => step.gradientOf(index) ?? write.zerosLike(part));
  return write.concat(parts, step.int('axis', 0));
}

/** What a Slice left out gets 0, on each of its axes. */
function padBack(step: GradientStep): string {
  const { write } = step;
  const [x, starts, ends] = [step.input(0), step.input(1), step.input(2)];
  const count = step.dims(starts)?.[0];
  const axes = step.integers('axes', 3) ?? firstAxes(count);
  const steps = step.integers('steps', 4) ?? [];
  if (!axes || steps.some((stride) => stride !== 1)) {
    throw new NearmissError(
      'model',
      `${step.name} takes every other number or goes backwards, which cannot be differentiated`,
    );
  }
  const pads = axes.map((axis, index): Padding => {
    const bound = (name: string): string => write.slice(name, 0, index, index + 1);
    const size = write.sizeOf(x, axis);
    // Which positions of the axis were kept: negative and far bounds are read as Slice reads them.
    const kept = write.slice(write.range(size), 0, bound(starts), bound(ends));
    const before = write.slice(kept, 0, 0, 1);
    const after = write.sub(write.sub(size, before), write.shapeOf(kept));
    return { axis, before, after };
  });
  return write.pad(step.gradient, step.rank(x), pads);
}

function firstAxes(count: Dim | undefined): number[] | undefined {
  return typeof count === 'number' ? Array.from({ length: count }, (_, axis) => axis) : undefined;
}

/** The padding of Pad falls off again. */
function cutPadding(step: GradientStep): string {
  const { write } = step;
  const x = step.input(0);
  const rank = step.rank(x);
  const axes = constantIntegers(step.graph, step.input(3)) ?? firstAxes(rank)!;
  if (step.text('mode', 'constant') !== 'constant') {
    throw new NearmissError('model', `${step.name} repeats numbers, which is not differentiated`);
  }
  return axes.reduce((gradient, axis, index) => {
    const before = write.slice(step.input(1), 0, index, index + 1);
    return write.slice(gradient, axis, before, write.add(before, write.sizeOf(x, axis)));
  }, step.gradient);
}
