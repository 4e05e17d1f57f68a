/** `nearmiss search` and `nearmiss similar`. */
import { NearmissError } from '../../base/errors';
import type { SearchParams } from '../../protocol/methods';
import type { FolderStatus, SearchHit, SearchResult } from '../../protocol/types';
import { buildingSentence } from '../agentAnswer';
import { readQueries } from './batch';
import { exitDone } from './failure';
import { formatResult, styleFor } from './format';
import {
  type CliSession,
  type CommonOptions,
  existingFolder,
  fileOf,
  printJson,
  printLine,
  tell,
  withSession,
} from './session';

/** A search in a folder never indexed waits so long for its index, then answers with what is there. */
const firstIndexMs = 20_000;
/** A known folder is compared with its index for at most so long before the answer. */
const compareMs = 3000;
/** Batch queries on their way at once: the engine is never idle between two. */
const queriesInFlight = 2;

interface SearchOptions extends CommonOptions {
  readonly queries?: string;
  readonly folder: string;
  readonly limit: number;
  readonly path?: readonly string[];
  readonly lang?: readonly string[];
  readonly kind?: readonly string[];
  readonly budget?: number;
  readonly rerank: boolean;
  readonly explain?: boolean;
  readonly wait?: boolean;
}

export function search(words: readonly string[], options: SearchOptions): Promise<number> {
  if (options.queries !== undefined && words.length > 0)
    throw new NearmissError('usage', 'Give a query or --queries FILE, not both');
  if (options.queries === undefined && words.length === 0)
    throw new NearmissError('usage', 'Give a query, or --queries FILE');
  const folder = existingFolder(options.folder);
  return options.queries === undefined
    ? searchOnce(folder, words.join(' '), options)
    : searchBatch(folder, options.queries, options);
}

function searchOnce(folder: string, query: string, options: SearchOptions): Promise<number> {
  return withSession(options, async (session) => {
    const status = await prepare(session, folder, options);
    const params = searchParams(folder, query, options);
    const result = await session.client.call('search', params, session.signal);
    printResult(result, options, status);
    const isLimited = [options.path, options.lang, options.kind].some((one) => one !== undefined);
    if (result.hits.length === 0 && isLimited && !options.json)
      tell('Nothing fits --path, --lang and --kind together; leave one out to find more');
    return exitDone;
  });
}

async function searchBatch(folder: string, file: string, options: SearchOptions): Promise<number> {
  const queries = readQueries(file);
  return withSession(options, async (session) => {
    await prepare(session, folder, { ...options, wait: true });
    const answers: Promise<SearchResult>[] = [];
    const ask = (index: number): void => {
      const query = queries[index];
      if (!query) return;
      const params = searchParams(folder, query.text, options);
      const answer = session.client.call('search', params, session.signal);
      // Awaited in its turn; until then a failure is not unhandled.
      answer.catch(() => undefined);
      answers[index] = answer;
    };
    for (let index = 0; index < queriesInFlight; index++) ask(index);
    const told = new Set<string>();
    for (const [index, { qid }] of queries.entries()) {
      const result = await answers[index]!;
      for (const note of result.notes.filter((one) => !told.has(one))) {
        told.add(note);
        tell(note);
      }
      ask(index + queriesInFlight);
      printJson({ qid, results: result.hits.map(batchHit) });
    }
    return exitDone;
  });
}

interface SimilarOptions extends CommonOptions {
  readonly folder: string;
  readonly limit: number;
  readonly budget?: number;
  readonly explain?: boolean;
}

export function similar(place: string, options: SimilarOptions): Promise<number> {
  const { file, start, end } = parsePlace(place);
  const folder = existingFolder(options.folder);
  return withSession(options, async (session) => {
    const status = await prepare(session, folder, options);
    const { limit, explain, budget: budgetTokens } = options;
    const path = fileOf(folder, file);
    const params = { folder, path, start, end, limit, explain, budgetTokens };
    printResult(await session.client.call('similar', params, session.signal), options, status);
    return exitDone;
  });
}

/** Sees to it that the folder's index is there: complete, or as far as the time allows. */
async function prepare(
  session: CliSession,
  folder: string,
  options: CommonOptions & { readonly wait?: boolean },
): Promise<FolderStatus> {
  const asked = { folder, isConfirmed: options.yes };
  const { isNew, status } = await session.index({ ...asked, waitFor: 'nothing' });
  if (isNew) tell(`Indexing ${folder} first`);
  const { folderId } = status;
  const far = { ...asked, waitFor: 'all' } as const;
  // A complete index may lag behind an edit of this second: who waits wants it compared.
  if (options.wait)
    return (await session.indexVisibly({ ...far, refresh: status.isComplete }, folderId)).status;
  if (isNew) return (await session.indexVisibly({ ...far, waitMs: firstIndexMs }, folderId)).status;
  return (await session.index({ ...asked, waitFor: 'words', waitMs: compareMs })).status;
}

function searchParams(folder: string, query: string, options: SearchOptions): SearchParams {
  const { limit, rerank, explain } = options;
  return {
    folder,
    query,
    limit,
    paths: options.path,
    languages: options.lang,
    kinds: options.kind,
    rerank,
    explain,
    budgetTokens: options.budget,
  };
}

function printResult(
  result: SearchResult,
  options: CommonOptions & { readonly explain?: boolean },
  status: FolderStatus,
): void {
  if (options.json) printJson(resultJson(result));
  else for (const line of formatResult(result, styleFor(process.stdout))) printLine(line);
  for (const note of result.notes) tell(note);
  if (options.json) return;
  const isWhole =
    result.tiers.includes('contextual') && status.embeddedCount >= status.embeddableCount;
  const building = isWhole ? undefined : buildingSentence(status);
  if (building !== undefined) tell(building);
}

function resultJson(result: SearchResult): unknown {
  return {
    query: result.query,
    tiers: result.tiers,
    tookMs: Object.fromEntries(
      Object.entries(result.tookMs).map(([stage, ms]) => [stage, rounded(ms)]),
    ),
    noGoodMatch: result.noGoodMatch,
    hits: result.hits.map(hitJson),
  };
}

function hitJson(hit: SearchHit): unknown {
  const { rank, path, start, end, score, symbol, kind, language, snippet, explain, page, text } =
    hit;
  const shown = { rank, path, start: start + 1, end, score, symbol, kind, language, snippet };
  const packed = { ...shown, ...(page && { page }), ...(text !== undefined && { text }) };
  return explain === undefined ? packed : { ...packed, explain };
}

function batchHit({ path, start, end, score }: SearchHit): unknown {
  return { path, start: start + 1, end, score };
}

/** To a hundredth of a millisecond. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** "FILE:LINE[-LINE]", 1-based and inclusive, to a file and 0-based lines, end exclusive. */
export function parsePlace(place: string): { file: string; start: number; end: number } {
  const match = /^(.+):(\d+)(?:-(\d+))?$/.exec(place);
  const file = match?.[1];
  const first = Number(match?.[2]);
  const last = Number(match?.[3] ?? match?.[2]);
  if (file !== undefined && 1 <= first && first <= last)
    return { file, start: first - 1, end: last };
  throw new NearmissError(
    'usage',
    `"${place}" does not name lines`,
    'Write FILE:LINE or FILE:LINE-LINE',
  );
}
