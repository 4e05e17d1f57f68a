/**
 * The text of HTML: headings, paragraphs, lists and tables, without scripts, navigation and what is hidden. Two ways to
 * lay it out: block by block, for what has no lines of its own (Word, EPUB), and row by row of the source, for files
 * that open at their lines. The parser makes a tree of nothing and resolves no entity but HTML's own.
 */
import { Parser } from 'htmlparser2';
import { type Heading, plainTitle } from '../extract/prose';
import type { TextBuilder } from './textBuilder';

/** Elements whose content is never part of what a page says. */
const SILENT = new Set(
  'script style noscript template svg math nav footer aside button select textarea iframe object canvas audio video dialog head'.split(
    ' ',
  ),
);
const BLOCKS = new Set(
  'address article blockquote body dd details div dl dt fieldset figcaption figure form h1 h2 h3 h4 h5 h6 header hr html li main ol p pre section summary table tbody tfoot thead tr ul'.split(
    ' ',
  ),
);
const VOID = new Set('area base br col embed hr img input link meta source track wbr'.split(' '));
const HEADING = /^h([1-6])$/;

/** A piece of text, where it stands in the source, and what it belongs to. */
interface Piece {
  readonly text: string;
  /** Offset of its first character in the source. */
  readonly at: number;
  /** Level of the heading it is part of; 0 outside. */
  readonly level: number;
  readonly isInMain: boolean;
}

/** Told in document order. */
interface Told {
  piece(piece: Piece): void;
  /** A block begins or ends here. */
  block(): void;
  /** A cell of a table ends. */
  cell(): void;
}

interface Walked {
  /** True when <main> or <article> is there. */
  readonly hasMain: boolean;
  readonly title: string;
  /** Offset at which the title begins. */
  readonly titleAt: number;
}

function walk(source: string, told: Told): Walked {
  const open: { name: string; isSilent: boolean; isMain: boolean }[] = [];
  let silentCount = 0;
  let mainCount = 0;
  let level = 0;
  let hasMain = false;
  let isTitle = false;
  let title = '';
  let titleAt = 0;
  const close = (): void => {
    const element = open.pop();
    if (!element) return;
    if (element.isSilent) silentCount--;
    if (element.isMain) mainCount--;
    if (HEADING.test(element.name)) level = 0;
    if (BLOCKS.has(element.name) && silentCount === 0) told.block();
    if ((element.name === 'td' || element.name === 'th') && silentCount === 0) told.cell();
  };
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        isTitle ||= name === 'title' && title === '';
        if (name === 'br' && silentCount === 0) told.block();
        if (VOID.has(name) || open.length > MAX_DEPTH) return;
        const isSilent = SILENT.has(name) || isHidden(attributes);
        const isMain = name === 'main' || name === 'article' || attributes.role === 'main';
        if (BLOCKS.has(name) && silentCount === 0) told.block();
        open.push({ name, isSilent, isMain });
        if (isSilent) silentCount++;
        if (isMain) mainCount++;
        if (silentCount > 0) return;
        hasMain ||= isMain;
        level = Number(HEADING.exec(name)?.[1] ?? level);
      },
      ontext(text) {
        if (isTitle) {
          if (title === '') titleAt = parser.startIndex;
          title += text;
        }
        if (!isTitle && silentCount === 0)
          told.piece({ text, at: parser.startIndex, level, isInMain: mainCount > 0 });
      },
      onclosetag(name) {
        if (name === 'title') isTitle = false;
        const at = open.findLastIndex((element) => element.name === name);
        if (at >= 0) while (open.length > at) close();
      },
    },
    { decodeEntities: true, lowerCaseTags: true },
  );
  parser.end(source);
  return { hasMain, title: squeezed(title), titleAt };
}

/** Deeper elements are not told apart: no page has them, and torture tests do. */
const MAX_DEPTH = 500;

function isHidden({
  hidden,
  role,
  'aria-hidden': aria,
  style = '',
}: Record<string, string>): boolean {
  return (
    hidden !== undefined ||
    aria === 'true' ||
    role === 'navigation' ||
    role === 'banner' ||
    role === 'contentinfo' ||
    /display\s*:\s*none/i.test(style)
  );
}

/** Appends the text block by block. */
export function appendHtml(builder: TextBuilder, source: string): void {
  const hasMain = walk(source, silence).hasMain;
  let words = '';
  let level = 0;
  let cells: string[] = [];
  const flush = (): void => {
    const text = [...cells, words]
      .map(squeezed)
      .filter((part) => part !== '')
      .join(' | ');
    words = '';
    cells = [];
    if (text === '') return;
    if (level > 0) builder.heading(level, [text.replace(/\s*[¶§#]$/, '')]);
    else {
      for (const row of wrapped(text)) builder.row(row);
      builder.blank();
    }
    level = 0;
  };
  walk(source, {
    piece(piece) {
      if (hasMain && !piece.isInMain) return;
      if (piece.level > 0) level = piece.level;
      words += piece.text;
    },
    block: flush,
    cell() {
      cells.push(words);
      words = '';
    },
  });
  flush();
}

const silence: Told = { piece() {}, block() {}, cell() {} };

function squeezed(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** A paragraph as rows of at most about a hundred characters, so that a hit shows the lines that answer. */
export function wrapped(text: string): string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of text.split(' ')) {
    if (row !== '' && row.length + word.length >= ROW_CHARACTERS) {
      rows.push(row);
      row = '';
    }
    row += row === '' ? word : ` ${word}`;
  }
  return row === '' ? rows : [...rows, row];
}

const ROW_CHARACTERS = 100;

export interface HtmlPage {
  /** As many rows as the source, each with the text that stands on it there. */
  readonly text: string;
  readonly headings: readonly Heading[];
}

/** Words of main content from which on an HTML file is a page that people read, and not part of a program. */
const PAGE_WORDS = 80;
/** Share of the markup that must be such words. */
const PAGE_SHARE = 0.15;
const TEMPLATE = /\{\{|\{%|<%|<\?php|\bv-(?:if|for|bind)\b|\*ng(?:If|For)\b|\{#(?:if|each)\b/;

/** `isApart`: a block or a cell begins before it. */
type ApartPiece = Piece & { readonly isApart: boolean };

/** The page's text on the rows of its source; undefined for templates, applications and fragments. */
export function readHtmlPage(source: string): HtmlPage | undefined {
  if (TEMPLATE.test(source)) return undefined;
  const pieces: ApartPiece[] = [];
  let isApart = false;
  const part = (): void => {
    isApart = true;
  };
  const { hasMain, title, titleAt } = walk(source, {
    piece(piece) {
      pieces.push({ ...piece, isApart });
      isApart = false;
    },
    block: part,
    cell: part,
  });
  const shown = pieces.filter(({ isInMain }) => isInMain || !hasMain);
  const characters = shown.reduce((sum, { text }) => sum + squeezed(text).length, 0);
  const words = shown.reduce((sum, { text }) => sum + (text.match(/\p{L}{2,}/gu)?.length ?? 0), 0);
  if (words < PAGE_WORDS || characters < PAGE_SHARE * source.length) return undefined;
  return onRows(source, shown, { title, at: titleAt });
}

function onRows(
  source: string,
  pieces: readonly ApartPiece[],
  page: { readonly title: string; readonly at: number },
): HtmlPage {
  const rows: string[] = Array.from({ length: source.split('\n').length }, () => '');
  const headings: Heading[] = [];
  let heading: { level: number; text: string; start: number; end: number } | undefined;
  const endHeading = (): void => {
    // Links to the heading itself are not part of its title.
    const name = heading && plainTitle(heading.text.replace(/\s*[¶§#]\s*$/, ''));
    // Two on one row cannot be told apart by rows.
    const isBelow = heading && heading.start >= (headings.at(-1)?.end ?? 0);
    if (heading && name && isBelow)
      headings.push({ title: name, level: heading.level, start: heading.start, end: heading.end });
    heading = undefined;
  };
  const rowAt = rowCounter(source);
  for (const { text, at, level, isApart } of pieces) {
    const first = rowAt(at);
    const lines = text.split('\n');
    lines.forEach((line, index) => {
      const row = Math.min(first + index, rows.length - 1);
      rows[row] += isApart && index === 0 ? ` ${line}` : line;
    });
    if (heading && heading.level !== level) endHeading();
    if (level === 0) continue;
    const end = first + lines.length;
    heading = heading
      ? { ...heading, text: `${heading.text}${text}`, end: Math.max(heading.end, end) }
      : { level, text, start: first, end };
  }
  endHeading();
  const named = withTitle(rows, headings, page, source);
  return { text: rows.map(squeezed).join('\n'), headings: named };
}

/** The title stands for the page where no first heading does. */
function withTitle(
  rows: string[],
  headings: readonly Heading[],
  { title, at }: { readonly title: string; readonly at: number },
  source: string,
): readonly Heading[] {
  const row = rowCounter(source)(at);
  const isFree = rows[row] === '' && row < (headings[0]?.start ?? rows.length);
  if (title === '' || !isFree || headings.some(({ level }) => level === 1)) return headings;
  rows[row] = title;
  return [{ title: plainTitle(title), level: 1, start: row, end: row + 1 }, ...headings];
}

/** Rows of offsets that never fall. */
function rowCounter(source: string): (offset: number) => number {
  let row = 0;
  let next = source.indexOf('\n');
  return (offset) => {
    while (next >= 0 && next < offset) {
      row++;
      next = source.indexOf('\n', next + 1);
    }
    return row;
  };
}
