/**
 * Weights in a model's bytes, without decoding the model: where each initialiser's data lies, so that it can be
 * overwritten in place and every other byte stays as it was. Reads protobuf's wire format: a tag (field number
 * and kind), then a number, or a length and that many bytes.
 */
import { BugError } from '../../base/errors';
import { damaged } from './codec';

/** Where one initialiser's data lies in the model's bytes. */
export interface TensorSpan {
  readonly name: string;
  /** ONNX's number of the element type: 1 is float32, 3 is int8. */
  readonly dataType: number;
  readonly dims: readonly number[];
  /** First byte of the data, and the byte after the last. */
  readonly start: number;
  readonly end: number;
}

/** Field numbers of onnx.proto. */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR = { dims: 1, dataType: 2, floatData: 4, name: 8, rawData: 9 } as const;

/** Kinds of protobuf's wire format. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** The spans of all initialisers that carry their data inside the model, by name. */
export function locateTensors(model: Uint8Array): Map<string, TensorSpan> {
  const spans = new Map<string, TensorSpan>();
  for (const graph of fields(model, 0, model.length)) {
    if (graph.number !== MODEL_GRAPH || graph.kind !== LENGTH_DELIMITED) continue;
    for (const tensor of fields(model, graph.start, graph.end)) {
      if (tensor.number !== GRAPH_INITIALIZER || tensor.kind !== LENGTH_DELIMITED) continue;
      const span = readTensor(model, tensor);
      if (span) spans.set(span.name, span);
    }
  }
  return spans;
}

/** Puts new data in the place of a tensor's. The byte count must be the same. */
export function overwriteTensor(model: Uint8Array, span: TensorSpan, data: ArrayBufferView): void {
  const size = span.end - span.start;
  if (data.byteLength !== size) {
    throw new BugError(`${span.name} has ${size} bytes, not ${data.byteLength}`);
  }
  model.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), span.start);
}

interface Field {
  readonly number: number;
  readonly kind: number;
  /** Of the value: the bytes of a length-delimited field, the number itself otherwise. */
  readonly start: number;
  readonly end: number;
}

function readTensor(model: Uint8Array, tensor: Field): TensorSpan | undefined {
  let name = '';
  let dataType = 0;
  let data: Field | undefined;
  const dims: number[] = [];
  for (const field of fields(model, tensor.start, tensor.end)) {
    const isBytes = field.kind === LENGTH_DELIMITED;
    if (field.number === TENSOR.name && isBytes) name = textOf(model, field);
    else if (field.number === TENSOR.dataType) dataType = varint(model, field.start, field.end)[0];
    else if (field.number === TENSOR.dims) readDims(model, field, dims);
    else if (field.number === TENSOR.rawData && isBytes) data = field;
    else if (field.number === TENSOR.floatData && isBytes) data = field;
  }
  return data && { name, dataType, dims, start: data.start, end: data.end };
}

/** Dimensions come one a field or, packed, all in one. */
function readDims(model: Uint8Array, field: Field, dims: number[]): void {
  for (let at = field.start; at < field.end;) {
    const [value, next] = varint(model, at, field.end);
    dims.push(value);
    at = next;
  }
}

function textOf(model: Uint8Array, { start, end }: Field): string {
  return Buffer.from(model.buffer, model.byteOffset + start, end - start).toString('utf8');
}

/** The fields of the message that fills `start` to `end`. */
function* fields(bytes: Uint8Array, start: number, end: number): Generator<Field> {
  let at = start;
  while (at < end) {
    const [tag, valueStart] = varint(bytes, at, end);
    const number = Math.floor(tag / 8);
    const kind = tag % 8;
    const field = { number, kind, ...valueSpan(bytes, kind, valueStart, end) };
    if (field.end > end) throw damaged(`a field at byte ${at} is longer than its message`);
    at = field.end;
    yield field;
  }
}

function valueSpan(
  bytes: Uint8Array,
  kind: number,
  start: number,
  end: number,
): { readonly start: number; readonly end: number } {
  switch (kind) {
    case VARINT:
      return { start, end: varint(bytes, start, end)[1] };
    case FIXED64:
      return { start, end: start + 8 };
    case FIXED32:
      return { start, end: start + 4 };
    case LENGTH_DELIMITED: {
      const [size, dataStart] = varint(bytes, start, end);
      return { start: dataStart, end: dataStart + size };
    }
    default:
      throw damaged(`unknown kind of field at byte ${start}`);
  }
}

/** A number of up to ten bytes, seven bits each, lowest first; and where it ends. */
function varint(bytes: Uint8Array, start: number, end: number): [value: number, next: number] {
  let value = 0;
  let scale = 1;
  for (let at = start; at < end && at < start + 10; at++) {
    const byte = bytes[at]!;
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 0x80) return [value, at + 1];
  }
  throw damaged(`a number at byte ${start} does not end`);
}
