/** What a version's map or encoder does to the space of embeddings, and to the order of find-similar. */
import { seededRandom, sample } from '../../base/random';
import { dot } from '../../base/vector';
import { applyHead } from '../encoders/heads';
import { findSimilar } from '../search/similar';
import type { SearchContext } from '../search/types';
import { effectiveRank, meanCosine } from '../training/geometry';
import { matrixOf } from '../training/losses/matrix';
import { mean } from '../training/metrics';
import { seedFor } from '../training/plan';
import type { Contestant } from './arena';
import type { Geometry, SimilarChange } from './gate';

/** Chunks, and pairs of them, that are looked at. */
const CHUNKS = 1000;
const PAIRS = 1000;
/** Chunks whose like is looked for. */
const SIMILAR_CHUNKS = 40;
const SIMILAR_DEPTH = 10;

/** Undefined where the version maps nothing. */
export function geometryOf(
  context: SearchContext,
  contestant: Contestant,
  queries: readonly (Float32Array | undefined)[],
  seed: number,
): Geometry | undefined {
  const { snapshot, embedder } = context;
  const { head } = contestant.learned ?? {};
  if (!embedder || (!head && !contestant.embedder)) return undefined;
  if (!contestant.embedder && head?.kind === 'query-head') {
    const known = queries.filter((vector) => vector !== undefined);
    return {
      cosineToBase: cosineToBase(known, (vector) => applyHead(head, vector)),
      count: known.length,
    };
  }
  const ids = sampleIds(snapshot, CHUNKS, seed);
  const pairsOfRows = ids.flatMap((id) => {
    const row = snapshot.meanVector(embedder.space.id, [id]);
    const own = row && rowAfter(contestant, id, row);
    return own ? [{ row, own }] : [];
  });
  const rows = pairsOfRows.map(({ row }) => row);
  if (rows.length < 2) return undefined;
  const mapped = pairsOfRows.map(({ own }) => own);
  const random = seededRandom(seedFor(seed, 'pairs', 0));
  const draw = (): number => Math.floor(random() * rows.length);
  const pairs = Array.from({ length: PAIRS }, () => [draw(), draw()] as const).filter(
    ([a, b]) => a !== b,
  );
  const [before, after] = [matrixOf(rows), matrixOf(mapped)];
  return {
    cosineToBase: mean(rows.map((row, at) => dot(row, mapped[at]!))),
    count: rows.length,
    chunks: {
      meanCosineBefore: meanCosine(before, pairs),
      meanCosineAfter: meanCosine(after, pairs),
      rankBefore: effectiveRank(before),
      rankAfter: effectiveRank(after),
    },
  };
}

/** A chunk's embedding as the version has it. */
function rowAfter(
  { embedder, snapshot, learned }: Contestant,
  id: number,
  row: Float32Array,
): Float32Array | undefined {
  if (embedder) return snapshot?.meanVector(embedder.space.id, [id]);
  return learned?.head && applyHead(learned.head, row);
}

/** How much of find-similar stays; undefined where chunks are not mapped. */
export function similarChange(
  context: SearchContext,
  { learned, embedder, snapshot }: Contestant,
  seed: number,
): SimilarChange | undefined {
  const isMapped = embedder !== undefined || learned?.head?.kind === 'shared-head';
  if (!isMapped || !context.embedder) return undefined;
  const own = embedder && snapshot ? { embedder, snapshot } : {};
  const chunks = context.snapshot.chunks(sampleIds(context.snapshot, SIMILAR_CHUNKS, seed));
  const { marks: _marks, ...unmarked } = context;
  const overlaps = chunks.map(({ path, span }) => {
    const request = { path, span, limit: SIMILAR_DEPTH };
    const before = findSimilar(unmarked, request).hits.map(({ chunkId }) => chunkId);
    const view = { ...unmarked, ...own, learned: { ...learned, mapsSimilar: true } };
    const after = new Set(findSimilar(view, request).hits.map(({ chunkId }) => chunkId));
    return before.length === 0 ? 1 : before.filter((id) => after.has(id)).length / before.length;
  });
  return { overlap: mean(overlaps), count: overlaps.length };
}

function cosineToBase(
  rows: readonly Float32Array[],
  map: (row: Float32Array) => Float32Array,
): number {
  return rows.length === 0 ? 1 : mean(rows.map((row) => dot(row, map(row))));
}

function sampleIds(snapshot: SearchContext['snapshot'], count: number, seed: number): number[] {
  const ids = snapshot
    .paths()
    .flatMap((path) => snapshot.chunksAt(path, 0, Number.MAX_SAFE_INTEGER).map(({ id }) => id));
  return sample(ids, count, seededRandom(seedFor(seed, 'sample', count)));
}
