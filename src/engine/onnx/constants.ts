/** Constants of a graph, be they initialisers or made by Constant nodes. */
import type { Graph } from './graph';
import { DataType, type Tensor, doublesOf, floatsOf, integersOf } from './model';

/** The value of a constant of one number, be it float or whole. */
export function constantNumber(graph: Graph, name: string): number | undefined {
  const tensor = constantTensor(graph, name);
  return tensor?.dims.every((dim) => dim === 1n) ? numbersOf(tensor)?.[0] : undefined;
}

/** The numbers of a tensor; undefined for types that no formula is made of. */
export function numbersOf(tensor: Tensor): ArrayLike<number> | undefined {
  switch (tensor.dataType) {
    case DataType.INT64:
    case DataType.INT32:
      return integersOf(tensor);
    case DataType.DOUBLE:
      return doublesOf(tensor);
    case DataType.FLOAT:
    case DataType.FLOAT16:
      return floatsOf(tensor);
    default:
      return undefined;
  }
}

/** The whole numbers of a constant: a shape, axes, starts. */
export function constantIntegers(graph: Graph, name: string): readonly number[] | undefined {
  const tensor = constantTensor(graph, name);
  return tensor && integersOf(tensor);
}

/** The tensor of a constant; undefined for what is worked out or fed. */
export function constantTensor(graph: Graph, name: string): Tensor | undefined {
  const maker = graph.producerOf(name);
  if (maker?.opType !== 'Constant') return graph.initializer(name);
  return maker.attribute.find((attribute) => attribute.name === 'value')?.t;
}
