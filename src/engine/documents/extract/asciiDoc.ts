/** AsciiDoc: "== Title" rows outside delimited blocks; a delimited block is one part. */
import type { Lines } from '../lines';
import { type Heading, type ProseParts, paragraphs, plainTitle } from './prose';

const HEADING = /^(={1,6}|#{1,6})\s+(\S.*)$/;
const DELIMITER = /^(?:-{4,}|={4,}|\.{4,}|\+{4,}|\*{4,}|_{4,}|\/{4,}|`{3,}.*|--|[|,:!]===)\s*$/;

export function readAsciiDoc(lines: Lines): ProseParts {
  const headings: Heading[] = [];
  const blockEnds = new Map<number, number>();
  for (let row = 0; row < lines.count; row++) {
    const text = lines.rowText(row);
    const end = DELIMITER.test(text) ? endOfDelimited(lines, row) : undefined;
    if (end !== undefined) {
      blockEnds.set(row, end);
      row = end - 1;
      continue;
    }
    const match = HEADING.exec(text);
    if (!match) continue;
    const title = plainTitle(match[2]!);
    headings.push({ title, level: match[1]!.length, start: row, end: row + 1 });
  }
  return { headings, parts: paragraphs(lines, headings, (row) => blockEnds.get(row)) };
}

/** The row behind the closing delimiter; undefined where the block is never closed. */
function endOfDelimited(lines: Lines, start: number): number | undefined {
  const opening = lines.rowText(start).trimEnd();
  const closing = opening.startsWith('```') ? '```' : opening;
  for (let row = start + 1; row < lines.count; row++) {
    if (lines.rowText(row).trimEnd() === closing) return row + 1;
  }
  return undefined;
}
