/**
 * The weights of a forward graph: which initialisers a model learned, what each is for, and in which layer. Names are
 * the file's own; where an exporter made names up ("onnx::MatMul_731"), the nodes around say which layer it is.
 */
import type { Graph } from '../onnx/graph';
import { DataType, type Node, type Tensor, dimsOf } from '../onnx/model';

/**
 * A table is looked up (words, positions, relative positions), a matrix multiplied with, an adapter one of the two
 * matrices put beside one; vectors are added (biases) or scale a norm.
 */
export type WeightKind = 'table' | 'matrix' | 'vector' | 'adapter';

export interface Weight {
  readonly name: string;
  readonly dims: readonly number[];
  readonly kind: WeightKind;
  /** The layer, from 0; undefined before the first and behind the last. */
  readonly layer?: number;
}

/** The learned weights in the order in which the graph uses them. */
export function listWeights(graph: Graph): Weight[] {
  const weights = new Map<string, Weight>();
  for (const node of graph.nodes) {
    node.input.forEach((name, index) => {
      const tensor = graph.initializer(name);
      const kind = tensor && kindOf(graph, node, index, tensor);
      if (!kind || weights.has(name)) return;
      const layer = layerOf(graph, node, name);
      weights.set(name, {
        name,
        dims: dimsOf(tensor),
        kind,
        ...(layer !== undefined && { layer }),
      });
    });
  }
  return [...weights.values()];
}

export interface Selection {
  /** Only the last so many layers and what follows them; all without it. */
  readonly lastLayers?: number;
  /** Whether tables are trained too; they are most of a small model's weights. */
  readonly tables?: boolean;
}

/** The weights to train. */
export function selectWeights(weights: readonly Weight[], selection: Selection): Weight[] {
  const layers = weights.flatMap(({ layer }) => layer ?? []);
  const layerCount = Math.max(-1, ...layers) + 1;
  const { lastLayers = Infinity, tables = false } = selection;
  const firstTrained = layerCount - lastLayers;
  const start = weights.findIndex(({ layer }) => layer !== undefined && layer >= firstTrained);
  const from = firstTrained <= 0 ? 0 : start;
  return weights.filter(({ kind, layer }, index) => {
    const isLate = layer === undefined ? index >= from : layer >= firstTrained;
    return isLate && (tables || kind !== 'table');
  });
}

/** What a weight is for, by what reads it; undefined for constants that nobody learned. */
function kindOf(graph: Graph, node: Node, index: number, tensor: Tensor): WeightKind | undefined {
  const rank = tensor.dims.length;
  if (tensor.dataType !== DataType.FLOAT) return undefined;
  const { opType } = node;
  if ((opType === 'Gather' || opType === 'Slice') && index === 0) {
    // A column beside a table of 8 bits holds its scales.
    return rank === 2 && tensor.dims[1] !== 1n ? 'table' : undefined;
  }
  if ((opType === 'MatMul' || opType === 'Gemm') && rank === 2) return 'matrix';
  if (opType === 'LayerNormalization' || opType === 'Gemm') return 'vector';
  if (opType !== 'Add' && opType !== 'Mul') return undefined;
  const isOneOfMany = rank === 1 && tensor.dims[0] !== 1n;
  return isOneOfMany || isBias(graph, node, rank) ? 'vector' : undefined;
}

/** The bias of a product with one output has a single number, as constants of formulas have. */
function isBias(graph: Graph, { opType, input }: Node, rank: number): boolean {
  const isProduct = (name: string): boolean => graph.producerOf(name)?.opType === 'MatMul';
  return opType === 'Add' && rank === 1 && input.some(isProduct);
}

const LAYER = /(?:^|[./_])(?:layers?|block|h)[./_]?(\d+)(?=[./_]|$)/;

/** By the weight's own name, its node's, what that makes, or the bias that is added to it. */
function layerOf(graph: Graph, node: Node, weight: string): number | undefined {
  const made = node.output[0] ?? '';
  const sums = graph.consumersOf(made).filter(({ opType }) => opType === 'Add');
  const biases = sums.flatMap(({ input }) => input.filter((name) => graph.initializer(name)));
  for (const name of [weight, node.name, made, ...biases]) {
    const match = LAYER.exec(name);
    if (match) return Number(match[1]);
  }
  return undefined;
}
