/** Markdown: headings, lists by items, code, tables, front matter, from the block tokens of markdown-it. */
import MarkdownIt from 'markdown-it';
import type { Lines } from '../lines';
import { type Heading, type Part, type ProseParts, plainTitle } from './prose';

/** Blocks alone: rows must stay as they are, and what is inside a line is of no interest. */
const parser = new MarkdownIt();
parser.core.ruler.enableOnly(['block']);

type Token = ReturnType<typeof parser.parse>[number];

export function readMarkdown(lines: Lines): ProseParts {
  const frontMatterEnd = endOfFrontMatter(lines);
  const tokens = parser.parse(withoutFirstRows(lines, frontMatterEnd), {});
  const headings: Heading[] = [];
  const parts: Part[] = frontMatterEnd > 0 ? [{ start: 0, end: frontMatterEnd }] : [];
  tokens.forEach((token, index) => {
    const { map } = token;
    if (token.level !== 0 || !map || token.nesting < 0) return;
    const [start, end] = map;
    if (token.type === 'heading_open') {
      const title = plainTitle(tokens[index + 1]?.content ?? '');
      const level = Number(token.tag.slice(1));
      if (title !== '') headings.push({ title, level, start, end });
    } else parts.push({ start, end, inner: itemsBelow(tokens, index) });
  });
  return { headings, parts };
}

/** The items of a list that opens at `index`. */
function itemsBelow(tokens: readonly Token[], index: number): Part[] {
  if (!tokens[index]!.type.endsWith('_list_open')) return [];
  const items: Part[] = [];
  for (let at = index + 1; at < tokens.length && tokens[at]!.level > 0; at++) {
    const { type, level, map } = tokens[at]!;
    if (type === 'list_item_open' && level === 1 && map) items.push({ start: map[0], end: map[1] });
  }
  return items;
}

/** Rows of a block between "---" or "+++" at the very beginning, 0 where there is none. */
function endOfFrontMatter(lines: Lines): number {
  const fence = lines.rowText(0).trimEnd();
  if (fence !== '---' && fence !== '+++') return 0;
  for (let row = 1; row < lines.count; row++) {
    const text = lines.rowText(row).trimEnd();
    if (text === fence || (fence === '---' && text === '...')) return row + 1;
  }
  return 0;
}

function withoutFirstRows(lines: Lines, rowCount: number): string {
  if (rowCount === 0) return lines.text;
  if (rowCount >= lines.count) return '';
  return '\n'.repeat(rowCount) + lines.textOf({ start: rowCount, end: lines.count });
}
