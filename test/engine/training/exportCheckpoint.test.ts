/** What little was trained is there in every arithmetic, though it lies within half a step of 8 bits. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { seededRandom } from '../../../src/base/random';
import { dot } from '../../../src/base/vector';
import {
  type Checkpoint,
  readCheckpoint,
  readModelBytes,
} from '../../../src/engine/encoders/checkpoint';
import { buildGraph } from '../../../src/engine/encoders/graphs';
import { openEmbedder } from '../../../src/engine/encoders/openEncoder';
import { decodeModel } from '../../../src/engine/onnx/codec';
import { graphOf } from '../../../src/engine/onnx/graph';
import { dimsOf, floatsOf } from '../../../src/engine/onnx/model';
import { exportCheckpoint, type NewWeights } from '../../../src/engine/training/exportCheckpoint';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
const CHANGE = 2e-4;
const TEXTS = ['how to open a file in python', 'def add(a, b): return a + b', 'session expired'];

/** The last layer's matrices, each moved a little in one direction, as few steps of training do. */
async function moved({ modelFile }: Checkpoint): Promise<NewWeights> {
  const graph = graphOf(decodeModel(buildGraph(await readModelBytes(modelFile), 'fp32')));
  const names = graph.nodes
    .filter(({ opType }) => opType === 'MatMul')
    .map(({ input }) => input[1]!)
    .filter((name) => name.startsWith('encoder.layer.5.'));
  assert.equal(names.length, 6);
  const random = seededRandom(1);
  const signs = (length: number): number[] =>
    Array.from({ length }, () => (random() < 0.5 ? -CHANGE : CHANGE));
  return new Map(
    names.map((name) => {
      const tensor = graph.initializer(name)!;
      const dims = dimsOf(tensor);
      const [rows, columns] = [signs(dims[0]!), signs(dims[1]!)];
      const data = Float32Array.from(floatsOf(tensor), (value, at) => {
        const row = rows[Math.floor(at / columns.length)]!;
        return value + (row * columns[at % columns.length]!) / CHANGE;
      });
      return [name, { dims, data }];
    }),
  );
}

async function embed(
  checkpoint: Checkpoint,
  arithmetic: 'fp32' | 'int8-token',
): Promise<Float32Array> {
  const choice = { arithmetic, provider: 'cpu' } as const;
  const embedder = await openEmbedder(checkpoint, { choice, threads: 1 });
  try {
    return await embedder.embedDocuments(TEXTS);
  } finally {
    embedder.dispose();
  }
}

test('is lost where floats are rounded when opened, and there where the trained ones are kept, or rounded up and down', async () => {
  const base = await readCheckpoint(path.join(installationRoot(), 'models/bi-encoder'));
  const weights = await moved(base);
  const of = async (kind: 'fp32' | 'mixed' | 'as-base'): Promise<Checkpoint> => {
    const folder = path.join(root, kind);
    fs.mkdirSync(folder);
    await exportCheckpoint(base, weights, folder, { weights: kind, card: '' });
    return readCheckpoint(folder);
  };
  const [floats, mixed] = [await of('fp32'), await of('mixed')];
  const before = { fp32: await embed(base, 'fp32'), 'int8-token': await embed(base, 'int8-token') };
  const changeOf = async (
    checkpoint: Checkpoint,
    arithmetic: 'fp32' | 'int8-token',
  ): Promise<Float32Array> =>
    (await embed(checkpoint, arithmetic)).map((value, at) => value - before[arithmetic][at]!);
  const trained = await changeOf(floats, 'fp32');
  assert.ok(dot(trained, trained) > 0);
  assert.deepEqual(await changeOf(mixed, 'fp32'), trained);
  /** How much of what was trained an arithmetic has, 1 being all of it. */
  const shareOf = async (checkpoint: Checkpoint): Promise<number> =>
    dot(await changeOf(checkpoint, 'int8-token'), trained) / dot(trained, trained);
  const [lost, kept] = [await shareOf(floats), await shareOf(mixed)];
  const rounded = await shareOf(await of('as-base'));
  assert.ok(Math.abs(rounded - 1) < 0.5, `${rounded} in the form of the base`);
  assert.ok(Math.abs(lost) < 0.5, `${lost} in 8 bits`);
  assert.ok(Math.abs(kept - 1) < 0.5, `${kept} kept`);
  const sizeOf = ({ modelFile }: Checkpoint): number => fs.statSync(modelFile).size;
  assert.ok(sizeOf(mixed) < 0.7 * sizeOf(floats));
});
