import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { seededRandom } from '../../../src/base/random';
import { createGraphSession } from '../../../src/engine/encoders/graphSession';
import { readBundledCheckpoint } from '../../../src/engine/encoders/bundled';
import { type Pooling, pool } from '../../../src/engine/encoders/pooling';
import { encodeModel } from '../../../src/engine/onnx/codec';
import { hiddenStates, readForward } from '../../../src/engine/training/surgery';
import type { ChunkInputs } from '../../../src/engine/training/trainableEncoder';
import { listWeights, selectWeights } from '../../../src/engine/training/weights';
import { leavesNothing } from '../../support/leaks';
import { chunkOf, toyBytes, withEncoder } from '../../support/trainable';

leavesNothing();

/** Fails unless the encoder gives these embeddings. */
function assertNear(actual: Float32Array, expected: Float32Array): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, index) =>
    assert.ok(Math.abs(value - expected[index]!) < 1e-5, `${value}, not ${expected[index]}`),
  );
}

async function encode(
  bytes: Uint8Array,
  chunk: ChunkInputs,
  pooling: Pooling = 'mean',
): Promise<Float32Array> {
  let encoded: Float32Array = new Float32Array();
  await withEncoder(bytes, { pooling }, async (encoder) => {
    encoded = await encoder.encode(chunk);
  });
  return encoded;
}

describe('weights', () => {
  test('of the bundled encoder are told apart, with their layers', async () => {
    const { modelFile } = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
    const { graph } = readForward(fs.readFileSync(modelFile));
    const weights = listWeights(graph);
    const count = (kind: string): number => weights.filter((weight) => weight.kind === kind).length;
    assert.deepEqual([count('table'), count('matrix'), count('vector')], [2, 36, 62]);
    assert.deepEqual(
      [...new Set(weights.map(({ layer }) => layer))],
      [undefined, 0, 1, 2, 3, 4, 5],
    );
    const last = selectWeights(weights, { lastLayers: 2 });
    assert.deepEqual([...new Set(last.map(({ layer }) => layer))], [4, 5]);
    assert.equal(last.length, 32);
  });

  test('behind the last layer are trained with it', async () => {
    const { modelFile } = await readBundledCheckpoint(installationRoot(), 'cross-encoder');
    const { graph } = readForward(fs.readFileSync(modelFile));
    const last = selectWeights(listWeights(graph), { lastLayers: 1 });
    assert.deepEqual(
      last.filter(({ layer }) => layer === undefined).map(({ dims }) => dims.join()),
      ['384,384', '384', '384,1', '1'],
    );
  });

  test('of 8 bits become floats that give the same, and can be trained', async () => {
    const { modelFile } = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
    const bytes = fs.readFileSync(modelFile);
    const chunk = chunkOf([6, 6]);
    const expected = await encode(bytes, chunk);
    const selection = { tables: true, lastLayers: 6 };
    await withEncoder(bytes, { pooling: 'mean', selection }, async (encoder) => {
      assertNear(await encoder.encode(chunk), expected);
      const name = 'embeddings.word_embeddings.weight';
      const words = new Set([...chunk.input_ids!.data].map(Number));
      const sums = encoder.zeroSums();
      await encoder.addGradients(
        chunk,
        expected.map((_, index) => (index % 3) - 1),
        sums,
      );
      const [count = 0, width = 0] = encoder.weights.get(name)!.dims;
      const isMoved = (word: number): boolean =>
        sums
          .get(name)!
          .subarray(word * width, (word + 1) * width)
          .some((value) => value !== 0);
      const moved = Array.from({ length: count }, (_, word) => word).filter(isMoved);
      assert.deepEqual(
        moved,
        [...words].sort((a, b) => a - b),
      );
    });
  });

  test('of tables are trained only when asked for', () => {
    const weights = listWeights(readForward(toyBytes()).graph);
    const names = (tables: boolean): string[] =>
      selectWeights(weights, { tables }).flatMap(({ name, kind }) =>
        kind === 'table' ? name : [],
      );
    assert.deepEqual(names(false), []);
    assert.deepEqual(names(true), ['word', 'type', 'position']);
  });
});

test('pooling in the graph is that of the encoder, for all four', async () => {
  const lengths = [5, 1, 3];
  const chunk = chunkOf(lengths);
  const { model, graph } = readForward(toyBytes());
  const session = await createGraphSession(encodeModel(model));
  const states = (await session.run(chunk))[graph.outputs[0]!.name]!.data as Float32Array;
  session.dispose();
  for (const pooling of ['mean', 'cls', 'max', 'meanSqrtLength'] as const) {
    const expected = pool({ data: states, width: 5, dimension: 8, lengths }, pooling);
    assertNear(await encode(toyBytes(), chunk, pooling), expected);
  }
});

test('hidden states are what goes into each layer, and the result', () => {
  const { graph } = readForward(toyBytes());
  const states = hiddenStates(graph, listWeights(graph));
  assert.equal(states.length, 3);
  assert.equal(graph.producerOf(states[0]!)?.input[1], 'embeddings.norm.scale');
  assert.equal(graph.producerOf(states[1]!)?.input[1], 'layer.0.output.norm.scale');
  assert.equal(states[2], 'last_hidden_state');
});

describe('adapters', () => {
  const adapters = { rank: 2, random: seededRandom(5) };

  test('change nothing at first, and are all that is trained', async () => {
    const chunk = chunkOf([4, 2, 6]);
    const plain = await encode(toyBytes(), chunk);
    await withEncoder(toyBytes(), { pooling: 'mean', adapters }, async (encoder) => {
      assertNear(await encoder.encode(chunk), plain);
      assert.ok([...encoder.weights.keys()].every((name) => /\.lora_[AB]$/.test(name)));
      assert.equal(encoder.weights.size, 2 * 2 * 6);
      const sums = encoder.zeroSums();
      await encoder.addGradients(
        chunk,
        plain.map((_, index) => (index % 3) - 1),
        sums,
      );
      // B is zero, so nothing reaches A yet; B itself moves.
      for (const [name, sum] of sums)
        assert.equal(
          sum.some((value) => value !== 0),
          name.endsWith('B'),
          name,
        );
    });
  });

  test('act as the product of their two matrices', async () => {
    const chunk = chunkOf([4, 2]);
    await withEncoder(toyBytes(), { pooling: 'mean', adapters }, async (encoder) => {
      const name = 'layer.1.output.weight';
      const [a, b] = ['A', 'B'].map((side) => encoder.weights.get(`${name}.lora_${side}`)!);
      b!.data.forEach((_, index) => (b!.data[index] = ((index * 5) % 7) / 7 - 0.5));
      const adapted = await encoder.encode(chunk);
      await withEncoder(toyBytes(), { pooling: 'mean' }, async (full) => {
        const weight = full.weights.get(name)!;
        const [rows = 0, columns = 0] = weight.dims;
        for (let row = 0; row < rows; row++)
          for (let column = 0; column < columns; column++)
            for (let k = 0; k < 2; k++)
              weight.data[row * columns + column]! +=
                a!.data[row * 2 + k]! * b!.data[k * columns + column]!;
        assertNear(await full.encode(chunk), adapted);
      });
    });
  });
});

describe('dropout', () => {
  const chunk = chunkOf([4, 2]);
  const options = { pooling: 'mean', dropout: ['hidden', 'attention'] } as const;

  test('has the places of BERT, and masks of ones drop nothing', async () => {
    const plain = await encode(toyBytes(), chunk);
    await withEncoder(toyBytes(), options, async (encoder) => {
      const dims = encoder.masks.map((mask) => mask.dims.join(' '));
      const [hidden, attention] = ['batch sequence 8', 'batch 2 sequence sequence'];
      assert.deepEqual(dims, [hidden, attention, hidden, hidden, attention, hidden, hidden]);
      assertNear(await encoder.encode({ ...chunk, ...masksOf(encoder.masks, () => 1) }), plain);
    });
  });

  test('drops what the mask drops, in both directions', async () => {
    await withEncoder(toyBytes(), options, async (encoder) => {
      const random = seededRandom(1);
      const masks = masksOf(encoder.masks, () => (random() < 0.2 ? 0 : 1.25));
      const sums = encoder.zeroSums();
      const first = await encoder.encode({ ...chunk, ...masks });
      const seed = first.map((_, index) => (index % 3) - 1);
      await encoder.addGradients({ ...chunk, ...masks }, seed, sums);
      const loss = async (): Promise<number> =>
        (await encoder.encode({ ...chunk, ...masks })).reduce((sum, x, i) => sum + x * seed[i]!, 0);
      const bias = encoder.weights.get('layer.0.output.bias')!.data;
      const slope = async (h: number): Promise<number> => {
        const at = bias[3]!;
        bias[3] = at + h;
        const above = await loss();
        bias[3] = at - h;
        const below = await loss();
        bias[3] = at;
        return (above - below) / (2 * h);
      };
      const expected = (4 * (await slope(0.02)) - (await slope(0.04))) / 3;
      assert.ok(Math.abs(sums.get('layer.0.output.bias')![3]! - expected) < 2e-4);
      assert.ok(Math.abs(expected) > 0.01, 'the slope is not zero');
    });
  });
});

/** Masks for two texts of at most four words. */
function masksOf(
  masks: readonly { readonly input: string; readonly dims: readonly (number | string)[] }[],
  draw: () => number,
): ChunkInputs {
  const sizes: Readonly<Record<string, number>> = { batch: 2, sequence: 4 };
  const entries = masks.map(({ input, dims }) => {
    const shape = dims.map((dim) => (typeof dim === 'number' ? dim : sizes[dim]!));
    const length = shape.reduce((product, dim) => product * dim, 1);
    return [input, { data: Float32Array.from({ length }, draw), shape }] as const;
  });
  return Object.fromEntries(entries);
}
