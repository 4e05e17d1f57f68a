/** Formats whose headings a row tells alone: plain text (its title), LaTeX sections, Org stars. */
import type { Lines } from '../lines';
import { type Heading, type ProseParts, paragraphs, plainTitle } from './prose';

/** Longest first row that is taken for a title, in characters. */
const MAX_TITLE_LENGTH = 160;

export function readPlainText(lines: Lines): ProseParts {
  const headings = titleOf(lines);
  return { headings, parts: paragraphs(lines, headings) };
}

/** A first row that stands alone above the rest: what all of the text is about. */
function titleOf(lines: Lines): Heading[] {
  let row = 0;
  while (row < lines.count && lines.isBlank(row)) row++;
  const next = lines.trim(row + 1, lines.count);
  const isAlone = next !== undefined && next.start > row + 1;
  if (!isAlone || lines.indentation(row) > 0) return [];
  const title = lines.rowText(row).trim();
  const isTitle = title.length <= MAX_TITLE_LENGTH && /^["'“(]?[\p{L}\p{N}]/u.test(title);
  return isTitle ? [{ title, level: 1, start: row, end: row + 1 }] : [];
}

const LATEX_LEVELS = ['part', 'chapter', 'section', 'subsection', 'subsubsection', 'paragraph'];
const LATEX_HEADING =
  /^\s*\\(part|chapter|(?:sub){0,2}section|paragraph)\*?(?:\[[^\]]*\])?\{(.+?)\}/;

export function readLatex(lines: Lines): ProseParts {
  return readRows(lines, (text) => {
    const match = LATEX_HEADING.exec(text);
    return match && { level: LATEX_LEVELS.indexOf(match[1]!) + 1, title: match[2]! };
  });
}

const ORG_HEADING = /^(\*+)\s+(?:TODO\s+|DONE\s+)?(\S.*?)(?:\s+:[\w:@]+:)?\s*$/;

export function readOrg(lines: Lines): ProseParts {
  return readRows(lines, (text) => {
    const match = ORG_HEADING.exec(text);
    return match && { level: match[1]!.length, title: match[2]! };
  });
}

function readRows(
  lines: Lines,
  headingOf: (row: string) => { level: number; title: string } | null,
): ProseParts {
  const headings: Heading[] = [];
  for (let row = 0; row < lines.count; row++) {
    const found = headingOf(lines.rowText(row));
    if (!found) continue;
    headings.push({ title: plainTitle(found.title), level: found.level, start: row, end: row + 1 });
  }
  return { headings, parts: paragraphs(lines, headings) };
}
