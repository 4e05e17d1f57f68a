/**
 * From bytes to text. The order is: byte order mark; UTF-16 without one; NUL in the first 8 KB means binary;
 * strict UTF-8; then a guess among the older encodings, checked by decoding strictly.
 */
import { detectAll } from 'jschardet';

/** What a file's bytes say, or why they are no text. */
export type Decoded =
  | { readonly text: string; readonly encoding: string }
  | { readonly reason: 'binary' | 'undecodable'; readonly detail: string };

/** How much of a file is looked at to tell text from binary; git looks at as much. */
const SAMPLE_BYTES = 8192;

/** The text without byte order mark and with "\n" line ends, and the encoding it was in (a TextDecoder label). */
export function decodeText(bytes: Uint8Array): Decoded {
  const marked = markedEncoding(bytes);
  if (marked !== undefined) return decodeAs(bytes, marked);
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  if (sample.includes(0)) {
    const utf16 = guessUtf16(sample);
    return utf16 === undefined
      ? { reason: 'binary', detail: 'it holds NUL bytes' }
      : decodeAs(bytes, utf16);
  }
  const format = binaryFormat(sample);
  if (format !== undefined) return { reason: 'binary', detail: `it is ${format}` };
  // Seven bits only, so it would pass for UTF-8.
  if (sample.includes(0x1b) && hasJapaneseEscape(sample)) return decodeAs(bytes, 'iso-2022-jp');
  const utf8 = decodeStrictly(bytes, 'utf-8');
  return utf8 === undefined ? decodeGuessed(bytes) : { text: tidyText(utf8), encoding: 'utf-8' };
}

/** The text of bytes, or undefined where they are no text. */
export function readText(bytes: Uint8Array): string | undefined {
  const decoded = decodeText(bytes);
  return 'text' in decoded ? decoded.text : undefined;
}

function markedEncoding(bytes: Uint8Array): string | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  // FF FE 00 00 is UTF-32, which nobody writes; as UTF-16 it would be a NUL, so it falls to the binary test.
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? undefined : 'utf-16le';
  return a === 0xfe && b === 0xff ? 'utf-16be' : undefined;
}

/** Formats that may have no NUL in their first bytes. */
function binaryFormat(sample: Uint8Array): string | undefined {
  const head = Buffer.from(sample.subarray(0, 16)).toString('latin1');
  if (head.startsWith('%PDF-')) return 'a PDF';
  if (head.startsWith('{\\rtf')) return 'an RTF document';
  return head.startsWith('%!PS-Adobe') ? 'PostScript' : undefined;
}

function hasJapaneseEscape(sample: Uint8Array): boolean {
  const text = Buffer.from(sample).toString('latin1');
  return text.includes('\u001b$B') || text.includes('\u001b$@');
}

// Text in UTF-16 has no U+0000, hardly a control character, and pairs its surrogates. Western text is every
// second byte NUL; in Chinese or Japanese only blanks, digits and line ends are.
function guessUtf16(sample: Uint8Array): string | undefined {
  const little = asciiShareOfUtf16(sample, 0);
  const big = asciiShareOfUtf16(sample, 1);
  if (little === undefined && big === undefined) return undefined;
  return (little ?? -1) >= (big ?? -1) ? 'utf-16le' : 'utf-16be';
}

/** Share of ASCII among the code units, or undefined where they are no text. `lowIndex` is 0 for little endian. */
function asciiShareOfUtf16(sample: Uint8Array, lowIndex: 0 | 1): number | undefined {
  const unitCount = Math.floor(sample.length / 2);
  let asciiCount = 0;
  let isHighBefore = false;
  for (let i = 0; i < unitCount; i++) {
    const unit = sample[2 * i + lowIndex]! | (sample[2 * i + 1 - lowIndex]! << 8);
    const isLow = 0xdc00 <= unit && unit < 0xe000;
    if (isLow !== isHighBefore || isStrange(unit)) return undefined;
    isHighBefore = 0xd800 <= unit && unit < 0xdc00;
    if (unit < 0x80) asciiCount++;
  }
  return unitCount > 0 && asciiCount > 0 ? asciiCount / unitCount : undefined;
}

function isStrange(unit: number): boolean {
  const isControl = unit < 0x20 && unit !== 9 && unit !== 10 && unit !== 12 && unit !== 13;
  return isControl || unit >= 0xfff0 || (0xe000 <= unit && unit < 0xf900);
}

function decodeGuessed(bytes: Uint8Array): Decoded {
  if (controlShare(bytes.subarray(0, SAMPLE_BYTES)) > MAX_CONTROL_SHARE) {
    return { reason: 'binary', detail: 'most of its bytes are no text' };
  }
  const sample = bytes.subarray(0, GUESS_BYTES);
  const guesses = detectAll(sample).map(({ encoding, confidence }) => ({
    label: labelOf(encoding ?? ''),
    confidence,
  }));
  const best = guesses.find(({ label }) => label !== undefined);
  const isWestern =
    !best || (best.confidence < SURE && !MULTI_BYTE.has(best.label!) && isMostlyAscii(sample));
  const labels = isWestern ? [] : guesses.map(({ label }) => label);
  for (const label of [...labels, WESTERN]) {
    const text = label === undefined ? undefined : decodeStrictly(bytes, label);
    if (text !== undefined) return { text: tidyText(text), encoding: label! };
  }
  return { reason: 'undecodable', detail: 'its encoding is not known' };
}

/** The detector reads so much; more makes its guess no better. */
const GUESS_BYTES = 65536;

/** Share of control characters above which bytes without NUL are no text either. */
const MAX_CONTROL_SHARE = 0.02;

function controlShare(sample: Uint8Array): number {
  let count = 0;
  for (const byte of sample) if (byte < 9 || (byte > 13 && byte < 32 && byte !== 27)) count++;
  return count / Math.max(1, sample.length);
}

/** Below this confidence the detector is guessing between alphabets that share most letters. */
const SURE = 0.13;

const WESTERN = 'windows-1252';

const MULTI_BYTE: ReadonlySet<string> = new Set([
  'shift_jis',
  'euc-jp',
  'gb18030',
  'big5',
  'euc-kr',
]);

/** Names the detector gives that TextDecoder calls otherwise. */
const LABELS: ReadonlyMap<string, string> = new Map([
  ['cp932', 'shift_jis'],
  ['cp949', 'euc-kr'],
  ['gb2312', 'gb18030'],
  ['gbk', 'gb18030'],
  ['big5-hkscs', 'big5'],
  ['iso-8859-1', WESTERN],
  ['cp874', 'windows-874'],
  ['tis-620', 'windows-874'],
  ['ibm866', 'ibm866'],
]);

/** The label of TextDecoder, or undefined for encodings that no file of today is in. */
function labelOf(encoding: string): string | undefined {
  const name = encoding.toLowerCase().replace(/^iso(?=\d)/, 'iso-');
  const label = LABELS.get(name) ?? name;
  const isKnown =
    MULTI_BYTE.has(label) ||
    /^(?:windows-(?:125\d|874)|iso-8859-\d+|koi8-[ru]|ibm866)$/.test(label);
  return isKnown ? label : undefined;
}

/** True for scripts of Latin letters, where accents are few; in Greek or Russian most are from 0xc0 on. */
function isMostlyAscii(sample: Uint8Array): boolean {
  let letterCount = 0;
  let highCount = 0;
  for (const byte of sample) {
    if (byte >= 0xc0) highCount++;
    else if ((byte | 32) >= 97 && (byte | 32) <= 122) letterCount++;
  }
  return highCount < letterCount / 2;
}

function decodeAs(bytes: Uint8Array, label: string): Decoded {
  return { text: tidyText(new TextDecoder(label).decode(bytes)), encoding: label };
}

function decodeStrictly(bytes: Uint8Array, label: string): string | undefined {
  if (label === WESTERN) return decodeWestern(bytes);
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch {
    // Either the bytes do not fit or this build of Node lacks the encoding: not this one.
    return undefined;
  }
}

// Node's own decoder takes windows-1252 for Latin-1 in several versions and turns quotes into control characters.
function decodeWestern(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (char) => WESTERN_80_TO_9F[char.charCodeAt(0) - 0x80]!);
}

const WESTERN_80_TO_9F = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** Text as documents have it: lines end with "\n", and no NUL, which would end the text for SQLite. */
export function tidyText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replaceAll('\0', ' ');
}
