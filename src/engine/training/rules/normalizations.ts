/** Softmax and layer normalisation: what each number becomes depends on all of its row. */
import { DataType } from '../../onnx/model';
import { sumBack } from './broadcast';
import { type GradientRule, type GradientStep, type Rules, once } from './rule';

export type NormalizationOp = 'LayerNormalization' | 'LogSoftmax' | 'Softmax';

export const normalizations: Rules<NormalizationOp> = {
  // y (g - sum of g y)
  Softmax: (step) => [
    () => {
      const { write, output: y, gradient: g } = step;
      const sum = write.reduceSum(write.mul(g, y), [step.int('axis', -1)]);
      return write.mul(y, write.sub(g, sum));
    },
  ],
  // g - softmax (sum of g)
  LogSoftmax: (step) => [
    () => {
      const { write, output: y, gradient: g } = step;
      const sum = write.reduceSum(g, [step.int('axis', -1)]);
      return write.sub(g, write.mul(write.exp(y), sum));
    },
  ],
  LayerNormalization: layerNormalization,
};

/**
 *   n = (x - mean) inverse          mean and inverse deviation are the operator's own second and third output
 *   y = n scale + bias
 *
 *   gradient of bias   sum of g over rows
 *            of scale  sum of g n over rows
 *            of x      inverse (h - mean of h - n mean of h n), where h = g scale
 */
function layerNormalization(step: GradientStep): ReturnType<GradientRule> {
  const { write, gradient: g } = step;
  const [x, scale] = [step.input(0), step.input(1)];
  const axes = normalizedAxes(step);
  const [mean, inverse] = statistics(step);
  const n = once(() => write.mul(write.sub(x, mean), inverse));
  return [
    () => {
      const h = write.mul(g, scale);
      const meanOf = (name: string): string => write.reduceMean(name, axes);
      const along = write.mul(n(), meanOf(write.mul(h, n())));
      return write.mul(inverse, write.sub(write.sub(h, meanOf(h)), along));
    },
    () => sumBack(step, write.mul(g, n()), step.dims(x), scale),
    () => sumBack(step, g, step.dims(x), step.input(2)),
  ];
}

function normalizedAxes(step: GradientStep): number[] {
  const axis = step.int('axis', -1);
  const first = axis < 0 ? axis : axis - step.rank(step.input(0));
  return Array.from({ length: -first }, (_, index) => first + index);
}

/** Mean and inverse deviation of each row, which the operator works out anyway; in 32 bits whatever the input has. */
function statistics({
  node,
  graph,
  write,
}: GradientStep): readonly [mean: string, inverse: string] {
  const [y = '', mean, inverse] = node.output;
  const outputs = [
    mean || graph.freshName(`${y}/mean`),
    inverse || graph.freshName(`${y}/inverse`),
  ];
  graph.setOutputs(node, [y, ...outputs]);
  const isWide = write.floatType === DataType.DOUBLE;
  const [first = '', second = ''] = isWide ? outputs.map((name) => write.toFloat(name)) : outputs;
  return [first, second];
}
