/**
 * Which run lies in a folder's `run/`: an equal one is gone on with, anything else is thrown away. What decides is
 * everything that the trained weights depend on, the numbers that a new version of Nearmiss begins from included.
 */
import { createHash } from 'node:crypto';
import * as fsp from 'node:fs/promises';
import * as path from 'node:path';
import { DEFAULT_WEIGHTS } from '../search/weights';
import { writeWhole } from '../training/runFiles';

const FILE = 'run.json';

/** A hash of what a run learns from, and of the `weights` that it starts at. */
export function identityOf(parts: readonly unknown[], weights: object = DEFAULT_WEIGHTS): string {
  // What an older version began may have other weights to learn.
  const said = JSON.stringify([...parts, weights]);
  return createHash('sha256').update(said).digest('hex');
}

/** Keeps what an equal run left in the folder, where that is wanted; else begins with an empty one. */
export async function beginRun(
  runFolder: string,
  identity: string,
  resume: boolean,
): Promise<void> {
  const file = path.join(runFolder, FILE);
  const known = await fsp.readFile(file, 'utf8').catch(() => '');
  if (resume && known === identity) return;
  await fsp.rm(runFolder, { recursive: true, force: true });
  await fsp.mkdir(runFolder, { recursive: true, mode: 0o700 });
  await writeWhole(file, identity);
}
