/**
 * What changed since the last pass: the files found now against the rows stored then. Size and
 * modification time decide; only where they differ is a file read, and where its bytes turn out the same
 * just its times are noted. Nothing knows of branches: a switch is many changes, most of whose texts are known.
 *
 * A file written again within the clock's grain after it was read would look unchanged for ever. Such a
 * file is stored with a time that no file has (git does the same to its index), so the next pass reads it.
 */
import type { FoundFile } from '../documents/walk';
import type { DocumentRow } from '../store/types';

export interface ChangePlan {
  /** Not in the index. */
  readonly added: readonly FoundFile[];
  /** In the index with another size or time; the bytes may still be the same. */
  readonly changed: readonly FoundFile[];
  /** In the index, not among the files. Sorted. */
  readonly removed: readonly string[];
  /** Unchanged but still on line windows: to be split by syntax. */
  readonly unfinished: readonly FoundFile[];
}

/** File times have a grain of up to 2 s (FAT); a file this young may change again without a trace. */
const CLOCK_GRAIN_MS = 2000;

/** Compares all files of a folder with all its rows. Keeps the order of `files`. */
export function planChanges(
  files: readonly FoundFile[],
  rows: ReadonlyMap<string, DocumentRow>,
): ChangePlan {
  const added: FoundFile[] = [];
  const changed: FoundFile[] = [];
  const unfinished: FoundFile[] = [];
  const present = new Set<string>();
  for (const file of files) {
    present.add(file.path);
    const row = rows.get(file.path);
    if (row === undefined) added.push(file);
    else if (!hasSameTimes(file, row)) changed.push(file);
    else if (row.tier === 'lines') unfinished.push(file);
  }
  const removed = [...rows.keys()].filter((path) => !present.has(path)).sort();
  return { added, changed, removed, unfinished };
}

/** The modification time to store for a file read at `nowMs`: its own, or one that makes the next pass look again. */
export function storedTime(mtimeMs: number, nowMs: number): number {
  return nowMs - mtimeMs < CLOCK_GRAIN_MS ? mtimeMs - 1 : mtimeMs;
}

/** Rows at `path` itself or below it: what vanishes when a file or a folder vanishes. */
export function rowsBelow(path: string, rows: ReadonlyMap<string, DocumentRow>): string[] {
  const prefix = `${path}/`;
  return [...rows.keys()].filter((key) => key === path || key.startsWith(prefix));
}

/** Files in the order in which a person misses them: the folder's own first, then what was touched last, then the rest. */
export function byUsefulness(files: readonly FoundFile[]): FoundFile[] {
  const recent = new Set(
    [...files]
      .sort((a, b) => b.mtimeMs - a.mtimeMs)
      .slice(0, RECENT_FILE_COUNT)
      .map((file) => file.path),
  );
  const group = (file: FoundFile): number =>
    !file.path.includes('/') ? 0 : recent.has(file.path) ? 1 : 2;
  return files
    .map((file) => ({ file, group: group(file) }))
    .sort((a, b) => a.group - b.group || compareInGroup(a.group, a.file, b.file))
    .map(({ file }) => file);
}

/** Files counted as recently modified. */
const RECENT_FILE_COUNT = 200;

function compareInGroup(group: number, a: FoundFile, b: FoundFile): number {
  const byPath = a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
  return group === 1 ? b.mtimeMs - a.mtimeMs || byPath : byPath;
}

function hasSameTimes(file: FoundFile, row: DocumentRow): boolean {
  return file.sizeBytes === row.sizeBytes && file.mtimeMs === row.mtimeMs;
}
