/**
 * Where words of the query stand in a line of code. Names count by their parts ("expired" is in `removeExpired`),
 * and a word counts in its other forms ("removes" in `removed`). This only marks what is shown; the engine's own
 * reading of the query decides what is found.
 */

/** Start inclusive, end exclusive, in characters. */
export type Range = readonly [start: number, end: number];

/** Words that say nothing about code and are everywhere. */
const commonWords = new Set(
  'a an and are as at be been by can do does for from has have how i if in into is it its of on or so that the their them then there these they this to was we what when where which who why will with you'.split(
    ' ',
  ),
);
const endings = /(?:ations?|ings?|ies|ied|ers?|ed|es|s|e|y)$/;
/** A shorter stem would be found everywhere. */
const SHORTEST_STEM = 4;
/** Letters that may follow a stem: "configur" + "ations". */
const LONGEST_ENDING = 6;
const MOST_WORDS = 40;

/** The words of a query to look for, lower case; filters and exclusions of the query syntax are none. */
export function queryWords(query: string): string[] {
  const words = query
    .replaceAll(/(?:^|\s)-\S+/g, ' ')
    .replaceAll(/(?:^|\s)(?:lang|language|path|kind|file|in):\S+/gi, ' ')
    .match(/[\p{L}\p{N}_$]+/gu);
  const parts = (words ?? []).flatMap((word) => [word, ...nameParts(word)]);
  const kept = parts
    .map((word) => word.toLowerCase())
    .filter((word) => (word.length > 1 || isWide(word)) && !commonWords.has(word));
  return [...new Set(kept)].slice(0, MOST_WORDS);
}

/** Non-overlapping ranges of the line that hold one of the words, in order. */
export function matchedRanges(line: string, words: readonly string[]): Range[] {
  const found = words.flatMap((word) => placesOf(line, word));
  const ordered = found.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  const merged: [number, number][] = [];
  for (const [start, end] of ordered) {
    const last = merged.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** "parseHeader_v2" -> parse, Header, v2; nothing for a name of one part. */
function nameParts(word: string): string[] {
  const parts = word.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{N}+/gu) ?? [];
  return parts.length > 1 ? parts.filter((part) => part.length > 2) : [];
}

function placesOf(line: string, word: string): Range[] {
  const lower = line.toLowerCase();
  // A few letters change their length with their case: then positions would not fit.
  if (lower.length !== line.length) return [];
  const stem = stemOf(word);
  const ranges: Range[] = [];
  for (let at = lower.indexOf(stem); at >= 0; at = lower.indexOf(stem, at + stem.length)) {
    const end = at + stem.length;
    if (!isWide(word) && !startsPart(line, at)) continue;
    const rest = restOfPart(line, end);
    const isSame = lower.startsWith(word, at) && restOfPart(line, at + word.length) === 0;
    const isForm = stem.length >= SHORTEST_STEM && rest <= LONGEST_ENDING;
    if (isWide(word)) ranges.push([at, end]);
    else if (isSame) ranges.push([at, at + word.length]);
    else if (isForm) ranges.push([at, end + rest]);
  }
  return ranges;
}

function stemOf(word: string): string {
  const stem = word.replace(endings, '');
  return stem.length >= SHORTEST_STEM ? stem : word;
}

/** True at the start of a word, or of a part of a name. */
function startsPart(line: string, at: number): boolean {
  const before = line[at - 1] ?? ' ';
  const first = line[at] ?? ' ';
  if (!/[\p{L}\p{N}]/u.test(before)) return true;
  return /\p{Lu}/u.test(first) && /[\p{Ll}\p{N}]/u.test(before);
}

/** Letters from `at` to the end of this part of the name. */
function restOfPart(line: string, at: number): number {
  const isUpper = /\p{Lu}/u.test(line[at - 1] ?? '');
  const rest = isUpper ? /^[\p{Lu}\p{Ll}]*/u : /^\p{Ll}*/u;
  return rest.exec(line.slice(at, at + 64))?.[0].length ?? 0;
}

/** Scripts without spaces between words are looked for anywhere. */
function isWide(word: string): boolean {
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(word);
}
