/**
 * The graph that answers above some 20,000 embeddings (Malkov and Yashunin 2016), by hnswlib-node behind
 * checks: the library takes NaN and a wrong dimension without a word, and a damaged file ends the process.
 * So a graph is one unchanging file with a description beside it that holds its hash; both are verified
 * before the library sees a byte. Without the module, or without a sound file, the exact scan answers.
 */
import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as fsp from 'node:fs/promises';
import { isFiniteVector } from '../../base/vector';
import type { VectorFileOwner } from './vectorFile';
import type { VectorRows } from './vectorRows';

/** Rows from which a graph is worth its memory. */
export const GRAPH_FROM_COUNT = 20_000;
const LINK_COUNT = 16;
const EF_CONSTRUCTION = 200;
/** Candidates kept while searching: recall@10 stays above .99 at 200,000 rows. */
const EF_SEARCH = 160;
const SEED = 100;
/** Building gives way to other work this often. */
const BUILD_SLICE_MS = 15;
const FORMAT = 1;

interface Description extends VectorFileOwner {
  readonly format: number;
  readonly metric: 'ip';
  readonly dimension: number;
  /** Of the graph's file. */
  readonly sha256: string;
  readonly count: number;
  /** Sequence number of the index when the graph was built. */
  readonly sequence: number;
}

/** The part of the library that is used. */
interface NativeGraph {
  initIndex(options: {
    maxElements: number;
    m: number;
    efConstruction: number;
    randomSeed: number;
  }): void;
  addPoint(point: number[], label: number): void;
  searchKnn(point: number[], count: number): { distances: number[]; neighbors: number[] };
  setEf(ef: number): void;
  getIdsList(): number[];
  readIndex(file: string): Promise<boolean>;
  writeIndex(file: string): Promise<boolean>;
}

interface HnswModule {
  readonly HierarchicalNSW: new (metric: 'ip', dimension: number) => NativeGraph;
}

/** Where the two files of a graph lie. */
export interface GraphFiles {
  readonly graph: string;
  readonly description: string;
}

/** A graph over rows of unit length. */
export class HnswGraph {
  readonly labels: ReadonlySet<number>;

  constructor(
    private readonly native: NativeGraph,
    private readonly dimension: number,
    labels: readonly number[],
  ) {
    this.labels = new Set(labels);
  }

  /** Some `count` chunk ids near the query, nearest first; none for a query of another dimension. */
  nearest(query: Float32Array, count: number): number[] {
    const wanted = Math.min(count, this.labels.size);
    if (query.length !== this.dimension || !isFiniteVector(query) || wanted <= 0) return [];
    this.native.setEf(Math.max(EF_SEARCH, wanted));
    return this.native.searchKnn(Array.from(query), wanted).neighbors;
  }
}

/** True where the library was built for this machine. */
export function hasHnsw(): boolean {
  return loadModule() !== undefined;
}

let loaded: HnswModule | 'missing' | undefined;

function loadModule(): HnswModule | undefined {
  if (loaded === undefined) {
    try {
      loaded = require('hnswlib-node') as HnswModule;
    } catch {
      // Optional: no compiler was there when it was installed.
      loaded = 'missing';
    }
  }
  return loaded === 'missing' ? undefined : loaded;
}

/** What a graph is built of. */
export interface GraphSource {
  readonly owner: VectorFileOwner;
  readonly rows: VectorRows<Float32Array>;
  readonly rowNumbers: readonly number[];
  readonly sequence: number;
}

/**
 * Builds a graph of the given rows and puts its files in place, the description last. False without the
 * library. Gives way to other work every few milliseconds; 50,000 rows of 384 take about a minute.
 */
export async function buildHnsw(
  files: GraphFiles,
  source: GraphSource,
  signal?: AbortSignal,
): Promise<boolean> {
  const hnsw = loadModule();
  if (!hnsw) return false;
  const { rows, rowNumbers, owner, sequence } = source;
  const native = new hnsw.HierarchicalNSW('ip', rows.dimension);
  native.initIndex({
    maxElements: Math.max(1, rowNumbers.length),
    m: LINK_COUNT,
    efConstruction: EF_CONSTRUCTION,
    randomSeed: SEED,
  });
  const count = await addRows(native, rows, rowNumbers, signal);
  const temporary = `${files.graph}.${randomUUID()}.tmp`;
  try {
    await native.writeIndex(temporary);
    await fsp.chmod(temporary, 0o600);
    const sha256 = await hashFile(temporary);
    const { dimension } = rows;
    const size = { dimension, count, sequence, sha256 };
    const description: Description = { format: FORMAT, ...owner, metric: 'ip', ...size };
    await fsp.rename(temporary, files.graph);
    await writeWhole(files.description, JSON.stringify(description));
  } finally {
    await fsp.rm(temporary, { force: true });
  }
  return true;
}

async function addRows(
  native: NativeGraph,
  rows: VectorRows<Float32Array>,
  rowNumbers: readonly number[],
  signal: AbortSignal | undefined,
): Promise<number> {
  let count = 0;
  let since = performance.now();
  for (const row of rowNumbers) {
    const vector = rows.at(row);
    if (!isFiniteVector(vector)) continue;
    native.addPoint(Array.from(vector), rows.idAt(row));
    count++;
    if (performance.now() - since < BUILD_SLICE_MS) continue;
    await new Promise(setImmediate);
    signal?.throwIfAborted();
    since = performance.now();
  }
  return count;
}

/** The graph in the files, verified; undefined when a file is missing, damaged or of something else. */
export async function loadHnsw(
  files: GraphFiles,
  owner: VectorFileOwner,
  dimension: number,
): Promise<HnswGraph | undefined> {
  const hnsw = loadModule();
  const description = hnsw && readDescription(files, owner);
  if (!hnsw || description?.dimension !== dimension) return undefined;
  try {
    if ((await hashFile(files.graph)) !== description.sha256) return undefined;
    const native = new hnsw.HierarchicalNSW('ip', dimension);
    await native.readIndex(files.graph);
    const labels = native.getIdsList();
    return labels.length === description.count
      ? new HnswGraph(native, dimension, labels)
      : undefined;
  } catch {
    // A cache: without it the exact scan answers.
    return undefined;
  }
}

/** What the files say they hold, unless it belongs to another index or space. */
export function readDescription(
  files: GraphFiles,
  owner: VectorFileOwner,
): Pick<Description, 'sha256' | 'count' | 'sequence' | 'dimension'> | undefined {
  try {
    const json: unknown = JSON.parse(fs.readFileSync(files.description, 'utf8'));
    const candidate = json as Partial<Description> | null;
    const isOurs =
      candidate?.format === FORMAT &&
      candidate.metric === 'ip' &&
      candidate.storeId === owner.storeId &&
      candidate.spaceId === owner.spaceId;
    return isOurs ? (candidate as Description) : undefined;
  } catch {
    return undefined;
  }
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of fs.createReadStream(file, { highWaterMark: 1 << 20 })) {
    hash.update(part as Buffer);
  }
  return hash.digest('hex');
}

async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  await fsp.writeFile(temporary, text, { mode: 0o600 });
  await fsp.rename(temporary, file);
}

/** What a graph covers of the rows there are. */
export interface GraphCoverage {
  readonly liveCount: number;
  /** Rows in the graph, dead ones included; 0 without a graph. */
  readonly graphCount: number;
  /** Rows of the graph that are dead by now. */
  readonly deadCount: number;
}

const MAX_OUTSIDE_SHARE = 0.15;
const MAX_DEAD_SHARE = 0.25;

/** True when so much lies outside the graph, or is dead inside, that a new one is worth its time. */
export function shouldRebuildHnsw(coverage: GraphCoverage, fromCount = GRAPH_FROM_COUNT): boolean {
  const { liveCount, graphCount, deadCount } = coverage;
  if (liveCount < fromCount) return false;
  const outside = liveCount - (graphCount - deadCount);
  return outside > liveCount * MAX_OUTSIDE_SHARE || deadCount > graphCount * MAX_DEAD_SHARE;
}
