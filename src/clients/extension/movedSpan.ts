/**
 * Where a hit is now. The index may be seconds older than the text a person opens: the lines of the snippet are looked
 * for where they were, then elsewhere, then the place that shares most lines with them; the symbol's name is the last
 * resort. Whatever it is, it says how sure it is.
 */

/** What is known of the hit; lines are 0-based, end exclusive. */
export interface HitPlace {
  readonly start: number;
  readonly end: number;
  readonly symbol: string;
  readonly snippet: string;
  readonly snippetStart: number;
}

export interface FoundPlace {
  readonly start: number;
  readonly end: number;
  /** `same` needs no word; `moved` is the same text elsewhere; `changed` is the nearest match; `gone` is a guess. */
  readonly how: 'same' | 'moved' | 'changed' | 'gone';
}

/** Below this share of common lines a place is no match. */
const leastLikeness = 0.3;
/** The engine cuts long lines and takes secrets out; such a line matches by its beginning. */
const cutMark = /…$|\[redacted\].*$/;

/** The nearest match of the hit in the lines of its file as they are now. Always inside the text. */
export function findPlace(lines: readonly string[], hit: HitPlace): FoundPlace {
  const wanted = hit.snippet.split('\n');
  const offset = hit.snippetStart - hit.start;
  const length = hit.end - hit.start;
  const at = (snippetAt: number, how: FoundPlace['how']): FoundPlace => {
    const start = Math.max(0, snippetAt - offset);
    return clamp({ start, end: start + length, how }, lines.length);
  };
  // Nothing is known of the text: whoever named the lines keeps them right.
  if (hit.snippet.trim() === '')
    return clamp({ start: hit.start, end: hit.end, how: 'same' }, lines.length);
  if (isAt(lines, wanted, hit.snippetStart)) return at(hit.snippetStart, 'same');
  const moved = nearest(placesOf(lines, wanted), hit.snippetStart);
  if (moved !== undefined) return at(moved, 'moved');
  const like = likestPlace(lines, wanted, hit.snippetStart);
  if (like !== undefined) return at(like, 'changed');
  const named = lineOfSymbol(lines, hit);
  if (named !== undefined)
    return clamp({ start: named, end: named + 1, how: 'changed' }, lines.length);
  return clamp({ start: hit.start, end: hit.end, how: 'gone' }, lines.length);
}

function isAt(lines: readonly string[], wanted: readonly string[], start: number): boolean {
  return start >= 0 && wanted.every((line, index) => isSameLine(lines[start + index], line));
}

function isSameLine(line: string | undefined, wanted: string): boolean {
  if (line === undefined) return false;
  const cut = cutMark.exec(wanted);
  if (cut) return line.startsWith(wanted.slice(0, cut.index));
  return line.trimEnd() === wanted.trimEnd();
}

function placesOf(lines: readonly string[], wanted: readonly string[]): number[] {
  const places: number[] = [];
  for (let start = 0; start + wanted.length <= lines.length; start++)
    if (isAt(lines, wanted, start)) places.push(start);
  return places;
}

function nearest(places: readonly number[], to: number): number | undefined {
  let best: number | undefined;
  for (const place of places)
    if (best === undefined || Math.abs(place - to) < Math.abs(best - to)) best = place;
  return best;
}

/** The start of the window that shares most of the wanted lines, blank ones aside; the nearest of equals. */
function likestPlace(
  lines: readonly string[],
  wanted: readonly string[],
  near: number,
): number | undefined {
  const keys = new Set(wanted.map((line) => line.trim()).filter((line) => line !== ''));
  if (keys.size === 0) return undefined;
  const hits = lines.map((line) => (keys.has(line.trim()) ? line.trim() : undefined));
  const counts = new Map<string, number>();
  let best: number | undefined;
  let bestCount = 0;
  for (let end = 0; end < lines.length; end++) {
    const entering = hits[end];
    if (entering !== undefined) counts.set(entering, (counts.get(entering) ?? 0) + 1);
    const leaving = hits[end - wanted.length];
    if (leaving !== undefined) {
      const left = counts.get(leaving)! - 1;
      if (left === 0) counts.delete(leaving);
      else counts.set(leaving, left);
    }
    const start = Math.max(0, end - wanted.length + 1);
    const isNearer = best === undefined || Math.abs(start - near) < Math.abs(best - near);
    if (counts.size > bestCount || (counts.size === bestCount && isNearer)) {
      best = start;
      bestCount = counts.size;
    }
  }
  return bestCount / keys.size >= leastLikeness ? best : undefined;
}

/** The line nearest to the old place that names the innermost symbol. */
function lineOfSymbol(lines: readonly string[], { symbol, start }: HitPlace): number | undefined {
  const name = symbol.split(' > ').at(-1)?.trim();
  if (!name) return undefined;
  const places = lines.flatMap((line, index) => (line.includes(name) ? [index] : []));
  return nearest(places, start);
}

function clamp({ start, end, how }: FoundPlace, lineCount: number): FoundPlace {
  const last = Math.max(0, lineCount - 1);
  const from = Math.min(Math.max(0, start), last);
  return { start: from, end: Math.min(Math.max(from + 1, end), Math.max(1, lineCount)), how };
}
