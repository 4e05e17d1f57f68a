/**
 * Two rankings side by side through the product's own search: marks' instant effect switched off, a fixed number of
 * candidates re-ranked, no clock. Each answer is reduced to what figures and the report need.
 */
import type { Reranker } from '../encoders/types';
import { search } from '../search/search';
import type { Hit, SearchContext } from '../search/types';
import type { ChunkFilter } from '../store/types';
import type { RunControl } from '../training/control';
import type { RankedPlace } from './report';

/** What a version puts in place of the base; an encoder comes with a view that has its vectors. */
export type Contestant = Partial<
  Pick<SearchContext, 'words' | 'learned' | 'weights' | 'reranker' | 'embedder' | 'snapshot'>
>;

/** Hits that are looked at: marks are on what a person has seen. */
const DEPTH = 50;
const SHOWN = 10;

export interface Answer {
  /** Chunk ids, best first. */
  readonly order: readonly number[];
  /** The first ones, as a person knows them. */
  readonly places: readonly (RankedPlace & { readonly chunkId: number })[];
  /** What each part added to the score of these hits, by chunk and name. */
  readonly parts: ReadonlyMap<number, ReadonlyMap<string, number>>;
}

export interface ArenaOptions {
  readonly rerankCount: number;
  readonly control: RunControl;
  /** Of searches in a part of the folder. */
  readonly filter?: ChunkFilter;
  readonly onAnswer?: () => void;
}

/** The answers of one contestant, by query. `watched` chunks have their parts kept, however deep they stand. */
export async function askAll(
  context: SearchContext,
  contestant: Contestant | undefined,
  queries: readonly { readonly asked: string; readonly watched?: readonly number[] }[],
  { rerankCount, control, filter, onAnswer }: ArenaOptions,
): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  const { marks: _marks, ...unmarked } = context;
  for (const { asked, watched = [] } of queries) {
    await control.turn();
    const { hits } = await search(
      { ...unmarked, ...contestant },
      {
        query: asked,
        limit: DEPTH,
        filter,
        rerank: true,
        rerankCount,
        explain: watched.length > 0,
      },
    );
    answers.set(asked, toAnswer(hits, new Set(watched)));
    onAnswer?.();
  }
  return answers;
}

function toAnswer(hits: readonly Hit[], watched: ReadonlySet<number>): Answer {
  const parts = hits
    .filter(({ chunkId }) => watched.has(chunkId))
    .map(({ chunkId, explain = [] }) => {
      const sums = new Map<string, number>();
      for (const { name, contribution } of explain)
        sums.set(name, (sums.get(name) ?? 0) + contribution);
      return [chunkId, sums] as const;
    });
  return {
    order: hits.map(({ chunkId }) => chunkId),
    places: hits.slice(0, SHOWN).map(({ chunkId, path, span, symbol }) => ({
      ...{ chunkId, path, symbol },
      ...{ start: span.start, end: span.end },
    })),
    parts: new Map(parts),
  };
}

/** Remembers scores: the same pair is read many times in one run, by the same model. */
export function rememberScores(reranker: Reranker): Reranker {
  const known = new Map<string, number>();
  return {
    fingerprint: reranker.fingerprint,
    dispose: () => reranker.dispose(),
    async score(query, texts, signal) {
      const keyOf = (text: string): string => `${query}\0${text}`;
      const missing = [...new Set(texts.filter((text) => !known.has(keyOf(text))))];
      const fresh = missing.length > 0 ? await reranker.score(query, missing, signal) : [];
      missing.forEach((text, index) => known.set(keyOf(text), fresh[index]!));
      return Float32Array.from(texts, (text) => known.get(keyOf(text))!);
    },
  };
}
