/**
 * Builds what lies beside a folder's index: the file of vectors and, from some 20,000 chunks on, the graph.
 * Runs where indexing runs. Both are caches, written whole or not at all, and only when enough has changed.
 */
import { readMeta } from './chunkTable';
import { openDatabase } from './database';
import { SqliteFolderReader } from './folderReader';
import { GRAPH_FROM_COUNT, buildHnsw, hasHnsw, readDescription, shouldRebuildHnsw } from './hnsw';
import { type FolderFiles, folderFiles } from './indexFiles';
import type { VectorFileOwner } from './vectorFile';
import { readVectorHeader, writeVectorFile } from './vectorFile';
import type { FloatRows } from './vectorIndex';

export interface SidecarOptions {
  readonly embeddingsFile: string;
  readonly spaceId: string;
  /** Embeddings from which a graph is built. */
  readonly graphFromCount?: number;
  readonly signal?: AbortSignal;
}

/** What was written. */
export interface SidecarsBuilt {
  readonly vectors: boolean;
  readonly graph: boolean;
}

/** Embeddings below which a start reads the shared file as fast. */
const VECTORS_FROM_COUNT = 500;
/** Share of embeddings added or removed that makes the file of vectors worth writing again. */
const MAX_CHANGED_SHARE = 0.1;

/** Brings the sidecars up to date where they lag too far behind. */
export async function buildSidecars(
  indexFile: string,
  options: SidecarOptions,
): Promise<SidecarsBuilt> {
  const needs = await sidecarNeeds(indexFile, options);
  if (!needs.vectors && !needs.graph) return { vectors: false, graph: false };
  const { embeddingsFile, spaceId, signal } = options;
  const reader = new SqliteFolderReader(indexFile, { embeddingsFile, spaceId });
  try {
    await reader.refresh();
    signal?.throwIfAborted();
    const contents = reader.contents();
    if (!contents) return { vectors: false, graph: false };
    const { rows } = contents.index;
    const owner = { storeId: contents.storeId, spaceId };
    const source = { owner, rows, rowNumbers: liveRows(rows), sequence: needs.sequence };
    const files = folderFiles(indexFile);
    if (needs.vectors) await writeVectorFile(files.vectors(spaceId), source, signal);
    const graph = needs.graph && (await buildHnsw(files.graph(spaceId), source, signal));
    return { vectors: needs.vectors, graph };
  } finally {
    reader.dispose();
  }
}

function liveRows(rows: FloatRows): number[] {
  return Array.from({ length: rows.count }, (_, row) => row).filter((row) => rows.isAlive(row));
}

interface Needs extends SidecarsBuilt {
  /** The index is at least this far when the sidecars are written. */
  readonly sequence: number;
}

/** Compares what the sidecars say they hold with the index; reads no vector. */
async function sidecarNeeds(indexFile: string, options: SidecarOptions): Promise<Needs> {
  const database = openDatabase(indexFile, { isReadOnly: true });
  try {
    const storeId = readMeta(database, 'storeId') ?? '';
    const sequence = Number(readMeta(database, 'sequence') ?? 0);
    if (readMeta(database, 'embeddingSpace') !== options.spaceId) {
      return { vectors: false, graph: false, sequence };
    }
    const changes = (since: number): Changes => {
      const [liveCount, addedCount, removedCount] = database
        .prepare<[number, number, number]>(
          `SELECT (SELECT count(*) FROM embeddable WHERE embeddedAt > 0),
             (SELECT count(*) FROM embeddable WHERE embeddedAt > ?1),
             (SELECT coalesce(sum(endChunk - firstChunk), 0) FROM removal WHERE sequence > ?1)`,
        )
        .get(since)!;
      return { liveCount, addedCount, removedCount };
    };
    const owner = { storeId, spaceId: options.spaceId };
    const files = folderFiles(indexFile);
    return {
      vectors: await needsVectors(files, owner, changes),
      graph: needsGraph(files, owner, { changes, fromCount: options.graphFromCount }),
      sequence,
    };
  } finally {
    database.dispose();
  }
}

/** What happened to the embeddings after a sequence number. */
interface Changes {
  readonly liveCount: number;
  readonly addedCount: number;
  /** Removed chunks, those without an embedding included. */
  readonly removedCount: number;
}

async function needsVectors(
  files: FolderFiles,
  owner: VectorFileOwner,
  changes: (since: number) => Changes,
): Promise<boolean> {
  const header = await readVectorHeader(files.vectors(owner.spaceId), owner);
  const { liveCount, addedCount } = changes(header?.sequence ?? 0);
  if (liveCount < VECTORS_FROM_COUNT) return false;
  if (!header) return true;
  const goneCount = header.count + addedCount - liveCount;
  return addedCount + Math.abs(goneCount) > liveCount * MAX_CHANGED_SHARE;
}

function needsGraph(
  files: FolderFiles,
  owner: VectorFileOwner,
  known: { readonly changes: (since: number) => Changes; readonly fromCount?: number },
): boolean {
  if (!hasHnsw()) return false;
  const description = readDescription(files.graph(owner.spaceId), owner);
  const { liveCount, addedCount } = known.changes(description?.sequence ?? 0);
  const graphCount = description?.count ?? 0;
  const deadCount = Math.max(0, graphCount + addedCount - liveCount);
  const coverage = { liveCount, graphCount, deadCount: Math.min(deadCount, graphCount) };
  return shouldRebuildHnsw(coverage, known.fromCount ?? GRAPH_FROM_COUNT);
}
