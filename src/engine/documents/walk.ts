/**
 * From a folder to the files that may be indexed, in a fixed order: the files of a folder by name, then its
 * subfolders by name. What is left out comes back with its reason; ignored and excluded entries, of which there
 * can be any number, are counted. Links are never followed: a file is reached by its real path or not at all.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { AbortedError, NearmissError, systemCode } from '../../base/errors';
import type { Skipped } from './document';
import {
  type Entry,
  type EntryRules,
  entryRules,
  judgeEntry,
  judgeSize,
  listFolder,
  type Verdict,
  verdictOfError,
} from './entry';
import { enterFolder, type FolderRules, rootRules, whyToolFolder } from './ignore';
import { DEFAULT_MAX_FILE_BYTES, DEFAULT_MAX_FILE_COUNT } from './limits';

export interface WalkOptions {
  /** Globs; when given, only files that match one are found. */
  readonly include?: readonly string[];
  /** Globs; what matches one is left out, whatever `include` says. */
  readonly exclude?: readonly string[];
  /** Default 2 MiB, notebooks included. */
  readonly maxFileBytes?: number;
  /** Default 200,000; what comes after that is counted and reported once. */
  readonly maxFileCount?: number;
}

export interface FoundFile {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

/**
 * Calls `visit` for each file, one after the other, and waits for it where it gives a promise. The result says
 * what was left out and why. Gives the event loop a turn every few milliseconds. Throws when the root cannot be
 * listed, or when aborted.
 */
export async function walkFolder(
  root: string,
  options: WalkOptions,
  visit: (file: FoundFile) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<Skipped[]> {
  const walk = new Walk(openRoot(root), options, visit, signal);
  return walk.run();
}

/** The real path of the folder. Throws an expected error where it is missing, not a folder or not readable. */
export function openRoot(root: string): string {
  try {
    const real = fs.realpathSync.native(root);
    if (!fs.statSync(real).isDirectory()) {
      throw new NearmissError('usage', `${root} is not a folder`, 'Name the folder that holds it');
    }
    fs.accessSync(real, fs.constants.R_OK | fs.constants.X_OK);
    return real;
  } catch (cause) {
    if (cause instanceof NearmissError) throw cause;
    const isMissing = ['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '');
    throw isMissing
      ? new NearmissError('notFound', `There is no folder ${root}`, 'Check the path', { cause })
      : new NearmissError('permission', `${root} cannot be read`, 'Check its permissions', {
          cause,
        });
  }
}

/** What `options` say about single entries. */
export function rulesOf(options: WalkOptions): EntryRules {
  return entryRules({ maxFileBytes: DEFAULT_MAX_FILE_BYTES, ...options });
}

/** How long the walk may hold the event loop. */
const SLICE_MS = 8;

interface Folder {
  /** Relative to the root, '' for the root. */
  readonly path: string;
  /** The rules of the folder around it; undefined for the root. */
  readonly outer: FolderRules | undefined;
}

class Walk {
  private readonly skipped: Skipped[] = [];
  private readonly rules: EntryRules;
  private readonly maxFileCount: number;
  private foundCount = 0;
  private ignoredFolderCount = 0;
  private ignoredFileCount = 0;
  private excludedCount = 0;
  private beyondLimitCount = 0;
  private sliceEndMs = 0;

  constructor(
    private readonly root: string,
    options: WalkOptions,
    private readonly visit: (file: FoundFile) => void | Promise<void>,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.rules = rulesOf(options);
    this.maxFileCount = options.maxFileCount ?? DEFAULT_MAX_FILE_COUNT;
  }

  async run(): Promise<Skipped[]> {
    // Folders still to be listed, the next one last.
    const waiting: Folder[] = [{ path: '', outer: undefined }];
    for (let folder = waiting.pop(); folder; folder = waiting.pop()) {
      const inner = await this.walkOne(folder);
      for (let i = inner.length - 1; i >= 0; i--) waiting.push(inner[i]!);
    }
    return [...this.skipped, ...this.summaries()];
  }

  /** Visits the files of one folder and gives back its subfolders in order. */
  private async walkOne(folder: Folder): Promise<Folder[]> {
    const entries = this.list(folder.path);
    const names = new Set(entries.map((entry) => entry.name));
    const has = (name: string): boolean => names.has(name);
    if (folder.outer && whyToolFolder(folder.outer, folder.path, has)) {
      this.ignoredFolderCount++;
      return [];
    }
    const rules = folder.outer
      ? enterFolder(folder.outer, folder.path, has)
      : rootRules(this.root, has);
    const inner: Folder[] = [];
    for (const entry of entries) {
      if (performance.now() >= this.sliceEndMs) await this.takeTurn();
      const relative = join(folder.path, entry.name);
      const verdict = judgeEntry(this.rules, rules, relative, entry);
      if (verdict) this.leaveOut(relative, entry, verdict);
      else if (entry.kind === 'folder') inner.push({ path: relative, outer: rules });
      else await this.offer(relative);
    }
    return inner;
  }

  private list(folder: string): Entry[] {
    try {
      const { entries, badNames } = listFolder(path.join(this.root, folder));
      for (const name of badNames) {
        const detail = 'its name is not valid UTF-8; rename it';
        this.skipped.push({ path: join(folder, name), reason: 'badName', detail });
      }
      return entries;
    } catch (error) {
      this.skip(folder === '' ? '.' : folder, verdictOfError(error));
      return [];
    }
  }

  private offer(relative: string): void | Promise<void> {
    const stat = this.stat(relative);
    if (!stat) return;
    const tooLarge = judgeSize(this.rules, stat.size);
    if (tooLarge) return this.skip(relative, tooLarge);
    if (this.foundCount === this.maxFileCount) {
      this.beyondLimitCount++;
      return;
    }
    this.foundCount++;
    return this.visit({ path: relative, sizeBytes: stat.size, mtimeMs: stat.mtimeMs });
  }

  private stat(relative: string): fs.Stats | undefined {
    try {
      return fs.lstatSync(path.join(this.root, relative));
    } catch (error) {
      this.skip(relative, verdictOfError(error));
      return undefined;
    }
  }

  private leaveOut(relative: string, entry: Entry, verdict: Verdict): void {
    if (verdict.isListed) this.skip(relative, verdict);
    else if (verdict.reason === 'excluded') this.excludedCount++;
    else if (verdict.reason === 'ignored') {
      if (entry.kind === 'folder') this.ignoredFolderCount++;
      else this.ignoredFileCount++;
    }
  }

  private skip(relative: string, { reason, detail }: Verdict): void {
    this.skipped.push({ path: relative, reason, detail });
  }

  private summaries(): Skipped[] {
    const found: Skipped[] = [];
    const add = (count: number, reason: Skipped['reason'], detail: string): void => {
      if (count > 0) found.push({ path: '.', reason, detail });
    };
    const ignored = `${this.ignoredFolderCount} folders and ${this.ignoredFileCount} files by ignore rules`;
    add(this.ignoredFolderCount + this.ignoredFileCount, 'ignored', ignored);
    add(
      this.excludedCount,
      'excluded',
      `${this.excludedCount} entries by include or exclude globs`,
    );
    const tooMany = `${this.beyondLimitCount} files beyond the limit of ${this.maxFileCount}`;
    add(this.beyondLimitCount, 'tooMany', tooMany);
    return found;
  }

  private async takeTurn(): Promise<void> {
    if (this.signal?.aborted) throw new AbortedError();
    await new Promise((resolve) => setImmediate(resolve));
    if (this.signal?.aborted) throw new AbortedError();
    this.sliceEndMs = performance.now() + SLICE_MS;
  }
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
