/**
 * Products in 8 bits with one scale a token. Each row of activations is divided by its own largest magnitude
 * before it is rounded, so a text's vector does not change with its neighbours in the batch, as it does under
 * the common dynamic quantisation with one scale a tensor. Two places get more care, because all of a text's
 * error came from them: the values that attention sums are given sixteen bits, since the error of a token that
 * every other attends to does not average out; and what GELU gives, never below -0.17, uses the whole range.
 */
import { create } from '@bufbuild/protobuf';
import * as z from 'zod';
import { StringStringEntryProtoSchema } from '../onnx/generated/onnx_pb';
import type { Graph } from '../onnx/graph';
import {
  type Model,
  type Node,
  type Tensor,
  makeTensor,
  opsetOf,
  requireOpset,
} from '../onnx/model';
import { approximateGelus } from './gelu';
import { INT8_LIMIT, type QuantizedWeight, readWeight } from './weights';

/** Names the matrices of a model that must stay 32-bit floats whatever the arithmetic. */
const FLOATS_KEY = 'nearmiss.floats';

/**
 * Says in the model that these matrices stay floats. What little training changes lies within half a step of 8 bits, and as
 * the base's numbers lie on such steps, rounding would give the base's numbers again.
 */
export function keepFloats(model: Model, names: readonly string[]): void {
  const value = JSON.stringify(names);
  model.metadataProps.push(create(StringStringEntryProtoSchema, { key: FLOATS_KEY, value }));
}

function keptFloats({ metadataProps }: Model): ReadonlySet<string> {
  const entry = metadataProps.find(({ key }) => key === FLOATS_KEY);
  try {
    return new Set(z.array(z.string()).parse(JSON.parse(entry?.value ?? '[]')));
  } catch {
    // Not what we write: then it says nothing to us.
    return new Set();
  }
}

/** Replaces each product of activations with a constant matrix by its 8-bit form, in place. */
export function quantizeProducts(model: Model, graph: Graph): void {
  const rewriter = new Rewriter(graph, opsetOf(model));
  const kept = keptFloats(model);
  const found = graph.nodes.flatMap((node) =>
    kept.has(node.input[1] ?? '') ? [] : (readProduct(graph, node) ?? []),
  );
  if (found.length === 0) return;
  approximateGelus(graph);
  const products = found.map((product) => ({ ...product, input: product.node.input[0]! }));
  // Asked before anything changes: what follows reads the graph as it was exported.
  const plans = products.map((product) => ({
    product,
    isSummed: isSummedByAttention(graph, product.node),
  }));
  graph.remove(products.map(({ node }) => node));
  for (const { product, isSummed } of plans) {
    if (isSummed) rewriter.addFineProduct(product);
    else rewriter.addProduct(product);
  }
  requireOpset(model, RUNTIME_DOMAIN, 1);
}

/** Products smaller than this on a side gain nothing and stand where every digit counts (classifiers). */
const SMALLEST_SIDE = 64;

/** ONNX Runtime's own operator set, which has the product of 8-bit matrices with a float result. */
const RUNTIME_DOMAIN = 'com.microsoft';

/** Rows that are zero all over must not be divided by zero. */
const SMALLEST_ROW_MAXIMUM = 1e-12;

/** How a kind of activation is put into 0 to 255: where zero lies, and a bound below that is known. */
interface Range {
  readonly name: string;
  readonly zeroPoint: number;
  readonly lowest?: number;
}

const SYMMETRIC: Range = { name: 'symmetric', zeroPoint: 128 };

/** The minimum of GELU is -0.16997; 239 steps are left for what is above zero. */
const AFTER_GELU: Range = { name: 'gelu', zeroPoint: 16, lowest: 0.17 };

interface Product {
  readonly node: Node;
  readonly input: string;
  readonly output: string;
  readonly weight: QuantizedWeight;
  readonly weightName: string;
}

function readProduct(graph: Graph, node: Node): Product | undefined {
  if (node.opType !== 'MatMul' || node.domain !== '') return undefined;
  const [input = '', weightName = ''] = node.input;
  // One token picked out of each text (a pooler): too few rows to gain anything.
  if (graph.producerOf(input)?.opType === 'Gather') return undefined;
  const weight = readWeight(graph, weightName);
  if (!weight || Math.min(weight.inputCount, weight.outputCount) < SMALLEST_SIDE) return undefined;
  return { node, input, output: node.output[0]!, weight, weightName };
}

/** Names of an activation in 8 bits, of the scale of each of its rows, and of the scaled floats themselves. */
interface QuantizedInput {
  readonly range: Range;
  readonly values: string;
  readonly rowScale: string;
  readonly scaled: string;
}

/** Adds the new nodes; inputs that several products share (query, key, value) are quantised once. */
class Rewriter {
  private readonly inputs = new Map<string, QuantizedInput>();
  private readonly constants = new Map<string, string>();

  constructor(
    private readonly graph: Graph,
    private readonly opset: number,
  ) {}

  /** The product in 8 bits, summed in 32, times the scales of its columns and then of its rows. */
  addProduct(product: Product): void {
    const input = this.quantized(product.input);
    const unscaled = this.multiply(product, input.values, input.range, 1, 'int8');
    this.graph.add({ op: 'Mul', inputs: [unscaled, input.rowScale], outputs: [product.output] });
  }

  /** The same with what rounding lost multiplied as well, in steps 254 times finer. */
  addFineProduct(product: Product): void {
    const input = this.quantized(product.input);
    const { input: name } = product;
    const lost = this.add(
      'Sub',
      `${name}/lost`,
      input.scaled,
      this.add('Round', `${name}/whole`, input.scaled),
    );
    const step = 1 / (2 * INT8_LIMIT);
    const fineValues = this.add(
      'QuantizeLinear',
      `${name}/fine`,
      lost,
      this.float('step', step),
      this.zero(SYMMETRIC),
    );
    const coarse = this.multiply(product, input.values, input.range, 1, 'coarse');
    const fine = this.multiply(product, fineValues, SYMMETRIC, step, 'fine');
    const sum = this.add('Add', `${product.output}/sum`, coarse, fine);
    this.graph.add({ op: 'Mul', inputs: [sum, input.rowScale], outputs: [product.output] });
  }

  private multiply(
    { weight, weightName, output }: Product,
    values: string,
    range: Range,
    step: number,
    part: string,
  ): string {
    const { inputCount, outputCount } = weight;
    const matrix = this.constant(`${weightName}/values`, (name) =>
      makeTensor(name, weight.values, [inputCount, outputCount]),
    );
    const scales = this.constant(`${weightName}/scales`, (name) =>
      makeTensor(name, weight.scales, [outputCount]),
    );
    return this.graph.add({
      op: 'MatMulIntegerToFloat',
      domain: RUNTIME_DOMAIN,
      inputs: [
        values,
        matrix,
        this.float(step === 1 ? 'one' : 'step', step),
        scales,
        this.zero(range),
      ],
      outputs: [this.graph.freshName(`${output}/${part}`)],
    });
  }

  private quantized(input: string): QuantizedInput {
    let quantized = this.inputs.get(input);
    if (!quantized) {
      const isGelu = comesFromGelu(this.graph, input);
      quantized = this.quantize(input, isGelu ? AFTER_GELU : SYMMETRIC);
      this.inputs.set(input, quantized);
    }
    return quantized;
  }

  /**
   *   factor = steps / max(|x|)             one a row, [.., 1]
   *   values = round(x * factor) + zero     0 to 255
   *   x      = (values - zero) / factor
   */
  private quantize(input: string, range: Range): QuantizedInput {
    const factor =
      range.lowest === undefined
        ? this.factorOf(input)
        : this.factorAbove(input, range, range.lowest);
    const scaled = this.add('Mul', `${input}/scaled`, input, factor);
    const values = this.add(
      'QuantizeLinear',
      `${input}/values`,
      scaled,
      this.float('one', 1),
      this.zero(range),
    );
    const rowScale = this.add('Reciprocal', `${input}/scale`, factor);
    return { range, values, rowScale, scaled };
  }

  private factorOf(input: string): string {
    const largest = this.addRowMaximum(input, this.add('Abs', `${input}/magnitude`, input));
    return this.divideSteps(input, INT8_LIMIT, largest);
  }

  /** Where the values have a known bound below, it limits the factor in place of a search for the minimum. */
  private factorAbove(input: string, { name, zeroPoint }: Range, lowest: number): string {
    const factor = this.divideSteps(input, 255 - zeroPoint, this.addRowMaximum(input, input));
    return this.add(
      'Min',
      `${input}/factor`,
      factor,
      this.float(`${name}/most`, zeroPoint / lowest),
    );
  }

  private divideSteps(input: string, stepCount: number, largest: string): string {
    const maximum = this.add(
      'Max',
      `${input}/maximum`,
      largest,
      this.float('smallest', SMALLEST_ROW_MAXIMUM),
    );
    return this.add('Div', `${input}/factor`, this.float(`steps${stepCount}`, stepCount), maximum);
  }

  /** The largest value of each row. From operator set 18 on the axes are an input. */
  private addRowMaximum(input: string, from: string): string {
    const outputs = [this.graph.freshName(`${input}/largest`)];
    const op = 'ReduceMax';
    if (this.opset < 18) {
      return this.graph.add({
        op,
        inputs: [from],
        outputs,
        attributes: { axes: [-1], keepdims: 1 },
      });
    }
    const inputs = [from, this.lastAxis()];
    return this.graph.add({ op, inputs, outputs, attributes: { keepdims: 1 } });
  }

  private add(op: string, wish: string, ...inputs: string[]): string {
    return this.graph.add({ op, inputs, outputs: [this.graph.freshName(wish)] });
  }

  private zero({ name: range, zeroPoint }: Range): string {
    return this.constant(`${range}/zero`, (name) => makeTensor(name, Uint8Array.of(zeroPoint)));
  }

  private lastAxis(): string {
    return this.constant('lastAxis', (name) => makeTensor(name, BigInt64Array.of(-1n), [1]));
  }

  private float(wish: string, value: number): string {
    return this.constant(wish, (name) => makeTensor(name, Float32Array.of(value)));
  }

  /** A constant of the new nodes, added when first asked for. */
  private constant(wish: string, make: (name: string) => Tensor): string {
    let name = this.constants.get(wish);
    if (name === undefined) {
      name = this.graph.setInitializer(make(this.graph.freshName(`int8/${wish}`)));
      this.constants.set(wish, name);
    }
    return name;
  }
}

/** How many nodes lie at most between a product and what it is used for (bias, reshape, transpose). */
const REACH = 6;

/** True for the values of attention: what follows is a product of softmax with them, all tokens summed. */
function isSummedByAttention(graph: Graph, node: Node): boolean {
  let names = node.output;
  for (let step = 0; step < REACH && names.length > 0; step++) {
    const readers = names.flatMap((name) =>
      graph.consumersOf(name).map((reader) => ({ name, reader })),
    );
    const isSummed = readers.some(
      ({ name, reader }) =>
        reader.opType === 'MatMul' &&
        reader.input[1] === name &&
        comesFrom(graph, reader.input[0]!, 'Softmax', 3),
    );
    if (isSummed) return true;
    names = readers
      .filter(({ reader }) => PASSING.has(reader.opType))
      .flatMap(({ reader }) => reader.output);
  }
  return false;
}

/** Operators that pass values on, moved or shifted. */
const PASSING: ReadonlySet<string> = new Set([
  'Add',
  'Reshape',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Identity',
]);

function comesFromGelu(graph: Graph, name: string): boolean {
  const op = graph.producerOf(name)?.opType;
  return op === 'Gelu' || op === 'FastGelu';
}

/** True when a node of this operator is at most `depth` nodes behind the name. */
function comesFrom(graph: Graph, name: string, op: string, depth: number): boolean {
  const maker = graph.producerOf(name);
  if (!maker || depth === 0) return false;
  return maker.opType === op || maker.input.some((input) => comesFrom(graph, input, op, depth - 1));
}
