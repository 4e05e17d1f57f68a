/**
 * Bytes to model and back, by code generated from onnx.proto. Unknown fields are kept, so a model of a newer
 * ONNX survives the way through. Decoded tensors share the file's buffer: a kept tensor keeps the file in memory.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { NearmissError, messageOf } from '../../base/errors';
import { type ModelProto, ModelProtoSchema } from './generated/onnx_pb';

/** Decodes a model. Throws a NearmissError('model') for bytes that are cut, damaged or something else. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw damaged(messageOf(error), error);
  }
  if (!model.graph) throw damaged('it holds no graph');
  if (model.graph.node.length === 0) throw damaged('its graph has no nodes');
  return model;
}

/** The bytes of a model, unknown fields included. */
export function encodeModel(model: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}

/** The error for bytes that are no usable model; the caller adds which file when it knows. */
export function damaged(reason: string, cause?: unknown): NearmissError {
  return new NearmissError(
    'model',
    `The ONNX model is damaged or not an ONNX model: ${reason}`,
    'Fetch the model again',
    { cause },
  );
}
