/** Search results as text. Plain without a terminal or with NO_COLOR; what comes from files is made harmless. */
import type { GateCondition } from '../../protocol/learning';
import type { ExplainedPart, SearchHit, SearchResult } from '../../protocol/types';

/** How words are set off; each function wraps a text. */
export interface Style {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly path: (text: string) => string;
  readonly chip: (text: string) => string;
  readonly warn: (text: string) => string;
}

const asIs = (text: string): string => text;
const plain: Style = { strong: asIs, faint: asIs, path: asIs, chip: asIs, warn: asIs };
const colored: Style = {
  strong: (text) => `\x1b[1m${text}\x1b[22m`,
  faint: (text) => `\x1b[2m${text}\x1b[22m`,
  path: (text) => `\x1b[36m${text}\x1b[39m`,
  chip: (text) => `\x1b[35m${text}\x1b[39m`,
  warn: (text) => `\x1b[33m${text}\x1b[39m`,
};

export function styleFor(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>> = process.env,
): Style {
  return stream.isTTY && !env.NO_COLOR && env.TERM !== 'dumb' ? colored : plain;
}

/** The lines of a whole result. */
export function formatResult(result: SearchResult, style: Style): string[] {
  if (result.hits.length === 0) return ['Nothing found'];
  const words = wordsOf(result.query);
  const head = result.noGoodMatch ? [style.warn('No good match; the nearest are:'), ''] : [];
  const hits = result.hits.flatMap((hit) => formatHit(hit, words, style));
  return [...head, ...hits.slice(0, -1)];
}

/** "1 file", "2,000 files". */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** "12.3 MB". */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Control characters could move the cursor or change the terminal's state. */
export function harmless(text: string): string {
  return text
    .replaceAll('\t', '  ')
    .replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

function formatHit(hit: SearchHit, words: RegExp | undefined, style: Style): string[] {
  const page = hit.page === undefined ? '' : ` page ${hit.page}`;
  const place = `${harmless(hit.path)}:${hit.start + 1}-${hit.end}${page}`;
  const symbol = hit.symbol === '' ? '' : `  ${style.strong(harmless(hit.symbol))}`;
  const rank = String(hit.rank).padStart(2);
  const head = `${rank}  ${style.path(place)}${symbol}  ${style.chip(`[${hit.kind}]`)}`;
  const why = hit.why === '' ? [] : [`    ${style.faint(`why: ${hit.why}`)}`];
  const parts = (hit.explain ?? []).map((part) => `      ${formatPart(part)}`);
  return [head, ...formatSnippet(hit, words, style), ...why, ...parts, ''];
}

function formatSnippet(hit: SearchHit, words: RegExp | undefined, style: Style): string[] {
  const lines = (hit.text ?? hit.snippet).split('\n');
  const first = hit.text === undefined ? hit.snippetStart : hit.start;
  const width = String(first + lines.length).length;
  return lines.map((line, index) => {
    const number = String(first + index + 1).padStart(width);
    const text = harmless(line);
    const marked = words ? text.replaceAll(words, (word) => style.strong(word)) : text;
    return `    ${style.faint(`${number} │`)} ${marked}`;
  });
}

function formatPart({ name, contribution, text }: ExplainedPart): string {
  const sign = contribution < 0 ? '' : '+';
  return `${sign}${contribution.toFixed(4)}  ${name}: ${text}`;
}

/** The words of the query that are worth marking; undefined when there is none. */
function wordsOf(query: string): RegExp | undefined {
  const words = query
    .split(/[^\p{L}\p{N}_]+/u)
    .filter((word) => word.length > 2 && !commonWords.has(word.toLowerCase()));
  if (words.length === 0) return undefined;
  // The letters and digits left by the split have no meaning of their own in a pattern.
  return new RegExp(words.sort((a, b) => b.length - a.length).join('|'), 'giu');
}

const commonWords = new Set(
  'the and for how what where when which who why does did are was with that this from into our you can not'.split(
    ' ',
  ),
);

/** Of a condition that is not met, or could not be measured. */
export function conditionLine({ name, isMet, count, sentence }: GateCondition): string | undefined {
  if (!isMet) return `not met: ${sentence}`;
  return count === 0 ? `not measured (${name}): ${sentence}` : undefined;
}
