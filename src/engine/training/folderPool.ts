/**
 * A folder's index as a pool to mine negatives from: its words, its contextual and its static embeddings are three
 * spaces that vote, and further ones where asked for; conditions are looked at in the joint space of both embeddings; the frozen re-ranker is the teacher.
 */
import { createHash } from 'node:crypto';
import { type Random, sample } from '../../base/random';
import { encoderText } from '../documents/encoderText';
import type { Embedder, Reranker, StaticEncoder } from '../encoders/types';
import { queryTermsOf } from '../store/terms';
import type { ChunkRow, Snapshot } from '../store/types';
import { type Matrix, matrixOf, rowOf } from './losses/matrix';
import type { FurtherSpace } from './furtherSpaces';
import type { MiningChunk, MiningDistances, MiningPool, MiningSpace } from './negatives';
import { JointSpace, calibrate, cosineDistance } from './twoConditions';

/** What there is to mine with; what is missing has no vote. */
export interface FolderMeans {
  readonly snapshot: Snapshot;
  readonly embedder?: Embedder;
  readonly staticEncoder?: StaticEncoder;
  /** The base re-ranker, never the one in training. */
  readonly reranker?: Reranker;
  /** Spaces that the index holds no vectors of. */
  readonly further?: readonly FurtherSpace[];
}

/** Chunks that the joint space and the distributions of distances are made from. */
const SAMPLED_CHUNKS = 512;

/** The pool for these queries, whose embeddings are made now. */
export async function folderPool(
  means: FolderMeans,
  queries: readonly string[],
  random: Random,
): Promise<MiningPool & { readonly chunks: FolderChunks }> {
  const chunks = new FolderChunks(means);
  const vectors = await queryVectors(means, queries);
  const { reranker, further = [] } = means;
  const spaces = spacesOf(means, vectors);
  // One after the other: each has a model in memory while it embeds.
  for (const make of further) spaces.push(await make(chunks, queries));
  return {
    chunks,
    spaces,
    distances: jointDistances(chunks, vectors, random),
    ...(reranker && { teacher: (query, texts) => reranker.score(query, texts) }),
  };
}

/** A query's embeddings, by its text: one in each space of embeddings there is. */
type QueryVectors = ReadonlyMap<string, readonly Float32Array[]>;

async function queryVectors(
  { embedder, staticEncoder }: FolderMeans,
  queries: readonly string[],
): Promise<QueryVectors> {
  const vectors = new Map<string, readonly Float32Array[]>();
  for (const query of new Set(queries))
    vectors.set(query, [
      ...(embedder ? [await embedder.embedQuery(query)] : []),
      ...(staticEncoder ? [staticEncoder.embed(query)] : []),
    ]);
  return vectors;
}

function spacesOf(means: FolderMeans, vectors: QueryVectors): MiningSpace[] {
  const { snapshot, embedder, staticEncoder } = means;
  const spaces: MiningSpace[] = [
    {
      ...{ name: 'words', isCosine: false },
      rank: async ({ text }, limit) => {
        const terms = queryTermsOf(text);
        return terms.length === 0 ? [] : snapshot.searchWords({ terms }, limit);
      },
    },
  ];
  if (embedder)
    spaces.push({
      ...{ name: 'contextual', isCosine: true },
      rank: async ({ text }, limit) =>
        snapshot.searchVectors(embedder.space.id, vectors.get(text)![0]!, limit),
    });
  if (staticEncoder)
    spaces.push({
      ...{ name: 'static', isCosine: true },
      rank: async ({ text }, limit) => snapshot.searchStatic(vectors.get(text)!.at(-1)!, limit),
    });
  return spaces;
}

/** The chunks of the index, read when they are asked for. */
export class FolderChunks {
  private readonly ids: readonly number[];
  private readonly known = new Map<number, MiningChunk>();

  constructor(private readonly means: FolderMeans) {
    const { snapshot } = means;
    this.ids = snapshot.paths().flatMap((path) => this.at(path, 0, Number.MAX_SAFE_INTEGER));
  }

  keys(): readonly number[] {
    return this.ids;
  }

  get(id: number): MiningChunk | undefined {
    const known = this.known.get(id);
    if (known) return known;
    const [row] = this.means.snapshot.chunks([id]);
    if (!row) return undefined;
    const chunk = this.toChunk(row);
    this.known.set(id, chunk);
    return chunk;
  }

  /** Ids of the chunks of a file that overlap the lines. */
  at(path: string, start: number, end: number): number[] {
    return this.means.snapshot.chunksAt(path, start, end).map(({ id }) => id);
  }

  /** Its embeddings, in the order of the query's; undefined while one is missing. */
  vectorsOf(id: number): readonly ArrayLike<number>[] | undefined {
    const { embedder, staticEncoder } = this.means;
    const chunk = this.get(id);
    if (!chunk || (embedder && !chunk.vector)) return undefined;
    return [
      ...(chunk.vector ? [chunk.vector] : []),
      ...(staticEncoder ? [staticEncoder.embed(chunk.text)] : []),
    ];
  }

  private toChunk({ id, path, span, symbol, text }: ChunkRow): MiningChunk {
    const { snapshot, embedder } = this.means;
    const vector = embedder && snapshot.meanVector(embedder.space.id, [id]);
    // Equal lines in two files are copies, whatever stands before them for the encoder.
    const hash = createHash('sha256').update(text).digest('base64');
    return { id, path, span, hash, text: encoderText(path, { symbol, text }), vector };
  }
}

/** Distances in the joint space; undefined where no embedding is there, or of too few chunks. */
function jointDistances(
  chunks: FolderChunks,
  queries: QueryVectors,
  random: Random,
): MiningDistances | undefined {
  const spaceCount = [...queries.values()][0]?.length ?? 0;
  const drawn = sample(chunks.keys(), SAMPLED_CHUNKS, random);
  const vectors = drawn.flatMap((id) => {
    const own = chunks.vectorsOf(id);
    return own ? [own] : [];
  });
  if (spaceCount === 0 || vectors.length < 2) return undefined;
  const bySpace = (rows: readonly (readonly ArrayLike<number>[])[]): Matrix[] =>
    Array.from({ length: spaceCount }, (_, space) => matrixOf(rows.map((row) => row[space]!)));
  const space = JointSpace.fit(bySpace(vectors), random);
  const place = (rows: readonly (readonly ArrayLike<number>[])[]): Matrix =>
    space.place(bySpace(rows));
  const placedQueries = new Map(
    [...queries].map(([text, own]) => [text, rowOf(place([own]), 0)] as const),
  );
  const placed = new Map<number, Float64Array | undefined>();
  const placeOf = (id: number): Float64Array | undefined => {
    if (!placed.has(id)) {
      const own = chunks.vectorsOf(id);
      placed.set(id, own && rowOf(place([own]), 0));
    }
    return placed.get(id);
  };
  const distance = (a: Float64Array | undefined, b: Float64Array | undefined): number =>
    a && b ? cosineDistance(a, b) : UNKNOWN;
  return {
    toQuery: ({ text }, id) => distance(placedQueries.get(text), placeOf(id)),
    between: (a, b) => distance(placeOf(a), placeOf(b)),
    calibration: calibrate(matrixOf([...placedQueries.values()]), place(vectors), random),
  };
}

/** The distance of what has no embedding yet: as far as can be. */
const UNKNOWN = 2;
