/**
 * Mined negatives for a person to look at: nobody marked them, and those that lie nearest to the answer may well be right.
 * A decision belongs to the query and the text of the chunk, so that it holds in later runs as long as both stay as they are.
 */
import { createHash } from 'node:crypto';
import { dot } from '../../base/vector';
import { contentHash } from '../feedback/mark';
import type { SearchContext } from '../search/types';
import type { ChunkRow } from '../store/types';
import { foldQuery } from '../training/duplicates';
import type { Group } from './groups';
import { type Decisions, type JudgedChunk, placeOfChunk } from './markData';
import type { ReviewItem } from './report';

/** More are not looked at in one sitting. */
const SHOWN_COUNT = 20;

/** The groups without mined negatives that were left out, and with those as answers that were found right. */
export function decidedGroups(
  { snapshot }: Pick<SearchContext, 'snapshot'>,
  groups: readonly Group[],
  decisions: Decisions,
): Group[] {
  if (decisions.size === 0) return [...groups];
  return groups.map((group) => {
    const { query } = group;
    const right: JudgedChunk[] = [];
    const mined = group.mined.filter((id) => {
      const [chunk] = snapshot.chunks([id]);
      const decision = chunk && decisions.get(reviewIdOf(group, chunk));
      if (decision === 'both') right.push(judgedChunk(group, chunk!));
      return decision === undefined || decision === 'keep';
    });
    return { mined, query: { ...query, relevant: [...query.relevant, ...right] } };
  });
}

/** Mined negatives that lie nearest to an answer, nearest first; nothing where there are no embeddings. */
export function nearestMined(
  { snapshot, embedder }: Pick<SearchContext, 'snapshot' | 'embedder'>,
  groups: readonly Group[],
  decisions: Decisions,
): ReviewItem[] {
  if (!embedder) return [];
  const space = embedder.space.id;
  const vectorOf = (id: number): Float32Array | undefined => snapshot.meanVector(space, [id]);
  const found: { readonly item: ReviewItem; readonly cosine: number }[] = [];
  for (const group of groups) {
    const [answer] = group.query.relevant;
    const right = answer && vectorOf(answer.chunkId);
    if (!answer || !right) continue;
    for (const chunk of snapshot.chunks(group.mined)) {
      const vector = vectorOf(chunk.id);
      const id = reviewIdOf(group, chunk);
      if (!vector || decisions.has(id)) continue;
      const cosine = dot(right, vector);
      const item: ReviewItem = {
        ...{ id, reason: 'mined', query: group.query.asked },
        ...{ answer: placeOfChunk(answer), suspect: placeOfChunk(chunk) },
        sentence: `Nobody marked it; learning takes it for wrong, and it lies near the answer (cosine ${cosine.toFixed(2)})`,
      };
      found.push({ item, cosine });
    }
  }
  return found
    .sort((a, b) => b.cosine - a.cosine || (a.item.id < b.item.id ? -1 : 1))
    .slice(0, SHOWN_COUNT)
    .map(({ item }) => item);
}

/** What a decision about a mined negative is known by: the query and the text of the chunk. */
export function reviewIdOf({ query }: Group, chunk: ChunkRow): string {
  const said = `${foldQuery(query.asked)}\0${contentHash(chunk)}`;
  return `mined-${createHash('sha256').update(said).digest('hex').slice(0, 20)}`;
}

function judgedChunk(group: Group, chunk: ChunkRow): JudgedChunk {
  const { id: chunkId, path, span, symbol } = chunk;
  const { time } = group.query;
  return { markId: reviewIdOf(group, chunk), chunkId, path, span, symbol, time, weight: 1 };
}
