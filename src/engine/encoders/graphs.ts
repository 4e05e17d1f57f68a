/**
 * The graphs that one checkpoint can run as. "fp32" computes in 32-bit floats. "int8-token" multiplies in 8 bits
 * with one scale a token (int8Token.ts); it is twice as fast where the processor has VNNI instructions. Both are
 * pure functions of the model file's bytes.
 */
import { decodeModel, encodeModel } from '../onnx/codec';
import { type Graph, graphOf } from '../onnx/graph';
import { type Node, makeTensor } from '../onnx/model';
import { quantizeProducts } from './int8Token';
import { dequantize, readDequantizer } from './weights';

/** What a graph computes in, on the CPU. The name is part of an embedding's key. */
export type Arithmetic = 'fp32' | 'int8-token';

export const ARITHMETICS: readonly Arithmetic[] = ['fp32', 'int8-token'];

/**
 * The model's bytes, rebuilt for the arithmetic. Where a model has no product with a constant matrix that
 * int8-token could take over, the result is the fp32 graph. Throws a NearmissError('model') for damaged bytes.
 */
export function buildGraph(bytes: Uint8Array, arithmetic: Arithmetic): Uint8Array {
  const model = decodeModel(bytes);
  const graph = graphOf(model);
  graph.check();
  if (arithmetic === 'int8-token') quantizeProducts(model, graph);
  foldDequantizers(graph);
  graph.removeUnused();
  graph.sort();
  return encodeModel(model);
}

/** Works out each DequantizeLinear of constants now, and not in every run; those whose result is wanted. */
export function foldDequantizers(
  graph: Graph,
  isWanted: (output: string) => boolean = () => true,
): void {
  const folded: Node[] = [];
  for (const node of graph.nodes) {
    const [output = ''] = node.output;
    if (!isWanted(output)) continue;
    if (node.opType !== 'DequantizeLinear' || graph.consumersOf(output).length === 0) continue;
    const parts = readDequantizer(graph, node);
    if (!parts) continue;
    graph.setInitializer(makeTensor(output, dequantize(parts), parts.dims));
    folded.push(node);
  }
  graph.remove(folded);
}
