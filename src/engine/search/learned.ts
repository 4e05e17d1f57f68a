/**
 * What a search takes from a version learned from marks: a head over the stored base embeddings. No second set of
 * vectors is kept. A query head maps the query alone. For a shared head, f(d) = (d + B A d) / |d + B A d|, so
 *
 *   f(q) · f(d) = (f(q) + Aᵀ Bᵀ f(q)) · d / |d + B A d|
 *
 * the product of one folded query with base embeddings proposes, by graph or scan as ever, and what it proposes is mapped
 * and scored exactly. Without a head everything is as it was, bit for bit. A version with an encoder of its own has vectors
 * of its own as well; of this file it needs the level alone.
 */
import { dot, normalize } from '../../base/vector';
import { applyHead, type Head } from '../encoders/heads';
import type { Scored, Snapshot } from '../store/types';

/** A version's map of embeddings, as a plain argument of a search. */
export interface LearnedMap {
  /** Missing where an encoder was learned, whose embeddings are compared as they are. */
  readonly head?: Head;
  /** Brings its cosines to the level of the base's, on which the floor and the mixing with words rest. */
  readonly level?: { readonly factor: number; readonly shift: number };
  /** False: the like of a span is looked for among base embeddings all the same. */
  readonly mapsSimilar: boolean;
}

/** The query's base embedding as the head sees it. */
export function mapQuery(map: LearnedMap | undefined, vector: Float32Array): Float32Array {
  return map?.head ? applyHead(map.head, vector) : vector;
}

/** The snapshot as searches under the map see it: vectors given to it are mapped already. Owns nothing. */
export function mappedSnapshot(
  snapshot: Snapshot,
  map: LearnedMap | undefined,
  spaceId: string | undefined,
): Snapshot {
  const isShared = map?.head?.kind === 'shared-head';
  if (!map || spaceId === undefined || (!isShared && !map.level)) return snapshot;
  const view = map.head && isShared ? new SharedView(snapshot, map.head) : snapshot;
  const leveled = levelOf(map);
  return withVectors(snapshot, spaceId, {
    searchVectors: (...asked) =>
      view
        .searchVectors(...asked)
        .map(({ chunkId, score }) => ({ chunkId, score: leveled(score) })),
    vectorScores: (...asked) =>
      new Map([...view.vectorScores(...asked)].map(([id, score]) => [id, leveled(score)])),
    meanVector: (...asked) => view.meanVector(...asked),
  });
}

/** What is asked of the embeddings of one space. */
export type VectorQuestions = Pick<Snapshot, 'searchVectors' | 'vectorScores' | 'meanVector'>;

/** A line that falls would turn the order round; then scores stay as they are. */
function levelOf({ level }: LearnedMap): (score: number) => number {
  if (!level || !(level.factor > 0)) return (score) => score;
  return (score) => level.factor * score + level.shift;
}

/** The same snapshot with other answers to questions about one space. */
export function withVectors(
  snapshot: Snapshot,
  spaceId: string,
  vectors: VectorQuestions,
): Snapshot {
  const of = (asked: string): VectorQuestions => (asked === spaceId ? vectors : snapshot);
  return {
    get counts() {
      return snapshot.counts;
    },
    searchWords: (...asked) => snapshot.searchWords(...asked),
    searchVectors: (space, ...asked) => of(space).searchVectors(space, ...asked),
    searchStatic: (...asked) => snapshot.searchStatic(...asked),
    vectorScores: (space, ...asked) => of(space).vectorScores(space, ...asked),
    staticScores: (...asked) => snapshot.staticScores(...asked),
    meanVector: (space, ids) => of(space).meanVector(space, ids),
    chunks: (ids) => snapshot.chunks(ids),
    chunksDefining: (...asked) => snapshot.chunksDefining(...asked),
    chunksAt: (...asked) => snapshot.chunksAt(...asked),
    chunksOfShape: (...asked) => snapshot.chunksOfShape(...asked),
    documentFrequency: (term) => snapshot.documentFrequency(term),
    averageTermCount: () => snapshot.averageTermCount(),
    paths: () => snapshot.paths(),
    document: (path) => snapshot.document(path),
    skipped: () => snapshot.skipped(),
    getMeta: (key) => snapshot.getMeta(key),
    dispose() {},
  };
}

/** Proposed beyond what is wanted: the folded product knows no norms, which differ a little. */
const SPARE_SHARE = 1;
const SPARE_COUNT = 64;

/** Both sides mapped. */
class SharedView implements VectorQuestions {
  constructor(
    private readonly snapshot: Snapshot,
    private readonly head: Head,
  ) {}

  searchVectors: Snapshot['searchVectors'] = (spaceId, vector, limit, filter) => {
    const count = Math.ceil(limit * (1 + SPARE_SHARE)) + SPARE_COUNT;
    const folded = normalize(fold(this.head, vector));
    const proposed = this.snapshot.searchVectors(spaceId, folded, count, filter);
    const ids = proposed.map(({ chunkId }) => chunkId);
    return [...this.vectorScores(spaceId, vector, ids)]
      .map(([chunkId, score]): Scored => ({ chunkId, score }))
      .sort((a, b) => b.score - a.score || a.chunkId - b.chunkId)
      .slice(0, limit);
  };

  vectorScores: Snapshot['vectorScores'] = (spaceId, vector, ids) => {
    const scores = new Map<number, number>();
    for (const id of ids) {
      const mapped = this.mapped(spaceId, id);
      if (mapped) scores.set(id, dot(vector, mapped));
    }
    return scores;
  };

  meanVector: Snapshot['meanVector'] = (spaceId, ids) => {
    const rows = ids.flatMap((id) => this.mapped(spaceId, id) ?? []);
    if (rows.length === 0) return undefined;
    const sum = new Float32Array(this.head.dimension);
    for (const row of rows) for (let i = 0; i < sum.length; i++) sum[i]! += row[i]!;
    return normalize(sum);
  };

  private mapped(spaceId: string, id: number): Float32Array | undefined {
    const vector = this.snapshot.meanVector(spaceId, [id]);
    return vector && applyHead(this.head, vector);
  }
}

/** q + Aᵀ Bᵀ q. */
function fold({ dimension, rank, a, b }: Head, query: Float32Array): Float32Array {
  const out = Float32Array.from(query);
  for (let r = 0; r < rank; r++) {
    let inner = 0;
    for (let i = 0; i < dimension; i++) inner += b[i * rank + r]! * query[i]!;
    for (let i = 0; i < dimension; i++) out[i]! += a[r * dimension + i]! * inner;
  }
  return out;
}
