/**
 * Differentiation of a graph, backwards: from the output to what is asked for, node by node, each adding to the
 * gradients of its inputs by the rule of its operator. What comes out is the same graph with more ordinary nodes, so
 * the runtime that ran the forward part runs the backward part too.
 */
import { NearmissError } from '../../base/errors';
import type { Graph } from '../onnx/graph';
import type { Node } from '../onnx/model';
import { GraphWriter, type WriterOptions } from './graphWriter';
import { type GradientRule, GradientStep } from './rules/rule';
import { isFlat, operatorOf, ruleFor } from './rules/table';
import type { TensorTypes } from './shapes';

export interface DifferentiateOptions extends WriterOptions {
  /** The gradient of the output; ones where it is left out. */
  readonly seed?: string;
  /** Stands before every new name. */
  readonly prefix?: string;
  /** Types and shapes of the graph's values. Without them products cannot be differentiated, and sums that undo broadcasting are found at run time, on the CPU only. */
  readonly types?: TensorTypes;
  /** Values that count as constant: nothing flows back through them. */
  readonly frozen?: ReadonlySet<string>;
}

/**
 * Adds the gradients of `output` with respect to the values named: inputs, weights or anything in between. Returns
 * the gradient's name for each that the output depends on. Throws a NearmissError('model') for an operator without
 * a rule between the two; what lies elsewhere may be anything.
 */
export function differentiate(
  graph: Graph,
  output: string,
  withRespectTo: readonly string[],
  options: DifferentiateOptions = {},
): Map<string, string> {
  graph.sort();
  const { prefix = 'gradient/', types = new Map(), frozen = new Set() } = options;
  const write = new GraphWriter(graph, prefix, options);
  const { nodes, names } = dependents(graph, withRespectTo, frozen);
  const gradients = new Map<string, string>();
  if (names.has(output)) gradients.set(output, options.seed ?? ones(write, output, types));
  for (const node of graph.nodes.toReversed()) {
    if (!nodes.has(node) || !node.output.some((name) => gradients.has(name))) continue;
    const inputGradients = ruleOf(node)(new GradientStep(node, write, types, gradients));
    node.input.forEach((input, index) => {
      const gradient = names.has(input) ? inputGradients[index]?.() : undefined;
      if (gradient === undefined) return;
      const others = gradients.get(input);
      gradients.set(input, others === undefined ? gradient : write.add(others, gradient));
    });
  }
  return new Map([...gradients].filter(([name]) => withRespectTo.includes(name)));
}

function ones(write: GraphWriter, output: string, types: TensorTypes): string {
  return types.get(output)?.dims.length === 0 ? write.constant(1) : write.onesLike(output);
}

interface Dependents {
  readonly nodes: ReadonlySet<Node>;
  readonly names: ReadonlySet<string>;
}

/** What changes smoothly with the values named, those included: only there a gradient can flow. */
function dependents(
  graph: Graph,
  sources: readonly string[],
  frozen: ReadonlySet<string>,
): Dependents {
  const nodes = new Set<Node>();
  const names = new Set<string>();
  const pending = [...sources];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (names.has(name) || frozen.has(name) || name === '') continue;
    names.add(name);
    for (const reader of graph.consumersOf(name)) {
      if (isFlat(reader)) continue;
      nodes.add(reader);
      pending.push(...reader.output);
    }
  }
  return { nodes, names };
}

function ruleOf(node: Node): GradientRule {
  const rule = ruleFor(node);
  if (rule) return rule;
  throw new NearmissError(
    'model',
    `The operator ${operatorOf(node)} of node ${node.name} cannot be differentiated`,
    'Train only layers behind it, or a head on the embeddings',
  );
}
