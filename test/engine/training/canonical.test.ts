import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import { createGraphSession } from '../../../src/engine/encoders/graphSession';
import { encodeModel } from '../../../src/engine/onnx/codec';
import { Graph } from '../../../src/engine/onnx/graph';
import {
  DataType,
  type Model,
  makeTensor,
  makeValue,
  opsetOf,
} from '../../../src/engine/onnx/model';
import { canonicalize } from '../../../src/engine/training/canonical';
import { GraphWriter } from '../../../src/engine/training/graphWriter';
import { emptyModel, setOutputs } from '../../support/gradients';

/** A piece of graph over `x [2, 4]`, vectors `scale` and `bias`, and a matrix. */
function modelOf(write: (f: GraphWriter) => string, opset = 17): Model {
  const model = emptyModel(opset);
  const graph = new Graph(model.graph!);
  graph.proto.input = [makeValue('x', DataType.FLOAT, [2, 4])];
  graph.setInitializer(makeTensor('scale', Float32Array.of(1, 2, 3, 4), [4]));
  graph.setInitializer(makeTensor('bias', Float32Array.of(4, 3, 2, 1), [4]));
  setOutputs(graph, [write(new GraphWriter(graph, '', { opset }))]);
  return model;
}

async function resultOf(model: Model): Promise<number[]> {
  const session = await createGraphSession(encodeModel(model), { optimization: 'disabled' });
  const data = Float32Array.of(-2, -0.5, 0.1, 1, 3, 0, -1, 0.7);
  const outputs = await session.run({ x: { data, shape: [2, 4] } });
  session.dispose();
  return [...outputs[session.outputNames[0]!]!.data].map(Number);
}

/** Rewrites the piece, which must give the same numbers as before; its operators are compared. */
async function checkOperators(
  write: (f: GraphWriter) => string,
  expected: readonly string[],
  opset = 17,
): Promise<void> {
  const before = await resultOf(modelOf(write, opset));
  const model = modelOf(write, opset);
  canonicalize(model, new Graph(model.graph!));
  assert.deepEqual(
    model.graph!.node.map(({ opType }) => opType),
    expected,
  );
  const after = await resultOf(model);
  after.forEach((value, index) =>
    assert.ok(Math.abs(value - before[index]!) < 1e-5, `${value}, not ${before[index]}`),
  );
}

describe('layer normalisation written out', () => {
  const centred = (f: GraphWriter): string => f.sub('x', f.reduceMean('x', [-1]));
  const deviation = (f: GraphWriter, square: string): string =>
    f.sqrt(f.add(f.reduceMean(square, [-1]), f.constant(1e-5)));
  const scaled = (f: GraphWriter, normal: string): string => f.add(f.mul(normal, 'scale'), 'bias');

  for (const opset of [13, 17, 18, 21]) {
    test(`becomes one node, operator set ${opset}`, () =>
      checkOperators(
        (f) => {
          const d = centred(f);
          const square = f.op('Pow', [d, f.constant(2)]);
          return scaled(f, f.div(d, deviation(f, square)));
        },
        ['LayerNormalization'],
        opset,
      ));
  }

  test('is known with operands turned round, the square a product, the difference made twice', () =>
    checkOperators(
      (f) => {
        const twice = centred(f);
        const normal = f.div(centred(f), deviation(f, f.mul(twice, twice)));
        return f.add('bias', f.mul('scale', normal));
      },
      ['LayerNormalization'],
    ));

  test('is left where the square is of something else', () =>
    checkOperators(
      (f) => scaled(f, f.div(centred(f), deviation(f, f.mul('x', 'x')))),
      ['ReduceMean', 'Sub', 'Mul', 'ReduceMean', 'Add', 'Sqrt', 'Div', 'Mul', 'Add'],
    ));
});

describe('GELU written out', () => {
  const spellings: Readonly<Record<string, (f: GraphWriter) => string>> = {
    'x (1 + erf) / 2, halved last': (f) => {
      const erf = f.op('Erf', [f.div('x', f.constant(Math.SQRT2))]);
      return f.mul(f.mul('x', f.add(erf, f.constant(1))), f.constant(0.5));
    },
    'x / 2 first': (f) => {
      const erf = f.op('Erf', [f.scale('x', Math.SQRT1_2)]);
      return f.mul(f.scale('x', 0.5), f.add(f.constant(1), erf));
    },
    'the distribution first': (f) => {
      const erf = f.op('Erf', [f.div('x', f.constant(Math.SQRT2))]);
      return f.mul(f.scale(f.add(erf, f.constant(1)), 0.5), 'x');
    },
    'divided by 2': (f) => {
      const erf = f.op('Erf', [f.scale('x', Math.SQRT1_2)]);
      return f.mul(f.div('x', f.constant(2)), f.add(erf, f.constant(1)));
    },
  };
  for (const [name, write] of Object.entries(spellings))
    test(`becomes one node: ${name}`, () => checkOperators(write, ['Gelu']));

  test('is found behind a bias', () =>
    checkOperators(
      (f) => {
        const x = f.add('x', 'bias');
        const erf = f.op('Erf', [f.div(x, f.constant(Math.SQRT2))]);
        return f.mul(f.mul(x, f.add(erf, f.constant(1))), f.constant(0.5));
      },
      ['Add', 'Gelu'],
    ));

  test('is not what only looks like it', () =>
    checkOperators(
      (f) => f.mul('x', f.add(f.op('Erf', [f.scale('x', Math.SQRT1_2)]), f.constant(1))),
      ['Mul', 'Erf', 'Add', 'Mul'],
    ));
});

test('a model of an operator set before 13 is refused, one before 17 raised', () => {
  const old = modelOf((f) => f.exp('x'), 12);
  assert.throws(() => canonicalize(old, new Graph(old.graph!)), NearmissError);
  const model = modelOf((f) => f.exp('x'), 14);
  canonicalize(model, new Graph(model.graph!));
  assert.equal(opsetOf(model), 17);
});
