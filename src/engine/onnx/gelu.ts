/**
 * Recognises GELU, x (1 + erf(x / sqrt 2)) / 2, however it is written out: what makes a name is worked out for a few
 * x, and compared. No list of spellings can be complete.
 */
import type { Graph } from './graph';
import type { Node } from './model';
import { constantNumber } from './constants';

/** The x of which the name is the exact GELU; undefined where it is something else. */
export function geluArgument(graph: Graph, name: string): string | undefined {
  const arguments_ = new Set(argumentsOf(graph, name, DEPTH));
  const [x] = arguments_;
  if (x === undefined || arguments_.size > 1 || x === name) return undefined;
  const isGelu = SAMPLES.every(([at, expected]) => {
    const actual = valueOf(graph, name, { name: x, value: at }, DEPTH);
    return actual !== undefined && Math.abs(actual - expected) < 1e-5;
  });
  return isGelu ? x : undefined;
}

/** Nodes of the longest spelling, one behind the other. */
const DEPTH = 6;

/** Some x and their GELU. */
const SAMPLES: readonly (readonly [x: number, gelu: number])[] = [
  [-1.5, -0.1002108],
  [-0.3, -0.11462657],
  [0.7, 0.53062544],
  [2, 1.95449974],
];

type Operator = (a: number, b: number) => number;

const OPERATORS: Readonly<Record<string, Operator>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Erf: erf,
};

/** What goes into the name beside numbers, through operators of GELU alone. */
function argumentsOf(graph: Graph, name: string, depth: number): string[] {
  if (constantNumber(graph, name) !== undefined) return [];
  const node = graph.producerOf(name);
  if (!node || depth === 0 || !isScalarFormula(graph, node)) return [name];
  return node.input.flatMap((input) => argumentsOf(graph, input, depth - 1));
}

/** A sum with a whole vector, such as a bias, is no part of GELU. */
function isScalarFormula(graph: Graph, node: Node): boolean {
  const isVector = (name: string): boolean =>
    graph.initializer(name) !== undefined && constantNumber(graph, name) === undefined;
  return Object.hasOwn(OPERATORS, node.opType) && !node.input.some(isVector);
}

/** The name's value where x has the value given. */
function valueOf(
  graph: Graph,
  name: string,
  x: { readonly name: string; readonly value: number },
  depth: number,
): number | undefined {
  if (name === x.name) return x.value;
  const constant = constantNumber(graph, name);
  const node = graph.producerOf(name);
  if (constant !== undefined || !node || depth === 0) return constant;
  const [a, b] = node.input.map((input) => valueOf(graph, input, x, depth - 1));
  return a === undefined ? undefined : OPERATORS[node.opType]?.(a, b ?? 0);
}

/** The error function by its series, to ten digits for |x| below 3. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
