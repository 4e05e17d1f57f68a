/**
 * One entry of a folder: what it is, and whether the index wants it. The walk and `why` ask the same functions,
 * so that they cannot disagree.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { messageOf, systemCode } from '../../base/errors';
import { formatOf } from './convert/converted';
import type { Skipped } from './document';
import { globFilter, type GlobFilter, letInFilter, type LetInFilter } from './globs';
import { describeCause, type FolderRules, type IgnoreCause, whyIgnored } from './ignore';
import { isInside } from './inside';
import { MAX_DOCUMENT_BYTES } from './limits';
import { secretPathReason } from './secrets';

export type EntryKind = 'file' | 'folder' | 'link' | 'special';

export interface Entry {
  readonly name: string;
  readonly kind: EntryKind;
  /** What a special entry is ("a named pipe"). */
  readonly what?: string;
}

/** Why an entry is left out. What is not listed is only counted, or needs no word. */
export type Verdict = Omit<Skipped, 'path'> & { readonly isListed: boolean };

/** What decides about entries beside the ignore rules of their folder. */
export interface EntryRules {
  readonly globs: GlobFilter;
  readonly letIn: LetInFilter;
  readonly usesGitRules: boolean;
  readonly maxFileBytes: number;
}

export function entryRules(options: {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly letIn?: readonly string[];
  readonly usesGitRules?: boolean;
  readonly maxFileBytes: number;
}): EntryRules {
  return {
    globs: globFilter(options.include, options.exclude),
    letIn: letInFilter(options.letIn),
    usesGitRules: options.usesGitRules ?? true,
    maxFileBytes: options.maxFileBytes,
  };
}

/** Why the entry is left out, or undefined for files that may be indexed and folders to look into. */
export function judgeEntry(
  rules: EntryRules,
  folderRules: FolderRules,
  relative: string,
  entry: Entry,
): Verdict | undefined {
  const isFolder = entry.kind === 'folder';
  const cause = whyIgnored(folderRules, relative, isFolder);
  if (cause && !isOverruled(rules, cause, relative, isFolder))
    return { reason: 'ignored', detail: describeCause(cause), isListed: false };
  const glob = rules.globs.whyExcluded(relative, isFolder);
  if (glob !== undefined) return { reason: 'excluded', detail: glob, isListed: false };
  if (entry.kind === 'special') {
    return { reason: 'notRegular', detail: entry.what, isListed: true };
  }
  if (entry.kind === 'link') return judgeLink(folderRules.root, relative);
  const secret = isFolder ? undefined : secretPathReason(relative);
  return secret === undefined ? undefined : { reason: 'secret', detail: secret, isListed: true };
}

/** Data of version control stays out whatever the options say. */
function isOverruled(
  rules: EntryRules,
  cause: IgnoreCause,
  relative: string,
  isFolder: boolean,
): boolean {
  if ('isGits' in cause && cause.isGits && !rules.usesGitRules) return true;
  const isFinal = 'builtIn' in cause && (cause.isFinal ?? false);
  return !isFinal && rules.letIn.letsIn(relative, isFolder);
}

/** Why a file of this size is left out, or undefined. Documents hold more than their text, and may be larger. */
export function judgeSize(
  rules: EntryRules,
  relative: string,
  sizeBytes: number,
): Verdict | undefined {
  const limit = formatOf(relative)
    ? Math.max(rules.maxFileBytes, MAX_DOCUMENT_BYTES)
    : rules.maxFileBytes;
  return sizeBytes <= limit
    ? undefined
    : { reason: 'tooLarge', detail: sizeDetail(sizeBytes, limit), isListed: true };
}

/** "3.1 MiB, the limit is 2 MiB". */
function sizeDetail(sizeBytes: number, limitBytes: number): string {
  return `${formatBytes(sizeBytes)}, the limit is ${formatBytes(limitBytes)}`;
}

function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}

/** Reason and detail for an error of the file system. */
export function verdictOfError(error: unknown): Verdict {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return { reason: 'vanished', detail: 'it went away while it was read', isListed: true };
  }
  if (code === 'ELOOP') {
    return { reason: 'symlinkLoop', detail: 'the link leads back to itself', isListed: true };
  }
  const detail = ERROR_DETAILS.get(code ?? '') ?? messageOf(error);
  return { reason: 'unreadable', detail, isListed: true };
}

const ERROR_DETAILS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EIO', 'the disk reports an error'],
  ['ENAMETOOLONG', 'the path is too long'],
  ['EMFILE', 'too many files are open'],
  ['ENFILE', 'too many files are open'],
  ['EBUSY', 'another program holds it'],
]);

// A link is never followed. What it points to inside the folder is indexed under its own path, so such a link
// needs no word; the others are listed, because a person may expect their content in the index.
export function judgeLink(root: string, relative: string): Verdict {
  const absolute = path.join(root, relative);
  let target: string;
  try {
    target = fs.realpathSync.native(absolute);
  } catch (error) {
    const verdict = verdictOfError(error);
    return verdict.reason === 'vanished'
      ? { ...verdict, detail: 'a link to something that does not exist' }
      : verdict;
  }
  if (!isInside(root, target)) {
    return { reason: 'symlinkOutside', detail: `the link leads to ${target}`, isListed: true };
  }
  const shown = path.relative(root, target).split(path.sep).join('/') || 'the folder itself';
  if (isInside(target, path.dirname(absolute))) {
    return { reason: 'symlinkLoop', detail: `the link leads back to ${shown}`, isListed: true };
  }
  return { reason: 'notRegular', detail: `a link to ${shown}`, isListed: false };
}

export interface Listing {
  /** Sorted by name. */
  readonly entries: Entry[];
  /** Names that are not valid UTF-8, as a person may read them ("caf\xe9.txt"). */
  readonly badNames: string[];
}

/** The entries of a folder. Throws the file system's error. */
export function listFolder(absolute: string): Listing {
  const dirents = fs.readdirSync(absolute, { withFileTypes: true });
  const hasSuspect = dirents.some((dirent) => dirent.name.includes('\ufffd'));
  const badNames = hasSuspect ? listBadNames(absolute) : [];
  const entries = dirents
    .filter((dirent) => !hasSuspect || !badNames.some((bad) => bad.decoded === dirent.name))
    .map(toEntry)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { entries, badNames: badNames.map((bad) => bad.shown).sort() };
}

type Typed = Pick<
  fs.Dirent,
  'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket' | 'isBlockDevice'
> & { readonly name: string };

function toEntry(typed: Typed): Entry {
  const { name } = typed;
  if (typed.isFile()) return { name, kind: 'file' };
  if (typed.isDirectory()) return { name, kind: 'folder' };
  if (typed.isSymbolicLink()) return { name, kind: 'link' };
  return { name, kind: 'special', what: specialKind(typed) };
}

export function specialKind(typed: Omit<Typed, 'name'>): string {
  if (typed.isFIFO()) return 'a named pipe';
  if (typed.isSocket()) return 'a socket';
  return typed.isDirectory() ? 'a folder' : 'a device';
}

// Bytes that are no UTF-8 come out as U+FFFD, and the file cannot be opened by that name. Only then is the folder
// listed a second time as bytes: a name may also hold a real U+FFFD.
function listBadNames(absolute: string): { decoded: string; shown: string }[] {
  return fs
    .readdirSync(absolute, { encoding: 'buffer' })
    .filter((name) => !Buffer.from(name.toString('utf8')).equals(name))
    .map((name) => ({ decoded: name.toString('utf8'), shown: escapeBytes(name) }));
}

function escapeBytes(name: Buffer): string {
  let shown = '';
  for (const byte of name) {
    shown += byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return shown;
}
