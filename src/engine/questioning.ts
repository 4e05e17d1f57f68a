/** The questions that teach most, as clients show them: for queries that were marked, and those that the folder asks itself. */
import { seededRandom } from '../base/random';
import type { LearningQuestion, QuestionedPlace } from '../protocol/learning';
import { pseudoGuard } from './learning/guard';
import { placeOfChunk } from './learning/markData';
import { bestQuestions } from './learning/questions';
import type { SearchContext } from './search/types';
import type { ChunkRow } from './store/types';

/** Queries of the folder itself that may be asked, and queries that are looked at in all. */
const OWN_QUERIES = 60;
const MOST_ASKED = 200;
/** Lines of a hit that are shown. */
const SHOWN_LINES = 8;
const SENTENCE = 'Words find the first and meaning the second, and neither finds the other near';

export async function questionsFor(
  context: SearchContext,
  marked: readonly string[],
  count: number,
  signal: AbortSignal,
): Promise<LearningQuestion[]> {
  const own = pseudoGuard(context.snapshot, OWN_QUERIES, seededRandom(marked.length + 1));
  const asked = [...marked, ...own.map(({ query }) => query)].slice(0, MOST_ASKED);
  const found = await bestQuestions(context, asked, count, signal);
  return found.map(({ query, byWords, byMeaning }) => ({
    ...{ query, first: shown(byWords), second: shown(byMeaning), sentence: SENTENCE },
  }));
}

function shown(chunk: ChunkRow): QuestionedPlace {
  const snippet = chunk.text.split('\n').slice(0, SHOWN_LINES).join('\n');
  return { ...placeOfChunk(chunk), snippet };
}
