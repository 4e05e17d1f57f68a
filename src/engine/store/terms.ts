/**
 * Text to the terms that word search counts, the same for a document and for a query. An identifier
 * gives itself, lower case, and its parts by camelCase, underscores and digits, stemmed; a plain word gives
 * its stem alone. Accents are folded. Scripts written without blanks give pairs of characters and the words
 * that `Intl.Segmenter` finds.
 *
 * A term consists of ASCII letters, digits and underscores in lower case, and of characters beyond ASCII:
 * exactly what the tokenizer of `lexicalIndex.ts` leaves alone.
 */
import { stem } from './stem';

/** All terms in order of occurrence, repeats included: for an identifier the whole first, then its parts. */
export function termsOf(text: string): string[] {
  const joined = joinedTermsOf(text);
  return joined === '' ? [] : joined.split(' ');
}

/** The same terms joined by blanks, which is what the index takes. */
export function joinedTermsOf(text: string): string {
  let out = '';
  for (let i = 0; i < text.length;) {
    const start = i;
    const sort = sortAt(text, i);
    if (sort === SEPARATOR) i += isPairAt(text, i) ? 2 : 1;
    else {
      i = endOfRun(text, i, sort);
      const terms =
        sort === WORD ? wordTerms(text.slice(start, i)) : runTerms(text.slice(start, i));
      if (terms !== '') out += out === '' ? terms : ` ${terms}`;
    }
  }
  return out;
}

/** Different terms of a query in order, without English stop words unless nothing else is there. */
export function queryTermsOf(text: string): string[] {
  const meaningful = text.replace(/[\p{L}\p{N}_'’]+/gu, (word) => (isStopWord(word) ? ' ' : word));
  const terms = new Set(termsOf(meaningful));
  return terms.size > 0 ? [...terms] : [...new Set(termsOf(text))];
}

/** True for the small words of English that say nothing about what is looked for. */
export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word.toLowerCase().replace('’', "'"));
}

const STOP_WORDS = new Set(
  `a about above after again all also am an and any are as at be been before being below between both but by
  can could did do does doing down during each few for from further had has have having he her here hers him
  his how i if in into is it its itself just me more most my no nor not now of off on once only or other our
  out over own same she should so some such than that the their them then there these they this those through
  to too under until up us very was we were what when where which while who whom why will with would you your
  don't doesn't isn't aren't can't won't what's it's that's there's i'm i'd let's`.split(/\s+/),
);

// Sorts of characters. Words and unspaced runs are cut apart where one meets the other.
const SEPARATOR = 1;
const WORD = 2;
const UNSPACED = 3;

/** Sort of each UTF-16 code unit, found when first met; 0 where not met yet. */
const sorts = new Uint8Array(0x10000);
const UNSPACED_SCRIPT =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー]/u;

function sortAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  const known = sorts[code]!;
  if (known !== 0) return known;
  if (isSurrogate(code)) {
    return isPairAt(text, index)
      ? sortOf(String.fromCodePoint(text.codePointAt(index)!))
      : SEPARATOR;
  }
  return (sorts[code] = sortOf(text[index]!));
}

function sortOf(character: string): number {
  if (UNSPACED_SCRIPT.test(character))
    return /[\p{L}\p{N}\p{M}ー]/u.test(character) ? UNSPACED : SEPARATOR;
  return /[\p{L}\p{N}\p{M}_]/u.test(character) ? WORD : SEPARATOR;
}

function endOfRun(text: string, start: number, sort: number): number {
  let i = start;
  while (i < text.length && sortAt(text, i) === sort) i += isPairAt(text, i) ? 2 : 1;
  return i;
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}

/** True where a high and a low surrogate stand together. */
function isPairAt(text: string, index: number): boolean {
  const high = text.charCodeAt(index);
  if (high < 0xd800 || high > 0xdbff) return false;
  const low = text.charCodeAt(index + 1);
  return low >= 0xdc00 && low <= 0xdfff;
}

/** Longest word that is looked at whole; what is longer is data (base64, minified), and its head will do. */
const MAX_WORD_LENGTH = 64;
/** Words remembered. Code repeats itself: nine of ten words are in here. */
const MAX_CACHED_WORDS = 50_000;
const cache = new Map<string, string>();

/** Terms of one word, joined by blanks. */
function wordTerms(word: string): string {
  const known = cache.get(word);
  if (known !== undefined) return known;
  const terms = splitWord(word).join(' ');
  if (word.length > MAX_WORD_LENGTH) return terms;
  if (cache.size >= MAX_CACHED_WORDS) cache.clear();
  // A copy, because a slice would keep its whole document in memory.
  cache.set(Buffer.from(word, 'utf16le').toString('utf16le'), terms);
  return terms;
}

function splitWord(word: string): string[] {
  const folded = foldAccents(word.slice(0, MAX_WORD_LENGTH));
  const whole = folded.toLowerCase();
  if (!/[^_]/.test(whole)) return [];
  const parts = partsOf(folded);
  if (parts.length === 1 && parts[0] === whole) return [stem(whole)];
  const kept = parts.filter((part) => part.length > 1);
  return [whole, ...(kept.length > 0 ? kept : parts).map(stem)];
}

/** Lower-case parts of an identifier: `parseHTMLTable2_x` to parse, html, table, 2, x. */
function partsOf(identifier: string): string[] {
  const parts = identifier.match(
    /\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{Lt}\p{M}]+|\p{N}+|\p{Lu}/gu,
  );
  return (parts ?? [identifier]).map((part) => part.toLowerCase());
}

/** Words that have nothing to fold. */
const ASCII = /^\w*$/;
/** Letters that no decomposition takes apart. */
const PLAIN: Readonly<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  Ø: 'O',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  Đ: 'D',
  ı: 'i',
};

/** Without accents, compatibility forms ("ﬁ", full width) as plain letters, and only characters of words. */
function foldAccents(word: string): string {
  if (ASCII.test(word)) return word;
  return word
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .replace(/[ßøØæÆœŒłŁđĐı]/g, (letter) => PLAIN[letter]!)
    .replace(/[^\p{L}\p{N}\p{M}_]/gu, '');
}

let segmenter: Intl.Segmenter | undefined;
/** Longest stretch handed to the segmenter at once: its time grows faster than its text. */
const MAX_RUN = 2_000;

/** Pairs of neighbouring characters in order, then the words of more than two that the segmenter finds. */
function runTerms(run: string): string {
  const clean = foldAccents(run).toLowerCase();
  const characters = Array.from(clean);
  if (characters.length <= 1) return clean;
  const terms: string[] = [];
  for (let i = 1; i < characters.length; i++) terms.push(characters[i - 1]! + characters[i]!);
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'word' });
  for (let from = 0; from < clean.length; from += MAX_RUN) {
    for (const { segment } of segmenter.segment(clean.slice(from, from + MAX_RUN))) {
      if (Array.from(segment).length !== 2 && segment !== clean) terms.push(segment);
    }
  }
  return terms.join(' ');
}
