/**
 * The texts that encoders read for a chunk. Path words are worth .02 nDCG on the development sets, so the
 * last three path segments come first; the symbol path follows where the text does not say it. The
 * bi-encoder reads identifiers as the words they are made of: its tokenizer knows no capitals and would
 * take "combineReducers" for "combine ##red ##uce ##rs".
 */
import { createHash } from 'node:crypto';
import type { Chunk } from './document';

/** What the bi-encoder and the static table read. A stored embedding is known by this text. */
export function encoderText(path: string, chunk: Pick<Chunk, 'symbol' | 'text'>): string {
  return identifiersAsWords(pairText(path, chunk));
}

const KEY_BYTES = 16;

/** Hash of the text that an encoder reads: 16 bytes of sha256, in a buffer of its own. Embeddings are kept by it. */
export function embeddingKey(text: string): Uint8Array {
  const digest = createHash('sha256').update(text).digest();
  return new Uint8Array(digest.subarray(0, KEY_BYTES));
}

/**
 * What the cross-encoder reads, identifiers as they are written: last three path segments, a line break, the
 * symbol path unless each of its names is in the text, the content.
 */
export function pairText(path: string, chunk: Pick<Chunk, 'symbol' | 'text'>): string {
  const symbol = chunk.symbol.replace(PAGE, '');
  const names = symbol === '' ? [] : symbol.split(' > ');
  const isNamed = names.every((name) => chunk.text.includes(name));
  const head = path.split('/').slice(-3);
  if (isNumbered(head.at(-1)!)) head.pop();
  const parts = [head.join('/'), isNamed ? '' : symbol, chunk.text];
  return parts.filter((part) => part !== '').join('\n');
}

/** A page number says where a passage stands, not what it means. */
const PAGE = /^page \d+(?: > |$)/;

/** Longest word that is taken apart; what is longer is data. */
const MAX_WORD_LENGTH = 64;
const WORD = /[\p{L}\p{N}_]+/gu;
/** Between a small letter or digit and a capital, before the last capital of a row, and underscores. */
const SEAM =
  /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=[\p{L}\p{N}])_+(?=[\p{L}\p{N}])/gu;

function identifiersAsWords(text: string): string {
  return text.replace(WORD, (word) =>
    word.length > MAX_WORD_LENGTH ? word : word.replace(SEAM, ' '),
  );
}

/** Names that only count ("0017.txt", "c343.py", a long hash): they mean nothing and cost what they say. */
const NUMBERED = /^(?:\p{L}?\d{2,}|\d|[0-9a-f-]{16,})(?:\.\w+)*$/iu;

function isNumbered(fileName: string): boolean {
  return NUMBERED.test(fileName);
}
