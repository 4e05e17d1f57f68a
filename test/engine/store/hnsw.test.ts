import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { type Random, seededRandom } from '../../../src/base/random';
import { normalize } from '../../../src/base/vector';
import { ChunkSet } from '../../../src/engine/store/chunkSet';
import { scanExactly } from '../../../src/engine/store/exactScan';
import {
  type GraphFiles,
  buildHnsw,
  hasHnsw,
  loadHnsw,
  shouldRebuildHnsw,
} from '../../../src/engine/store/hnsw';
import { VectorIndex, searchVectorView } from '../../../src/engine/store/vectorIndex';
import { cutFile, flipBit } from '../../support/faults';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder } from '../../support/temporaryFolder';

leavesNothing();
const folder = temporaryFolder(after);
const DIMENSION = 16;
const ROW_COUNT = 1500;
const OWNER = { storeId: 'store', spaceId: 'space' };
const random = seededRandom(7);
// Where no compiler was there at installation, only the exact scan is tested.
const skip = !hasHnsw() && 'hnswlib-node was not built';

function vectorNear(centre: number, next: Random): Float32Array {
  const vector = Float32Array.from({ length: DIMENSION }, () => next() - 0.5);
  vector[centre % DIMENSION]! += 1;
  return normalize(vector);
}

function clustered(count: number): VectorIndex {
  const index = VectorIndex.empty(DIMENSION);
  for (let id = 1; id <= count; id++) index.append(id, vectorNear(id % 9, random));
  return index;
}

function filesOf(name: string): GraphFiles {
  const base = path.join(folder, name);
  return { graph: `${base}.hnsw`, description: `${base}.json` };
}

const whole = clustered(ROW_COUNT);
const wholeFiles = filesOf('whole');

async function build(files: GraphFiles, index: VectorIndex): Promise<void> {
  const rowNumbers = Array.from({ length: index.rows.count }, (_, row) => row);
  assert.ok(await buildHnsw(files, { owner: OWNER, rows: index.rows, rowNumbers, sequence: 3 }));
}

/** Share of the ten nearest that the index finds, over some queries. */
function recall(index: VectorIndex, allowed?: ChunkSet): number {
  const view = index.view(1);
  let hitCount = 0;
  for (let i = 0; i < 40; i++) {
    const query = vectorNear(i, random);
    const exact = new Set(scanExactly(view, query, 10, allowed).map(({ chunkId }) => chunkId));
    const found = searchVectorView(view, query, 10, allowed);
    assert.equal(found.length, exact.size);
    hitCount += found.filter(({ chunkId }) => exact.has(chunkId)).length / exact.size;
  }
  return hitCount / 40;
}

test('finds nearly all that the exact scan finds', { skip }, async () => {
  await build(wholeFiles, whole);
  const graph = await loadHnsw(wholeFiles, OWNER, DIMENSION);
  whole.useGraph(graph);
  assert.equal(graph?.labels.size, ROW_COUNT);
  assert.ok(recall(whole) >= 0.99);
  assert.equal(shouldRebuildHnsw(whole.coverage(), 100), false);
});

test('gives scores of the exact scan, with its order', { skip }, () => {
  const query = vectorNear(3, random);
  const view = whole.view(1);
  const exact = new Map(scanExactly(view, query, 50).map((hit) => [hit.chunkId, hit.score]));
  for (const { chunkId, score } of searchVectorView(view, query, 10)) {
    assert.equal(score, exact.get(chunkId));
  }
});

test('finds rows added since the graph was built, and none that died', { skip }, async () => {
  const index = clustered(ROW_COUNT);
  await build(filesOf('later'), index);
  index.useGraph(await loadHnsw(filesOf('later'), OWNER, DIMENSION));
  const fresh = vectorNear(4, random);
  index.append(9_001, fresh);
  const before = index.view(1);
  assert.equal(searchVectorView(before, fresh, 1)[0]?.chunkId, 9_001);
  for (let id = 1; id <= ROW_COUNT; id++) if (id % 9 === 4) index.rows.kill(id, 2);
  const dead = searchVectorView(index.view(2), fresh, 10).filter(
    ({ chunkId }) => chunkId % 9 === 4 && chunkId !== 9_001,
  );
  assert.deepEqual(dead, []);
  assert.ok(searchVectorView(before, fresh, 10).some(({ chunkId }) => chunkId % 9 === 4));
  assert.deepEqual(index.coverage(), {
    liveCount: ROW_COUNT - Math.floor((ROW_COUNT + 5) / 9) + 1,
    graphCount: ROW_COUNT,
    deadCount: Math.floor((ROW_COUNT + 5) / 9),
  });
});

test('looks at every allowed row under a narrow filter', { skip }, () => {
  const allowed = new ChunkSet(ROW_COUNT + 1);
  for (let id = 1; id <= ROW_COUNT; id += 100) allowed.add(id);
  assert.equal(recall(whole, allowed), 1);
});

test('answers no query with a hole or of another dimension', { skip }, async () => {
  const graph = await loadHnsw(wholeFiles, OWNER, DIMENSION);
  assert.deepEqual(graph?.nearest(new Float32Array(DIMENSION).fill(NaN), 5), []);
  assert.deepEqual(graph?.nearest(new Float32Array(DIMENSION + 1), 5), []);
  assert.deepEqual(graph?.nearest(new Float32Array(DIMENSION), 0), []);
});

test('builds nothing of rows that are no numbers', { skip }, async () => {
  const index = VectorIndex.empty(2);
  index.append(1, Float32Array.of(NaN, 1));
  index.append(2, Float32Array.of(1, 0));
  await build(filesOf('holes'), index);
  const graph = await loadHnsw(filesOf('holes'), OWNER, 2);
  assert.deepEqual([...(graph?.labels ?? [])], [2]);
});

test('ignores a graph that is damaged, cut, missing or of something else', { skip }, async () => {
  const damages: Readonly<Record<string, (files: GraphFiles) => void>> = {
    'one bit of the graph': (files) => flipBit(files.graph, 5000),
    'one bit of its head': (files) => flipBit(files.graph, 9),
    'half of the graph': (files) => cutFile(files.graph, 0.5),
    'no graph': (files) => fs.rmSync(files.graph),
    'half of the description': (files) => cutFile(files.description, 0.5),
    'no description': (files) => fs.rmSync(files.description),
    'an empty description': (files) => fs.writeFileSync(files.description, ''),
    'another count': (files) => {
      const text = fs.readFileSync(files.description, 'utf8');
      fs.writeFileSync(files.description, text.replace(String(ROW_COUNT), '7'));
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    const files = filesOf('damaged');
    fs.copyFileSync(wholeFiles.graph, files.graph);
    fs.copyFileSync(wholeFiles.description, files.description);
    assert.ok(await loadHnsw(files, OWNER, DIMENSION), 'sound before');
    damage(files);
    assert.equal(await loadHnsw(files, OWNER, DIMENSION), undefined, name);
  }
  assert.equal(await loadHnsw(wholeFiles, OWNER, DIMENSION + 1), undefined);
  assert.equal(await loadHnsw(wholeFiles, { ...OWNER, spaceId: 'x' }, DIMENSION), undefined);
  assert.equal(await loadHnsw(wholeFiles, { ...OWNER, storeId: 'x' }, DIMENSION), undefined);
});

test('leaves no file when building is given up', { skip }, async () => {
  const files = filesOf('given-up');
  const rowNumbers = Array.from({ length: ROW_COUNT }, (_, row) => row);
  const source = { owner: OWNER, rows: whole.rows, rowNumbers, sequence: 1 };
  await assert.rejects(buildHnsw(files, source, AbortSignal.abort()), { name: 'AbortError' });
  assert.deepEqual(
    fs.readdirSync(folder).filter((name) => name.startsWith('given-up')),
    [],
  );
});

test('advises a new graph when a seventh is outside or a quarter dead', () => {
  const check = (liveCount: number, graphCount: number, deadCount: number): boolean =>
    shouldRebuildHnsw({ liveCount, graphCount, deadCount }, 1000);
  assert.equal(check(999, 0, 0), false, 'too few');
  assert.equal(check(1000, 0, 0), true, 'no graph yet');
  assert.equal(check(1000, 1000, 0), false);
  assert.equal(check(1000, 860, 0), false);
  assert.equal(check(1000, 840, 0), true, 'outside');
  assert.equal(check(1000, 1300, 300), false);
  assert.equal(check(1000, 1400, 400), true, 'dead');
});
