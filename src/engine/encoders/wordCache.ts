/**
 * Splits a text the way BERT's pre-tokenizer does and remembers the ids of each piece, so that the tokenizer
 * library works once a word and not once an occurrence. A run of ASCII letters and digits is a piece, and so is
 * each ASCII punctuation mark. A stretch with any other character in it goes to the library as it stands, from
 * one blank, or mark that cannot influence its neighbours, to the next.
 */

/** Ids of a piece of text, without special tokens: the tokenizer library, once a piece. */
export type PieceEncoder = (piece: string) => readonly number[];

/** What a walk over a text calls for each piece, in order. */
export type PieceVisitor = (ids: readonly number[]) => void;

/** Kinds of a UTF-16 unit. */
const BLANK = 0;
const MARK = 1;
const WORD = 2;
/** Marks that Unicode lower-casing looks through when it decides on a final sigma. */
const SOFT_MARK = 3;
const OTHER = 4;

const KIND_OF_ASCII = asciiKinds();

/** Pieces longer than this are data, not words, and would only push useful ones out. */
const LONGEST_KEPT = 40;

/** Entries before the cache starts anew: some 20 MB, and four times what a large repository needs. */
const MAX_ENTRIES = 200_000;

export class WordCache {
  private readonly words = new Map<string, readonly number[]>();
  private readonly marks: (readonly number[] | undefined)[] = [];

  constructor(private readonly encodePiece: PieceEncoder) {}

  /** Calls `visit` with the ids of each piece of the text, in order. */
  walk(text: string, visit: PieceVisitor): void {
    let index = 0;
    while (index < text.length) {
      const kind = kindAt(text, index);
      if (kind === BLANK) index++;
      else if (kind === MARK) visit(this.mark(text, index++));
      else {
        const end = stretchEnd(text, index);
        if (end > 0) this.walkWords(text, index, end, visit);
        else visit(this.word(text.slice(index, -end)));
        index = Math.abs(end);
      }
    }
  }

  /** A stretch of ASCII: words, parted by soft marks. */
  private walkWords(text: string, start: number, end: number, visit: PieceVisitor): void {
    let index = start;
    while (index < end) {
      let wordEnd = index;
      while (wordEnd < end && kindAt(text, wordEnd) === WORD) wordEnd++;
      if (wordEnd > index) visit(this.word(text.slice(index, wordEnd)));
      if (wordEnd < end) visit(this.mark(text, wordEnd));
      index = wordEnd + 1;
    }
  }

  private mark(text: string, index: number): readonly number[] {
    return (this.marks[text.charCodeAt(index)] ??= this.encodePiece(text[index]!));
  }

  private word(piece: string): readonly number[] {
    const known = this.words.get(piece);
    if (known) return known;
    const ids = this.encodePiece(piece);
    if (piece.length > LONGEST_KEPT) return ids;
    if (this.words.size >= MAX_ENTRIES) this.words.clear();
    // A copy of its own: a slice would keep the whole text it was cut from in memory.
    this.words.set(Buffer.from(piece, 'utf16le').toString('utf16le'), ids);
    return ids;
  }
}

/** Where the stretch that begins at `start` ends; negative when it holds anything but ASCII words and marks. */
function stretchEnd(text: string, start: number): number {
  let hasOther = false;
  let index = start;
  for (; index < text.length; index++) {
    const kind = kindAt(text, index);
    if (kind <= MARK) break;
    if (kind === OTHER) hasOther = true;
  }
  return hasOther ? -index : index;
}

function kindAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 128 ? KIND_OF_ASCII[code]! : OTHER;
}

function asciiKinds(): Uint8Array {
  const kinds = new Uint8Array(128).fill(OTHER);
  for (let code = 0x21; code < 0x7f; code++) {
    const character = String.fromCharCode(code);
    kinds[code] = /[A-Za-z0-9]/.test(character)
      ? WORD
      : /['.:^`]/.test(character)
        ? SOFT_MARK
        : MARK;
  }
  for (const blank of ' \t\n\r') kinds[blank.charCodeAt(0)] = BLANK;
  return kinds;
}
