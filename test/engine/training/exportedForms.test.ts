/** Every family of encoders, as exporters write it, trains: the gradient of each weight is that of differences. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { graphOf } from '../../../src/engine/onnx/graph';
import { decodeModel } from '../../../src/engine/onnx/codec';
import { readForward } from '../../../src/engine/training/surgery';
import type { TrainableEncoder } from '../../../src/engine/training/trainableEncoder';
import { listWeights } from '../../../src/engine/training/weights';
import { type Form, exportedForm } from '../../support/exportedForms';
import { leavesNothing } from '../../support/leaks';
import { chunkOf, withEncoder } from '../../support/trainable';

leavesNothing();

/** The forms, each in the oldest and the newest operator set and at the borders between. */
const CASES: readonly (readonly [Form, number])[] = [
  ['bert', 13],
  ['bert', 17],
  ['bert', 18],
  ['roberta', 14],
  ['distilbert', 16],
  ['mpnet', 17],
  ['mpnet', 21],
  ['sdpa', 20],
  ['tanhGelu', 18],
];

const { input_ids, attention_mask } = chunkOf([5, 2, 4]);
const chunk = { input_ids: input_ids!, attention_mask: attention_mask! };

/** Fails unless, for each weight, the slope along a random direction is what two pairs of distances say. */
async function checkSlopes(encoder: TrainableEncoder): Promise<void> {
  const sums = encoder.zeroSums();
  const seed = (await encoder.encode(chunk)).map((_, index) => ((index * 5) % 7) / 3 - 1);
  await encoder.addGradients(chunk, seed, sums);
  const loss = async (): Promise<number> =>
    (await encoder.encode(chunk)).reduce((sum, x, index) => sum + x * seed[index]!, 0);
  for (const [name, { data }] of encoder.weights) {
    const random = seededRandom(9);
    const direction = data.map(() => 2 * random() - 1);
    const start = Float32Array.from(data);
    const lossAt = async (distance: number): Promise<number> => {
      data.forEach((_, index) => (data[index] = start[index]! + distance * direction[index]!));
      return loss();
    };
    const slope = async (h: number): Promise<number> =>
      ((await lossAt(h)) - (await lossAt(-h))) / (2 * h);
    const expected = (4 * (await slope(0.01)) - (await slope(0.02))) / 3;
    data.set(start);
    const actual = direction.reduce((sum, x, index) => sum + x * sums.get(name)![index]!, 0);
    const isNear = Math.abs(actual - expected) <= 1e-3 * Math.max(0.3, Math.abs(expected));
    assert.ok(isNear, `${name}: ${actual}, differences say ${expected}`);
  }
}

describe('an encoder as exported', () => {
  for (const [form, opset] of CASES) {
    test(`of the form ${form} in operator set ${opset} trains to its first table`, async () => {
      const options = { pooling: 'mean', selection: { tables: true } } as const;
      await withEncoder(exportedForm(form, opset), options, async (encoder) => {
        assert.equal(encoder.weights.size, 2 + 2 * 3 + 2 * 6 + (form === 'mpnet' ? 1 : 0));
        await checkSlopes(encoder);
      });
    });
  }

  test('has its matrices in the layers of their biases, and single nodes for formulas', () => {
    const bytes = exportedForm('bert', 13);
    const { graph } = readForward(bytes);
    const matrices = listWeights(graph).filter(({ kind }) => kind === 'matrix');
    assert.deepEqual(
      matrices.map(({ name, layer }) => [name.startsWith('onnx::'), layer]),
      Array(6).fill([true, 0]),
    );
    const count = (op: string): number => graph.nodes.filter(({ opType }) => opType === op).length;
    assert.deepEqual([count('LayerNormalization'), count('Gelu'), count('Erf')], [3, 1, 0]);
    assert.ok(graph.nodes.length < graphOf(decodeModel(bytes)).nodes.length - 20);
  });
});
