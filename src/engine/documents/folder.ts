/** One folder of a walk: its entries and the rules that hold for them. The walk and `why` both come in here. */
import * as path from 'node:path';
import { type Entry, listFolder, type Verdict, verdictOfError } from './entry';
import { describeCause, enterFolder, type FolderRules, rootRules, whyToolFolder } from './ignore';

export interface OpenFolder {
  readonly rules: FolderRules;
  /** Sorted by name. */
  readonly entries: readonly Entry[];
  /** Names that are not valid UTF-8, with their bytes escaped. */
  readonly badNames: readonly string[];
}

/**
 * Lists `folder` (relative to the root, '' for the root itself), or says why its entries are left out. `outer` are
 * the rules of the folder around it; undefined for the root.
 */
export function openFolder(
  root: string,
  folder: string,
  outer: FolderRules | undefined,
): OpenFolder | Verdict {
  let listing;
  try {
    listing = listFolder(path.join(root, folder));
  } catch (error) {
    return verdictOfError(error);
  }
  const names = new Set(listing.entries.map((entry) => entry.name));
  const has = (name: string): boolean => names.has(name);
  if (!outer) return { ...listing, rules: rootRules(root, has) };
  const cause = whyToolFolder(outer, folder, has);
  return cause
    ? { reason: 'ignored', detail: describeCause(cause), isListed: false }
    : { ...listing, rules: enterFolder(outer, folder, has) };
}

/** What is said of a name in `badNames`. */
export const BAD_NAME: Verdict = {
  reason: 'badName',
  detail: 'it is not valid UTF-8',
  isListed: true,
};

/** "src" and "a.ts" make "src/a.ts"; '' is the root. */
export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
