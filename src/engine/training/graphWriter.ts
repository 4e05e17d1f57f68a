/**
 * Writes ordinary ONNX nodes into a graph, one call a node, and returns names: losses, gradients and updates read
 * like the formulas they stand for. Only operators that run on the CPU and on WebGPU are offered: no LogSoftmax,
 * OneHot, n-ary Sum or fused product. Every new name carries the writer's prefix.
 */
import type { Graph } from '../onnx/graph';
import {
  type AttributeValue,
  DataType,
  type TensorData,
  intsAttribute,
  makeTensor,
} from '../onnx/model';
import type { Dim } from './shapes';

/** What all floating-point numbers of a graph are: DOUBLE in tests that need more digits. */
export type FloatType = DataType.FLOAT | DataType.DOUBLE;

export interface WriterOptions {
  /** Operator set of the model that the nodes are for; from 18 on most reductions take their axes as an input. */
  readonly opset?: number;
  readonly floatType?: FloatType;
}

/** How many zeros stand before and after on one axis, int64 of shape [1]. */
export interface Padding {
  readonly axis: number;
  readonly before: string;
  readonly after: string;
}

type Attributes = Readonly<Record<string, AttributeValue>>;

/** Whether a reduced axis stays, as an axis of length 1. */
type Keep = 'keep' | 'drop';

export class GraphWriter {
  readonly opset: number;
  readonly floatType: FloatType;
  private readonly constants = new Map<string, string>();
  private count = 0;

  constructor(
    readonly graph: Graph,
    private readonly prefix: string,
    { opset = 17, floatType = DataType.FLOAT }: WriterOptions = {},
  ) {
    this.opset = opset;
    this.floatType = floatType;
  }

  /** Adds a node and returns its output. An operator of another domain is written "domain.Operator". */
  op(type: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.outputs(type, inputs, 1, attributes)[0]!;
  }

  /** Adds a node and returns its first `count` outputs. */
  outputs(
    type: string,
    inputs: readonly string[],
    count: number,
    attributes: Attributes = {},
  ): string[] {
    const dot = type.lastIndexOf('.');
    const op = type.slice(dot + 1);
    const outputs = Array.from({ length: count }, () => this.freshName(op));
    const domain = dot < 0 ? '' : type.slice(0, dot);
    this.graph.add({ op, domain, inputs, outputs, attributes });
    return outputs;
  }

  /** A constant: a number is a scalar of the graph's float type, a typed array is taken as it is. Small equal ones are one. */
  constant(value: number | TensorData, dims?: readonly number[]): string {
    const data = typeof value === 'number' ? this.float(value) : value;
    const shape = dims ?? (typeof value === 'number' ? [] : [data.length]);
    const make = (): string =>
      this.graph.setInitializer(makeTensor(this.freshName('constant'), data, shape));
    if (data.length > LONGEST_SHARED) return make();
    const key = `${data.constructor.name} [${shape.join()}] ${data.join()}`;
    const name = this.constants.get(key) ?? make();
    this.constants.set(key, name);
    return name;
  }

  /** A list of whole numbers: a shape, axes, starts. */
  integers(values: readonly number[]): string {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  add(a: string, b: string): string {
    return this.op('Add', [a, b]);
  }

  /** The sum of one or more, added one after the other. */
  addAll(terms: readonly string[]): string {
    return terms.reduce((sum, term) => this.add(sum, term));
  }

  sub(a: string, b: string): string {
    return this.op('Sub', [a, b]);
  }

  mul(a: string, b: string): string {
    return this.op('Mul', [a, b]);
  }

  div(a: string, b: string): string {
    return this.op('Div', [a, b]);
  }

  scale(a: string, factor: number): string {
    return factor === 1 ? a : this.mul(a, this.constant(factor));
  }

  square(a: string): string {
    return this.mul(a, a);
  }

  neg(a: string): string {
    return this.op('Neg', [a]);
  }

  exp(a: string): string {
    return this.op('Exp', [a]);
  }

  log(a: string): string {
    return this.op('Log', [a]);
  }

  sqrt(a: string): string {
    return this.op('Sqrt', [a]);
  }

  abs(a: string): string {
    return this.op('Abs', [a]);
  }

  sigmoid(a: string): string {
    return this.op('Sigmoid', [a]);
  }

  tanh(a: string): string {
    return this.op('Tanh', [a]);
  }

  max(a: string, b: string): string {
    return this.op('Max', [a, b]);
  }

  min(a: string, b: string): string {
    return this.op('Min', [a, b]);
  }

  /** ln(1 + e^x) without overflow: max(x, 0) + ln(1 + e^-|x|). */
  softplus(a: string): string {
    const small = this.log(this.add(this.exp(this.neg(this.abs(a))), this.constant(1)));
    return this.add(this.op('Relu', [a]), small);
  }

  /** 1 where a > b, 0 elsewhere, as floats. */
  greater(a: string, b: string): string {
    return this.toFloat(this.op('Greater', [a, b]));
  }

  /** 1 where a = b, 0 elsewhere, as floats. */
  equal(a: string, b: string): string {
    return this.toFloat(this.op('Equal', [a, b]));
  }

  where(condition: string, a: string, b: string): string {
    return this.op('Where', [condition, a, b]);
  }

  cast(a: string, to: DataType): string {
    return this.op('Cast', [a], { to });
  }

  toFloat(a: string): string {
    return this.cast(a, this.floatType);
  }

  matmul(a: string, b: string): string {
    return this.op('MatMul', [a, b]);
  }

  /** A product of two matrices, each perhaps transposed first. */
  gemm(a: string, b: string, transposed: { a?: boolean; b?: boolean } = {}): string {
    return this.op('Gemm', [a, b], {
      ...(transposed.a && { transA: 1 }),
      ...(transposed.b && { transB: 1 }),
    });
  }

  /** Axes in another order. What was transposed before is read in one go, or left alone where it is back. */
  transpose(a: string, perm: readonly number[] = [1, 0]): string {
    const maker = this.graph.producerOf(a);
    const before = maker?.opType === 'Transpose' ? intsAttribute(maker, 'perm') : undefined;
    if (!maker || !before) return this.op('Transpose', [a], { perm });
    const source = maker.input[0]!;
    const both = perm.map((axis) => before[axis]!);
    const isBack = both.every((axis, index) => axis === index);
    return isBack ? source : this.op('Transpose', [source], { perm: both });
  }

  /** The shape is a name or the numbers themselves: -1 for what is left, 0 for what the axis had. */
  reshape(a: string, shape: string | readonly number[]): string {
    return this.op('Reshape', [a, typeof shape === 'string' ? shape : this.integers(shape)]);
  }

  /** Everything but the last axis made one: `[.., size]` to `[rows, size]`. */
  rows(a: string, size: Dim): string {
    if (typeof size === 'number') return this.reshape(a, [-1, size]);
    const last = this.op('Shape', [a], { start: -1 });
    return this.reshape(a, this.concat([this.integers([-1]), last], 0));
  }

  /** The shape at run time, int64. */
  shapeOf(a: string): string {
    return this.op('Shape', [a]);
  }

  /** The length of one axis at run time, int64 of shape [1]. */
  sizeOf(a: string, axis: number): string {
    return this.op('Shape', [a], { start: axis, ...(axis !== -1 && { end: axis + 1 }) });
  }

  /** 0, 1, 2, ... up to a size of shape [1], int64. */
  range(size: string): string {
    const [zero, one] = [BigInt64Array.of(0n), BigInt64Array.of(1n)];
    const end = this.squeeze(size, [0]);
    return this.op('Range', [this.constant(zero, []), end, this.constant(one, [])]);
  }

  zerosLike(a: string): string {
    return this.expand(this.constant(0), this.shapeOf(a));
  }

  onesLike(a: string): string {
    return this.expand(this.constant(1), this.shapeOf(a));
  }

  unsqueeze(a: string, axes: readonly number[]): string {
    return this.op('Unsqueeze', [a, this.integers(axes)]);
  }

  squeeze(a: string, axes: readonly number[]): string {
    return this.op('Squeeze', [a, this.integers(axes)]);
  }

  expand(a: string, shape: string): string {
    return this.op('Expand', [a, shape]);
  }

  concat(parts: readonly string[], axis: number): string {
    return this.op('Concat', parts, { axis });
  }

  /** `start` to `end` (exclusive) of one axis; names or numbers. */
  slice(a: string, axis: number, start: number | string, end: number | string): string {
    const bound = (at: number | string): string =>
      typeof at === 'string' ? at : this.integers([at]);
    return this.op('Slice', [a, bound(start), bound(end), this.integers([axis])]);
  }

  /** Zeros before and after, on some of the axes. */
  pad(a: string, rank: number, pads: readonly Padding[]): string {
    const none = this.integers([0]);
    const side = (of: 'before' | 'after'): string[] =>
      Array.from({ length: rank }, (_, axis) => {
        return pads.find((pad) => pad.axis === axis || pad.axis === axis - rank)?.[of] ?? none;
      });
    return this.op('Pad', [a, this.concat([...side('before'), ...side('after')], 0)]);
  }

  gather(a: string, indices: string, axis = 0): string {
    return this.op('Gather', [a, indices], { axis });
  }

  /** Adds rows to those of a table at the indices, which may name a row twice. */
  scatterRows(table: string, indices: string, rows: string): string {
    const places = this.unsqueeze(indices, [-1]);
    return this.op('ScatterND', [table, places, rows], { reduction: 'add' });
  }

  /** The sum over the axes; over all of them, to a scalar, without axes. */
  reduceSum(a: string, axes?: readonly number[], keep: Keep = axes ? 'keep' : 'drop'): string {
    const keepdims = keep === 'keep' ? 1 : 0;
    return this.op('ReduceSum', axes ? [a, this.integers(axes)] : [a], { keepdims });
  }

  reduceMean(a: string, axes?: readonly number[], keep: Keep = axes ? 'keep' : 'drop'): string {
    return this.reduce('ReduceMean', a, axes, keep);
  }

  reduceMax(a: string, axes?: readonly number[], keep: Keep = axes ? 'keep' : 'drop'): string {
    return this.reduce('ReduceMax', a, axes, keep);
  }

  /** ln Σ e^x. The largest is taken out first, for WebGPU's own reduction overflows; its floor has no gradient. */
  logSumExp(a: string, axes?: readonly number[], keep: Keep = axes ? 'keep' : 'drop'): string {
    const shift = this.op('Floor', [this.reduceMax(a, axes)]);
    const rest = this.reduce('ReduceLogSumExp', this.sub(a, shift), axes, keep);
    const isDropped = axes !== undefined && keep === 'drop';
    return this.add(rest, isDropped ? this.squeeze(shift, axes) : shift);
  }

  softmax(a: string, axis = -1): string {
    return this.op('Softmax', [a], { axis });
  }

  /** Rows scaled to norm 1 along the last axis; a row of zeros stays one. */
  normalize(a: string): string {
    const norm = this.reduce('ReduceL2', a, [-1], 'keep');
    return this.div(a, this.max(norm, this.constant(SMALLEST_NORM)));
  }

  private reduce(type: string, a: string, axes: readonly number[] | undefined, keep: Keep): string {
    const keepdims = keep === 'keep' ? 1 : 0;
    if (!axes) return this.op(type, [a], { keepdims });
    return this.opset < 18
      ? this.op(type, [a], { axes, keepdims })
      : this.op(type, [a, this.integers(axes)], { keepdims });
  }

  private float(value: number): Float32Array | Float64Array {
    return this.floatType === DataType.DOUBLE ? Float64Array.of(value) : Float32Array.of(value);
  }

  private freshName(kind: string): string {
    return this.graph.freshName(`${this.prefix}${kind}.${this.count++}`);
  }
}

/** Constants of more values than this are not looked for among those that are there. */
const LONGEST_SHARED = 16;

/** Denominators of cosines are at least this, so that a vector of zeros has similarity 0 and never NaN. */
const SMALLEST_NORM = 1e-8;
