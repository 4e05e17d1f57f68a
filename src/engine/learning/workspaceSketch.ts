/**
 * How much of a folder has changed since a version was measured. What is kept are hashes of the chunks in some files,
 * those whose paths have the smallest hashes, so that the same files are looked at again, and files that came since have
 * their fair share. What moved to another file counts as changed: nothing was measured there.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import type { Snapshot } from '../store/types';
import { writeWhole } from '../training/runFiles';

/** Files that are looked at. */
const FILE_COUNT = 256;
/** From this share on what was measured says little about the folder as it is. */
export const MUCH_CHANGED = 0.3;

const sketchSchema = z.object({
  v: z.literal(1),
  /** Files whose path has a hash up to this one. */
  upTo: z.string(),
  chunks: z.array(z.string()),
});
export type WorkspaceSketch = z.infer<typeof sketchSchema>;

type Sketched = Pick<Snapshot, 'paths' | 'chunksAt'>;

export function sketchOf(snapshot: Sketched): WorkspaceSketch {
  const hashes = snapshot.paths().map(hashOf).sort();
  const upTo = hashes[Math.min(FILE_COUNT, hashes.length) - 1] ?? '';
  return {
    v: 1,
    upTo: hashes.length <= FILE_COUNT ? LAST : upTo,
    chunks: chunksOf(snapshot, upTo),
  };
}

/** Share of chunks that are others now, of all that were or are there; 0 where nothing is known. */
export function changedShare({ upTo, chunks }: WorkspaceSketch, snapshot: Sketched): number {
  const [before, now] = [new Set(chunks), new Set(chunksOf(snapshot, upTo))];
  const all = new Set([...before, ...now]);
  if (all.size === 0) return 0;
  const kept = [...before].filter((hash) => now.has(hash)).length;
  return 1 - kept / all.size;
}

/** Notes the folder as it is while a version is measured; `root` is where the folder's versions lie. */
export function writeSketch(root: string, id: string, snapshot: Sketched): Promise<void> {
  return keepSketch(root, id, sketchOf(snapshot));
}

/** The same with what was looked at before. */
export async function keepSketch(root: string, id: string, sketch: WorkspaceSketch): Promise<void> {
  const file = fileOf(root, id);
  await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeWhole(file, JSON.stringify(sketch));
}

/** The folder as it was when the version was measured last; undefined where that is not known. */
export async function readSketch(root: string, id: string): Promise<WorkspaceSketch | undefined> {
  try {
    const text = await fs.readFile(fileOf(root, id), 'utf8');
    return sketchSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // It only tells how old a version is; the version itself is checked where it is used.
    return undefined;
  }
}

/** Above every hash: a small folder is looked at whole, new files included. */
const LAST = 'g';
const HASH_DIGITS = 12;

// Beside the versions: those are never changed, and a version can be measured again.
function fileOf(root: string, id: string): string {
  return path.join(root, 'measured', `${id}.json`);
}

function chunksOf(snapshot: Sketched, upTo: string): string[] {
  return snapshot
    .paths()
    .filter((name) => hashOf(name) <= upTo)
    .flatMap((name) =>
      snapshot
        .chunksAt(name, 0, Number.MAX_SAFE_INTEGER)
        .map(({ text }) => hashOf(`${name}\0${text}`)),
    );
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS);
}
