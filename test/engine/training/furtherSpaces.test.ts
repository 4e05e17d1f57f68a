/** Middle layers and other checkpoints as spaces that vote when negatives are mined. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { dot } from '../../../src/base/vector';
import { readCheckpoint } from '../../../src/engine/encoders/checkpoint';
import { applyHead, encodeHead, newHead } from '../../../src/engine/encoders/heads';
import { openEmbedder } from '../../../src/engine/encoders/openEncoder';
import { RunControl } from '../../../src/engine/training/control';
import { furtherSpace } from '../../../src/engine/training/furtherSpaces';
import { openMiddleLayer } from '../../../src/engine/training/middleLayer';
import type { MiningChunk, MiningSpace } from '../../../src/engine/training/negatives';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

leavesNothing();

const TEXTS = ['count the retry attempts', 'open the socket', 'parse a header', 'sort the list'];
const chunks = new Map(
  TEXTS.map((text, at): [number, MiningChunk] => [
    10 + at,
    { id: 10 + at, text, hash: text, vector: undefined },
  ]),
);

function toy(name: string, seed: number, layerCount = 3): string {
  const folder = path.join(temporaryFolder(after), name);
  return writeToyCheckpoint(folder, { layerCount, seed });
}

const choice = { arithmetic: 'fp32', provider: 'cpu' } as const;

async function makeSpace(name: string, baseFolder?: string): Promise<MiningSpace> {
  const base = baseFolder === undefined ? undefined : await readCheckpoint(baseFolder);
  const dataFolder = temporaryFolder(after);
  const make = furtherSpace(name, { base, dataFolder, control: new RunControl(), threads: 1 });
  return make(chunks, ['retry']);
}

/** Chunk ids by the embedder's own cosines, best first. */
async function expectedOrder(
  embedder: Awaited<ReturnType<typeof openEmbedder>>,
): Promise<number[]> {
  const { dimension } = embedder.space;
  const query = await embedder.embedQuery('retry');
  const rows = await embedder.embedDocuments(TEXTS);
  embedder.dispose();
  const score = (at: number): number =>
    dot(query, rows.subarray(at * dimension, (at + 1) * dimension));
  return TEXTS.map((_, at) => at)
    .sort((a, b) => score(b) - score(a))
    .map((at) => 10 + at);
}

test('a middle layer is the model that ends there', async () => {
  // A toy's weights are drawn layer by layer: two layers are the first two of three.
  const three = await readCheckpoint(toy('three', 4, 3));
  const two = await readCheckpoint(toy('two', 4, 2));
  const middle = await openMiddleLayer(three, 2, 1);
  const whole = await openEmbedder(two, { choice, threads: 1 });
  const [ours, expected] = [await middle.embedQuery('retry'), await whole.embedQuery('retry')];
  for (const opened of [middle, whole]) opened.dispose();
  assert.ok(1 - dot(ours, expected) < 1e-5);
  assert.notEqual(middle.space.id, whole.space.id);
  const last = await openEmbedder(three, { choice, threads: 1 });
  const other = await last.embedQuery('retry');
  last.dispose();
  assert.ok(1 - dot(ours, other) > 1e-3);
});

test('ranks by a middle layer, and by another checkpoint, as their embeddings do', async () => {
  const [base, other] = [toy('base', 4), toy('other', 9)];
  const middle = await makeSpace('layer:1', base);
  const own = await openMiddleLayer(await readCheckpoint(base), 1, 1);
  const named = await makeSpace(other);
  const foreign = await openEmbedder(await readCheckpoint(other), { choice, threads: 1 });
  const query = { text: 'retry', positives: [] };
  const idsOf = async (space: MiningSpace, limit: number): Promise<number[]> =>
    (await space.rank(query, limit)).map(({ chunkId }) => chunkId);
  assert.deepEqual(await idsOf(middle, 4), await expectedOrder(own));
  const order = await expectedOrder(foreign);
  assert.deepEqual(await idsOf(named, 2), order.slice(0, 2));
  // Cosines of another model do not count where the base's have a ceiling.
  assert.ok(!middle.isCosine && !named.isCosine);
});

test('ranks by a head over the embeddings that are stored', async () => {
  const checkpoint = await readCheckpoint(toy('base', 4));
  const embedder = await openEmbedder(checkpoint, { choice, threads: 1 });
  const { dimension } = embedder.space;
  const rows = await embedder.embedDocuments(TEXTS);
  const vectorAt = (at: number): Float32Array => rows.slice(at * dimension, (at + 1) * dimension);
  const stored = new Map(
    [...chunks.values()].map((chunk, at) => [chunk.id, { ...chunk, vector: vectorAt(at) }]),
  );
  for (const kind of ['query-head', 'shared-head'] as const) {
    const head = newHead({ kind, base: checkpoint.fingerprint, dimension, rank: 2 }, 3);
    head.b.set(Float32Array.from(head.b, (_, i) => Math.sin(i) * 2));
    const folder = temporaryFolder(after);
    fs.writeFileSync(path.join(folder, 'adapter.safetensors'), encodeHead(head));
    const means = { embedder, dataFolder: folder, control: new RunControl() };
    const space = await furtherSpace(folder, means)(stored, ['retry']);
    const query = applyHead(head, await embedder.embedQuery('retry'));
    const score = (at: number): number =>
      dot(query, kind === 'shared-head' ? applyHead(head, vectorAt(at)) : vectorAt(at));
    const expected = TEXTS.map((_, at) => at).sort((a, b) => score(b) - score(a));
    const ranked = await space.rank({ text: 'retry', positives: [] }, 4);
    assert.deepEqual(
      ranked.map(({ chunkId }) => chunkId),
      expected.map((at) => 10 + at),
    );
    const foreign = { ...embedder, space: { ...embedder.space, checkpoint: 'another' } };
    await assert.rejects(
      furtherSpace(folder, { ...means, embedder: foreign })(stored, ['retry']),
      /was trained on the checkpoint/,
    );
  }
  embedder.dispose();
});

test('says in a sentence which layer or model will not do', async () => {
  const base = toy('base', 4);
  const cross = writeToyCheckpoint(path.join(temporaryFolder(after), 'cross'), {
    kind: 'cross-encoder',
  });
  await assert.rejects(makeSpace('layer:3', base), /has 3 layers, so 3 is not one in the middle/);
  await assert.rejects(makeSpace('layer:0', base), /so 0 is not one in the middle/);
  await assert.rejects(makeSpace('layer:1'), /is a layer of the model that embeds, and none does/);
  await assert.rejects(makeSpace(cross), /is a cross-encoder, which embeds nothing/);
});
