/**
 * What an agent is told: short text in which each hit stands under a path and lines that it can open, and sentences
 * about what the answer rests on. The MCP server and the editor's tool say the same; the command line says the latter too.
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
  const { wordDocumentCount, staticDocumentCount, embeddedCount, embeddableCount } = status;
  const files = Math.max(status.documentCount, wordDocumentCount);
  const state = status.state === 'paused' ? 'Indexing is paused' : 'The index is still being built';
  const reason = status.reason ? ` ${status.reason}.` : '';
  if (files === 0) return `${state}: no file can be searched yet.${reason}`;
  const isRough = wordDocumentCount === files && staticDocumentCount >= files;
  const which =
    wordDocumentCount < files
      ? `${number(wordDocumentCount)} of ${number(files)} files`
      : all(files);
  const words = `${which} can be searched by ${isRough ? 'words and rough meaning' : 'words'}`;
  const meaning =
    embeddableCount === 0
      ? `${isRough ? 'exact ' : ''}meaning follows`
      : `${number(embeddedCount)} of ${number(embeddableCount)} chunks by ${isRough ? 'exact ' : ''}meaning`;
  return `${state}: ${words}, ${meaning}.${reason}`;
}

function all(files: number): string {
  return files === 1 ? 'the one file' : `all ${number(files)} files`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

/** A path or a heading may hold what would look like lines of ours. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}
