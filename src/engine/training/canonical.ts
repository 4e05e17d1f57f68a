/**
 * One spelling for what exporters spell differently: layer normalisation and GELU written out in half a dozen nodes
 * become one node each, which keeps less for the backward pass and makes that shorter. What is not recognised stays
 * and is differentiated as it stands.
 */
import { create } from '@bufbuild/protobuf';
import { NearmissError } from '../../base/errors';
import { OperatorSetIdProtoSchema } from '../onnx/generated/onnx_pb';
import type { Graph } from '../onnx/graph';
import { type Model, type Node, float, intsAttribute, opsetOf, requireOpset } from '../onnx/model';
import { constantIntegers, constantNumber, constantTensor } from '../onnx/constants';
import { geluArgument } from '../onnx/gelu';

/** Older operator sets give Softmax and the axes of Squeeze another meaning. */
const OLDEST_OPSET = 13;
/** The first operator set with LayerNormalization; every node used here means the same in 13 and in 17. */
const LEAST_OPSET = 17;

/** Rewrites the graph in place, and raises its operator set to 17 at least. */
export function canonicalize(model: Model, graph: Graph): void {
  raiseOpset(model);
  for (const node of graph.nodes) if (node.opType === 'Constant') foldConstant(graph, node);
  for (const node of graph.nodes) {
    if (node.opType === 'Add') foldLayerNormalization(graph, node);
    else if (node.opType === 'Mul') foldGelu(model, graph, node);
  }
  graph.removeUnused();
  graph.sort();
}

function raiseOpset(model: Model): void {
  const opset = opsetOf(model);
  if (opset >= LEAST_OPSET) return;
  if (opset < OLDEST_OPSET) {
    throw new NearmissError(
      'model',
      `The model asks for operator set ${opset}; training needs ${OLDEST_OPSET} or later`,
      'Export the model again with a newer operator set',
    );
  }
  const others = model.opsetImport.filter(({ domain }) => domain !== '' && domain !== 'ai.onnx');
  const version = BigInt(LEAST_OPSET);
  model.opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version }), ...others];
}

/** A Constant node becomes an initialiser of the same name. */
function foldConstant(graph: Graph, node: Node): void {
  const name = node.output[0]!;
  const tensor = constantTensor(graph, name);
  if (!tensor) return;
  graph.remove([node]);
  graph.setInitializer({ ...tensor, name });
}

/**
 *   y = d / sqrt(mean(d²) + epsilon) scale + bias, where d = x - mean(x) and means are over the last axis
 */
function foldLayerNormalization(graph: Graph, sum: Node): void {
  const [product, bias] = withVector(graph, sum) ?? [];
  const [quotient, scale] = withVector(graph, maker(graph, product, 'Mul')) ?? [];
  const divided = maker(graph, quotient, 'Div');
  const shifted = maker(graph, maker(graph, divided?.input[1], 'Sqrt')?.input[0], 'Add');
  const [variance, epsilon] = withNumber(graph, shifted) ?? [];
  const x = centred(graph, divided?.input[0]);
  const isOfX = x !== undefined && x === centred(graph, squared(graph, meanOf(graph, variance)));
  if (!isOfX || epsilon === undefined || scale === undefined || bias === undefined) return;
  const output = sum.output[0]!;
  graph.remove([sum]);
  graph.add({
    op: 'LayerNormalization',
    name: sum.name,
    inputs: [x, scale, bias],
    outputs: [output],
    attributes: { axis: -1, epsilon: float(epsilon) },
  });
}

function maker(graph: Graph, name: string | undefined, op: string): Node | undefined {
  const node = name === undefined ? undefined : graph.producerOf(name);
  return node?.opType === op ? node : undefined;
}

/** The operands of a sum or product of which one is a constant vector: the other one first. */
function withVector(graph: Graph, node: Node | undefined): [string, string] | undefined {
  return parted(node, (name) => graph.initializer(name)?.dims.length === 1);
}

/** The same for a constant number. */
function withNumber(graph: Graph, node: Node | undefined): [string, number] | undefined {
  const [rest, name] = parted(node, (input) => constantNumber(graph, input) !== undefined) ?? [];
  return rest === undefined || name === undefined
    ? undefined
    : [rest, constantNumber(graph, name)!];
}

function parted(
  node: Node | undefined,
  isConstant: (name: string) => boolean,
): [string, string] | undefined {
  const [a = '', b = ''] = node?.input ?? [];
  if (isConstant(b)) return [a, b];
  return isConstant(a) ? [b, a] : undefined;
}

/** What a mean over the last axis is of. */
function meanOf(graph: Graph, name: string | undefined): string | undefined {
  const node = maker(graph, name, 'ReduceMean');
  const axes =
    node && (intsAttribute(node, 'axes') ?? constantIntegers(graph, node.input[1] ?? ''));
  return axes?.join() === '-1' ? node?.input[0] : undefined;
}

/** What a square is of, be it written as a power or as a product. */
function squared(graph: Graph, name: string | undefined): string | undefined {
  const [base, power] = withNumber(graph, maker(graph, name, 'Pow')) ?? [];
  if (power === 2) return base;
  const [a, b] = maker(graph, name, 'Mul')?.input ?? [];
  return a === b ? a : undefined;
}

/** The x of x - mean(x). */
function centred(graph: Graph, name: string | undefined): string | undefined {
  const [x, mean] = maker(graph, name, 'Sub')?.input ?? [];
  return meanOf(graph, mean) === x ? x : undefined;
}

function foldGelu(model: Model, graph: Graph, product: Node): void {
  const output = product.output[0]!;
  const x = geluArgument(graph, output);
  if (x === undefined) return;
  requireOpset(model, 'com.microsoft', 1);
  graph.remove([product]);
  const domain = 'com.microsoft';
  graph.add({ op: 'Gelu', domain, name: product.name, inputs: [x], outputs: [output] });
}
