import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { seededRandom } from '../../../src/base/random';
import { readBundledCheckpoint } from '../../../src/engine/encoders/bundled';
import { createGraphSession } from '../../../src/engine/encoders/graphSession';
import { decodeModel, encodeModel } from '../../../src/engine/onnx/codec';
import { graphOf } from '../../../src/engine/onnx/graph';
import {
  DataType,
  type Model,
  dimsOf,
  floatsOf,
  makeTensor,
  makeValue,
} from '../../../src/engine/onnx/model';
import { differentiate } from '../../../src/engine/training/autodiff';
import { GraphWriter } from '../../../src/engine/training/graphWriter';
import { inferTypes } from '../../../src/engine/training/shapes';
import { addPooling } from '../../../src/engine/training/surgery';
import type { ChunkInputs } from '../../../src/engine/training/trainableEncoder';
import { emptyModel, setOutputs } from '../../support/gradients';
import { leavesNothing } from '../../support/leaks';
import { chunkOf, toyBytes, withEncoder } from '../../support/trainable';

leavesNothing();
const wide = { floatType: DataType.DOUBLE } as const;
const size = 8;

/** Each text of the first half belongs to that of the second. */
function inBatchLoss(write: GraphWriter, encoded: string): string {
  const halves = write.reshape(encoded, [2, -1, size]);
  const half = (at: number): string => write.squeeze(write.slice(halves, 0, at, at + 1), [0]);
  const logits = write.scale(write.gemm(half(0), half(1), { b: true }), 4);
  const own = write.scale(write.reduceSum(write.mul(half(0), half(1)), [-1]), 4);
  return write.reduceMean(write.sub(write.logSumExp(logits, [-1]), own));
}
const loss = { write: inBatchLoss, sizes: { batch: [4, 6] } } as const;

/**
 * Makes a model compute in 64 bits, with its float weights as inputs. Erf becomes Tanh, for ONNX Runtime has no 64-bit
 * kernel of it.
 */
function widen(model: Model): Map<string, { data: Float64Array; shape: number[] }> {
  const graph = graphOf(model);
  for (const node of graph.nodes) {
    if (node.opType === 'Erf') node.opType = 'Tanh';
    for (const attribute of node.attribute)
      if (attribute.name === 'to' && attribute.i === 1n) attribute.i = BigInt(DataType.DOUBLE);
  }
  const weights = new Map<string, { data: Float64Array; shape: number[] }>();
  for (const tensor of graph.initializers.filter(({ dataType }) => dataType === DataType.FLOAT)) {
    const data = Float64Array.from(floatsOf(tensor));
    const shape = dimsOf(tensor);
    graph.removeInitializer(tensor.name);
    if (shape.length === 0) {
      graph.setInitializer(makeTensor(tensor.name, data, shape));
    } else {
      graph.proto.input.push(makeValue(tensor.name, DataType.DOUBLE, shape));
      weights.set(tensor.name, { data, shape });
    }
  }
  return weights;
}

/** Gradient of the loss with respect to embeddings that were made before. */
async function gradientOfLoss(encoded: Float32Array): Promise<Float32Array> {
  const model = emptyModel();
  const graph = graphOf(model);
  graph.proto.input = [makeValue('encoded', DataType.FLOAT, ['batch', size])];
  const value = inBatchLoss(new GraphWriter(graph, 'loss/'), 'encoded');
  setOutputs(graph, [value]);
  const types = await inferTypes(model, loss.sizes);
  const gradient = differentiate(graph, value, ['encoded'], { types }).get('encoded')!;
  setOutputs(graph, [gradient]);
  const session = await createGraphSession(encodeModel(model));
  const shape = [encoded.length / size, size];
  const outputs = await session.run({ encoded: { data: encoded, shape } });
  session.dispose();
  return outputs[gradient]!.data as Float32Array;
}

/** The length of the difference between two sets of gradients, as a share of their own length. */
function difference(
  a: ReadonlyMap<string, Float32Array>,
  b: ReadonlyMap<string, Float32Array>,
): number {
  let length = 0;
  let apart = 0;
  for (const [name, values] of a) {
    values.forEach((value, index) => {
      length += value ** 2;
      apart += (value - b.get(name)![index]!) ** 2;
    });
  }
  assert.ok(length > 0, 'the gradient is not zero');
  return Math.sqrt(apart / length);
}

function rowsOf(chunk: ChunkInputs, from: number, to: number, width: number): ChunkInputs {
  const part = Object.entries(chunk).map(([name, { data, shape }]) => {
    const rows = [];
    for (let row = from; row < to; row++)
      rows.push(...(data.slice(row * shape[1]!, row * shape[1]! + width) as BigInt64Array));
    return [name, { data: BigInt64Array.from(rows), shape: [to - from, width] }] as const;
  });
  return Object.fromEntries(part);
}

describe('a batch in chunks', () => {
  const lengths = [5, 2, 7, 3, 1, 4];
  // Widths: a chunk is padded to its own longest text only.
  const cuts: readonly (readonly [number, number, number])[][] = [
    [[0, 6, 7]],
    [
      [0, 2, 5],
      [2, 3, 7],
      [3, 6, 4],
    ],
    [
      [0, 1, 5],
      [1, 2, 2],
      [2, 4, 7],
      [4, 5, 1],
      [5, 6, 4],
    ],
  ];
  for (const chunks of cuts) {
    test(`gives the gradient of the whole, ${chunks.length} at a time`, async () => {
      const bytes = toyBytes();
      await withEncoder(
        bytes,
        { pooling: 'mean', selection: { tables: true }, loss },
        async (encoder) => {
          const batch = chunkOf(lengths);
          const whole = encoder.zeroSums();
          await encoder.step(batch, whole);
          const parts = chunks.map(([from, to, width]) => rowsOf(batch, from, to, width));
          const encoded: number[] = [];
          for (const part of parts) encoded.push(...(await encoder.encode(part)));
          const gradient = await gradientOfLoss(Float32Array.from(encoded));
          const sums = encoder.zeroSums();
          for (const [index, [from, to]] of chunks.entries()) {
            const own = gradient.subarray(from * size, to * size);
            await encoder.addGradients(parts[index]!, own, sums);
          }
          assert.ok(difference(whole, sums) < 1e-6, `off by ${difference(whole, sums)}`);
        },
      );
    });
  }
});

describe('a whole encoder', () => {
  test('has the gradients of differences, in 64-bit', async () => {
    const model = decodeModel(toyBytes());
    const graph = graphOf(model);
    const weights = widen(model);
    const write = new GraphWriter(graph, 'loss/', wide);
    const states = graph.outputs[0]!.name;
    const value = inBatchLoss(write, addPooling(write, states, 'attention_mask', 'mean'));
    setOutputs(graph, [value]);
    graph.sort();
    const types = await inferTypes(model, loss.sizes);
    const gradients = differentiate(graph, value, [...weights.keys()], { types, ...wide });
    assert.deepEqual([...gradients.keys()].sort(), [...weights.keys()].sort());
    setOutputs(graph, [value, ...gradients.values()]);
    const session = await createGraphSession(encodeModel(model));
    const chunk = chunkOf([4, 1, 3, 5]);
    const inputs = { ...chunk, ...Object.fromEntries(weights) };
    const exact = await session.run(inputs);
    const random = seededRandom(3);
    for (const [name, { data, shape }] of weights) {
      for (let count = 0; count < 3; count++) {
        const at = Math.floor(random() * data.length);
        const lossAt = async (offset: number): Promise<number> => {
          const moved = Float64Array.from(data);
          moved[at]! += offset;
          const outputs = await session.run({ ...inputs, [name]: { data: moved, shape } }, [value]);
          return Number(outputs[value]!.data[0]);
        };
        const expected = ((await lossAt(1e-5)) - (await lossAt(-1e-5))) / 2e-5;
        const actual = Number(exact[gradients.get(name)!]!.data[at]);
        assert.ok(Math.abs(actual - expected) < 1e-6, `${name}[${at}]: ${actual}, not ${expected}`);
      }
    }
    session.dispose();
  });

  for (const kind of ['bi-encoder', 'cross-encoder'] as const) {
    test(`differentiates the bundled ${kind} to its last weight`, async () => {
      const { modelFile } = await readBundledCheckpoint(installationRoot(), kind);
      const pooling = kind === 'bi-encoder' ? 'mean' : undefined;
      await withEncoder(fs.readFileSync(modelFile), { pooling }, async (encoder) => {
        const chunk = chunkOf([9, 4]);
        const encoded = await encoder.encode(chunk);
        const sums = encoder.zeroSums();
        const seed = encoded.map((_, index) => ((index * 7) % 5) - 2);
        await encoder.addGradients(chunk, seed, sums);
        const dead = [...sums].filter(([, sum]) => !sum.some((value) => Math.abs(value) > 1e-6));
        // A number added to all keys of a query changes no share: these gradients are exactly zero.
        const others = dead.filter(([name]) => !name.endsWith('key.bias'));
        assert.deepEqual(
          others.map(([name]) => name),
          [],
        );
        const layerCount = kind === 'bi-encoder' ? 6 : 3;
        assert.equal(encoder.weights.size, layerCount * 16 + (kind === 'bi-encoder' ? 2 : 6));
        assert.ok([...sums.values()].every((sum) => sum.every(Number.isFinite)));
      });
    });
  }
});
