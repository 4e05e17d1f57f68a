/**
 * Why a path is or is not in the index, in a sentence that names the rule. Asks the walk's own functions, folder
 * by folder from the root down, and reads the file as the index does, so that the answer is what the index does.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { AbortedError, isAbort } from '../../base/errors';
import type { SkipReason, Skipped } from './document';
import { type EntryRules, judgeEntry, judgeSize, type Verdict, verdictOfError } from './entry';
import { BAD_NAME, joinPath, openFolder } from './folder';
import { type FolderRules, SHARED_BY_REPOSITORY, VERSION_CONTROL } from './ignore';
import { isIndexPath, relativeInside } from './inside';
import { DEFAULT_MAX_FILE_COUNT } from './limits';
import { isSkipped, readDocument } from './read';
import { type FoundFile, openRoot, rulesOf, walkFolder, type WalkOptions } from './walk';

export interface PathVerdict {
  /** True for a file that the index holds, and for a folder that is looked into. */
  readonly indexed: boolean;
  readonly reason: SkipReason | 'indexed' | 'notFound' | 'outside';
  /** For a person, without a final full stop. */
  readonly sentence: string;
}

/** `file` is absolute or relative to `root`. Looks at the disk; an index that is still being made may lag behind. */
export async function explainPath(
  root: string,
  file: string,
  options: WalkOptions = {},
): Promise<PathVerdict> {
  const realRoot = openRoot(root);
  const relative = relativeInside(realRoot, file) ?? relativeInside(path.resolve(root), file);
  if (relative === undefined) {
    return missing(
      'outside',
      `${file} is not in ${root}, so the index of that folder cannot hold it`,
    );
  }
  if (relative === '') return indexed(`${root} is the folder that is indexed`);
  const place = descend(realRoot, relative, options);
  if (place.kind === 'missing') return missing('notFound', `There is no ${place.at} in the folder`);
  if (place.kind === 'folder')
    return indexed(`${relative} is a folder, and the index looks into it`);
  if (place.kind === 'leftOut') return refused(relative, place.at, place.verdict);
  return explainFile(realRoot, relative, options);
}

/** What a path is to the walk. A folder is one that the walk looks into. */
export type Examined =
  | { readonly kind: 'missing' }
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly file: FoundFile }
  | { readonly kind: 'skipped'; readonly skipped: Skipped };

/**
 * What the walk would make of one path (relative, with `/`), without walking and without reading the file. Lists the
 * folders on the way only. The limit of the count is not looked at.
 */
export function examinePath(root: string, relative: string, options: WalkOptions = {}): Examined {
  if (!isIndexPath(relative)) return { kind: 'missing' };
  const place = descend(openRoot(root), relative, options);
  if (place.kind === 'missing' || place.kind === 'folder') return { kind: place.kind };
  if (place.kind === 'leftOut') return skipped(relative, place.verdict);
  const { size, mtimeMs } = place.stat;
  return { kind: 'file', file: { path: relative, sizeBytes: size, mtimeMs } };
}

function skipped(relative: string, { reason, detail }: Verdict): Examined {
  if (reason === 'vanished') return { kind: 'missing' };
  return { kind: 'skipped', skipped: { path: relative, reason, detail } };
}

/** `at` is the path itself or the first part of it that settles the matter. */
type Place =
  | { readonly kind: 'missing'; readonly at: string }
  | { readonly kind: 'leftOut'; readonly at: string; readonly verdict: Verdict }
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly stat: fs.Stats };

/** Goes from the root down to the path as the walk does. */
function descend(root: string, relative: string, options: WalkOptions): Place {
  const rules = rulesOf(options);
  let outer: FolderRules | undefined;
  let folder = '';
  for (const name of relative.split('/')) {
    const opened = openFolder(root, folder, outer);
    if ('reason' in opened) return { kind: 'leftOut', at: folder, verdict: opened };
    const at = joinPath(folder, name);
    const entry = opened.entries.find((candidate) => candidate.name === name);
    if (!entry) {
      const isBad = opened.badNames.includes(name);
      return isBad ? { kind: 'leftOut', at, verdict: BAD_NAME } : { kind: 'missing', at };
    }
    const verdict = judgeEntry(rules, opened.rules, at, entry);
    if (verdict) return { kind: 'leftOut', at, verdict };
    if (entry.kind !== 'folder') {
      return at === relative ? measure(root, at, rules) : { kind: 'missing', at: relative };
    }
    outer = opened.rules;
    folder = at;
  }
  const opened = openFolder(root, folder, outer);
  return 'reason' in opened ? { kind: 'leftOut', at: folder, verdict: opened } : { kind: 'folder' };
}

function measure(root: string, at: string, rules: EntryRules): Place {
  try {
    const stat = fs.lstatSync(path.join(root, at));
    const verdict = judgeSize(rules, at, stat.size);
    return verdict ? { kind: 'leftOut', at, verdict } : { kind: 'file', stat };
  } catch (error) {
    return { kind: 'leftOut', at, verdict: verdictOfError(error) };
  }
}

async function explainFile(
  root: string,
  relative: string,
  options: WalkOptions,
): Promise<PathVerdict> {
  const verdict = await whyBeyondLimit(root, relative, options);
  if (verdict) return refused(relative, relative, verdict);
  const result = await readDocument(root, relative, options);
  return isSkipped(result)
    ? refused(relative, relative, result)
    : indexed(`${relative} is indexed as ${result.language}`);
}

/** Only the walk knows how many files come first. */
async function whyBeyondLimit(
  root: string,
  relative: string,
  options: WalkOptions,
): Promise<Verdict | undefined> {
  const found = new AbortController();
  const stopAtPath = (file: { readonly path: string }): void => {
    if (file.path !== relative) return;
    found.abort();
    throw new AbortedError();
  };
  try {
    await walkFolder(root, { ...options, onIgnoredFolder: undefined }, stopAtPath);
  } catch (error) {
    if (!isAbort(error) || !found.signal.aborted) throw error;
    return undefined;
  }
  const limit = options.maxFileCount ?? DEFAULT_MAX_FILE_COUNT;
  return { reason: 'tooMany', detail: `it comes after the first ${limit} files`, isListed: true };
}

/** `at` is the path itself or the folder on the way that settles it. */
function refused(
  relative: string,
  at: string,
  { reason, detail }: Pick<Verdict, 'reason' | 'detail'>,
): PathVerdict {
  const subject = at === relative ? '' : at === '' ? 'the indexed folder: ' : `its folder ${at}: `;
  const because = detail === undefined ? CAUSES[reason] : `${CAUSES[reason]} (${detail})`;
  const isFinal = detail === VERSION_CONTROL || detail === SHARED_BY_REPOSITORY;
  const advice = isFinal ? undefined : ADVICE[reason]?.(at);
  const sentence = `${relative} is not indexed: ${subject}${because}${advice ? `; ${advice}` : ''}`;
  return { indexed: false, reason, sentence };
}

const CAUSES: Readonly<Record<SkipReason, string>> = {
  ignored: 'an ignore rule leaves it out',
  excluded: 'the options leave it out',
  secret: 'it may hold secrets',
  binary: 'it is not text',
  tooLarge: 'it is too large',
  tooMany: 'the folder has too many files',
  notRegular: 'it is not a regular file',
  symlinkOutside: 'it is a link out of the folder',
  symlinkLoop: 'it is a link in a circle',
  unreadable: 'it cannot be read',
  vanished: 'it is gone',
  badName: 'its name cannot be kept',
  undecodable: 'its text cannot be decoded',
  notConverted: 'no text could be got out of it',
};

const ADVICE: Readonly<Partial<Record<SkipReason, (at: string) => string>>> = {
  ignored: (at) =>
    `the line !/${at.replace(/[\\*?[]/g, '\\$&')} in a .nearmissignore at the top would let it in`,
  badName: () => 'rename it',
  tooMany: () => 'leave folders out with .nearmissignore, or raise the limit',
};

function indexed(sentence: string): PathVerdict {
  return { indexed: true, reason: 'indexed', sentence };
}

function missing(reason: 'notFound' | 'outside', sentence: string): PathVerdict {
  return { indexed: false, reason, sentence };
}
