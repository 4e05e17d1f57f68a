/** Operators that look numbers up: each place that was looked up gets the sum of what its copies got. */
import type { GradientStep, Rules } from './rule';

export type IndexingOp = 'Gather' | 'GatherElements';

export const indexing: Rules<IndexingOp> = {
  Gather: (step) => [() => gatherBack(step)],
  GatherElements: (step) => [
    () => {
      const zeros = step.write.zerosLike(step.input(0));
      const attributes = { axis: step.int('axis', 0), reduction: 'add' };
      return step.write.op('ScatterElements', [zeros, step.input(1), step.gradient], attributes);
    },
  ],
};

/**
 * Along the first axis: rows added into zeros. Along another: that axis is brought to the front and back.
 *
 *   x [4, 5, 6] at indices [2, 3] along axis 1 = y [4, 2, 3, 6]
 */
function gatherBack(step: GradientStep): string {
  const { write, gradient } = step;
  const [x, indices] = [step.input(0), step.input(1)];
  const axis = step.int('axis', 0);
  if (axis === 0) return write.scatterRows(write.zerosLike(x), indices, gradient);
  const rank = step.rank(x);
  const at = axis < 0 ? axis + rank : axis;
  const front = moved(rank, at, 1);
  const zeros = write.transpose(write.zerosLike(x), front);
  const rows = write.transpose(gradient, moved(step.rank(step.output), at, step.rank(indices)));
  return write.transpose(write.scatterRows(zeros, indices, rows), inverse(front));
}

/** The order of axes in which `count` of them, from `at` on, come first. */
function moved(rank: number, at: number, count: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return [...axes.splice(at, count), ...axes];
}

function inverse(order: readonly number[]): number[] {
  return order.map((_, axis) => order.indexOf(axis));
}
