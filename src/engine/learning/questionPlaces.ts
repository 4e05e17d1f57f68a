/**
 * The places that a question offers: the first of the whole ranking, of the re-ranker and of meaning, then what the whole
 * ranking puts next. Where they agree, one place stands for all of them. The firsts of words alone and of the static table
 * are right less often than what they would displace. A file comes twice only where other files have nothing to offer: two
 * chunks of one file are seldom told apart by a question.
 */
import { contentHash } from '../feedback/mark';
import { search } from '../search/search';
import type { Hit, SearchContext } from '../search/types';
import type { ChunkRow, Snapshot } from '../store/types';

/** As many as one looks through at a glance. */
export const MOST_PLACES = 4;
/** Hits that are looked at; the first of each way is nearly always among them. */
const LOOKED_AT = 30;
/** Candidates that the re-ranker reads: ten questions shall be found within seconds. */
const RERANKED = 16;
/** The ways whose first is offered, as `explain` names them. */
const WAYS = ['re-ranker', 'meaning'];

export interface PlacesWanted {
  readonly query: string;
  /** Opened for this query before, which is half an answer. */
  readonly opened: readonly ChunkRow[];
  /** True for what was judged for this query. */
  readonly isJudged: (chunk: ChunkRow) => boolean;
}

/** Up to four different places, the first of the ranking first; none or one where there is nothing to choose between. */
export async function questionPlaces(
  context: SearchContext,
  { query, opened, isJudged }: PlacesWanted,
  signal?: AbortSignal,
): Promise<ChunkRow[]> {
  const request = { query, limit: LOOKED_AT, rerank: true, rerankCount: RERANKED, explain: true };
  const { hits } = await search(context, request, signal);
  const firsts = WAYS.flatMap((way) => hits.find((hit) => isFirstBy(way, hit)) ?? []);
  const ids = [
    ...hits.slice(0, 1).map(({ chunkId }) => chunkId),
    ...opened.map(({ id }) => id),
    ...firsts.map(({ chunkId }) => chunkId),
    ...hits.map(({ chunkId }) => chunkId),
  ];
  return distinctPlaces(rowsOf(context.snapshot, ids).filter((chunk) => !isJudged(chunk)));
}

function isFirstBy(way: string, { explain = [] }: Hit): boolean {
  return explain.some(({ name, rank }) => name === way && rank === 1);
}

/** Each chunk once, in this order. */
function rowsOf(snapshot: Snapshot, ids: readonly number[]): ChunkRow[] {
  const rows = new Map(snapshot.chunks([...new Set(ids)]).map((row) => [row.id, row]));
  return [...new Set(ids)].flatMap((id) => rows.get(id) ?? []);
}

/** The first four that say something of their own: one of each file, then others of these files. */
export function distinctPlaces(chunks: readonly ChunkRow[]): ChunkRow[] {
  const texts = new Set<string>();
  const paths = new Set<string>();
  const ofOwnFile: ChunkRow[] = [];
  const others: ChunkRow[] = [];
  for (const chunk of chunks) {
    const hash = contentHash(chunk);
    if (texts.has(hash)) continue;
    texts.add(hash);
    (paths.has(chunk.path) ? others : ofOwnFile).push(chunk);
    paths.add(chunk.path);
  }
  return [...ofOwnFile, ...others].slice(0, MOST_PLACES);
}
