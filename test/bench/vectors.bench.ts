/**
 * `npm run bench -- vectors`: the vector index over 200,000 clustered synthetic embeddings: how many of the ten
 * nearest it finds, against the exact scan, and how long it takes. The graph is built once and kept below .cache.
 */
import * as fs from 'node:fs';
import { buildHnsw, type GraphFiles, hasHnsw, loadHnsw } from '../../src/engine/store/hnsw';
import { scanExactly } from '../../src/engine/store/exactScan';
import { searchVectorView, VectorIndex } from '../../src/engine/store/vectorIndex';
import { viewOf } from '../../src/engine/store/vectorRows';
import { benchCache } from './quality';
import { benchOption, note, quantile, report, timed } from './report';
import { clusteredEmbeddings } from './vectors';

const rowCount = Number(benchOption('rows') ?? 200_000);
const queryCount = 200;
const dimension = 384;
const clusterCount = 2000;
const k = 10;
const sequence = 1;

async function main(): Promise<void> {
  if (!hasHnsw()) {
    note('hnswlib-node was not built here: there is no graph to measure');
    process.exit(2);
  }
  const next = clusteredEmbeddings(dimension, clusterCount, 1);
  const index = VectorIndex.empty(dimension);
  for (let id = 1; id <= rowCount; id++) index.append(id, next());
  const { buildMs, graphBytes } = await addGraph(index);
  // Drawn from the same clusters, and not in the index.
  const queries = Array.from({ length: queryCount }, next);
  const exact = viewOf(index.rows, sequence);
  const view = index.view(sequence);
  for (const query of queries.slice(0, 20)) searchVectorView(view, query, k);
  const times: number[] = [];
  const exactTimes: number[] = [];
  let found = 0;
  for (const query of queries) {
    const graph = await timed(() => searchVectorView(view, query, k));
    const scan = await timed(() => scanExactly(exact, query, k));
    times.push(graph.ms);
    exactTimes.push(scan.ms);
    const wanted = new Set(scan.value.map(({ chunkId }) => chunkId));
    found += graph.value.filter(({ chunkId }) => wanted.has(chunkId)).length;
  }
  report('vectors', [
    { label: 'embeddings', value: rowCount, digits: 0 },
    { label: 'recall@10 against the exact scan', value: found / (k * queryCount), atLeast: 0.99 },
    { label: 'query, p50', value: quantile(times, 0.5), unit: 'ms', atMost: 2, digits: 2 },
    { label: 'query, p99', value: quantile(times, 0.99), unit: 'ms', digits: 2 },
    { label: 'exact scan, p50', value: quantile(exactTimes, 0.5), unit: 'ms' },
    { label: 'building the graph (0: kept from before)', value: buildMs / 1000, unit: 's' },
    { label: 'graph on disk', value: graphBytes / 1e6, unit: 'MB', digits: 0 },
  ]);
}

async function addGraph(index: VectorIndex): Promise<{ buildMs: number; graphBytes: number }> {
  const base = benchCache(`graph-${rowCount}`);
  const files: GraphFiles = { graph: `${base}.hnsw`, description: `${base}.json` };
  const owner = { storeId: 'bench', spaceId: `clusters-${clusterCount}` };
  let graph = await loadHnsw(files, owner, dimension);
  let buildMs = 0;
  if (!graph) {
    note(`building the graph of ${rowCount} embeddings`);
    const { rows } = index;
    const rowNumbers = Array.from({ length: rowCount }, (_, row) => row);
    buildMs = (await timed(() => buildHnsw(files, { owner, rows, rowNumbers, sequence }))).ms;
    graph = await loadHnsw(files, owner, dimension);
  }
  index.useGraph(graph);
  return { buildMs, graphBytes: fs.statSync(files.graph).size };
}

void main();
