/**
 * What indexing needs from the other rooms, as seen from here: where documents come from, how they are cut,
 * what embeds them. The process entry fills it with the real rooms; tests put faults in between.
 */
import type { Chunk, Document, Skipped } from '../documents/document';
import type { StaticEncoder } from '../encoders/types';
import type { FileTimes } from './changes';

/** Everything that a walk of a folder found. */
export interface Walked<F extends FileTimes> {
  readonly files: readonly F[];
  readonly skipped: readonly Skipped[];
}

/** What one path is just now. Ignored and excluded paths count as missing: the index has no word on them. */
export type Examined<F extends FileTimes> =
  | { readonly kind: 'file'; readonly file: F }
  | { readonly kind: 'folder' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'skipped'; readonly skipped: Skipped };

/** One folder on disk: its files by the rules, and their content. */
export interface DocumentSource<F extends FileTimes = FileTimes> {
  /** Throws only when the folder itself cannot be read. */
  walk(signal: AbortSignal): Promise<Walked<F>>;
  /** Folders that the rules leave out whole, relative with `/`: nothing below them needs watching. */
  ignoredFolders(signal: AbortSignal): Promise<string[]>;
  /** Looks at paths by the same rules as `walk`, but for the limit of files. */
  examine(paths: readonly string[]): Promise<({ readonly path: string } & Examined<F>)[]>;
  /** Never throws for what a file can do wrong: that is a Skipped. */
  read(file: F): Promise<Document | Skipped>;
}

/** How documents are cut by syntax, and the table for their static embeddings. */
export interface Splitters {
  /** Another one for any change to how `split` cuts or what embeds: what was made otherwise is made anew. */
  readonly version: string;
  split(document: Document): Promise<Chunk[]>;
  readonly staticEncoder: StaticEncoder | undefined;
}

/** Builds what a search over many vectors loads, once they are there. Says whether anything was written. */
export type BuildSidecars = (spaceId: string, signal: AbortSignal) => Promise<boolean>;
