/** The tools: what each takes goes to the engine, what comes back becomes short text and structured content. */
import * as path from 'node:path';
import type { CallToolResult, McpServer } from '@modelcontextprotocol/server';
import type * as z from 'zod';
import { isAbort, messageOf, NearmissError } from '../../base/errors';
import type { FolderStatus, SearchHit, SearchResult } from '../../protocol/types';
import { answerText, buildingSentence, placeOf } from '../agentAnswer';
import type { EngineClient } from '../engineClient';
import {
  folderInput,
  markInput,
  markOutput,
  MOST_SPAN_LINES,
  readInput,
  readOutput,
  searchInput,
  searchOutput,
  similarInput,
  statusOutput,
} from './schemas';
import type { ServedFolders } from './served';

/** Lines of read_span where no end is named. */
const usualSpanLines = 100;
/** Longest text of one answer of read_span; minified files have lines of megabytes. */
const longestSpanText = 40_000;

export interface ToolParts {
  readonly client: EngineClient;
  readonly served: ServedFolders;
}

/** What the SDK hands to every call, as far as we use it. */
interface CallContext {
  readonly mcpReq: { readonly signal: AbortSignal };
}

const readOnly = { readOnlyHint: true, destructiveHint: false, openWorldHint: false } as const;

/** Registers the tools that only read. */
export function registerTools(server: McpServer, parts: ToolParts): void {
  server.registerTool(
    'search',
    {
      title: 'Search by meaning',
      description:
        'Searches the code and documents of the folder by meaning and by words, on this machine. Ask in plain words ("where are failed uploads retried"), by symbol or by path. Answers with the passages themselves, best first, each under path:lines.',
      inputSchema: searchInput,
      outputSchema: searchOutput,
      annotations: readOnly,
    },
    (input, context) => answer(() => search(parts, input, context)),
  );
  server.registerTool(
    'find_similar',
    {
      title: 'Find similar places',
      description:
        'Finds places that mean what the given lines of an indexed file mean: copies, siblings, other uses of one idea.',
      inputSchema: similarInput,
      outputSchema: searchOutput,
      annotations: readOnly,
    },
    (input, context) => answer(() => findSimilar(parts, input, context)),
  );
  server.registerTool(
    'read_span',
    {
      title: 'Read lines',
      description: `Lines of an indexed file, at most ${MOST_SPAN_LINES} at once; for documents such as PDF their text. Keys and passwords are taken out.`,
      inputSchema: readInput,
      outputSchema: readOutput,
      annotations: readOnly,
    },
    (input, context) => answer(() => readSpan(parts, input, context)),
  );
  server.registerTool(
    'index_status',
    {
      title: 'State of the index',
      description: 'Which folders are served, how many files the index covers, and how far it is.',
      inputSchema: folderInput,
      outputSchema: statusOutput,
      annotations: readOnly,
    },
    (input, context) => answer(() => status(parts, input, context, 'look')),
  );
  server.registerTool(
    'refresh_index',
    {
      title: 'Refresh the index',
      description:
        'Compares the whole folder with its index. Edits are noticed without it; use it when files came from elsewhere.',
      inputSchema: folderInput,
      outputSchema: statusOutput,
      annotations: { ...readOnly, readOnlyHint: false, idempotentHint: true },
    },
    (input, context) => answer(() => status(parts, input, context, 'refresh')),
  );
}

/** Registers the tool that teaches; only where its user switched it on. */
export function registerMarkTool(server: McpServer, parts: ToolParts): void {
  server.registerTool(
    'mark_result',
    {
      title: 'Mark a hit',
      description:
        'Says that a hit is relevant for a query, or not. It moves that hit for this query and close paraphrases, for everybody who uses this index. Mark only what you read and judged.',
      inputSchema: markInput,
      outputSchema: markOutput,
      annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
    },
    (input, context) => answer(() => mark(parts, input, context)),
  );
}

interface ToolAnswer {
  readonly text: string;
  readonly structured: Record<string, unknown>;
}

/** An expected failure is a sentence for the agent, which may do better at the next call. */
async function answer(work: () => Promise<ToolAnswer>): Promise<CallToolResult> {
  try {
    const { text, structured } = await work();
    return { content: [{ type: 'text', text }], structuredContent: structured };
  } catch (error) {
    if (isAbort(error)) throw error;
    const advice = error instanceof NearmissError && error.advice ? `. ${error.advice}` : '';
    return { isError: true, content: [{ type: 'text', text: `${messageOf(error)}${advice}` }] };
  }
}

async function search(
  { client, served }: ToolParts,
  { query, folder: given, paths, languages, limit, budget }: z.infer<typeof searchInput>,
  { mcpReq: { signal } }: CallContext,
): Promise<ToolAnswer> {
  const folder = served.choose(given);
  const state = await served.prepare(folder, signal);
  const asked = { folder, query, limit, paths, languages, rerank: true, budgetTokens: budget };
  return found(folder, await client.call('search', asked, signal), state);
}

async function findSimilar(
  { client, served }: ToolParts,
  { path: file, startLine, endLine, folder: given, limit, budget }: z.infer<typeof similarInput>,
  { mcpReq: { signal } }: CallContext,
): Promise<ToolAnswer> {
  const folder = served.choose(given, file);
  const state = await served.prepare(folder, signal);
  const span = spanOf(startLine, endLine);
  const asked = { folder, path: file, ...span, limit, budgetTokens: budget };
  return found(folder, await client.call('similar', asked, signal), state);
}

function found(folder: string, result: SearchResult, state: FolderStatus): ToolAnswer {
  const building = [buildingSentence(state) ?? []].flat();
  return {
    text: answerText(result, building),
    structured: {
      folder,
      hits: result.hits.map((hit) => structuredHit(folder, hit)),
      noGoodMatch: result.noGoodMatch,
      isComplete: state.isComplete,
      notes: [...building, ...result.notes],
    },
  };
}

function structuredHit(folder: string, hit: SearchHit): Record<string, unknown> {
  const { symbol, kind, language, page, text = hit.snippet } = hit;
  return { ...structuredPlace(folder, hit), symbol, kind, language, page, text };
}

function structuredPlace(
  folder: string,
  { path: relative, start, end }: Pick<SearchHit, 'path' | 'start' | 'end'>,
): Record<string, unknown> {
  const absolutePath = path.join(folder, relative);
  return { path: relative, absolutePath, startLine: start + 1, endLine: end };
}

async function readSpan(
  { client, served }: ToolParts,
  { path: file, startLine, endLine, folder: given }: z.infer<typeof readInput>,
  { mcpReq: { signal } }: CallContext,
): Promise<ToolAnswer> {
  const folder = served.choose(given, file);
  await served.prepare(folder, signal);
  const { start, end } = spanOf(startLine, endLine ?? startLine + usualSpanLines - 1);
  if (end - start > MOST_SPAN_LINES)
    throw new NearmissError(
      'usage',
      `${end - start} lines are too many`,
      `Ask for at most ${MOST_SPAN_LINES}`,
    );
  const asked = { folder, path: file, start, end };
  const span = await client.call('readSpan', asked, signal);
  const { language, lineCount } = span;
  const isCut = span.text.length > longestSpanText;
  const text = isCut ? `${span.text.slice(0, longestSpanText)}\n[cut here]` : span.text;
  return {
    text: `${placeOf(span)} of ${lineCount}\n${text}`,
    structured: { ...structuredPlace(folder, span), language, lineCount, text },
  };
}

async function status(
  { served }: ToolParts,
  { folder: given }: z.infer<typeof folderInput>,
  { mcpReq: { signal } }: CallContext,
  how: 'look' | 'refresh',
): Promise<ToolAnswer> {
  const wanted = given === undefined ? served.folders : [served.choose(given)];
  const states: FolderStatus[] = [];
  for (const folder of wanted) states.push(await served[how](folder, signal));
  const folders = states.map(structuredStatus);
  const text = folders.map(({ folder, sentence }) => `${folder}: ${sentence}`).join('\n');
  return { text, structured: { folders } };
}

function structuredStatus(state: FolderStatus) {
  const { folder, isComplete, documentCount, embeddableCount, embeddedCount, skippedCount } = state;
  const files = `${documentCount.toLocaleString('en')} files`;
  const left = skippedCount === 0 ? '' : `, ${skippedCount.toLocaleString('en')} left out`;
  return {
    folder,
    state: state.state,
    isComplete,
    fileCount: documentCount,
    chunkCount: embeddableCount,
    embeddedCount,
    skippedCount,
    sentence: buildingSentence(state) ?? `The index is complete: ${files}${left}.`,
  };
}

async function mark(
  { client, served }: ToolParts,
  { query, path: file, startLine, endLine, verdict, folder: given }: z.infer<typeof markInput>,
  { mcpReq: { signal } }: CallContext,
): Promise<ToolAnswer> {
  const folder = served.choose(given, file);
  const span = spanOf(startLine, endLine);
  const made = await client.call(
    'addMark',
    { folder, query, path: file, ...span, verdict },
    signal,
  );
  const word = verdict === 'relevant' ? 'relevant' : 'not relevant';
  return {
    text: `${placeOf(made)} is marked ${word} for "${query}"; nearmiss marks undo ${made.id} takes it back`,
    structured: { id: made.id, ...structuredPlace(folder, made), verdict },
  };
}

/** Lines from 1, both included, to lines from 0, end exclusive. */
function spanOf(startLine: number, endLine: number): { start: number; end: number } {
  if (startLine <= endLine) return { start: startLine - 1, end: endLine };
  throw new NearmissError('usage', 'endLine comes before startLine', 'Swap them');
}
