/** An ONNX model of three nodes, small enough to be checked by hand: output = relu(input x weight + bias). */
import { create } from '@bufbuild/protobuf';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  ValueInfoProtoSchema,
} from '../../src/engine/onnx/generated/onnx_pb';
import {
  DataType,
  type Model,
  type Node,
  type Tensor,
  type Value,
  makeNode,
  makeTensor,
} from '../../src/engine/onnx/model';

/** What a test may want to be different. */
export interface TinyOptions {
  readonly nodes?: Node[];
  readonly tensors?: Tensor[];
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly opset?: number;
}

export function tinyModel(options: TinyOptions = {}): Model {
  const { inputs = ['input'], outputs = ['output'], opset = 17 } = options;
  const graph = create(GraphProtoSchema, {
    name: 'tiny',
    node: options.nodes ?? [
      makeNode({ op: 'MatMul', inputs: ['input', 'weight'], outputs: ['product'] }),
      makeNode({ op: 'Add', inputs: ['product', 'bias'], outputs: ['sum'] }),
      makeNode({ op: 'Relu', inputs: ['sum'], outputs: ['output'] }),
    ],
    initializer: options.tensors ?? [
      makeTensor('weight', Float32Array.of(1, 2, 3, 4), [2, 2]),
      makeTensor('bias', Float32Array.of(0, -5), [2]),
    ],
    input: inputs.map(floatValue),
    output: outputs.map(floatValue),
  });
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })];
  return create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph });
}

/** A float value of any shape. */
function floatValue(name: string): Value {
  const tensorType = create(TypeProto_TensorSchema, { elemType: DataType.FLOAT });
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } });
  return create(ValueInfoProtoSchema, { name, type });
}
