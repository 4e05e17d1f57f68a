/**
 * Queries that nobody typed, for texts that nobody marked (GPL's idea, arXiv 2112.07577): what a program says about
 * itself. A doc comment, a heading, a test's title, a name cut into words asks for the rest of its own chunk. What the
 * query was taken from is taken out of the text, or the pair would be learnt by its wording.
 */
import type { ChunkKind } from '../documents/document';

/** What is looked at of a chunk. */
export interface DescribedChunk {
  readonly kind: ChunkKind;
  /** Names that it defines. */
  readonly definitions: readonly string[];
  readonly text: string;
}

export type PseudoKind = 'comment' | 'heading' | 'test' | 'name';

export interface PseudoQuery {
  readonly kind: PseudoKind;
  readonly query: string;
  /** The chunk's text without what the query was taken from; a name stays where it is. */
  readonly text: string;
}

/** Shorter says too little, longer is no query. */
const WORDS = [3, 30] as const;
/** A text must say this many words beside the query. */
const REST_WORDS = 8;

/** At most one query of each kind. */
export function pseudoQueries(chunk: DescribedChunk): PseudoQuery[] {
  const found =
    chunk.kind === 'prose'
      ? [headingQuery(chunk.text)]
      : [commentQuery(chunk.text), testQuery(chunk), nameQuery(chunk)];
  return found.flatMap((query) => (query && isUsable(query) ? [query] : []));
}

function isUsable({ kind, query, text }: PseudoQuery): boolean {
  const count = countWords(query);
  const least = kind === 'name' || kind === 'heading' ? 2 : WORDS[0];
  return least <= count && count <= WORDS[1] && countWords(text) >= REST_WORDS;
}

/** Scripts that set no blanks between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** How long a word is there, roughly. */
const UNSPACED_LENGTH = 2;

/** How many words a text has; where no blanks part them, by its length. */
export function countWords(text: string): number {
  const found = text.match(/\p{L}[\p{L}\p{M}\p{N}]*/gu) ?? [];
  return found.reduce(
    (sum, word) => sum + (UNSPACED.test(word) ? Math.ceil(word.length / UNSPACED_LENGTH) : 1),
    0,
  );
}

/** Comments before the first line of code, or a docstring behind it. */
function commentQuery(text: string): PseudoQuery | undefined {
  const block = leadingComment(text) ?? docstring(text);
  if (!block) return undefined;
  const lines = block.comment.split('\n').map(cleanLine);
  if (lines.some((line) => LICENCE.test(line))) return undefined;
  const sentence = firstSentence(lines.filter((line) => !DIRECTIVE.test(line)));
  return sentence === undefined
    ? undefined
    : { kind: 'comment', query: sentence, text: block.rest };
}

const LICENCE = /copyright|licen[cs]e|all rights reserved|SPDX/i;
/** Words to tools: "@param", ":returns:", "eslint-disable", "TODO". */
const DIRECTIVE = /^(@|:\w+|\\|eslint|tslint|prettier|noqa|pylint|type:|TODO|FIXME|#region|!)/i;

interface Block {
  readonly comment: string;
  readonly rest: string;
}

/** A comment of lines or of one block that the text begins with. */
function leadingComment(text: string): Block | undefined {
  const block =
    /^\s*\/\*[\s\S]*?\*\//.exec(text) ??
    /^(?:[ \t]*(?:\/\/|#(?!!|\[|include|define)|--|;;).*\n?)+/.exec(text);
  if (!block || block[0].trim() === '') return undefined;
  return { comment: block[0], rest: text.slice(block[0].length).trimStart() };
}

/** Python's: a string behind the first line that ends with a colon. */
function docstring(text: string): Block | undefined {
  const match = /^([^\n]*(?:def|class)\b[\s\S]*?:[ \t]*\n)[ \t]*[rbu]*("""|''')([\s\S]*?)\2/i.exec(
    text,
  );
  if (!match) return undefined;
  const [all, head, , comment] = match;
  return { comment: comment!, rest: `${head}${text.slice(all.length).trimStart()}` };
}

/** A line without the marks of its comment. */
function cleanLine(line: string): string {
  return line
    .trim()
    .replace(/^(\/\*\*?|\*\/|\*|\/\/[/!]?|#+|--+|;;+)\s?/, '')
    .replace(/\*\/$/, '')
    .trim();
}

/** Up to the first full stop, empty line or listing. */
function firstSentence(lines: readonly string[]): string | undefined {
  const start = lines.findIndex((line) => countWords(line) > 0);
  if (start < 0) return undefined;
  const end = lines.findIndex((line, i) => i > start && (line === '' || /^[-*>`=]/.test(line)));
  const paragraph = lines.slice(start, end < 0 ? lines.length : end).join(' ');
  const sentence = /^.*?(?:[.!?](?=\s|$)|[。！？])/u.exec(paragraph)?.[0] ?? paragraph;
  return sentence
    .replace(/[.!?:。！？：]+$/u, '')
    .replaceAll('`', '')
    .trim();
}

/** A Markdown heading, and what stands below it. */
function headingQuery(text: string): PseudoQuery | undefined {
  const match = /^\s*(?:#{1,6}[ \t]+(.+?)[ \t#]*\n|(.+)\n(?:={3,}|-{3,})[ \t]*\n)/.exec(text);
  const query = match?.[1] ?? match?.[2];
  if (!match || query === undefined) return undefined;
  const plain = query.replaceAll(/[`*_]|\[(.*?)\]\(.*?\)/g, '$1').trim();
  return { kind: 'heading', query: plain, text: text.slice(match[0].length).trimStart() };
}

/** `test('title', ...)`, `it("title", ...)`, or the name of a test function. */
function testQuery({ kind, text, definitions }: DescribedChunk): PseudoQuery | undefined {
  if (kind !== 'test') return undefined;
  const match = /\b(?:test|it|describe|Deno\.test|t\.Run)\s*\(\s*(["'`])((?:(?!\1).)+)\1/.exec(
    text,
  );
  if (match) {
    const at = match.index + match[0].length - match[2]!.length - 1;
    const rest = text.slice(0, at) + text.slice(at + match[2]!.length);
    return { kind: 'test', query: match[2]!, text: rest };
  }
  const name = definitions.find((definition) => /^test/i.test(definition));
  if (name === undefined) return undefined;
  const words = wordsOfName(name).slice(1).join(' ');
  return { kind: 'test', query: words, text: text.replaceAll(name, 'test') };
}

/** The first name that is more than one word. */
function nameQuery({ kind, text, definitions }: DescribedChunk): PseudoQuery | undefined {
  if (kind !== 'definition') return undefined;
  const query = definitions.map((name) => wordsOfName(name)).find((words) => words.length > 1);
  return query && { kind: 'name', query: query.join(' '), text };
}

/** "parseHTTPHeader_v2" to parse, http, header, v2. */
function wordsOfName(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}
