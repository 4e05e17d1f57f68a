/** Operators that work number by number, and those that broadcast. x, a and b are inputs, y the output, g its gradient. */
import type { GraphWriter } from '../graphWriter';
import { constantNumber } from '../../onnx/constants';
import { broadcasting } from './broadcast';
import { type GradientRule, type GradientStep, type Rules } from './rule';

export type ElementwiseOp =
  | 'Abs'
  | 'Add'
  | 'Cast'
  | 'Clip'
  | 'Cos'
  | 'Div'
  | 'Dropout'
  | 'Elu'
  | 'Erf'
  | 'Exp'
  | 'Identity'
  | 'LeakyRelu'
  | 'Log'
  | 'Max'
  | 'Min'
  | 'Mul'
  | 'Neg'
  | 'Pow'
  | 'Reciprocal'
  | 'Relu'
  | 'Sigmoid'
  | 'Sin'
  | 'Softplus'
  | 'Sqrt'
  | 'Sub'
  | 'Sum'
  | 'Tanh'
  | 'Where';

interface Unary {
  readonly write: GraphWriter;
  readonly x: string;
  readonly y: string;
  readonly g: string;
  readonly step: GradientStep;
}

/** A rule for one input. */
function unary(gradient: (node: Unary) => string): GradientRule {
  return (step) => {
    const { write, output: y, gradient: g } = step;
    return [() => gradient({ write, x: step.input(0), y, g, step })];
  };
}

interface Binary {
  readonly write: GraphWriter;
  readonly a: string;
  readonly b: string;
  readonly y: string;
  readonly g: string;
  readonly step: GradientStep;
}

/** A rule for two inputs that broadcast. */
function binary(
  gradientOfA: (node: Binary) => string,
  gradientOfB: (node: Binary) => string,
): GradientRule {
  return broadcasting((step) => {
    const { write, output: y, gradient: g } = step;
    const node: Binary = { write, a: step.input(0), b: step.input(1), y, g, step };
    return [() => gradientOfA(node), () => gradientOfB(node)];
  });
}

/** What passes the gradient on as it is. */
const unchanged: GradientRule = ({ gradient }) => [() => gradient];

/** 2 / sqrt(pi), the slope of erf at 0. */
const ERF_SLOPE = 2 / Math.sqrt(Math.PI);

export const elementwise: Rules<ElementwiseOp> = {
  Add: binary(
    ({ g }) => g,
    ({ g }) => g,
  ),
  Sub: binary(
    ({ g }) => g,
    ({ write, g }) => write.neg(g),
  ),
  Mul: binary(
    ({ write, b, g }) => write.mul(g, b),
    ({ write, a, g }) => write.mul(g, a),
  ),
  Div: binary(
    ({ write, b, g }) => write.div(g, b),
    ({ write, b, y, g }) => write.neg(write.div(write.mul(g, y), b)),
  ),
  Pow: binary(gradientOfBase, gradientOfExponent),
  Sum: broadcasting(({ node, gradient }) => node.input.map(() => () => gradient)),
  Max: extreme,
  Min: extreme,
  Where: broadcasting((step) => {
    const { write, gradient } = step;
    const zero = (): string => write.constant(0);
    return [
      undefined,
      () => write.where(step.input(0), gradient, zero()),
      () => write.where(step.input(0), zero(), gradient),
    ];
  }),

  Identity: unchanged,
  // In a model that is exported for use it does nothing; training drops by masks that are fed.
  Dropout: unchanged,
  Cast: unary(({ write, x, g, step }) => {
    const type = step.type(x);
    return type === undefined ? write.op('CastLike', [g, x]) : write.cast(g, type);
  }),

  Neg: unary(({ write, g }) => write.neg(g)),
  Abs: unary(({ write, x, g }) => write.mul(g, write.op('Sign', [x]))),
  Exp: unary(({ write, y, g }) => write.mul(g, y)),
  Log: unary(({ write, x, g }) => write.div(g, x)),
  Sqrt: unary(({ write, y, g }) => write.div(g, write.scale(y, 2))),
  Reciprocal: unary(({ write, y, g }) => write.neg(write.mul(g, write.square(y)))),
  Sin: unary(({ write, x, g }) => write.mul(g, write.op('Cos', [x]))),
  Cos: unary(({ write, x, g }) => write.neg(write.mul(g, write.op('Sin', [x])))),
  Erf: unary(({ write, x, g }) => {
    const slope = write.scale(write.exp(write.neg(write.square(x))), ERF_SLOPE);
    return write.mul(g, slope);
  }),
  Tanh: unary(({ write, y, g }) => write.mul(g, write.sub(write.constant(1), write.square(y)))),
  Sigmoid: unary(({ write, y, g }) => write.mul(g, write.mul(y, write.sub(write.constant(1), y)))),
  Softplus: unary(({ write, x, g }) => write.mul(g, write.sigmoid(x))),
  Relu: unary(({ write, y, g }) => write.mul(g, write.greater(y, write.constant(0)))),
  LeakyRelu: unary(({ write, x, g, step }) => {
    const positive = write.op('Greater', [x, write.constant(0)]);
    const slope = step.float('alpha', 0.01);
    return write.where(positive, g, write.scale(g, slope));
  }),
  // For x < 0: y = alpha (e^x - 1), so its slope is y + alpha.
  Elu: unary(({ write, x, y, g, step }) => {
    const positive = write.op('Greater', [x, write.constant(0)]);
    const slope = write.add(y, write.constant(step.float('alpha', 1)));
    return write.where(positive, g, write.mul(g, slope));
  }),
  // Only what was not cut passes: there y is x.
  Clip: unary(({ write, x, y, g }) => write.mul(g, write.equal(x, y))),
};

/** p x^(p - 1) g; the square, which is most of what exports hold, without a power. */
function gradientOfBase({ write, a, b, g, step }: Binary): string {
  const power = constantNumber(step.graph, b);
  if (power === 2) return write.mul(g, write.scale(a, 2));
  if (power !== undefined) {
    const slope = write.scale(write.op('Pow', [a, write.constant(power - 1)]), power);
    return write.mul(g, slope);
  }
  const lower = write.op('Pow', [a, write.sub(b, write.constant(1))]);
  return write.mul(g, write.mul(b, lower));
}

/** ln(x) y g; 0 where x is 0, for there y stays 0. */
function gradientOfExponent({ write, a, y, g }: Binary): string {
  const positive = write.op('Greater', [a, write.constant(0)]);
  const logarithm = write.where(positive, write.log(a), write.constant(0));
  return write.mul(g, write.mul(y, logarithm));
}

/** The largest or smallest of several: what was taken gets the gradient, equals share it. */
function extreme(step: GradientStep): ReturnType<GradientRule> {
  const { write, node, output, gradient } = step;
  const shareOf = (input: string): string => {
    const taken = node.input.map((other) => write.equal(other, output));
    const share = write.div(write.equal(input, output), write.addAll(taken));
    return write.mul(gradient, share);
  };
  return broadcasting(() => node.input.map((input) => () => shareOf(input)))(step);
}
