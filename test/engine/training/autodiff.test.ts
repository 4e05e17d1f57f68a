import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import { createGraphSession } from '../../../src/engine/encoders/graphSession';
import { encodeModel } from '../../../src/engine/onnx/codec';
import { Graph } from '../../../src/engine/onnx/graph';
import { DataType, makeValue } from '../../../src/engine/onnx/model';
import { differentiate } from '../../../src/engine/training/autodiff';
import { GraphWriter } from '../../../src/engine/training/graphWriter';
import { emptyModel, setOutputs } from '../../support/gradients';

/** A graph over inputs a and b of two numbers, its gradients, and what they are at a = (3, 5), b = (2, -1). */
async function gradientsOf(
  build: (write: GraphWriter) => string,
  wanted: readonly string[] = ['a', 'b'],
  frozen?: ReadonlySet<string>,
): Promise<Record<string, number[]>> {
  const model = emptyModel();
  const graph = new Graph(model.graph!);
  graph.proto.input = ['a', 'b'].map((name) => makeValue(name, DataType.FLOAT, [2]));
  const output = build(new GraphWriter(graph, 'f/'));
  const gradients = differentiate(graph, output, wanted, { frozen });
  if (gradients.size === 0) return {};
  setOutputs(graph, [...gradients.values()]);
  const session = await createGraphSession(encodeModel(model));
  const a = { data: Float32Array.of(3, 5), shape: [2] };
  const b = { data: Float32Array.of(2, -1), shape: [2] };
  const values = await session.run({ a, b });
  session.dispose();
  return Object.fromEntries(
    [...gradients].map(([name, gradient]) => [name, [...values[gradient]!.data].map(Number)]),
  );
}

test('what a value gets from each of its uses is added up', async () => {
  // a b + a + a a
  const build = (f: GraphWriter): string =>
    f.reduceSum(f.add(f.add(f.mul('a', 'b'), 'a'), f.square('a')));
  assert.deepEqual(await gradientsOf(build), { a: [9, 10], b: [3, 5] });
});

test('only what the output depends on has a gradient', async () => {
  const build = (f: GraphWriter): string => {
    f.mul('a', 'b');
    return f.reduceSum(f.scale('a', 3));
  };
  assert.deepEqual(await gradientsOf(build), { a: [3, 3] });
});

test('gradients of values in between can be asked for', async () => {
  let between = '';
  const build = (f: GraphWriter): string => {
    between = f.add('a', 'b');
    return f.reduceSum(f.square(between));
  };
  const model = emptyModel();
  const graph = new Graph(model.graph!);
  graph.proto.input = ['a', 'b'].map((name) => makeValue(name, DataType.FLOAT, [2]));
  const output = build(new GraphWriter(graph, 'f/'));
  assert.deepEqual([...differentiate(graph, output, [between]).keys()], [between]);
});

test('nothing flows through what is frozen, nor through steps and comparisons', async () => {
  const frozen = new Set<string>();
  const build = (f: GraphWriter): string => {
    const product = f.mul('a', 'b');
    frozen.add(product);
    return f.reduceSum(f.add(f.mul(product, 'a'), f.greater('a', 'b')));
  };
  assert.deepEqual(await gradientsOf(build, ['a', 'b'], frozen), { a: [6, -5] });
});

test('an output of several numbers is differentiated as their sum, or along a seed', async () => {
  assert.deepEqual(await gradientsOf((f) => f.mul('a', 'b')), { a: [2, -1], b: [3, 5] });
});

test('an operator without a rule is named with its node', () => {
  const graph = new Graph(emptyModel().graph!);
  graph.proto.input = [makeValue('a', DataType.FLOAT, [2])];
  const write = new GraphWriter(graph, 'f/');
  const output = write.reduceSum(write.op('Det', ['a']));
  assert.throws(
    () => differentiate(graph, output, ['a']),
    (error) =>
      error instanceof NearmissError &&
      error.code === 'model' &&
      error.message === 'The operator Det of node f/Det.0 cannot be differentiated',
  );
});

test('an operator without a rule where nothing is trained is no obstacle', async () => {
  const build = (f: GraphWriter): string => f.reduceSum(f.mul('a', f.op('Hardmax', ['b'])));
  assert.deepEqual(await gradientsOf(build, ['a']), { a: [1, 0] });
});

test('an input without numbers is refused with a sentence', async () => {
  const model = emptyModel();
  const graph = new Graph(model.graph!);
  graph.proto.input = [makeValue('a', DataType.FLOAT, ['rows', 3])];
  setOutputs(graph, [new GraphWriter(graph, 'f/').exp('a')]);
  const session = await createGraphSession(encodeModel(model));
  await assert.rejects(
    session.run({ a: { data: new Float32Array(0), shape: [0, 3] } }),
    new NearmissError('model', 'a is empty: its shape is [0, 3]'),
  );
  session.dispose();
});
