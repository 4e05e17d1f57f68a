/**
 * The contextual embeddings of one folder and space, in memory: rows that are only appended, and a graph over
 * most of them once there are enough. What the graph does not know yet is scanned beside it; what died since
 * is dropped from its answers.
 */
import type { ChunkSet } from './chunkSet';
import { scanExactly, scanRows } from './exactScan';
import { GRAPH_FROM_COUNT, type GraphCoverage, type HnswGraph } from './hnsw';
import type { Scored } from './types';
import { FLOAT_ROWS, type RowView, VectorRows, rowIn } from './vectorRows';

export type FloatRows = VectorRows<Float32Array>;

/** An index as it was at one moment. */
export interface VectorView extends RowView<Float32Array> {
  readonly graph: HnswGraph | undefined;
  /** Rows that the graph does not have; those at or above `count` came later. */
  readonly outside: readonly number[];
}

export class VectorIndex {
  private graph: HnswGraph | undefined;
  private outside: number[] = [];

  constructor(readonly rows: FloatRows) {}

  static empty(dimension: number): VectorIndex {
    return new VectorIndex(new VectorRows(dimension, FLOAT_ROWS));
  }

  /** Appends the embedding of a chunk; one of another dimension is dropped. */
  append(chunkId: number, vector: Float32Array): void {
    const row = this.rows.count;
    this.rows.append(chunkId, vector);
    const isOutside = this.rows.count > row && this.graph?.labels.has(chunkId) === false;
    if (isOutside) this.outside.push(row);
  }

  useGraph(graph: HnswGraph | undefined): void {
    this.graph = graph;
    // A new list: older views keep theirs.
    this.outside = [];
    if (!graph) return;
    for (let row = 0; row < this.rows.count; row++) {
      if (!graph.labels.has(this.rows.idAt(row))) this.outside.push(row);
    }
  }

  get currentGraph(): HnswGraph | undefined {
    return this.graph;
  }

  view(sequence: number): VectorView {
    const { rows, graph, outside } = this;
    return { rows, count: rows.count, sequence, graph, outside };
  }

  coverage(): GraphCoverage {
    const { liveCount } = this.rows;
    if (!this.graph) return { liveCount, graphCount: 0, deadCount: 0 };
    const graphCount = this.graph.labels.size;
    const liveOutside = this.outside.filter((row) => this.rows.isAlive(row)).length;
    return { liveCount, graphCount, deadCount: graphCount - (liveCount - liveOutside) };
  }
}

/** Asked for beyond the limit, for those that died since the graph was built. */
const GRAPH_SPARE = 32;
/** Times that a graph is asked for more before every row is looked at. */
const MAX_GRAPH_ROUNDS = 3;

/** The `limit` nearest of the view, best first; by the graph where that pays. */
export function searchVectorView(
  view: VectorView,
  query: Float32Array,
  limit: number,
  allowed?: ChunkSet,
): Scored[] {
  const isNarrow = allowed !== undefined && allowed.size < GRAPH_FROM_COUNT;
  if (!view.graph || isNarrow) return scanExactly(view, query, limit, allowed);
  const share = allowed ? Math.min(1, allowed.size / Math.max(1, view.count)) : 1;
  let count = Math.ceil((limit + GRAPH_SPARE) / share);
  for (let round = 0; round < MAX_GRAPH_ROUNDS; round++, count *= 3) {
    const near = nearRows(view, query, count, allowed);
    const isAll = count >= view.graph.labels.size;
    if (near.length < limit && !isAll) continue;
    const rows = [...near, ...view.outside];
    return scanRows(view, query, limit, { rows, allowed });
  }
  return scanExactly(view, query, limit, allowed);
}

/** Live and allowed rows among `count` answers of the graph. */
function nearRows(
  view: VectorView,
  query: Float32Array,
  count: number,
  allowed: ChunkSet | undefined,
): number[] {
  const ids = view.graph?.nearest(query, count) ?? [];
  return ids
    .filter((id) => allowed === undefined || allowed.has(id))
    .map((id) => rowIn(view, id))
    .filter((row) => row !== undefined);
}

/** Mean of the rows of the given chunks at unit length; undefined when none has one. */
export function meanOf(
  view: RowView<Float32Array>,
  chunkIds: readonly number[],
): Float32Array | undefined {
  const sum = new Float32Array(view.rows.dimension);
  let isEmpty = true;
  for (const id of chunkIds) {
    const row = rowIn(view, id);
    if (row === undefined) continue;
    isEmpty = false;
    view.rows.at(row).forEach((value, index) => (sum[index]! += value));
  }
  const norm = Math.hypot(...sum);
  return isEmpty || norm === 0 ? undefined : sum.map((value) => value / norm);
}
