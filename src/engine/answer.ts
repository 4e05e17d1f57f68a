/** From the search room's hits to what crosses the wire: the lines to show, and one line that says why. */
import type { ExplainedPart, SearchHit, SearchResult } from '../protocol/types';
import type { ExplainPart, Hit, SearchResult as RoomResult } from './search/types';

/** A line longer than this is cut in a snippet; minified files have one line. */
const longestLine = 240;
const longestSnippetLines = 12;
/** Parts that the one-line reason names. */
const namedParts = 3;

export interface AnswerOptions {
  readonly query: string;
  readonly isExplained: boolean;
  /** Hits carry all their lines. */
  readonly hasTexts?: boolean;
  /** A sentence for each model that could not be loaded: the answer does without it. */
  readonly modelProblems: readonly string[];
}

export function toWireResult(result: RoomResult, options: AnswerOptions): SearchResult {
  return {
    query: options.query,
    tiers: result.tiers,
    tookMs: result.tookMs,
    noGoodMatch: result.noGoodMatch,
    notes: [
      ...(result.note === undefined ? [] : [result.note]),
      ...options.modelProblems.map((problem) => `This answer does without a model: ${problem}`),
    ],
    isReranked: result.isReranked,
    hits: result.hits.map((hit, index) => toWireHit(hit, index + 1, options)),
  };
}

function toWireHit(hit: Hit, rank: number, { isExplained, hasTexts }: AnswerOptions): SearchHit {
  const { text, start } = snippetOf(hit);
  return {
    rank,
    path: hit.path,
    start: hit.span.start,
    end: hit.span.end,
    score: hit.score,
    ...placeOf(hit.symbol),
    kind: hit.kind,
    language: hit.language,
    snippet: text,
    snippetStart: start,
    why: whyLine(hit.explain ?? []),
    explain: isExplained ? hit.explain?.map(toWirePart) : undefined,
    mark: hit.mark && {
      id: hit.mark.mark.id,
      verdict: hit.mark.mark.verdict,
      similarity: hit.mark.similarity,
    },
    text: hasTexts ? hit.text : undefined,
  };
}

/** "page 12 > Scope" as a page and what stands on it. */
function placeOf(symbol: string): { symbol: string; page?: number } {
  const match = /^page (\d+)(?: > |$)/.exec(symbol);
  return match ? { symbol: symbol.slice(match[0].length), page: Number(match[1]) } : { symbol };
}

/** The window that answers best, without blank lines around it. */
function snippetOf({ text, span, window }: Hit): { text: string; start: number } {
  const lines = text.split('\n');
  let from = Math.max(0, window.start - span.start);
  let to = Math.min(lines.length, window.end - span.start, from + longestSnippetLines);
  while (from < to && lines[from]!.trim() === '') from++;
  while (to > from && lines[to - 1]!.trim() === '') to--;
  const shown = lines.slice(from, to).map((line) => cut(line));
  return { text: shown.join('\n'), start: span.start + from };
}

function cut(line: string): string {
  return line.length <= longestLine ? line : `${line.slice(0, longestLine - 1)}…`;
}

/** The parts that moved this hit most. */
function whyLine(parts: readonly ExplainPart[]): string {
  return parts
    .filter((part) => part.contribution !== 0)
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
    .slice(0, namedParts)
    .map((part) => `${part.name}: ${part.sentence}`)
    .join('; ');
}

function toWirePart({ name, rank, value, contribution, sentence }: ExplainPart): ExplainedPart {
  return { name, rank, value, contribution, text: sentence };
}
