/** Gradients as golden texts: a person has read each and found it to be the formula of its rule. */
import { test } from 'node:test';
import { Graph } from '../../../src/engine/onnx/graph';
import { DataType, makeTensor, makeValue } from '../../../src/engine/onnx/model';
import { differentiate } from '../../../src/engine/training/autodiff';
import { GraphWriter } from '../../../src/engine/training/graphWriter';
import { printGraph } from '../../../src/engine/training/printer';
import { inferTypes } from '../../../src/engine/training/shapes';
import { checkGolden } from '../../support/golden';
import { emptyModel, setOutputs } from '../../support/gradients';

/** Prints a graph over `x [batch, tokens, 4]` with the gradients of its weights and of x. */
async function checkGradientText(
  golden: string,
  weights: Readonly<Record<string, readonly number[]>>,
  write: (write: GraphWriter) => string,
): Promise<void> {
  const model = emptyModel();
  const graph = new Graph(model.graph!);
  graph.proto.input = [makeValue('x', DataType.FLOAT, ['batch', 'tokens', 4])];
  for (const [name, dims] of Object.entries(weights)) {
    const size = dims.reduce((product, dim) => product * dim, 1);
    graph.setInitializer(makeTensor(name, new Float32Array(size).fill(0.5), dims));
  }
  const loss = write(new GraphWriter(graph, ''));
  setOutputs(graph, [loss]);
  const types = await inferTypes(model);
  const wanted = ['x', ...Object.keys(weights)];
  const gradients = differentiate(graph, loss, wanted, { types });
  setOutputs(graph, [loss, ...gradients.values()]);
  graph.sort();
  checkGolden(`gradients/${golden}.txt`, printGraph(graph, await inferTypes(model)));
}

test('a layer with a bias', async () => {
  await checkGradientText('dense', { weight: [4, 3], bias: [3] }, (f) =>
    f.reduceSum(f.tanh(f.add(f.matmul('x', 'weight'), 'bias'))),
  );
});

test('a normalised layer', async () => {
  await checkGradientText('layerNormalization', { scale: [4], bias: [4] }, (f) =>
    f.reduceSum(f.op('LayerNormalization', ['x', 'scale', 'bias'], { axis: -1 })),
  );
});

test('attention of a text to itself', async () => {
  await checkGradientText('attention', {}, (f) => {
    const shares = f.softmax(f.matmul('x', f.transpose('x', [0, 2, 1])));
    return f.reduceSum(f.matmul(shares, 'x'));
  });
});
