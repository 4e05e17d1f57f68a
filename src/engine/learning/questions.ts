/**
 * "Which of these two is right?": the questions whose answers teach most. For each query the first hit by words and the
 * first by meaning are set against each other; where both retrievers are sure of their own and far from the other's, one
 * click says more than many marks on hits that all agree on.
 */
import { parseQuery } from '../search/query';
import { RETRIEVER_DEPTH, retrieve } from '../search/retrieve';
import type { SearchContext } from '../search/types';
import type { ChunkRow } from '../store/types';
import { foldQuery } from '../training/duplicates';

export interface BestQuestion {
  readonly query: string;
  /** The first by words, and the first by meaning. */
  readonly byWords: ChunkRow;
  readonly byMeaning: ChunkRow;
  /** How far apart the retrievers are, 0 to 1. */
  readonly disagreement: number;
}

/** A rank beyond this is as good as not found. */
const FAR = 50;

/** The best questions first, at most one a query; nothing where no embedding answers. */
export async function bestQuestions(
  context: SearchContext,
  queries: readonly string[],
  count: number,
  signal?: AbortSignal,
): Promise<BestQuestion[]> {
  const { snapshot, embedder } = context;
  if (!embedder) return [];
  const found: BestQuestion[] = [];
  const seen = new Set<string>();
  for (const asked of queries) {
    signal?.throwIfAborted();
    if (seen.has(foldQuery(asked))) continue;
    seen.add(foldQuery(asked));
    const query = parseQuery(asked);
    if (query.text === '') continue;
    const vectors = {
      contextual: await embedder.embedQuery(query.text, signal),
      spaceId: embedder.space.id,
    };
    const { candidates } = retrieve(snapshot, query, vectors, query.filter, RETRIEVER_DEPTH);
    const byWords = candidates.find(({ words }) => words?.rank === 1);
    const byMeaning = candidates.find(({ contextual }) => contextual?.rank === 1);
    if (!byWords || !byMeaning || byWords.chunk.id === byMeaning.chunk.id) continue;
    const gap = Math.min(rankOf(byWords.contextual), rankOf(byMeaning.words)) / FAR;
    found.push({
      query: asked,
      ...{ byWords: byWords.chunk, byMeaning: byMeaning.chunk },
      disagreement: Math.min(1, gap),
    });
  }
  return found
    .sort((a, b) => b.disagreement - a.disagreement || (a.query < b.query ? -1 : 1))
    .slice(0, count);
}

function rankOf(vote: { readonly rank?: number } | undefined): number {
  return vote?.rank ?? FAR;
}
