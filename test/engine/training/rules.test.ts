/** Every gradient rule against central differences, on shapes at the edges: one row, one column, broadcasts on each side. */
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { type AttributeValue, DataType, float } from '../../../src/engine/onnx/model';
import { type SupportedOp, supportedOps } from '../../../src/engine/training/rules/table';
import { type GradientCase, checkGradients } from '../../support/gradients';

type Shape = readonly number[];
type Cases = readonly GradientCase[];

/** Shapes of one operand: a scalar, one number, one row, one column, a block. */
const SHAPES: readonly Shape[] = [[], [1], [1, 3], [3, 1], [2, 1, 3]];

/** Pairs of shapes that broadcast, on the left, on the right, on both, and not at all. */
const PAIRS: readonly (readonly [Shape, Shape])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[3], [2, 1, 3]],
  [[2, 3], [1]],
  [[], [2, 2]],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [
    [1, 1],
    [1, 1],
  ],
];

interface OpOptions extends Partial<GradientCase> {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

function unary(op: string, { attributes, ...rest }: OpOptions = {}): Cases {
  return SHAPES.map((shape) => ({
    inputs: [shape],
    write: (write, a) => write.op(op, [a!], attributes),
    ...rest,
  }));
}

function binary(op: string, rest: Partial<GradientCase> = {}): Cases {
  return PAIRS.map((inputs) => ({
    inputs,
    write: (write, a, b) => write.op(op, [a!, b!]),
    ...rest,
  }));
}

/** Reductions: over an axis, over two, over all, kept and dropped, axes as attribute and as input. */
function reduction(op: string, rest: Partial<GradientCase> = {}): Cases {
  const axesOf: readonly (readonly number[] | undefined)[] = [[-1], [0], [0, 2], undefined];
  return axesOf.flatMap((axes) =>
    [0, 1].flatMap((keepdims) =>
      [17, 18].map((opset): GradientCase => ({
        inputs: [[2, 1, 3]],
        opset,
        write(write, a) {
          if (!axes) return write.op(op, [a!], { keepdims });
          return opset < 18 && op !== 'ReduceSum'
            ? write.op(op, [a!], { axes, keepdims })
            : write.op(op, [a!, write.integers(axes)], { keepdims });
        },
        ...rest,
      })),
    ),
  );
}

/** One case a list of input shapes. */
function cases(
  shapes: readonly (readonly Shape[])[],
  write: GradientCase['write'],
  rest: Partial<GradientCase> = {},
): Cases {
  return shapes.map((inputs) => ({ inputs, write, ...rest }));
}

function gemm(
  shapes: readonly Shape[],
  attributes: Readonly<Record<string, AttributeValue>>,
): GradientCase {
  return { inputs: shapes, write: (write, ...inputs) => write.op('Gemm', inputs, attributes) };
}

/** A node whose last inputs are whole numbers: axes, shapes, bounds, indexes. */
function withIntegers(
  op: string,
  shape: Shape,
  integers: readonly (readonly number[])[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): GradientCase {
  return {
    inputs: [shape],
    needsShapes: true,
    write: (write, a) => {
      const rest = integers.map((values) => (values === LEFT_OUT ? '' : write.integers(values)));
      return write.op(op, [a!, ...rest], attributes);
    },
  };
}
const LEFT_OUT: readonly number[] = [];

/** Indexes into `a`, given as a constant of any shape. */
function gather(
  op: string,
  shape: Shape,
  indices: BigInt64Array,
  dims: Shape,
  axis: number,
): GradientCase {
  return {
    inputs: [shape],
    needsShapes: true,
    write: (write, a) => write.op(op, [a!, write.constant(indices, dims)], { axis }),
  };
}

/** Above zero: where logarithms, roots and powers are smooth. */
const positive = { range: [0.3, 2] } as const;
/** On one side of the kink at zero. */
const above = { range: [0.2, 1] } as const;
const below = { range: [-1, -0.2] } as const;
const needsShapes = { needsShapes: true } as const;
/** Operators of which ONNX Runtime has no 64-bit kernel. */
const single = { floatType: DataType.FLOAT } as const;

const ROWS: readonly (readonly Shape[])[] = [[[1, 1]], [[2, 3]], [[1, 4]], [[2, 1, 3]]];

const CASES: { readonly [Op in SupportedOp]: Cases } = {
  Abs: [...unary('Abs', above), ...unary('Abs', below)],
  Add: binary('Add'),
  // To double and back, with the input's type known and not.
  Cast: cases(
    [[[2, 3]]],
    (write, a) => write.cast(write.exp(write.cast(a!, DataType.DOUBLE)), DataType.FLOAT),
    single,
  ),
  Clip: cases([[[2, 3]], [[1]]], (write, a) =>
    write.op('Clip', [a!, write.constant(-0.5), write.constant(0.25)]),
  ),
  Concat: [
    ...cases(
      [
        [
          [1, 2],
          [3, 2],
        ],
      ],
      (write, a, b) => write.concat([a!, b!], 0),
    ),
    ...cases(
      [
        [
          [2, 1],
          [2, 3],
          [2, 2],
        ],
      ],
      (write, a, b, c) => write.concat([a!, b!, c!], -1),
    ),
  ],
  Cos: unary('Cos', single),
  Div: binary('Div', positive),
  Dropout: unary('Dropout'),
  Elu: [
    ...unary('Elu', { ...single, ...above }),
    ...unary('Elu', { ...single, ...below, attributes: { alpha: float(0.5) } }),
  ],
  Erf: unary('Erf', single),
  Exp: unary('Exp'),
  Expand: cases([[[1, 3]], [[3]], [[2, 1, 1]], [[]]], (write, a) =>
    write.expand(a!, write.integers([2, 4, 3])),
  ),
  Flatten: cases([[[2, 3, 2]], [[1, 1]]], (write, a) => write.op('Flatten', [a!], { axis: 1 })),
  Gather: [
    gather('Gather', [4, 2], BigInt64Array.of(1n, 3n, 1n, -1n), [2, 2], 0),
    gather('Gather', [4, 2], BigInt64Array.of(2n), [], 0),
    gather('Gather', [2, 3, 2], BigInt64Array.of(0n), [], 1),
    gather('Gather', [2, 3], BigInt64Array.of(2n, 0n, 2n), [1, 3], -1),
  ],
  GatherElements: [gather('GatherElements', [2, 3], BigInt64Array.of(2n, 2n, 0n, 1n), [2, 2], 1)],
  Gelu: [
    ...unary('Gelu', { ...single, opset: 20 }),
    ...unary('Gelu', { ...single, opset: 20, attributes: { approximate: 'tanh' } }),
  ],
  Gemm: [
    gemm(
      [
        [2, 3],
        [3, 4],
      ],
      {},
    ),
    gemm([[3, 2], [3, 4], [4]], { transA: 1 }),
    gemm(
      [
        [1, 3],
        [4, 3],
        [1, 4],
      ],
      { transB: 1, alpha: float(0.5) },
    ),
    gemm([[3, 1], [2, 3], [1]], { transA: 1, transB: 1, beta: float(3) }),
  ],
  HardSigmoid: unary('HardSigmoid', single),
  Identity: unary('Identity'),
  // Its statistics have 32 bits whatever the input has.
  LayerNormalization: [single, { tolerance: 1e-6 }].flatMap((precision) => [
    ...cases(
      [
        [[2, 3], [3], [3]],
        [[1, 1, 4], [4], [4]],
        [[2, 2, 3], [3], [3]],
      ],
      (write, a, b, c) => write.op('LayerNormalization', [a!, b!, c!], { axis: -1 }),
      { ...needsShapes, ...precision },
    ),
    ...cases(
      [
        [
          [2, 2, 3],
          [2, 3],
        ],
      ],
      (write, a, b) => write.op('LayerNormalization', [a!, b!], { axis: 1 }),
      { ...needsShapes, ...precision },
    ),
  ]),
  LeakyRelu: [
    ...unary('LeakyRelu', { ...single, ...above }),
    ...unary('LeakyRelu', { ...single, ...below }),
  ],
  Log: unary('Log', positive),
  LogSoftmax: cases(ROWS, (write, a) => write.op('LogSoftmax', [a!], { axis: -1 })),
  MatMul: cases(
    [
      [
        [2, 3],
        [3, 4],
      ],
      [
        [1, 1],
        [1, 1],
      ],
      [
        [2, 2, 3],
        [3, 2],
      ],
      [
        [2, 1, 3],
        [3, 1],
      ],
      [
        [2, 1, 2, 3],
        [2, 2, 3, 1],
      ],
      [
        [2, 3],
        [2, 3, 2],
      ],
      [
        [2, 1, 2, 3],
        [1, 4, 3, 2],
      ],
      [[3], [3, 2]],
      [[3], [2, 3, 2]],
      [[2, 3], [3]],
      [[2, 1, 3], [3]],
      [[3], [3]],
    ],
    (write, a, b) => write.matmul(a!, b!),
    needsShapes,
  ),
  Max: binary('Max'),
  Min: binary('Min'),
  Mul: binary('Mul'),
  Neg: unary('Neg'),
  Pad: [withIntegers('Pad', [2, 3], [[0, 1, 2, 0]]), withIntegers('Pad', [1], [[0, 2]])],
  Pow: [
    ...binary('Pow', positive),
    ...cases([[[2, 3]]], (write, a) => write.op('Pow', [a!, write.constant(2)])),
    ...cases([[[2, 3]]], (write, a) => write.op('Pow', [a!, write.constant(3)])),
  ],
  Reciprocal: unary('Reciprocal', positive),
  ReduceL1: [...reduction('ReduceL1', above)],
  ReduceL2: reduction('ReduceL2'),
  ReduceLogSum: reduction('ReduceLogSum', positive),
  ReduceLogSumExp: reduction('ReduceLogSumExp'),
  ReduceMax: reduction('ReduceMax'),
  ReduceMean: reduction('ReduceMean'),
  ReduceMin: reduction('ReduceMin'),
  ReduceSum: reduction('ReduceSum'),
  ReduceSumSquare: reduction('ReduceSumSquare'),
  Relu: [...unary('Relu', above), ...unary('Relu', below)],
  Reshape: [
    withIntegers('Reshape', [2, 3], [[3, -1]]),
    withIntegers('Reshape', [2, 1, 3], [[0, 3]]),
  ],
  Sigmoid: unary('Sigmoid'),
  Sin: unary('Sin'),
  Slice: [
    withIntegers('Slice', [4, 3], [[1], [3], [0]]),
    withIntegers('Slice', [4, 3], [[-2], [1000], [-1]]),
    withIntegers(
      'Slice',
      [4, 3],
      [
        [1, 0],
        [4, -1],
      ],
    ),
    withIntegers('Slice', [1, 3], [[0], [1], [1], [1]]),
  ],
  Softmax: [
    ...cases(ROWS, (write, a) => write.softmax(a!)),
    ...cases([[[2, 3, 2]]], (write, a) => write.softmax(a!, 1)),
  ],
  Softplus: unary('Softplus', single),
  Split: [
    ...cases([[[2, 5]]], (write, a) => {
      const [first, , third] = write.outputs('Split', [a!, write.integers([1, 2, 2])], 3, {
        axis: 1,
      });
      return write.mul(first!, third!);
    }),
    ...cases([[[4, 1]]], (write, a) => write.mul(...halves(write.outputs('Split', [a!], 2)))),
  ],
  Sqrt: unary('Sqrt', positive),
  Squeeze: [withIntegers('Squeeze', [2, 1, 3], [[1]]), withIntegers('Squeeze', [1, 2], [])],
  Sub: binary('Sub'),
  Sum: cases([[[2, 3], [3], [1]], [[2]]], (write, ...inputs) => write.op('Sum', inputs)),
  Tanh: unary('Tanh'),
  Transpose: [
    ...cases([[[2, 1, 3]]], (write, a) => write.transpose(a!, [2, 0, 1])),
    ...cases([[[2, 3, 4]], [[1, 1]]], (write, a) => write.op('Transpose', [a!])),
  ],
  Trilu: [0, 1].map((upper) => ({
    inputs: [[3, 3]],
    write: (write, a) => write.op('Trilu', [a!], { upper }),
  })),
  Unsqueeze: [withIntegers('Unsqueeze', [2, 3], [[0, -1]])],
  Where: cases(PAIRS, (write, a, b) => {
    const isAbove = write.op('Greater', [write.op('Identity', [a!]), write.constant(0.1)]);
    return write.where(isAbove, a!, b!);
  }),
  'com.microsoft.BiasGelu': cases(
    [[[2, 3], [3]]],
    (write, a, b) => write.op('com.microsoft.BiasGelu', [a!, b!]),
    { ...single, ...needsShapes },
  ),
  'com.microsoft.FastGelu': [
    ...cases([[[2, 3], [3]]], (write, a, b) => write.op('com.microsoft.FastGelu', [a!, b!]), {
      ...single,
      ...needsShapes,
    }),
    ...cases([[[1]], [[2, 1, 3]]], (write, a) => write.op('com.microsoft.FastGelu', [a!]), single),
  ],
  'com.microsoft.Gelu': unary('com.microsoft.Gelu', single),
  'com.microsoft.QuickGelu': unary('com.microsoft.QuickGelu', single),
};

function halves([first = '', second = '']: readonly string[]): [string, string] {
  return [first, second];
}

for (const op of supportedOps) {
  describe(`the gradient of ${op}`, () => {
    CASES[op].forEach((given, index) => {
      const shapes = given.inputs.map((shape) => `[${shape.join(', ')}]`).join(' and ');
      test(`is that of differences for ${shapes} (${index + 1})`, () => checkGradients(given));
    });
  });
}

/** A shape, and one that broadcasts with it: axes of length 1 here and there, leading axes missing on one side. */
const broadcastShapes = fc
  .record({
    dims: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }),
    ones: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    missing: fc.tuple(fc.nat(4), fc.nat(4)),
  })
  .map(({ dims, ones, missing }) => {
    const side = (from: number, count: number): number[] =>
      dims.map((dim, axis) => (ones[from + axis] ? 1 : dim)).slice(Math.min(count, dims.length));
    return [side(0, missing[0]), side(4, missing[1])] as const;
  });

test('broadcasts of any two shapes are summed back', () =>
  fc.assert(
    fc.asyncProperty(broadcastShapes, fc.constantFrom('Add', 'Mul', 'Sub'), (inputs, op) =>
      checkGradients({ inputs, write: (write, a, b) => write.op(op, [a!, b!]) }),
    ),
    { numRuns: 25, seed: 1 },
  ));
