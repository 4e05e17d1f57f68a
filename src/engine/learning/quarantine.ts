/** Marks that may lie on the answer itself (training-methods 6.2 and 9.4): found by base embeddings, before a run. */
import { seededRandom, sample } from '../../base/random';
import type { SearchContext } from '../search/types';
import { matrixOf } from '../training/losses/matrix';
import { DUPLICATE_COSINE } from '../training/duplicates';
import { seedFor } from '../training/plan';
import { type ReviewedMark, reviewMarks } from '../training/review';
import { calibrate, cosineDistance } from '../training/twoConditions';
import { contentHash } from '../feedback/mark';
import { closeFrom } from './closeness';
import { type Decisions, type JudgedChunk, type MarkData, placeOfChunk } from './markData';
import type { ReviewItem } from './report';

/** How far beyond the middle of all pairs of chunks a copy must be. */
const COPY_SHARE = 0.97;
/** Chunks that the distribution of distances is made from. */
const SAMPLED_CHUNKS = 512;

/** What to set aside, a sentence each; nothing where there are no embeddings. */
export function suspectMarks(
  { snapshot, embedder }: SearchContext,
  data: MarkData,
  vectors: readonly (Float32Array | undefined)[],
  decisions: Decisions,
  seed: number,
): ReviewItem[] {
  if (!embedder) return [];
  const vectorOf = (id: number): Float32Array | undefined =>
    snapshot.meanVector(embedder.space.id, [id]);
  const hashOf = (id: number): string => {
    const [row] = snapshot.chunks([id]);
    return row ? contentHash(row) : '';
  };
  const placed: {
    readonly mark: JudgedChunk;
    readonly answer?: JudgedChunk;
    readonly asked: string;
  }[] = [];
  const reviewed: ReviewedMark[] = [];
  data.queries.forEach(({ asked, text, relevant, wrong }, at) => {
    const query = vectors[at];
    for (const mark of wrong) {
      if (relevant.length === 0 || decisions.has(mark.markId)) continue;
      const bad = vectorOf(mark.chunkId);
      placed.push({ mark, answer: relevant[0], asked });
      reviewed.push({
        query: text,
        wrong: { hash: hashOf(mark.chunkId), path: mark.path, span: mark.span, vector: bad },
        positives: relevant.map(({ chunkId, path, span }) => {
          const good = vectorOf(chunkId);
          const distances =
            query && bad && good
              ? { toQuery: cosineDistance(query, bad), toPositive: cosineDistance(good, bad) }
              : undefined;
          return { hash: hashOf(chunkId), path, span, vector: good, distances };
        }),
      });
    }
  });
  const known = vectors.filter((vector) => vector !== undefined);
  if (reviewed.length === 0 || known.length === 0) return [];
  const random = seededRandom(seedFor(seed, 'quarantine', 0));
  const ids = snapshot
    .paths()
    .flatMap((path) => snapshot.chunksAt(path, 0, EVERY_LINE).map(({ id }) => id));
  const chunks = sample(ids, SAMPLED_CHUNKS, random).flatMap((id) => vectorOf(id) ?? []);
  const calibration =
    chunks.length >= 2 ? calibrate(matrixOf(known), matrixOf(chunks), random) : undefined;
  const ceiling = closeFrom(DUPLICATE_COSINE, COPY_SHARE, chunks);
  return reviewMarks(reviewed, calibration, { ceiling }).map(
    ({ mark, reason, sentence }): ReviewItem => {
      const { mark: judged, answer, asked } = placed[mark]!;
      return {
        ...{ id: judged.markId, reason, sentence, query: asked },
        ...{ answer: answer && placeOfChunk(answer), suspect: placeOfChunk(judged) },
      };
    },
  );
}

const EVERY_LINE = Number.MAX_SAFE_INTEGER;
