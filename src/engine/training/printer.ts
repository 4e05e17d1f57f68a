/**
 * A graph as text that a person can read and a test can compare, a line a node in the order of running:
 *
 *   gradient/MatMul.3 [batch, 8] = MatMul(gradient/Mul.2, dense.weight) transB=1
 */
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
} from '../onnx/generated/onnx_pb';
import type { Graph } from '../onnx/graph';
import { DataType, type Node, type Tensor, dimsOf, dimsOfValue } from '../onnx/model';
import { numbersOf } from '../onnx/constants';
import { operatorOf } from './rules/table';
import type { TensorTypes } from './shapes';

/** The graph's inputs, constants, nodes and outputs; with types, the shape of what each node makes. */
export function printGraph(graph: Graph, types?: TensorTypes): string {
  const made = (name: string): string => {
    const dims = types?.get(name)?.dims;
    return dims ? `${name} [${dims.join(', ')}]` : name;
  };
  const lines = [
    ...graph.inputs.map((input) => `input ${input.name} [${dimsOfValue(input).join(', ')}]`),
    ...graph.initializers.map(printTensor),
    ...graph.nodes.map((node) => printNode(node, made)),
    ...graph.outputs.map(({ name }) => `output ${name}`),
  ];
  return `${lines.join('\n')}\n`;
}

function printNode(node: Node, made: (name: string) => string): string {
  const outputs = node.output.map((name) => (name === '' ? '_' : made(name))).join(', ');
  const inputs = node.input.map((name) => (name === '' ? '_' : name)).join(', ');
  const attributes = node.attribute.map((attribute) => ` ${printAttribute(attribute)}`).join('');
  return `${outputs} = ${operatorOf(node)}(${inputs})${attributes}`;
}

function printAttribute(attribute: AttributeProto): string {
  return `${attribute.name}=${attributeValue(attribute)}`;
}

function attributeValue(value: AttributeProto): string {
  switch (value.type) {
    case AttributeType.FLOAT:
      return shortest(value.f);
    case AttributeType.INT:
      return String(value.i);
    case AttributeType.STRING:
      return new TextDecoder().decode(value.s);
    case AttributeType.INTS:
      return `[${value.ints.join(', ')}]`;
    default:
      return `(${AttributeType[value.type].toLowerCase()})`;
  }
}

/** Constants of few numbers are written out. */
const MOST_NUMBERS = 8;

function printTensor(tensor: Tensor): string {
  const dims = dimsOf(tensor);
  const size = dims.reduce((product, dim) => product * dim, 1);
  const numbers = size <= MOST_NUMBERS ? numbersOf(tensor) : undefined;
  const shown = numbers ? ` = ${Array.from(numbers, shortest).join(', ')}` : '';
  const type = DataType[tensor.dataType].toLowerCase();
  return `constant ${tensor.name} ${type} [${dims.join(', ')}]${shown}`;
}

/** Seven digits are all that 32 bits hold. */
function shortest(value: number): string {
  return String(Number(value.toPrecision(7)));
}
