/**
 * The plain data of the documents room: a file that was read, and the chunks it is cut into.
 * Spans are 0-based lines, end exclusive; only what a person sees counts from 1.
 */

/** Lines `start` up to but not including `end`, counted from 0. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What a chunk is for. `code` is program text that defines nothing (imports, top-level statements). */
export type ChunkKind = 'definition' | 'code' | 'test' | 'generated' | 'configuration' | 'prose';

export const CHUNK_KINDS: readonly ChunkKind[] = [
  'definition',
  'code',
  'test',
  'generated',
  'configuration',
  'prose',
];

/** A file that was read and decoded. `path` is relative to the folder, with `/`. */
export interface Document {
  readonly path: string;
  /** Identifier of the language ("typescript", "python", "markdown", "plaintext"). */
  readonly language: string;
  /** Decoded text, secrets redacted, line ends normalised to "\n", no byte order mark. */
  readonly text: string;
  /** Hex sha256 of the bytes on disk. */
  readonly hash: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** For what is not read as it stands: the headings found in `text`, and its pages. */
  readonly outline?: TextOutline;
}

/** Headings (level 1 outermost) and the first row of each page where there are pages, both in order. */
export interface TextOutline {
  readonly headings: readonly (Span & { readonly title: string; readonly level: number })[];
  readonly pageStarts?: readonly number[];
}

/** A span of a document: the unit of indexing, searching and marking. */
export interface Chunk {
  readonly span: Span;
  readonly kind: ChunkKind;
  /** Names from outside in, joined by " > " ("Session > retry"); empty where nothing is named. */
  readonly symbol: string;
  /** Names that this chunk itself defines, without their parents, in order. */
  readonly definitions: readonly string[];
  /** The lines of the span joined by "\n"; a part of one line where a line alone is too long. */
  readonly text: string;
}

/** Why a file or folder is not in the index. */
export type SkipReason =
  | 'ignored'
  | 'excluded'
  | 'secret'
  | 'binary'
  | 'tooLarge'
  | 'tooMany'
  | 'notRegular'
  | 'symlinkOutside'
  | 'symlinkLoop'
  | 'unreadable'
  | 'vanished'
  | 'badName'
  | 'undecodable'
  | 'notConverted';

/** A file or folder left out, with the reason and, where it helps, a detail for a person. */
export interface Skipped {
  readonly path: string;
  readonly reason: SkipReason;
  readonly detail?: string;
}

/** Says how many tokens a text has in the bundled tokenizer, without [CLS] and [SEP]. */
export type TokenCounter = (text: string) => number;
