/**
 * From bytes to text. The order is: byte order mark; UTF-16 without one; NUL in the first 8 KB means binary;
 * strict UTF-8; then a guess among the older encodings, checked by decoding strictly.
 */
import { detect } from 'jschardet';

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
  const utf8 = decodeStrictly(bytes, 'utf-8');
  return utf8 === undefined ? decodeGuessed(bytes) : { text: tidy(utf8), encoding: 'utf-8' };
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

// Text in UTF-16 has no U+0000, hardly a control character, and pairs its surrogates. Western text is every
// second byte NUL; in Chinese or Japanese only blanks, digits and line ends are.
function guessUtf16(sample: Uint8Array): string | undefined {
  const little = asciiShareOfUtf16(sample, 0);
  const big = asciiShareOfUtf16(sample, 1);
  if (little === undefined && big === undefined) return undefined;
  return (little ?? -1) >= (big ?? -1) ? 'utf-16le' : 'utf-16be';
}

/** Share of ASCII among the code units, or undefined where they are no text. `highByte` is 0 for big endian... */
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
    return { reason: 'binary', detail: 'it is mostly bytes that are no text' };
  }
  const guess = detect(bytes.subarray(0, GUESS_BYTES)).encoding?.toLowerCase();
  for (const label of [guess && (LABELS.get(guess) ?? guess), 'windows-1252']) {
    const text = label ? decodeStrictly(bytes, label) : undefined;
    if (text !== undefined) return { text: tidy(text), encoding: label! };
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

/** Names the detector gives that TextDecoder calls otherwise. */
const LABELS: ReadonlyMap<string, string> = new Map([
  ['cp932', 'shift_jis'],
  ['cp949', 'euc-kr'],
]);

function decodeAs(bytes: Uint8Array, label: string): Decoded {
  return { text: tidy(new TextDecoder(label).decode(bytes)), encoding: label };
}

function decodeStrictly(bytes: Uint8Array, label: string): string | undefined {
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch {
    // Either the bytes do not fit or the label is unknown: not this encoding.
    return undefined;
  }
}

// A NUL further down would end the text for SQLite.
function tidy(text: string): string {
  return text.replace(/\r\n?/g, '\n').replaceAll('\0', ' ');
}
