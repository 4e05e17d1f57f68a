/**
 * reStructuredText: a heading is a row underlined, and perhaps overlined, with one punctuation mark; the
 * level of a mark is the order in which marks first appear.
 */
import type { Lines } from '../lines';
import { type Heading, type ProseParts, paragraphs, plainTitle } from './prose';

export function readRestructuredText(lines: Lines): ProseParts {
  const headings: Heading[] = [];
  const styles: string[] = [];
  for (let row = 0; row + 1 < lines.count; row++) {
    const found = headingAt(lines, row);
    if (!found) continue;
    if (!styles.includes(found.style)) styles.push(found.style);
    const level = styles.indexOf(found.style) + 1;
    headings.push({ title: plainTitle(found.title), level, start: row, end: found.end });
    row = found.end - 1;
  }
  return { headings, parts: paragraphs(lines, headings) };
}

const LINE = /^([=\-~^"'`#*+.:_])\1{2,}\s*$/;

function headingAt(
  lines: Lines,
  row: number,
): { title: string; style: string; end: number } | undefined {
  const first = lines.rowText(row);
  const overline = LINE.exec(first)?.[1];
  if (overline !== undefined) {
    const title = row + 2 < lines.count ? lines.rowText(row + 1) : '';
    const isClosed = row + 2 < lines.count && LINE.exec(lines.rowText(row + 2))?.[1] === overline;
    if (!isClosed || title.trim() === '' || LINE.test(title)) return undefined;
    return { title, style: overline + overline, end: row + 3 };
  }
  const underline = lines.rowText(row + 1);
  const mark = LINE.exec(underline)?.[1];
  const isTitle = /^\S/.test(first) && (row === 0 || lines.isBlank(row - 1));
  if (mark === undefined || !isTitle || underline.trimEnd().length < first.trimEnd().length) {
    return undefined;
  }
  return { title: first, style: mark, end: row + 2 };
}
