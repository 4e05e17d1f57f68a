/**
 * What a gradient rule is: given one node and the gradient of what it makes, the gradient of each of its inputs. A
 * rule answers with a function an input, so that what nobody asks for is never written into the graph.
 */
import { BugError } from '../../../base/errors';
import type { Graph } from '../../onnx/graph';
import {
  type DataType,
  type Node,
  dimsOf,
  floatAttribute,
  intAttribute,
  intsAttribute,
  textAttribute,
} from '../../onnx/model';
import { constantIntegers } from '../../onnx/constants';
import type { GraphWriter } from '../graphWriter';
import type { Dim, TensorTypes } from '../shapes';

/** Writes the gradient of one input; undefined for inputs that have none (shapes, axes, indexes). */
type InputGradient = (() => string) | undefined;

/** The derivative of an operator. Answers shorter than the node's inputs leave the rest without gradient. */
export type GradientRule = (step: GradientStep) => readonly InputGradient[];

/** The rules of one family of operators: none may be missing. */
export type Rules<Op extends string> = { readonly [Name in Op]: GradientRule };

/** One node on the way back. */
export class GradientStep {
  constructor(
    readonly node: Node,
    readonly write: GraphWriter,
    private readonly types: TensorTypes,
    private readonly gradients: ReadonlyMap<string, string>,
  ) {}

  get graph(): Graph {
    return this.write.graph;
  }

  /** The name of an input, '' where an optional one is left out. */
  input(index: number): string {
    return this.node.input[index] ?? '';
  }

  get output(): string {
    return this.node.output[0]!;
  }

  /** The gradient of the node's first output. */
  get gradient(): string {
    const gradient = this.gradientOf(0);
    if (gradient === undefined) throw new BugError(`${this.name} has no gradient to pass on`);
    return gradient;
  }

  /** The gradient of any output, undefined where the loss does not depend on it. */
  gradientOf(outputIndex: number): string | undefined {
    return this.gradients.get(this.node.output[outputIndex] ?? '');
  }

  /** What is known of a name's shape; undefined when nothing is. */
  dims(name: string): readonly Dim[] | undefined {
    const constant = this.graph.initializer(name);
    return this.types.get(name)?.dims ?? (constant && dimsOf(constant));
  }

  type(name: string): DataType | undefined {
    return this.types.get(name)?.type ?? this.graph.initializer(name)?.dataType;
  }

  /** The number of axes, which some rules cannot do without. */
  rank(name: string): number {
    const dims = this.dims(name);
    if (dims) return dims.length;
    throw new BugError(`${this.name}: the shape of ${name} must be known to differentiate it`);
  }

  int(attribute: string, fallback: number): number {
    return intAttribute(this.node, attribute, fallback);
  }

  float(attribute: string, fallback: number): number {
    return floatAttribute(this.node, attribute, fallback);
  }

  text(attribute: string, fallback: string): string {
    return textAttribute(this.node, attribute, fallback);
  }

  /** Whole numbers given as an attribute (older operator sets) or as a constant input (newer ones). */
  integers(attribute: string, inputIndex: number): readonly number[] | undefined {
    const listed = intsAttribute(this.node, attribute);
    return listed ?? constantIntegers(this.graph, this.input(inputIndex));
  }

  /** Operator and node, for messages. */
  get name(): string {
    return `${this.node.opType} ${this.node.name}`;
  }
}

/** Writes a piece of graph when it is first asked for, and never twice. */
export function once(write: () => string): () => string {
  let name: string | undefined;
  return () => (name ??= write());
}
