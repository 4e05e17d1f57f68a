/**
 * A folder seen through an encoder that was trained for it: its chunks embedded anew into a set of vectors beside the
 * stored ones, and a view of the same snapshot that answers from that set as well. What is embedded is kept by the text
 * read, slice by slice, so that a run that was stopped goes on where it was. The stored vectors are not touched.
 */
import type { Embedder } from '../encoders/types';
import { embeddingKey, encoderText } from '../documents/encoderText';
import { type VectorQuestions, withVectors } from '../search/learned';
import { passes } from '../search/retrieve';
import type { SearchContext } from '../search/types';
import { ChunkSet } from '../store/chunkSet';
import { scoreChunks } from '../store/exactScan';
import { openEmbeddingCache } from '../store/store';
import type { ChunkFilter, ChunkRow, EmbeddingCache, Snapshot } from '../store/types';
import { meanOf, searchVectorView, VectorIndex } from '../store/vectorIndex';
import type { RunControl } from '../training/control';

export interface EncodeMeans {
  /** Where embeddings are kept. */
  readonly cacheFile: string;
  readonly control: RunControl;
  readonly onProgress: (done: number, total: number) => void;
}

export interface EncodedFolder {
  /** The index's snapshot, answering in the encoder's space too. It lives as long as that one. */
  readonly snapshot: Snapshot;
  /** Chunks that have a vector in the space. */
  readonly chunkCount: number;
  /** Of them those that were embedded now. */
  readonly embeddedCount: number;
}

/** Texts between two looks at whether the run goes on; the embedder cuts them into batches by length. */
const SLICE = 32;

/** Embeds what the index has an embedding of. Throws an AbortedError when cancelled; what was embedded is kept. */
export async function encodeFolder(
  index: SearchContext,
  embedder: Embedder,
  means: EncodeMeans,
): Promise<EncodedFolder> {
  const { snapshot } = index;
  const base = index.embedder?.space.id;
  const ids = base === undefined ? [] : embeddedIds(snapshot, base);
  const vectors = VectorIndex.empty(embedder.space.dimension);
  const cache = openEmbeddingCache(means.cacheFile);
  let embeddedCount = 0;
  try {
    for (let at = 0; at < ids.length; at += SLICE) {
      await means.control.turn();
      means.onProgress(at, ids.length);
      const slice = ids.slice(at, at + SLICE);
      const { rows, freshCount } = await encodeSlice(snapshot.chunks(slice), embedder, cache);
      slice.forEach((id, row) => vectors.append(id, rows[row]!));
      embeddedCount += freshCount;
    }
  } finally {
    cache.dispose();
  }
  means.onProgress(ids.length, ids.length);
  const questions = questionsOf(snapshot, vectors);
  return {
    snapshot: withVectors(snapshot, embedder.space.id, questions),
    ...{ chunkCount: ids.length, embeddedCount },
  };
}

/** Chunks that the base has an embedding of, in order. */
export function embeddedIds(snapshot: Snapshot, baseSpace: string): number[] {
  return snapshot
    .paths()
    .flatMap((path) => snapshot.chunksAt(path, 0, Number.MAX_SAFE_INTEGER).map(({ id }) => id))
    .filter((id) => snapshot.meanVector(baseSpace, [id]) !== undefined);
}

async function encodeSlice(
  chunks: readonly ChunkRow[],
  embedder: Embedder,
  cache: EmbeddingCache,
): Promise<{ readonly rows: readonly Float32Array[]; readonly freshCount: number }> {
  const { id: space, dimension } = embedder.space;
  const texts = chunks.map((chunk) => encoderText(chunk.path, chunk));
  const keys = texts.map((text) => embeddingKey(text));
  const known = cache.get(space, keys);
  const missing = texts.flatMap((_, at) => (known[at] ? [] : [at]));
  if (missing.length === 0) return { rows: known as Float32Array[], freshCount: 0 };
  const fresh = await embedder.embedDocuments(missing.map((at) => texts[at]!));
  const entries = missing.map((at, row) => ({
    key: keys[at]!,
    vector: fresh.slice(row * dimension, (row + 1) * dimension),
  }));
  cache.put(space, entries);
  const rows = [...known];
  missing.forEach((at, row) => (rows[at] = entries[row]!.vector));
  return { rows: rows as Float32Array[], freshCount: missing.length };
}

function questionsOf(snapshot: Snapshot, vectors: VectorIndex): VectorQuestions {
  const view = vectors.view(Number.MAX_SAFE_INTEGER);
  const allowedBy = filterMemory(snapshot, vectors);
  return {
    searchVectors: (_space, vector, limit, filter) =>
      searchVectorView(view, vector, limit, filter && allowedBy(filter)),
    vectorScores: (_space, vector, ids) => scoreChunks(view, vector, ids),
    meanVector: (_space, ids) => meanOf(view, ids),
  };
}

/** Chunks that a filter lets through; the same filter is worked out once. */
function filterMemory(
  snapshot: Snapshot,
  { rows }: VectorIndex,
): (filter: ChunkFilter) => ChunkSet | undefined {
  const known = new WeakMap<ChunkFilter, { readonly set: ChunkSet | undefined }>();
  return (filter) => {
    const found = known.get(filter);
    if (found) return found.set;
    const { path, languages, kinds } = filter;
    const isOpen = !path && !languages && !kinds;
    const set = isOpen ? undefined : allowedChunks(snapshot, rows, filter);
    known.set(filter, { set });
    return set;
  };
}

function allowedChunks(
  snapshot: Snapshot,
  rows: VectorIndex['rows'],
  filter: ChunkFilter,
): ChunkSet {
  const ids = Array.from({ length: rows.count }, (_, row) => rows.idAt(row));
  const set = new ChunkSet(1 + ids.reduce((most, id) => Math.max(most, id), 0));
  for (const chunk of snapshot.chunks(ids)) if (passes(chunk, filter)) set.add(chunk.id);
  return set;
}
