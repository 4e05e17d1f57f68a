/**
 * Types and shapes of all values of a graph, asked of ONNX Runtime rather than worked out here: every value becomes
 * an output, and the graph runs twice on a few numbers, with two sizes for each dimension that it leaves open. What
 * differs depends on the input, and how it differs says on which dimension.
 */
import { create } from '@bufbuild/protobuf';
import { NearmissError } from '../../base/errors';
import { type GraphSession, type Values, createGraphSession } from '../encoders/graphSession';
import { encodeModel } from '../onnx/codec';
import { ValueInfoProtoSchema } from '../onnx/generated/onnx_pb';
import { type Graph, graphOf } from '../onnx/graph';
import { DataType, type Model, type Value, dimsOf, dimsOfValue, typeOfValue } from '../onnx/model';

/** A dimension: a number, or what it depends on ("batch", "batch*sequence"). Equal texts are equal at run time. */
export type Dim = number | string;

export interface TensorType {
  readonly type: DataType;
  readonly dims: readonly Dim[];
}

/** By name: inputs, weights and everything that nodes make. */
export type TensorTypes = ReadonlyMap<string, TensorType>;

/** The sizes of an open dimension in the first and in the second run. */
type Sizes = readonly [number, number];

/** For one open dimension after the other: no two of them have a sum or a product that looks like another. */
const SIZES: readonly Sizes[] = [
  [3, 4],
  [5, 7],
  [11, 9],
  [13, 17],
  [19, 23],
  [29, 25],
];

/** Sizes to try, by the name of the dimension. */
export type SampleSizes = Readonly<Record<string, Sizes>>;

/** Types and shapes of everything in the model, which is left as it is. */
export async function inferTypes(model: Model, sizes: SampleSizes = {}): Promise<TensorTypes> {
  const graph = graphOf(model);
  const open = openDimensions(graph.inputs, sizes);
  const session = await sessionWithAllOutputs(model, graph);
  try {
    const first = await session.run(sampleInputs(graph.inputs, open, 0));
    const second = await session.run(sampleInputs(graph.inputs, open, 1));
    const names = dimensionNames(open);
    const types = new Map<string, TensorType>();
    for (const tensor of graph.initializers)
      types.set(tensor.name, { type: tensor.dataType, dims: dimsOf(tensor) });
    for (const { name, ...value } of graph.inputs.map(inputType)) types.set(name, value);
    for (const [name, { type, shape }] of Object.entries(first)) {
      const other = second[name]!.shape;
      const dims = shape.map((size, axis) => dimOf([size, other[axis]!], names));
      types.set(name, { type: DATA_TYPES[type ?? ''] ?? DataType.UNDEFINED, dims });
    }
    return types;
  } finally {
    session.dispose();
  }
}

function inputType(value: Value): TensorType & { readonly name: string } {
  return { name: value.name, type: typeOfValue(value), dims: dimsOfValue(value) };
}

/** The open dimensions of all inputs by name, each with its sizes. */
function openDimensions(inputs: readonly Value[], given: SampleSizes): ReadonlyMap<string, Sizes> {
  const open = new Set(inputs.flatMap(dimsOfValue).filter((dim) => typeof dim === 'string'));
  const rest = [...open].filter((name) => !given[name]);
  if (rest.length > SIZES.length)
    throw new NearmissError(
      'model',
      `The model leaves ${rest.length} dimensions open, too many to try`,
    );
  return new Map([...open].map((name) => [name, given[name] ?? SIZES[rest.indexOf(name)]!]));
}

/** The names of what open dimensions make: themselves, and the product and the sum of two. */
function dimensionNames(open: ReadonlyMap<string, Sizes>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const all = [...open];
  for (const [index, [a, [a0, a1]]] of all.entries()) {
    for (const [b, [b0, b1]] of all.slice(index)) {
      names.set(keyOf([a0 * b0, a1 * b1]), `${a}*${b}`);
      names.set(keyOf([a0 + b0, a1 + b1]), `${a}+${b}`);
    }
  }
  for (const [name, sizes] of open) names.set(keyOf(sizes), name);
  return names;
}

function dimOf(sizes: Sizes, names: ReadonlyMap<string, string>): Dim {
  return sizes[0] === sizes[1] ? sizes[0] : (names.get(keyOf(sizes)) ?? `?${keyOf(sizes)}`);
}

function keyOf([first, second]: Sizes): string {
  return `${first}/${second}`;
}

/** A session that gives out whatever any node makes. */
async function sessionWithAllOutputs(model: Model, graph: Graph): Promise<GraphSession> {
  const { output } = graph.proto;
  const made = graph.nodes.flatMap((node) => node.output).filter((name) => name !== '');
  graph.proto.output = [...new Set(made)].map((name) => create(ValueInfoProtoSchema, { name }));
  try {
    return await createGraphSession(encodeModel(model), { optimization: 'disabled' });
  } finally {
    graph.proto.output = output;
  }
}

/** Ones for floats and for masks, zeros for ids. */
function sampleInputs(
  inputs: readonly Value[],
  open: ReadonlyMap<string, Sizes>,
  run: 0 | 1,
): Record<string, Values> {
  return Object.fromEntries(
    inputs.map((input) => {
      const shape = dimsOfValue(input).map((dim) =>
        typeof dim === 'number' ? dim : open.get(dim)![run],
      );
      const size = shape.reduce((product, dim) => product * dim, 1);
      return [input.name, { ...sampleOf(typeOfValue(input), size), shape }];
    }),
  );
}

/** The types that inputs of an encoder or a loss have: how ONNX Runtime calls them, and a sample. */
function sampleOf(type: DataType, size: number): Pick<Values, 'data' | 'type'> {
  switch (type) {
    case DataType.FLOAT:
      return { data: new Float32Array(size).fill(1) };
    case DataType.DOUBLE:
      return { data: new Float64Array(size).fill(1) };
    case DataType.INT64:
      return { data: new BigInt64Array(size) };
    case DataType.INT32:
      return { data: new Int32Array(size) };
    case DataType.BOOL:
      return { data: new Uint8Array(size).fill(1), type: 'bool' };
    default:
      throw new NearmissError(
        'model',
        `The model has an input of type ${type}, which is not known here`,
      );
  }
}

/** ONNX Runtime's names of element types, as ONNX numbers them. */
const DATA_TYPES: Readonly<Record<string, DataType>> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  float16: DataType.FLOAT16,
  int64: DataType.INT64,
  int32: DataType.INT32,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};
