/** The questions that teach most, as clients show them: for queries that were marked, and those that the folder asks itself. */
import { seededRandom } from '../base/random';
import type { LearningQuestion, QuestionedPlace } from '../protocol/learning';
import { contentHash, type Mark } from './feedback/mark';
import { pseudoGuard } from './learning/guard';
import { placeOfChunk } from './learning/markData';
import { bestQuestions } from './learning/questions';
import type { SearchContext } from './search/types';
import type { ChunkRow } from './store/types';
import { foldQuery } from './training/duplicates';

/** Queries of the folder itself that may be asked, and queries that are looked at in all. */
const OWN_QUERIES = 60;
const MOST_ASKED = 200;
/** Lines of a hit that are shown. */
const SHOWN_LINES = 8;
const SENTENCE = 'Words find the first and meaning the second, and neither finds the other near';

export async function questionsFor(
  context: SearchContext,
  marks: readonly Mark[],
  count: number,
  signal: AbortSignal,
): Promise<LearningQuestion[]> {
  const marked = marks.flatMap(({ query }) => query ?? []);
  const own = pseudoGuard(context.snapshot, OWN_QUERIES, seededRandom(marked.length + 1));
  const asked = [...marked, ...own.map(({ query }) => query)].slice(0, MOST_ASKED);
  const found = await bestQuestions(context, asked, asked.length, signal);
  // Whoever has judged one of the two is not asked about them again.
  const judged = new Set(marks.map(({ query = '', path, hash }) => keyOf(query, path, hash)));
  const isJudged = (query: string, chunk: ChunkRow): boolean =>
    judged.has(keyOf(query, chunk.path, contentHash(chunk)));
  const open = found.filter(
    ({ query, byWords, byMeaning }) => !isJudged(query, byWords) && !isJudged(query, byMeaning),
  );
  return open.slice(0, count).map(({ query, byWords, byMeaning }) => ({
    ...{ query, first: shown(byWords), second: shown(byMeaning), sentence: SENTENCE },
  }));
}

function keyOf(query: string, path: string, hash: string): string {
  return JSON.stringify([foldQuery(query), path, hash]);
}

function shown(chunk: ChunkRow): QuestionedPlace {
  const snippet = chunk.text.split('\n').slice(0, SHOWN_LINES).join('\n');
  return { ...placeOfChunk(chunk), snippet };
}
