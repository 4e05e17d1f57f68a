import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Graph } from '../../../src/engine/onnx/graph';
import { DataType, makeTensor, makeValue } from '../../../src/engine/onnx/model';
import { GraphWriter } from '../../../src/engine/training/graphWriter';
import { inferTypes } from '../../../src/engine/training/shapes';
import { emptyModel, setOutputs } from '../../support/gradients';

test('shapes are numbers, open dimensions, and what is made of them', async () => {
  const model = emptyModel();
  const graph = new Graph(model.graph!);
  graph.proto.input = [
    makeValue('ids', DataType.INT64, ['batch', 'sequence']),
    makeValue('states', DataType.FLOAT, ['batch', 4]),
  ];
  graph.setInitializer(makeTensor('table', new Float32Array(20), [5, 4]));
  const f = new GraphWriter(graph, '');
  const rows = f.gather('table', 'ids');
  const flat = f.rows(rows, 4);
  const both = f.concat([flat, 'states'], 0);
  const length = f.sizeOf('ids', 1);
  setOutputs(graph, [f.reduceSum(both)]);
  const types = await inferTypes(model);
  const dimsOf = (name: string): unknown => types.get(name)?.dims;
  assert.deepEqual(dimsOf('ids'), ['batch', 'sequence']);
  assert.deepEqual(dimsOf('table'), [5, 4]);
  assert.deepEqual(dimsOf(rows), ['batch', 'sequence', 4]);
  assert.deepEqual(dimsOf(flat), ['batch*sequence', 4]);
  assert.match(String((dimsOf(both) as unknown[])[0]), /^\?/);
  assert.deepEqual(types.get(length), { type: DataType.INT64, dims: [1] });
  assert.deepEqual(dimsOf(graph.outputs[0]!.name), []);
  assert.deepEqual(graph.outputs.length, 1, 'the model is left as it was');
});
