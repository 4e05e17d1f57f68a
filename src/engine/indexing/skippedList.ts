/** What is left out of a folder's index and why, kept whole by a pass and corrected by single edits. */
import { createHash } from 'node:crypto';
import type { Skipped } from '../documents/document';
import type { FoundFile } from '../documents/walk';

export class SkippedList {
  private entries: Skipped[] = [];
  /** Found by reading, not by the walk; with the times at which they were read. */
  private readonly unread = new Map<
    string,
    { readonly times: FoundFile; readonly entry: Skipped }
  >();

  /** What a whole walk left out; what reading found comes back by `keepUnread`. */
  replaceAll(skipped: readonly Skipped[]): void {
    this.entries = [...skipped];
  }

  add(entry: Skipped): void {
    this.entries.push(entry);
  }

  /** Notes a file that the walk found and that could not be read. */
  addUnread(times: FoundFile, entry: Skipped): void {
    this.remove(times.path);
    this.unread.set(times.path, { times, entry });
    this.entries.push(entry);
  }

  /** True for a file that is as it was when it could not be read: its entry is listed again. */
  keepUnread(file: FoundFile): boolean {
    const known = this.unread.get(file.path);
    if (known === undefined || !isStable.has(known.entry.reason)) return false;
    const { sizeBytes, mtimeMs } = known.times;
    if (file.sizeBytes !== sizeBytes || file.mtimeMs !== mtimeMs) return false;
    this.entries.push(known.entry);
    return true;
  }

  /** Forgets a path that is in order or gone. */
  remove(path: string): void {
    this.unread.delete(path);
    if (this.entries.some((entry) => entry.path === path)) {
      this.entries = this.entries.filter((entry) => entry.path !== path);
    }
  }

  /** Sorted by path. */
  list(): Skipped[] {
    const key = ({ path, reason }: Skipped): string => `${path}\0${reason}`;
    return [...this.entries].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }
}

/** Reasons that lie in the bytes: the same file gives the same answer. */
const isStable: ReadonlySet<string> = new Set(['binary', 'undecodable', 'tooLarge', 'secret']);

/** Short digest of a list, to see whether it is the one already stored. */
export function skippedDigest(list: readonly Skipped[]): string {
  return createHash('sha256').update(JSON.stringify(list)).digest('hex').slice(0, 16);
}
