/**
 * A hit's snippet as lines of pieces, each with one style and marked or not. The few lines with most words of the
 * query are shown, without the indentation they share, and long lines around their first match.
 */
import type { PanelHit } from '../../protocol/panelMessages';
import { matchedRanges, type Range } from './matches';
import type { ColouredHit } from './model';

export interface Piece {
  readonly text: string;
  /** Position in the list of styles; undefined where there are no colours (yet). */
  readonly style?: number;
  readonly isMatch: boolean;
}

export interface SnippetLine {
  /** 0-based. */
  readonly number: number;
  readonly pieces: readonly Piece[];
}

const MOST_LINES = 5;
const LONGEST_LINE = 160;
/** Characters kept before the first match of a line that is cut. */
const BEFORE_MATCH = 30;

export function snippetLines(
  hit: Pick<PanelHit, 'snippet' | 'snippetStart'>,
  words: readonly string[],
  colours?: ColouredHit,
): SnippetLine[] {
  const texts = hit.snippet.split(/\r?\n/);
  const matches = texts.map((text) => matchedRanges(text, words));
  const [from, to] = bestLines(texts, matches);
  const indent = sharedIndent(texts.slice(from, to));
  // Colours of an older text would be those of other words.
  const coloured = colours?.snippet === hit.snippet ? colours.lines : undefined;
  return texts.slice(from, to).map((text, index) => {
    const ranges = matches[from + index] ?? [];
    const [start, end] = shownPart(text, indent, ranges);
    const pieces = cutPieces(text, start, end, ranges, styleRuns(coloured?.[from + index]));
    const before: Piece[] = start > indent ? [{ text: '…', isMatch: false }] : [];
    const after: Piece[] = end < text.trimEnd().length ? [{ text: '…', isMatch: false }] : [];
    return { number: hit.snippetStart + from + index, pieces: [...before, ...pieces, ...after] };
  });
}

/** First and last (exclusive) of the lines that hold most matches; the earliest of equals. */
function bestLines(texts: readonly string[], matches: readonly (readonly Range[])[]): Range {
  let last = texts.length;
  while (last > 1 && texts[last - 1]?.trim() === '') last--;
  let best = 0;
  let bestCount = -1;
  for (let from = 0; from <= Math.max(0, last - MOST_LINES); from++) {
    const window = matches.slice(from, from + MOST_LINES);
    const count = window.reduce((sum, ranges) => sum + ranges.length, 0);
    if (count > bestCount) [best, bestCount] = [from, count];
  }
  return [best, Math.min(best + MOST_LINES, last)];
}

function sharedIndent(texts: readonly string[]): number {
  const indents = texts
    .filter((text) => text.trim() !== '')
    .map((text) => text.length - text.trimStart().length);
  return indents.length === 0 ? 0 : Math.min(...indents);
}

function shownPart(text: string, indent: number, ranges: readonly Range[]): Range {
  const whole = text.trimEnd().length;
  if (whole - indent <= LONGEST_LINE) return [Math.min(indent, whole), whole];
  const first = ranges[0]?.[0] ?? indent;
  const start = first - indent < LONGEST_LINE - BEFORE_MATCH ? indent : first - BEFORE_MATCH;
  return [start, Math.min(whole, start + LONGEST_LINE)];
}

interface Run {
  readonly end: number;
  readonly style: number;
}

function styleRuns(line: readonly (readonly [number, number])[] | undefined): Run[] {
  let end = 0;
  return (line ?? []).map(([length, style]) => {
    end += length;
    return { end, style };
  });
}

/** Cuts wherever the style or the marking changes. */
function cutPieces(
  text: string,
  start: number,
  end: number,
  ranges: readonly Range[],
  runs: readonly Run[],
): Piece[] {
  const cuts = [start, end, ...ranges.flat(), ...runs.map((run) => run.end)];
  const places = [...new Set(cuts)].filter((at) => start <= at && at <= end).sort((a, b) => a - b);
  return places.slice(0, -1).map((at, index) => ({
    text: text.slice(at, places[index + 1]),
    style: runs.find((run) => at < run.end)?.style,
    isMatch: ranges.some(([from, to]) => from <= at && at < to),
  }));
}
