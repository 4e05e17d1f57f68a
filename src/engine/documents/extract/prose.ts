/** What the readers of prose formats give: headings, and the parts between them that are better not cut. */
import type { Span } from '../document';
import type { Lines } from '../lines';

/** A heading: its title, its depth (1 outermost), the rows it takes. */
export interface Heading extends Span {
  readonly title: string;
  readonly level: number;
}

/** Rows that belong together below a heading (a paragraph, a list, code), with the parts it has itself. */
export interface Part extends Span {
  readonly inner?: readonly Part[];
}

/** Headings and parts of a text, each in order. */
export interface ProseParts {
  readonly headings: readonly Heading[];
  readonly parts: readonly Part[];
}

/**
 * Parts between headings, cut at blank rows. Indented rows stay with the row above them, blank rows or not;
 * `endOfBlock` may say that a part which begins at a row goes on to another, whatever is in between.
 */
export function paragraphs(
  lines: Lines,
  headings: readonly Heading[],
  endOfBlock: (row: number) => number | undefined = () => undefined,
): Part[] {
  const parts: Part[] = [];
  const headingRows = new Map(headings.map(({ start, end }) => [start, end]));
  for (let row = 0; row < lines.count;) {
    const headingEnd = headingRows.get(row);
    if (headingEnd !== undefined || lines.isBlank(row)) {
      row = headingEnd ?? row + 1;
      continue;
    }
    const start = row;
    row = endOfBlock(row) ?? row + 1;
    while (row < lines.count && !headingRows.has(row) && continues(lines, row)) {
      row = endOfBlock(row) ?? row + 1;
    }
    parts.push({ start, end: row });
  }
  return parts;
}

/** A row goes on with the part above when no blank row parts them, or when it is indented. */
function continues(lines: Lines, row: number): boolean {
  if (!lines.isBlank(row)) return !lines.isBlank(row - 1) || lines.indentation(row) > 0;
  let next = row;
  while (next < lines.count && lines.isBlank(next)) next++;
  return next < lines.count && lines.indentation(next) > 0;
}

/** A heading as people say it: no emphasis, no link target, no anchor, at most 80 characters. */
export function plainTitle(text: string): string {
  return text
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/\{#[^}]*\}|[`*~]|\\/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_TITLE_CHARACTERS);
}

const MAX_TITLE_CHARACTERS = 80;
