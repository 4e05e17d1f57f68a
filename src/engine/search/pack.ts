/**
 * Hits packed into a budget of tokens, for a reader who pays for each: best first, every line once, and a whole
 * declaration instead of one of its chunks where that fits. What does not fit shrinks to its best lines, and what
 * does not fit then is left out.
 */
import { estimateTokens } from '../../base/tokens';
import type { Span } from '../documents/document';
import type { ChunkRow, Snapshot } from '../store/types';
import type { Hit } from './types';

/** A declaration may take so much of what is left, so that one long function does not push all others out. */
const DECLARATION_SHARE = 0.6;
/** Path, lines and name above each hit. */
const HEAD_TOKENS = 6;

/** The hits that fit, in their order; spans and texts are what is to be read, without overlap. */
export function packHits(snapshot: Snapshot, hits: readonly Hit[], budgetTokens: number): Hit[] {
  const taken = new Map<string, Span[]>();
  const packed: Hit[] = [];
  let left = budgetTokens;
  for (const hit of hits) {
    const covered = taken.get(hit.path) ?? [];
    const head = HEAD_TOKENS + estimateTokens(`${hit.path} ${hit.symbol}`);
    const fitting = formsOf(snapshot, hit)
      .map((form) => withoutLines(form, covered))
      .find((form) => form !== undefined && head + costOf(form) <= form.share * left);
    if (!fitting) continue;
    const { span, text } = fitting;
    left -= head + costOf(fitting);
    taken.set(hit.path, [...covered, span]);
    packed.push({ ...hit, span, text, window: inside(hit.window, span) });
  }
  return packed;
}

/** The text of a document's lines as its chunks hold them; lines of no chunk are blank. */
export function textOfSpan(chunks: readonly ChunkRow[], span: Span): string {
  const lines = new Map<number, string>();
  let last: ChunkRow | undefined;
  for (const chunk of chunks) {
    const { start, end } = chunk.span;
    const isSameLine = end - start === 1 && last?.span.start === start && last.span.end === end;
    const rows = chunk.text.split('\n');
    for (let row = start; row < end; row++)
      if (!lines.has(row)) lines.set(row, rows[row - start] ?? '');
      else if (isSameLine) lines.set(row, lines.get(row)! + chunk.text);
    last = chunk;
  }
  const rows = Array.from({ length: span.end - span.start }, (_, row) => row + span.start);
  return rows.map((row) => lines.get(row) ?? '').join('\n');
}

/** One way to show a hit. */
interface Form {
  readonly span: Span;
  readonly text: string;
  /** Share of the tokens left that it may take. */
  readonly share: number;
}

function costOf({ text }: Form): number {
  return estimateTokens(text);
}

/** The whole declaration, the hit itself, its best lines; what says the same twice is there once. */
function formsOf(snapshot: Snapshot, hit: Hit): Form[] {
  const declaration = declarationOf(snapshot, hit);
  const itself = { span: hit.span, text: hit.text, share: 1 };
  const rows = hit.text.split('\n');
  const { start } = hit.span;
  // A notebook's cell is one row of its file; its lines cannot be told apart.
  if (rows.length !== hit.span.end - start) return [itself];
  const window = inside(hit.window, hit.span);
  const text = rows.slice(window.start - start, window.end - start).join('\n');
  return [...(declaration ? [declaration] : []), itself, { span: window, text, share: 1 }];
}

/** All chunks in a row that bear the hit's name; undefined where that is the hit alone. */
function declarationOf(snapshot: Snapshot, hit: Hit): Form | undefined {
  if (hit.symbol === '') return undefined;
  const chunks = snapshot.chunksAt(hit.path, 0, Number.MAX_SAFE_INTEGER);
  const at = chunks.findIndex((chunk) => chunk.id === hit.chunkId);
  if (at < 0) return undefined;
  let [from, to] = [at, at];
  while (chunks[from - 1]?.symbol === hit.symbol) from--;
  while (chunks[to + 1]?.symbol === hit.symbol) to++;
  const own = chunks.slice(from, to + 1);
  if (own.length === 1 || own.some((chunk) => !isWhole(chunk))) return undefined;
  const span = { start: own[0]!.span.start, end: own.at(-1)!.span.end };
  return { span, text: textOfSpan(own, span), share: DECLARATION_SHARE };
}

function isWhole({ text, span }: ChunkRow): boolean {
  return text.split('\n').length === span.end - span.start;
}

/** What is left of a form beside lines that are shown already: its longest run; undefined when nothing is. */
function withoutLines(form: Form, covered: readonly Span[]): Form | undefined {
  const touching = covered.filter(
    ({ start, end }) => start < form.span.end && form.span.start < end,
  );
  if (touching.length === 0) return form;
  const rows = form.text.split('\n');
  if (rows.length !== form.span.end - form.span.start) return undefined;
  const isFree = (row: number): boolean =>
    touching.every(({ start, end }) => row < start || end <= row);
  let best = { start: 0, end: 0 };
  for (let row = form.span.start; row < form.span.end; row++) {
    if (!isFree(row)) continue;
    const start = row;
    while (row < form.span.end && isFree(row)) row++;
    if (row - start > best.end - best.start) best = { start, end: row };
  }
  const text = rows.slice(best.start - form.span.start, best.end - form.span.start).join('\n');
  return text.trim() === '' ? undefined : { ...form, span: best, text };
}

function inside(window: Span, span: Span): Span {
  const start = Math.min(Math.max(window.start, span.start), span.end - 1);
  return { start, end: Math.max(start + 1, Math.min(window.end, span.end)) };
}
