/** Which paths may keep no mark: what the folder's rules leave out, and what holds secrets. */
import * as fs from 'node:fs';
import type { SkipReason } from './documents/document';
import { examinePath } from './documents/explain';
import { isIndexPath } from './documents/inside';
import type { WalkOptions } from './documents/walk';
import type { Snapshot } from './store/types';

/** Files left out for one of these reasons may not keep a mark. */
const FORBIDDEN: ReadonlySet<SkipReason> = new Set(['ignored', 'excluded', 'secret']);

/** What was left out of the index, by path. */
export function skippedReasons(snapshot: Snapshot): Map<string, SkipReason> {
  return new Map(snapshot.skipped().map(({ path: name, reason }) => [name, reason]));
}

/** Why a mark in that path may not be taken in; undefined when it may. */
export function reasonAgainst(
  root: string,
  name: string,
  rules: WalkOptions,
  skipped: ReadonlyMap<string, SkipReason>,
): string | undefined {
  const leftOut = `A mark in ${name} is left out`;
  if (!isIndexPath(name)) return `${leftOut}: that is no path inside the folder`;
  const isHidden = isForbidden(root, name, rules, skipped);
  return isHidden ? `${leftOut}: that file is not to be indexed` : undefined;
}

/** True for a path that the folder's rules, or what was found in the file, keep out. */
export function isForbidden(
  root: string,
  name: string,
  rules: WalkOptions,
  skipped: ReadonlyMap<string, SkipReason>,
): boolean {
  const listed = skipped.get(name);
  if (listed !== undefined && FORBIDDEN.has(listed)) return true;
  if (!fs.existsSync(root)) return false;
  const examined = examinePath(root, name, rules);
  return examined.kind === 'skipped' && FORBIDDEN.has(examined.skipped.reason);
}
