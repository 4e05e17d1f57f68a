/**
 * From the lines of all pages to a text with headings: repeated heads and feet go, words cut at line ends are joined,
 * paragraphs are parted, and headings are what the outline names, what is set larger than the body, or what is
 * numbered like one.
 */
import type { Converted, ConversionLimits } from './converted';
import type { Line } from './pdfLayout';
import { TextBuilder } from './textBuilder';

export interface PdfPage {
  readonly lines: readonly Line[];
  readonly height: number;
}

/** An entry of the document's outline. */
export interface OutlineEntry {
  readonly title: string;
  /** From 1. */
  readonly level: number;
  /** Index of its page. */
  readonly page: number;
}

/** Larger than the body by this factor: a heading. */
const LARGER = 1.15;
const LONGEST_HEADING = 140;
/** Distance in body sizes from which on a new paragraph begins. */
const PARAGRAPH_GAP = 1.75;
/** Share of the page at top and bottom where heads and feet stand. */
const MARGIN = 0.085;
/** A head or foot is on so large a share of the pages. */
const REPEATED = 0.3;
const deepestLevel = 6;

export function textOfPages(
  pages: readonly PdfPage[],
  outline: readonly OutlineEntry[],
  limits: ConversionLimits,
): Converted {
  const repeated = repeatedLines(pages);
  const body = bodySize(pages);
  const sizes = headingSizes(pages, body);
  const builder = new TextBuilder(limits);
  const named = outlineByPage(outline);
  for (const [index, page] of pages.entries()) {
    builder.startPage();
    const lines = page.lines.filter(
      (line) => !isRepeated(line, page, repeated) && !CONTENTS.test(line.text),
    );
    appendPage(builder, lines, { body, sizes, named: named.get(index) ?? new Map() });
  }
  return builder.finish();
}

interface PageContext {
  readonly body: number;
  /** Font sizes of headings, largest first. */
  readonly sizes: readonly number[];
  /** Levels by the letters of the title. */
  readonly named: ReadonlyMap<string, number>;
}

function appendPage(builder: TextBuilder, lines: readonly Line[], context: PageContext): void {
  let paragraph: string[] = [];
  const flush = (): void => {
    for (const row of joinCutWords(paragraph)) builder.row(row);
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const heading = headingAt(lines, at, context);
    if (heading) {
      flush();
      builder.heading(heading.level, heading.rows);
      at += heading.lineCount - 1;
      continue;
    }
    if (line.gap > PARAGRAPH_GAP * Math.max(line.size, context.body * 0.7) || line.gap < 0) {
      flush();
      builder.blank();
    }
    paragraph.push(line.text);
  }
  flush();
}

interface FoundHeading {
  readonly level: number;
  readonly rows: readonly string[];
  readonly lineCount: number;
}

function headingAt(
  lines: readonly Line[],
  at: number,
  { body, sizes, named }: PageContext,
): FoundHeading | undefined {
  const line = lines[at]!;
  // A title may go over two lines.
  for (const lineCount of [2, 1]) {
    const rows = lines.slice(at, at + lineCount).map(({ text }) => text);
    const title = rows.join(' ');
    const level = named.get(lettersOf(title)) ?? named.get(lettersOf(withoutNumber(title)));
    if (level !== undefined && rows.length === lineCount) return { level, rows, lineCount };
  }
  if (line.text.length > LONGEST_HEADING || !/\p{L}{2}/u.test(line.text)) return undefined;
  if (line.text.includes(' | ')) return undefined;
  const rank = sizes.findIndex((size) => line.size >= size - 0.1);
  if (rank >= 0) {
    const next = lines[at + 1];
    const isTwoLines =
      next && Math.abs(next.size - line.size) < 0.1 && next.gap < PARAGRAPH_GAP * line.size;
    const isThree = isTwoLines && lines[at + 2]?.size === line.size;
    const rows = isTwoLines && !isThree ? [line.text, next.text] : [line.text];
    return { level: rank + 1, rows, lineCount: rows.length };
  }
  const number = NUMBERED.exec(line.text);
  const isApart = line.gap > 1.4 * line.size || line.gap < 0;
  const isHeading = number && isApart && line.size >= body - 0.1 && !/[.,;:]$/.test(line.text);
  if (!isHeading) return undefined;
  const level = number[1]!.split('.').filter(Boolean).length;
  return { level: Math.min(deepestLevel, level + sizes.length), rows: [line.text], lineCount: 1 };
}

/** "3.2 Title", "A.1 Title": without a dot inside it may as well be an entry of a list. */
const NUMBERED = /^((?:\d{1,2}|[A-Z])(?:\.\d{1,2}){1,4}\.?)\s+\p{Lu}[^|]{2,90}$/u;

/** Outlines often leave the number out that stands before the title on the page. */
function withoutNumber(title: string): string {
  return title.replace(/^(?:\p{L}+\s+)?[\dA-Z]+(?:\.\d+)*[.:]?\s+/u, '');
}

/** A line of the contents: its title stands above the section itself. */
const CONTENTS = /(?:\.\s*){5}\d{1,4}$/;

function lettersOf(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}]+/gu, '').toLowerCase();
}

function outlineByPage(outline: readonly OutlineEntry[]): Map<number, Map<string, number>> {
  const pages = new Map<number, Map<string, number>>();
  for (const { title, level, page } of outline) {
    const titles = pages.get(page) ?? new Map<string, number>();
    const letters = lettersOf(title);
    if (letters !== '') titles.set(letters, Math.min(deepestLevel, level));
    pages.set(page, titles);
  }
  return pages;
}

/** The font size that most letters have. */
function bodySize(pages: readonly PdfPage[]): number {
  const letters = new Map<number, number>();
  for (const { lines } of pages)
    for (const { size, text } of lines) {
      const rounded = Math.round(size * 2) / 2;
      letters.set(rounded, (letters.get(rounded) ?? 0) + text.length);
    }
  const [most] = [...letters].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  return most?.[0] ?? 10;
}

/** Sizes set apart from the body, at most three, those of whole lines of a heading's length. */
function headingSizes(pages: readonly PdfPage[], body: number): number[] {
  const counts = new Map<number, number>();
  for (const { lines } of pages)
    for (const { size, text } of lines) {
      if (size < LARGER * body || text.length > LONGEST_HEADING || !/\p{L}{2}/u.test(text))
        continue;
      const rounded = Math.round(size * 2) / 2;
      counts.set(rounded, (counts.get(rounded) ?? 0) + 1);
    }
  return [...counts.keys()].sort((a, b) => b - a).slice(0, 3);
}

function repeatedLines(pages: readonly PdfPage[]): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const page of pages)
    for (const text of new Set(page.lines.filter((line) => isMarginal(line, page)).map(shapeOf)))
      counts.set(text, (counts.get(text) ?? 0) + 1);
  const least = Math.max(3, REPEATED * pages.length);
  return new Set([...counts].filter(([, count]) => count >= least).map(([text]) => text));
}

function isMarginal({ y }: Line, { height }: PdfPage): boolean {
  return y < MARGIN * height || y > (1 - MARGIN) * height;
}

/** A line but for its numbers: page numbers differ. */
function shapeOf({ text }: Line): string {
  return text.replaceAll(/\d+/g, '0').trim();
}

function isRepeated(line: Line, page: PdfPage, repeated: ReadonlySet<string>): boolean {
  if (!isMarginal(line, page)) return false;
  return (
    /^[\s\-–—|]*(?:\d{1,4}|[ivxl]{1,6})[\s\-–—|]*$/i.test(line.text) || repeated.has(shapeOf(line))
  );
}

/** "exam-" above "ple of" becomes "example" above "of": a cut word cannot be found. */
function joinCutWords(rows: readonly string[]): string[] {
  const joined = [...rows];
  for (let row = 0; row + 1 < joined.length; row++) {
    const cut = /\p{Ll}[-\u00ad]$/u.exec(joined[row]!);
    const rest = /^(\p{Ll}+\S*)\s*/u.exec(joined[row + 1]!);
    if (!cut || !rest) continue;
    joined[row] = joined[row]!.slice(0, -1) + rest[1]!;
    joined[row + 1] = joined[row + 1]!.slice(rest[0].length);
  }
  return joined.filter((row) => row.trim() !== '');
}
