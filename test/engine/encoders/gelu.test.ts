import assert from 'node:assert/strict';
import { test } from 'node:test';
import { approximateGelus } from '../../../src/engine/encoders/gelu';
import { createSession } from '../../../src/engine/encoders/session';
import { encodeModel } from '../../../src/engine/onnx/codec';
import { graphOf } from '../../../src/engine/onnx/graph';
import {
  type Model,
  type Node,
  makeNode,
  makeTensor,
  requireOpset,
} from '../../../src/engine/onnx/model';
import { tinyModel } from '../../support/tinyModel';

function node(op: string, inputs: readonly string[], output: string): Node {
  return makeNode({ op, inputs, outputs: [output] });
}

const constants = {
  one: 1,
  half: 0.5,
  root: Math.SQRT2,
  inverse: Math.SQRT1_2,
  bias: 0.25,
  odd: 3,
};

/** A model that multiplies what the nodes call `gelu` with (1, 0; 0, 1). */
function modelOf(...nodes: Node[]): Model {
  const product = makeNode({ op: 'MatMul', inputs: ['gelu', 'unit'], outputs: ['output'] });
  const tensors = Object.entries(constants).map(([name, value]) =>
    makeTensor(
      name,
      name === 'bias' ? Float32Array.of(value, -value) : Float32Array.of(value),
      name === 'bias' ? [2] : [],
    ),
  );
  const unit = makeTensor('unit', Float32Array.of(1, 0, 0, 1), [2, 2]);
  return tinyModel({ nodes: [...nodes, product], tensors: [...tensors, unit] });
}

/** As PyTorch's exporter writes it, and two other orders of the same. */
const forms: Readonly<Record<string, readonly Node[]>> = {
  'x * (1 + erf(x / root)) * half': [
    node('Div', ['input', 'root'], 'a'),
    node('Erf', ['a'], 'b'),
    node('Add', ['b', 'one'], 'c'),
    node('Mul', ['input', 'c'], 'd'),
    node('Mul', ['d', 'half'], 'gelu'),
  ],
  '(half * x) * (one + erf(x * inverse))': [
    node('Mul', ['input', 'inverse'], 'a'),
    node('Erf', ['a'], 'b'),
    node('Add', ['one', 'b'], 'c'),
    node('Mul', ['half', 'input'], 'd'),
    node('Mul', ['d', 'c'], 'gelu'),
  ],
  'the first after a bias': [
    node('Add', ['input', 'bias'], 'x'),
    node('Div', ['x', 'root'], 'a'),
    node('Erf', ['a'], 'b'),
    node('Add', ['b', 'one'], 'c'),
    node('Mul', ['x', 'c'], 'd'),
    node('Mul', ['d', 'half'], 'gelu'),
  ],
};

for (const [name, nodes] of Object.entries(forms)) {
  test(`${name} becomes one operator that gives the same to .0005`, async () => {
    const exact = modelOf(...nodes);
    const fast = modelOf(...nodes.map((each) => ({ ...each, input: [...each.input] })));
    const graph = graphOf(fast);
    approximateGelus(graph);
    requireOpset(fast, 'com.microsoft', 1);
    graph.removeUnused();
    graph.sort();
    assert.deepEqual(
      graph.nodes.map(({ opType }) => opType),
      ['FastGelu', 'MatMul'],
    );
    const data = Float32Array.from({ length: 400 }, (_, i) => (i - 200) / 25);
    const [expected, actual] = await Promise.all([exact, fast].map((model) => run(model, data)));
    const largest = Math.max(...actual!.map((value, i) => Math.abs(value - expected![i]!)));
    assert.ok(largest < 5e-4, String(largest));
    assert.ok(largest > 0);
  });
}

const others: Readonly<Record<string, readonly Node[]>> = {
  'another factor': [
    node('Div', ['input', 'odd'], 'a'),
    node('Erf', ['a'], 'b'),
    node('Add', ['b', 'one'], 'c'),
    node('Mul', ['input', 'c'], 'd'),
    node('Mul', ['d', 'half'], 'gelu'),
  ],
  'something else inside': [
    node('Div', ['input', 'root'], 'a'),
    node('Erf', ['a'], 'b'),
    node('Add', ['b', 'one'], 'c'),
    node('Tanh', ['input'], 't'),
    node('Mul', ['t', 'c'], 'd'),
    node('Mul', ['d', 'half'], 'gelu'),
  ],
  'no erf': [node('Mul', ['input', 'half'], 'gelu')],
};

for (const [name, nodes] of Object.entries(others)) {
  test(`a graph with ${name} is left alone`, () => {
    const graph = graphOf(modelOf(...nodes));
    const before = graph.nodes.map(({ opType }) => opType);
    approximateGelus(graph);
    assert.deepEqual(
      graph.nodes.map(({ opType }) => opType),
      before,
    );
  });
}

async function run(model: Model, data: Float32Array): Promise<Float32Array> {
  const session = await createSession(encodeModel(model));
  const result = await session.run({ input: { data, shape: [data.length / 2, 2] } }, 'output');
  session.dispose();
  return result.data;
}
