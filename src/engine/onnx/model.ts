/**
 * The parts of a model: nodes, tensors, attributes, and how they are made and read. They are the generated
 * messages themselves, under our names, so nothing of a file is lost that we do not know.
 */
import { clearField, create } from '@bufbuild/protobuf';
import { BugError } from '../../base/errors';
import { damaged } from './codec';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb';

export { DataType };
export type Model = ModelProto;
export type Node = NodeProto;
export type Tensor = TensorProto;
/** A graph's input or output: name, element type and shape. */
export type Value = ValueInfoProto;

/** What an attribute may be made of: whole numbers are INT, `float(x)` is FLOAT, lists are INTS. */
export type AttributeValue = number | string | readonly number[] | Tensor | Float;

export interface Float {
  readonly float: number;
}

/** Marks a number as FLOAT, which a whole number would not show by itself. */
export function float(value: number): Float {
  return { float: value };
}

/** How a node is made: everything but its place in a graph. */
export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

/** A new node. Its name is that of its first output unless one is given: outputs are unique, so names are. */
export function makeNode(spec: NodeSpec): Node {
  const attributes = Object.entries(spec.attributes ?? {});
  return create(NodeProtoSchema, {
    opType: spec.op,
    domain: spec.domain ?? '',
    name: spec.name ?? spec.outputs[0] ?? '',
    input: [...spec.inputs],
    output: [...spec.outputs],
    attribute: attributes.map(([name, value]) => makeAttribute(name, value)),
  });
}

function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  const { FLOAT, INT, INTS, STRING, TENSOR } = AttributeType;
  const init =
    typeof value === 'number'
      ? { type: INT, i: BigInt(value) }
      : typeof value === 'string'
        ? { type: STRING, s: new TextEncoder().encode(value) }
        : isList(value)
          ? { type: INTS, ints: value.map(BigInt) }
          : 'float' in value
            ? { type: FLOAT, f: value.float }
            : { type: TENSOR, t: value };
  return create(AttributeProtoSchema, { name, ...init });
}

function isList(value: AttributeValue): value is readonly number[] {
  return Array.isArray(value);
}

/** A whole-number attribute, or the operator's default. */
export function intAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attribute.find((candidate) => candidate.name === name);
  return attribute ? Number(attribute.i) : fallback;
}

/** A float attribute, or the operator's default. */
export function floatAttribute(node: Node, name: string, fallback: number): number {
  return node.attribute.find((candidate) => candidate.name === name)?.f ?? fallback;
}

/** A text attribute, or the operator's default. */
export function textAttribute(node: Node, name: string, fallback: string): string {
  const attribute = node.attribute.find((candidate) => candidate.name === name);
  return attribute ? new TextDecoder().decode(attribute.s) : fallback;
}

/** A list-of-integers attribute, undefined where the node has none. */
export function intsAttribute(node: Node, name: string): readonly number[] | undefined {
  return node.attribute.find((candidate) => candidate.name === name)?.ints.map(Number);
}

/** The graphs inside a node: branches of If, bodies of Loop and Scan. */
export function innerGraphs(node: Node): GraphProto[] {
  return node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));
}

/** Typed arrays that tensors are made of. */
export type TensorData =
  Float32Array | Float64Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;

/** A tensor that shares the array's bytes; the shape is a scalar's when left out. */
export function makeTensor(name: string, data: TensorData, dims: readonly number[] = []): Tensor {
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (size !== data.length)
    throw new BugError(`${name}: ${data.length} values for [${dims.join(', ')}]`);
  return create(TensorProtoSchema, {
    name,
    dataType: dataTypeOf(data),
    dims: dims.map(BigInt),
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  });
}

function dataTypeOf(data: TensorData): DataType {
  if (data instanceof Float32Array) return DataType.FLOAT;
  if (data instanceof Float64Array) return DataType.DOUBLE;
  if (data instanceof Int8Array) return DataType.INT8;
  if (data instanceof Uint8Array) return DataType.UINT8;
  return data instanceof Int32Array ? DataType.INT32 : DataType.INT64;
}

/** The shape of a tensor. */
export function dimsOf(tensor: Tensor): number[] {
  return tensor.dims.map(Number);
}

/** An input or output of a graph; a dimension is a number, or the name of one that is open. */
export function makeValue(name: string, type: DataType, dims: readonly (number | string)[]): Value {
  const dim = dims.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === 'number'
          ? { case: 'dimValue', value: BigInt(size) }
          : { case: 'dimParam', value: size },
    }),
  );
  const shape = create(TensorShapeProtoSchema, { dim });
  const tensorType = create(TypeProto_TensorSchema, { elemType: type, shape });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } }),
  });
}

/** The element type of an input or output, UNDEFINED where it is no tensor. */
export function typeOfValue({ type }: Value): DataType {
  return type?.value.case === 'tensorType' ? type.value.value.elemType : DataType.UNDEFINED;
}

/** The shape of an input or output. A dimension that is open and has no name gets one of its place. */
export function dimsOfValue({ name, type }: Value): (number | string)[] {
  const dims = type?.value.case === 'tensorType' ? type.value.value.shape?.dim : undefined;
  return (dims ?? []).map(({ value }, axis) => {
    if (value.case === 'dimValue') return Number(value.value);
    return value.value || `${name}.${axis}`;
  });
}

/** Values of a float32 or float16 tensor. A view of the model's bytes where they are aligned, a copy otherwise. */
export function floatsOf(tensor: Tensor): Float32Array {
  checkSize(tensor);
  if (tensor.dataType === DataType.FLOAT16) return halvesOf(tensor);
  expectType(tensor, DataType.FLOAT);
  if (tensor.floatData.length > 0) return Float32Array.from(tensor.floatData);
  const { buffer, byteOffset, byteLength } = aligned(tensor.rawData, 4);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

/** Values of a float64 tensor. A view of the model's bytes where they are aligned, a copy otherwise. */
export function doublesOf(tensor: Tensor): Float64Array {
  checkSize(tensor);
  expectType(tensor, DataType.DOUBLE);
  if (tensor.doubleData.length > 0) return Float64Array.from(tensor.doubleData);
  const { buffer, byteOffset, byteLength } = aligned(tensor.rawData, 8);
  return new Float64Array(buffer, byteOffset, byteLength / 8);
}

/** Values of an int8 tensor, a view of the model's bytes. */
export function int8sOf(tensor: Tensor): Int8Array {
  checkSize(tensor);
  expectType(tensor, DataType.INT8);
  if (tensor.int32Data.length > 0) return Int8Array.from(tensor.int32Data);
  const { buffer, byteOffset, byteLength } = tensor.rawData;
  return new Int8Array(buffer, byteOffset, byteLength);
}

/** Values of an int64 or int32 tensor as plain numbers: shapes, axes, indexes. */
export function integersOf(tensor: Tensor): number[] {
  checkSize(tensor);
  if (tensor.dataType === DataType.INT32) {
    if (tensor.int32Data.length > 0) return [...tensor.int32Data];
    const { buffer, byteOffset, byteLength } = aligned(tensor.rawData, 4);
    return [...new Int32Array(buffer, byteOffset, byteLength / 4)];
  }
  expectType(tensor, DataType.INT64);
  if (tensor.int64Data.length > 0) return tensor.int64Data.map(Number);
  const { buffer, byteOffset, byteLength } = aligned(tensor.rawData, 8);
  return Array.from(new BigInt64Array(buffer, byteOffset, byteLength / 8), Number);
}

/** True when the tensor's data lies in a file beside the model. */
export function isExternal(tensor: Tensor): boolean {
  return tensor.dataLocation === DataLocation.EXTERNAL;
}

/** Puts the data of an external tensor inside the model. */
export function embedData(tensor: Tensor, data: Uint8Array): void {
  tensor.rawData = data;
  tensor.externalData = [];
  // Unset, not set to the default: the bytes are then those of a model that never was in parts.
  clearField(tensor, TensorProtoSchema.field.dataLocation);
}

/** The version of an operator set the model asks for, 0 when it does not name it. */
export function opsetOf(model: Model, domain = ''): number {
  // The default set goes by two names.
  const isAsked = (name: string): boolean =>
    name === domain || (domain === '' && name === 'ai.onnx');
  return Number(model.opsetImport.find((opset) => isAsked(opset.domain))?.version ?? 0);
}

/** Makes the model ask for an operator set that it does not ask for yet. */
export function requireOpset(model: Model, domain: string, version: number): void {
  if (opsetOf(model, domain) > 0) return;
  model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }));
}

/** Bytes of one element, by type; types that are not listed are not looked into. */
const ELEMENT_BYTES: Readonly<Partial<Record<DataType, number>>> = {
  [DataType.FLOAT]: 4,
  [DataType.UINT8]: 1,
  [DataType.INT8]: 1,
  [DataType.INT32]: 4,
  [DataType.INT64]: 8,
  [DataType.BOOL]: 1,
  [DataType.FLOAT16]: 2,
  [DataType.DOUBLE]: 8,
};

/** Throws when a tensor's data does not fill its shape. External tensors are checked when they are read. */
export function checkSize(tensor: Tensor): void {
  const elementBytes = ELEMENT_BYTES[tensor.dataType as DataType];
  if (elementBytes === undefined || isExternal(tensor)) return;
  const count = tensor.dims.reduce((product, dim) => product * Number(dim), 1);
  const typed =
    tensor.floatData.length +
    tensor.int32Data.length +
    tensor.int64Data.length +
    tensor.doubleData.length;
  const present = typed > 0 ? typed : tensor.rawData.length / elementBytes;
  if (present === count && tensor.dims.every((dim) => dim >= 0n)) return;
  const shape = tensor.dims.join(', ');
  throw damaged(`the weight ${tensor.name} of shape [${shape}] has ${present} values`);
}

function expectType(tensor: Tensor, type: DataType): void {
  if (tensor.dataType === type) return;
  throw damaged(`the weight ${tensor.name} is of type ${tensor.dataType}, not ${type}`);
}

function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
}

function halvesOf(tensor: Tensor): Float32Array {
  const { buffer, byteOffset, byteLength } = aligned(tensor.rawData, 2);
  return Float32Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2), halfToFloat);
}

/** IEEE half precision: 1 sign bit, 5 bits of exponent, 10 of fraction. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -24 * fraction;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
