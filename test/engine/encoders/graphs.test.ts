import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import { installationRoot } from '../../../src/base/installation';
import { seededRandom } from '../../../src/base/random';
import { cosine } from '../../../src/base/vector';
import { type Encoders, loadBundledEncoders } from '../../../src/engine/encoders/bundled';
import { ARITHMETICS, buildGraph } from '../../../src/engine/encoders/graphs';
import { type Session, createSession } from '../../../src/engine/encoders/session';
import { decodeModel, encodeModel } from '../../../src/engine/onnx/codec';
import { type Graph, graphOf } from '../../../src/engine/onnx/graph';
import { type Node, makeNode, makeTensor } from '../../../src/engine/onnx/model';
import { tinyModel } from '../../support/tinyModel';

const root = installationRoot();
const modelBytes = fs.readFileSync(path.join(root, 'models/bi-encoder/model.onnx'));

/** Real texts of some length: this repository's own sources. */
const texts = ['src/base', 'src/engine/encoders', 'test/engine/onnx']
  .flatMap((folder) => fs.readdirSync(path.join(root, folder)).map((name) => `${folder}/${name}`))
  .filter((name) => name.endsWith('.ts'))
  .map(
    (name, i) =>
      `${name}\n${fs.readFileSync(path.join(root, name), 'utf8').slice(0, 60 + 37 * (i % 19))}`,
  );

let fp32: Encoders;
let int8: Encoders;
before(async () => {
  fp32 = await loadBundledEncoders(root, { arithmetic: 'fp32' });
  int8 = await loadBundledEncoders(root, { arithmetic: 'int8-token' });
});
after(() => {
  fp32.dispose();
  int8.dispose();
});

/** Operators of a graph and how often each occurs. */
function countOperators(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of graph.nodes) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

function row(matrix: Float32Array, index: number): Float32Array {
  return matrix.subarray(index * 384, (index + 1) * 384);
}

test('8 bits agree with 32-bit floats on real texts: median above .999, worst above .998', async () => {
  const exact = await fp32.embedder.embedDocuments(texts);
  const rounded = await int8.embedder.embedDocuments(texts);
  const cosines = texts.map((_, i) => cosine(row(exact, i), row(rounded, i))).sort((a, b) => a - b);
  assert.ok(cosines[0]! > 0.998, `worst ${cosines[0]}`);
  assert.ok(cosines[cosines.length >> 1]! > 0.9995, `median ${cosines[cosines.length >> 1]}`);
  assert.ok(cosines[0]! < 0.99999, 'both ran the same arithmetic');
});

test("a text's vector does not change with its neighbours, in either arithmetic", async () => {
  for (const { embedder } of [fp32, int8]) {
    const together = await embedder.embedDocuments(texts);
    for (const i of [0, 5, 11]) {
      const alone = await embedder.embedDocuments([texts[i]!]);
      const difference = Math.max(
        ...alone.map((value, k) => Math.abs(value - row(together, i)[k]!)),
      );
      assert.ok(difference < 2e-6, `${embedder.space.arithmetic}: ${difference}`);
    }
  }
});

test('8 bits keep the scores of the cross-encoder', async () => {
  const query = 'split a text into tokens';
  const exact = await fp32.reranker.score(query, texts);
  const rounded = await int8.reranker.score(query, texts);
  const largest = Math.max(...exact.map((score, i) => Math.abs(score - rounded[i]!)));
  const spread = Math.max(...exact) - Math.min(...exact);
  assert.ok(largest < 0.06 * spread, `${largest} of ${spread}`);
});

test('the fp32 graph gives what the file itself gives', async () => {
  const inputs = inputsOf(fp32.tokenizer.encode(texts[3]!));
  const own = await createSession(modelBytes);
  const built = await createSession(buildGraph(modelBytes, 'fp32'));
  const expected = await own.run(inputs, 'last_hidden_state');
  const actual = await built.run(inputs, 'last_hidden_state');
  assert.deepEqual(actual.shape, expected.shape);
  const largest = Math.max(...actual.data.map((value, i) => Math.abs(value - expected.data[i]!)));
  assert.ok(largest < 1e-5, String(largest));
  own.dispose();
  built.dispose();
});

test('in 32-bit floats nothing is dequantised at run time, and the word table stays in 8 bits', () => {
  const graph = graphOf(decodeModel(buildGraph(modelBytes, 'fp32')));
  const counts = countOperators(graph);
  assert.equal(counts['DequantizeLinear'], undefined);
  assert.equal(counts['MatMul'], 6 * 8);
  assert.ok(graph.initializer('embeddings.word_embeddings.weight.int8'));
});

test('in 8 bits every product with a weight is replaced, and inputs are quantised once', () => {
  const counts = countOperators(graphOf(decodeModel(buildGraph(modelBytes, 'int8-token'))));
  // A layer: query, key, value twice (coarse and fine), output, wide, narrow.
  assert.equal(counts['MatMulIntegerToFloat'], 6 * 7);
  // Of the four inputs of a layer one has a fine part.
  assert.equal(counts['QuantizeLinear'], 6 * 5);
  // What is left: the two products inside attention.
  assert.equal(counts['MatMul'], 6 * 2);
});

test('building is a pure function of the bytes', () => {
  const copy = Uint8Array.from(modelBytes);
  for (const arithmetic of ARITHMETICS) {
    const first = buildGraph(modelBytes, arithmetic);
    assert.ok(Buffer.from(first).equals(buildGraph(copy, arithmetic)), arithmetic);
  }
  assert.ok(modelBytes.equals(copy), 'the input was changed');
});

test('damaged bytes are refused before anything is built', () => {
  assert.throws(() => buildGraph(modelBytes.subarray(0, 9_000_000), 'fp32'), NearmissError);
});

/** A product of 64 numbers with a 64 x 64 matrix that is reached in some way. */
interface ProductCase {
  readonly nodes: Node[];
  readonly weightIs?: 'transposed';
  readonly opset?: number;
}

const product = makeNode({ op: 'MatMul', inputs: ['input', 'weight'], outputs: ['output'] });
const cases: Readonly<Record<string, ProductCase>> = {
  'a plain product': { nodes: [product] },
  'a product in operator set 18, where axes are an input': { nodes: [product], opset: 18 },
  'a product with a transposed weight': {
    nodes: [
      makeNode({
        op: 'Transpose',
        inputs: ['stored'],
        outputs: ['weight'],
        attributes: { perm: [1, 0] },
      }),
      product,
    ],
    weightIs: 'transposed',
  },
  'a product after GELU': {
    nodes: [
      makeNode({ op: 'Div', inputs: ['input', 'root'], outputs: ['divided'] }),
      makeNode({ op: 'Erf', inputs: ['divided'], outputs: ['erf'] }),
      makeNode({ op: 'Add', inputs: ['erf', 'one'], outputs: ['shifted'] }),
      makeNode({ op: 'Mul', inputs: ['input', 'shifted'], outputs: ['doubled'] }),
      makeNode({ op: 'Mul', inputs: ['doubled', 'half'], outputs: ['gelu'] }),
      makeNode({ op: 'MatMul', inputs: ['gelu', 'weight'], outputs: ['output'] }),
    ],
  },
};

for (const [name, { nodes, weightIs, opset }] of Object.entries(cases)) {
  test(`${name} is taken over, near the exact result`, async () => {
    const random = seededRandom(4);
    const weight = Float32Array.from({ length: 64 * 64 }, () => random() - 0.5);
    const tensors = [
      makeTensor(weightIs ? 'stored' : 'weight', weight, [64, 64]),
      makeTensor('one', Float32Array.of(1)),
      makeTensor('half', Float32Array.of(0.5)),
      makeTensor('root', Float32Array.of(Math.SQRT2)),
    ];
    const bytes = encodeModel(tinyModel({ nodes, tensors, opset }));
    const quantized = buildGraph(bytes, 'int8-token');
    const counts = countOperators(graphOf(decodeModel(quantized)));
    assert.equal(counts['MatMulIntegerToFloat'], 1);
    assert.equal(counts['MatMul'], undefined);
    // A row of zeros, and one with an outlier, beside a common one.
    const input = Float32Array.from({ length: 3 * 64 }, (_, i) => (i < 64 ? 0 : random() - 0.5));
    input[70] = 20;
    const exact = await runFloats(bytes, input);
    const rounded = await runFloats(quantized, input);
    assert.deepEqual(
      [...rounded.subarray(0, 64)].map(Math.abs),
      Array.from({ length: 64 }, () => 0),
    );
    for (const index of [1, 2]) {
      const [a, b] = [exact, rounded].map((all) => all.subarray(64 * index, 64 * (index + 1)));
      assert.ok(cosine(a!, b!) > 0.999, String(cosine(a!, b!)));
    }
  });
}

test('a model without a product to take over stays as it is, and asks for no other operators', () => {
  const bytes = encodeModel(tinyModel());
  const built = decodeModel(buildGraph(bytes, 'int8-token'));
  assert.deepEqual(countOperators(graphOf(built)), { MatMul: 1, Add: 1, Relu: 1 });
  assert.equal(built.opsetImport.length, 1);
});

async function runFloats(model: Uint8Array, data: Float32Array): Promise<Float32Array> {
  const session = await createSession(model);
  const result = await session.run({ input: { data, shape: [data.length / 64, 64] } }, 'output');
  session.dispose();
  return result.data;
}

function inputsOf(ids: readonly number[]): Parameters<Session['run']>[0] {
  const shape = [1, ids.length];
  const filled = (value: bigint): BigInt64Array => new BigInt64Array(ids.length).fill(value);
  return {
    input_ids: { data: BigInt64Array.from(ids, BigInt), shape },
    attention_mask: { data: filled(1n), shape },
    token_type_ids: { data: filled(0n), shape },
  };
}
