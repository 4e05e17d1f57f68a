/**
 * The first splitter a document meets: windows of lines, no grammar, no tokenizer, so that words are
 * searchable while the rest is computed. Windows end at a blank line where one is near.
 */
import type { Chunk, Document, Span } from './document';
import { documentKind, kindOf } from './kind';

const MAX_LINES = 40;
const MAX_CHARACTERS = 1_500;
/** A window may end at a blank line once it holds this share of what it may hold. */
const EARLIEST_END = 0.4;

/** Cuts a document into windows of at most 40 lines or 1,500 characters; longer lines are cut too. */
export function splitByLines(document: Document): Chunk[] {
  const { text } = document;
  const shared = documentKind(document);
  const names = declaredNames(text);
  const chunks: Chunk[] = [];
  let nameIndex = 0;
  for (const window of lineWindows(text)) {
    const trimmed = trimBlankLines(text, window);
    if (!trimmed) continue;
    const definitions: string[] = [];
    for (; nameIndex < names.length && names[nameIndex]!.at < window.to; nameIndex++) {
      if (!definitions.includes(names[nameIndex]!.name)) definitions.push(names[nameIndex]!.name);
    }
    const kind = kindOf(shared, { symbol: '', definitions }, document.language);
    chunks.push({ ...trimmed, kind, symbol: '', definitions });
  }
  return chunks;
}

/** A name that a line declares, and where in the text that line begins. */
export interface DeclaredName {
  readonly name: string;
  readonly at: number;
}

/** Names after the declaring keywords of many languages, in order. Finds too much rather than too little. */
export function declaredNames(text: string): DeclaredName[] {
  const found: DeclaredName[] = [];
  DECLARATION.lastIndex = 0;
  for (let match = DECLARATION.exec(text); match; match = DECLARATION.exec(text)) {
    const name = match[1] ?? match[2]!;
    if (!NOT_NAMES.has(name)) found.push({ name, at: match.index });
  }
  return found;
}

const MODIFIERS =
  '(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|declare|open|' +
  'sealed|data|override|inline|pub(?:\\([a-z]+\\))?|unsafe|partial|local|virtual|readonly|extern|' +
  'mutating|indirect|fileprivate|case|template ?<[^>\\n]*>|@[\\w.]+)[ \\t]+)*';
const KEYWORDS =
  '(?:class|function\\*?|def|defp|defmodule|func|fn|fun|interface|type|typealias|struct|enum|trait|' +
  'impl|module|namespace|protocol|extension|actor|object|record|sub|proc|macro_rules!)';

/** A keyword and a name, or `const NAME =`, after nothing but blanks and modifiers in its line. */
const DECLARATION = new RegExp(
  // Locals are indented: what is bound counts only at the margin.
  `^${MODIFIERS}(?:const|let|var|val)[ \\t]+([\\p{L}_$][\\p{L}\\p{N}_$]*)[ \\t]*(?::[^=\\n]{1,80})?=` +
    `|^[ \\t]*${MODIFIERS}${KEYWORDS}[ \\t]+(?:\\([^()\\n]*\\)[ \\t]*)?` +
    '([\\p{L}_$][\\p{L}\\p{N}_$.]*[?!]?)',
  'gmu',
);

const NOT_NAMES = new Set([
  'if',
  'for',
  'while',
  'return',
  'class',
  'from',
  'of',
  'in',
  'is',
  'the',
]);

interface Window {
  readonly span: Span;
  /** Character offsets of the window's text, without the final line break. */
  readonly from: number;
  readonly to: number;
}

/** The window without blank lines at its ends; undefined when nothing else is in it. */
function trimBlankLines(text: string, window: Window): Pick<Chunk, 'span' | 'text'> | undefined {
  let { from, to } = window;
  let { start, end } = window.span;
  for (let lineEnd = nextLineEnd(text, from); isBlank(text, from, Math.min(lineEnd, to));) {
    if (lineEnd >= to) return undefined;
    from = lineEnd + 1;
    start++;
    lineEnd = nextLineEnd(text, from);
  }
  for (let before = text.lastIndexOf('\n', to - 1); before >= from;) {
    if (!isBlank(text, before + 1, to)) break;
    to = before;
    end--;
    before = to > from ? text.lastIndexOf('\n', to - 1) : -1;
  }
  return { span: { start, end }, text: text.slice(from, to) };
}

function* lineWindows(text: string): Generator<Window> {
  let from = 0;
  let line = 0;
  while (from < text.length) {
    const end = windowEnd(text, from);
    if (end.isPartOfLine) {
      yield* partsOfLine(text, from, line);
      from = nextLineEnd(text, from) + 1;
      line++;
      continue;
    }
    yield { span: { start: line, end: line + end.lineCount }, from, to: end.to };
    from = end.to + 1;
    line += end.lineCount;
  }
}

function* partsOfLine(text: string, start: number, line: number): Generator<Window> {
  const lineEnd = nextLineEnd(text, start);
  for (let from = start; from < lineEnd;) {
    const to = Math.min(lineEnd, cutBefore(text, from, from + MAX_CHARACTERS));
    yield { span: { start: line, end: line + 1 }, from, to };
    from = to;
  }
}

interface WindowEnd {
  readonly to: number;
  readonly lineCount: number;
  readonly isPartOfLine: boolean;
}

/** Takes whole lines while they fit, then steps back to the last blank line if that is not too far. */
function windowEnd(text: string, from: number): WindowEnd {
  let to = from;
  let lineCount = 0;
  let blank: WindowEnd | undefined;
  for (let at = from; at <= text.length && lineCount < MAX_LINES;) {
    const lineEnd = nextLineEnd(text, at);
    if (lineEnd - from > MAX_CHARACTERS) {
      if (lineCount === 0) return { to: lineEnd, lineCount: 1, isPartOfLine: true };
      return blank ?? { to, lineCount, isPartOfLine: false };
    }
    to = lineEnd;
    lineCount++;
    const isFar =
      lineCount >= MAX_LINES * EARLIEST_END || to - from >= MAX_CHARACTERS * EARLIEST_END;
    if (isFar && isBlank(text, at, lineEnd)) blank = { to, lineCount, isPartOfLine: false };
    if (lineEnd >= text.length) return { to, lineCount, isPartOfLine: false };
    at = lineEnd + 1;
  }
  return blank ?? { to, lineCount, isPartOfLine: false };
}

/** Where to cut a long line: at or before `limit`, behind a blank if one is near, never inside a surrogate pair. */
export function cutBefore(text: string, from: number, limit: number): number {
  if (limit >= text.length) return text.length;
  const earliest = from + Math.floor((limit - from) / 2);
  for (let at = limit; at > earliest; at--) {
    const code = text.charCodeAt(at - 1);
    if (code === 0x20 || code === 0x3b || code === 0x2c || code === 0x7d) return at;
  }
  const isInsidePair = (text.charCodeAt(limit) & 0xfc00) === 0xdc00 && limit - 1 > from;
  return isInsidePair ? limit - 1 : limit;
}

function nextLineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

function isBlank(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x09 && !/\s/.test(text[at]!)) return false;
  }
  return true;
}
