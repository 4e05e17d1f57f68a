/**
 * What indexing needs from the other rooms, as seen from here: where documents come from, how they are cut,
 * what embeds them. The process entry fills it with the real rooms; tests put faults in between.
 */
import type { Disposable } from '../../base/lifecycle';
import type { Document, Skipped } from '../documents/document';
import type { Examined } from '../documents/explain';
import type { FoundFile } from '../documents/walk';
import type { NewChunk } from '../store/types';

/** Everything that a walk of a folder found. */
export interface Walked {
  readonly files: readonly FoundFile[];
  readonly skipped: readonly Skipped[];
}

/** One folder on disk: its files by the rules, and their content. */
export interface DocumentSource {
  /** Throws only when the folder itself cannot be read. */
  walk(signal: AbortSignal): Promise<Walked>;
  /** Folders that the rules leave out whole, relative with `/`: nothing below them needs watching. */
  ignoredFolders(signal: AbortSignal): Promise<string[]>;
  /**
   * Looks at paths by the same rules as `walk`, but for the limit of files. Ignored and excluded paths count as
   * missing: the index has no word on them.
   */
  examine(paths: readonly string[]): Promise<({ readonly path: string } & Examined)[]>;
  /** Never throws for what a file can do wrong: that is a Skipped. */
  read(file: FoundFile): Promise<Document | Skipped>;
}

/** Cuts documents by syntax and computes what is stored with each chunk. */
export interface Splitter extends Disposable {
  split(document: Document): Promise<NewChunk[]>;
}

/** Gives the splitter when the first document needs it. */
export interface SplitterSource {
  /** Another one for any change to how documents are cut or embedded: what was made otherwise is made anew. */
  version(): Promise<string>;
  splitter(): Promise<Splitter>;
  /** False while the splitter has still to be loaded; absent where it never has. */
  isReady?(): boolean;
}

/** Builds what a search over many vectors loads, once they are there. Says whether anything was written. */
export type BuildSidecars = (spaceId: string, signal: AbortSignal) => Promise<boolean>;
