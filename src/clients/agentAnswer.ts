/**
 * What an agent is told: short text in which each hit stands under a path and lines that it can open, and sentences
 * about what the answer rests on. The MCP server and the editor's tool say the same.
 */
import type { FolderStatus, SearchHit, SearchResult } from '../protocol/types';

/** Tokens of a whole answer unless the agent asks for another number. */
export const DEFAULT_BUDGET_TOKENS = 2000;
export const LEAST_BUDGET_TOKENS = 200;
export const MOST_BUDGET_TOKENS = 20_000;
export const DEFAULT_AGENT_LIMIT = 10;
export const MOST_AGENT_LIMIT = 50;
/** Longest query or path that is taken. */
export const LONGEST_INPUT = 2000;

/** The answer as text: what it rests on (`building`: sentences about unfinished indexes), then the hits, best first. */
export function answerText(
  { hits, noGoodMatch, notes }: Pick<SearchResult, 'hits' | 'noGoodMatch' | 'notes'>,
  building: readonly string[],
): string {
  const head = [
    ...(hits.length === 0
      ? ['Nothing found.']
      : noGoodMatch
        ? ['No good match; these are the nearest passages.']
        : []),
    ...building,
    ...notes.map((note) => `${note}.`),
  ];
  return [head.join('\n'), ...hits.map(hitText)].filter((part) => part !== '').join('\n\n');
}

/** "path:first-last name [kind]" above the lines. */
function hitText(hit: SearchHit): string {
  const symbol = hit.symbol === '' ? '' : ` ${oneLine(hit.symbol)}`;
  const page = hit.page === undefined ? '' : ` page ${hit.page}`;
  return `${placeOf(hit)}${page}${symbol} [${hit.kind}]\n${hit.text ?? hit.snippet}`;
}

/** "path:first-last", lines from 1, both included. */
export function placeOf({ path, start, end }: Pick<SearchHit, 'path' | 'start' | 'end'>): string {
  return `${oneLine(path)}:${start + 1}-${end}`;
}

/** What an answer covers while the index is being made; undefined when it is complete. */
export function buildingSentence(status: FolderStatus): string | undefined {
  if (status.isComplete) return undefined;
  const { wordDocumentCount, documentCount, embeddedCount, embeddableCount } = status;
  const number = (value: number): string => value.toLocaleString('en');
  const files = Math.max(documentCount, wordDocumentCount);
  const words =
    files === 0
      ? 'no file can be searched yet'
      : wordDocumentCount < files
        ? `${number(wordDocumentCount)} of ${number(files)} files can be searched by their words`
        : `all ${number(files)} files can be searched by their words`;
  const meaning =
    embeddableCount === 0
      ? 'their meaning follows'
      : `${number(embeddedCount)} of ${number(embeddableCount)} chunks by their meaning`;
  const state = status.state === 'paused' ? 'Indexing is paused' : 'The index is still being built';
  return `${state}: ${words}, ${meaning}.${status.reason ? ` ${status.reason}.` : ''}`;
}

/** A path or a heading may hold what would look like lines of ours. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}
