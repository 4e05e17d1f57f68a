import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { NearmissError } from '../../../src/base/errors';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
} from '../../../src/engine/onnx/generated/onnx_pb';
import { type Graph, graphOf } from '../../../src/engine/onnx/graph';
import { type Node, makeNode, makeTensor } from '../../../src/engine/onnx/model';
import { type TinyOptions, tinyModel } from '../../support/tinyModel';

function tinyGraph(options?: TinyOptions): Graph {
  return graphOf(tinyModel(options));
}

function node(op: string, inputs: readonly string[], output: string): Node {
  return makeNode({ op, inputs, outputs: [output] });
}

/** A node with an inner graph that reads `outer` from outside and makes `inner`. */
function branching(): Node {
  const branch = create(AttributeProtoSchema, {
    name: 'then_branch',
    type: AttributeType.GRAPH,
    g: tinyModel({
      inputs: [],
      outputs: ['inner'],
      tensors: [],
      nodes: [node('Relu', ['outer'], 'inner')],
    }).graph,
  });
  const result = node('If', ['condition'], 'output');
  result.attribute.push(branch);
  return result;
}

/** One line a node: `output = operator(inputs)`. */
function listing(graph: Graph): string[] {
  return graph.nodes.map(
    ({ output, opType, input }) => `${output.join()} = ${opType}(${input.join()})`,
  );
}

test('makers and readers of names are found', () => {
  const graph = tinyGraph();
  assert.equal(graph.producerOf('sum')?.opType, 'Add');
  assert.equal(graph.producerOf('input'), undefined);
  assert.deepEqual(
    graph.consumersOf('product').map(({ opType }) => opType),
    ['Add'],
  );
  assert.deepEqual(graph.consumersOf('output'), []);
  assert.equal(graph.initializer('bias')?.name, 'bias');
  assert.ok(graph.isOutput('output'));
});

test('a node is put between a value and all of its readers', () => {
  const graph = tinyGraph();
  const output = graph.freshName('product');
  graph.replaceUses('product', output);
  graph.add({ op: 'Neg', inputs: ['product'], outputs: [output] });
  graph.sort();
  graph.check();
  assert.deepEqual(listing(graph), [
    'product = MatMul(input,weight)',
    'product_1 = Neg(product)',
    'sum = Add(product_1,bias)',
    'output = Relu(sum)',
  ]);
});

test('a node can be taken out again', () => {
  const graph = tinyGraph();
  const relu = graph.producerOf('output')!;
  graph.remove([relu]);
  graph.replaceUses('output', 'sum');
  graph.check();
  assert.deepEqual(listing(graph), ['product = MatMul(input,weight)', 'sum = Add(product,bias)']);
  assert.ok(graph.isOutput('sum'));
});

test('sorting leaves a graph that is in order as it is, and mends one that is not', () => {
  const graph = tinyGraph();
  const before = listing(graph);
  graph.sort();
  assert.deepEqual(listing(graph), before);
  graph.proto.node.reverse();
  graph.sort();
  assert.deepEqual(listing(graph), before);
});

test('what no output needs goes: nodes, and weights that only they read', () => {
  const graph = tinyGraph();
  graph.setInitializer(makeTensor('spare', Float32Array.of(1)));
  graph.add({ op: 'Add', inputs: ['sum', 'spare'], outputs: ['unused'] });
  graph.removeUnused();
  assert.equal(graph.nodes.length, 3);
  assert.deepEqual(
    graph.initializers.map(({ name }) => name),
    ['weight', 'bias'],
  );
});

test('a prefix goes before every name but inputs and exceptions', () => {
  const graph = tinyGraph();
  graph.prefixNames('b/', new Set(['weight']));
  assert.deepEqual(listing(graph), [
    'b/product = MatMul(input,weight)',
    'b/sum = Add(b/product,b/bias)',
    'b/output = Relu(b/sum)',
  ]);
  assert.deepEqual(
    graph.nodes.map(({ name }) => name),
    ['b/product', 'b/sum', 'b/output'],
  );
  assert.equal(graph.initializer('b/bias')?.name, 'b/bias');
});

test('a weight of the same name is replaced', () => {
  const graph = tinyGraph();
  assert.equal(graph.producerOf('sum')?.opType, 'Add');
  graph.setInitializer(makeTensor('bias', Float32Array.of(7, 7), [2]));
  assert.equal(graph.initializers.length, 2);
  assert.equal(graph.initializer('bias')?.rawData.length, 8);
});

test('names that inner graphs take from outside count as read, and are renamed with it', () => {
  const options = {
    inputs: ['condition', 'input'],
    tensors: [],
    nodes: [branching(), node('Neg', ['input'], 'outer')],
  };
  const graph = tinyGraph(options);
  assert.deepEqual(
    graph.consumersOf('outer').map(({ opType }) => opType),
    ['If'],
  );
  graph.sort();
  assert.deepEqual(
    graph.nodes.map(({ opType }) => opType),
    ['Neg', 'If'],
  );
  graph.removeUnused();
  assert.equal(graph.nodes.length, 2);
  graph.rename(new Map([['outer', 'other']]));
  const inner = graph.nodes[1]!.attribute[0]!.g!;
  assert.deepEqual(inner.node[0]!.input, ['other']);
  assert.deepEqual(inner.node[0]!.output, ['inner']);
});

test('a graph that cannot run is refused, with the name at fault', () => {
  const refuse = (options: TinyOptions, reason: RegExp): void => {
    assert.throws(
      () => tinyGraph(options).check(),
      (error) => error instanceof NearmissError && reason.test(error.message),
    );
  };
  refuse({ nodes: [node('Relu', ['nothing'], 'output')] }, /Relu output reads nothing/);
  refuse({ nodes: [node('Relu', ['input'], 'other')] }, /nothing makes the output output/);
  refuse(
    { nodes: [node('Relu', ['input'], 'output'), node('Neg', ['input'], 'output')] },
    /output is made twice/,
  );
  refuse(
    { nodes: [node('Add', ['input', 'b'], 'output'), node('Neg', ['output'], 'b')] },
    /form a cycle/,
  );
  const short = makeTensor('short', Float32Array.of(1), [1]);
  short.dims = [2n];
  refuse({ nodes: [node('Relu', ['input'], 'output')], tensors: [short] }, /short of shape \[2\]/);
});
