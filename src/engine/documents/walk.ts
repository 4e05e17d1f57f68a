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
  type EntryKind,
  type EntryRules,
  entryRules,
  judgeEntry,
  judgeSize,
  type Verdict,
  verdictOfError,
} from './entry';
import { BAD_NAME, joinPath, openFolder } from './folder';
import type { FolderRules } from './ignore';
import { DEFAULT_MAX_FILE_BYTES, DEFAULT_MAX_FILE_COUNT } from './limits';

export interface WalkOptions {
  /** Globs; when given, only files that match one are found. */
  readonly include?: readonly string[];
  /** Globs; what matches one is left out, whatever `include` says. */
  readonly exclude?: readonly string[];
  /** Globs that begin with a folder's name; what matches is found although an ignore rule leaves it out. */
  readonly letIn?: readonly string[];
  /** False: .gitignore and its like do not count. Default true. */
  readonly usesGitRules?: boolean;
  /** Default 2 MiB, notebooks included. */
  readonly maxFileBytes?: number;
  /** Default 200,000; what comes after that is counted and reported once. */
  readonly maxFileCount?: number;
  /** Told each folder that an ignore rule leaves out with all it holds, so that nobody need watch it. */
  readonly onIgnoredFolder?: (path: string) => void;
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
    private readonly options: WalkOptions,
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
    const opened = openFolder(this.root, folder.path, folder.outer);
    if ('reason' in opened) {
      this.leaveOut(folder.path === '' ? '.' : folder.path, 'folder', opened);
      return [];
    }
    for (const name of opened.badNames) this.skip(joinPath(folder.path, name), BAD_NAME);
    const inner: Folder[] = [];
    for (const entry of opened.entries) {
      if (performance.now() >= this.sliceEndMs) await this.takeTurn();
      const relative = joinPath(folder.path, entry.name);
      const verdict = judgeEntry(this.rules, opened.rules, relative, entry);
      if (verdict) this.leaveOut(relative, entry.kind, verdict);
      else if (entry.kind === 'folder') inner.push({ path: relative, outer: opened.rules });
      else await this.offer(relative);
    }
    return inner;
  }

  private offer(relative: string): void | Promise<void> {
    const stat = this.stat(relative);
    if (!stat) return;
    const tooLarge = judgeSize(this.rules, relative, stat.size);
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

  private leaveOut(relative: string, kind: EntryKind, verdict: Verdict): void {
    if (verdict.isListed) this.skip(relative, verdict);
    else if (verdict.reason === 'excluded') this.excludedCount++;
    else if (verdict.reason === 'ignored') {
      if (kind === 'folder') {
        this.ignoredFolderCount++;
        this.options.onIgnoredFolder?.(relative);
      } else this.ignoredFileCount++;
    }
  }

  private skip(relative: string, { reason, detail }: Verdict): void {
    this.skipped.push({ path: relative, reason, detail });
  }

  private summaries(): Skipped[] {
    const found: Skipped[] = [];
    const add = (total: number, reason: Skipped['reason'], detail: string): void => {
      if (total > 0) found.push({ path: '.', reason, detail });
    };
    const folders = amount(this.ignoredFolderCount, 'folder');
    const files = amount(this.ignoredFileCount, 'file');
    const ignoredCount = this.ignoredFolderCount + this.ignoredFileCount;
    add(ignoredCount, 'ignored', `${folders} and ${files} by ignore rules`);
    add(this.excludedCount, 'excluded', `${this.excludedCount} by include or exclude globs`);
    const beyond = amount(this.beyondLimitCount, 'file');
    add(this.beyondLimitCount, 'tooMany', `${beyond} beyond the limit of ${this.maxFileCount}`);
    return found;
  }

  private async takeTurn(): Promise<void> {
    if (this.signal?.aborted) throw new AbortedError();
    await new Promise((resolve) => setImmediate(resolve));
    if (this.signal?.aborted) throw new AbortedError();
    this.sliceEndMs = performance.now() + SLICE_MS;
  }
}

function amount(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
