/**
 * Which vectors of learned encoders are still needed: those of versions that are kept, in any folder. While a run is under way
 * somewhere, or was stopped and can be gone on with, its vectors may belong to no version yet, so that nothing is said.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { learnedSpacesOf } from './encoders/learnedSpace';
import { VersionStore } from './learning/versionStore';

/** What names of spaces in use begin with; undefined while that cannot be said. */
export async function learnedSpacesInUse(dataFolder: string): Promise<string[] | undefined> {
  const root = path.join(dataFolder, 'learning');
  if (!fs.existsSync(root)) return [];
  const spaces: string[] = [];
  for (const id of fs.readdirSync(root)) {
    const store = new VersionStore(path.join(root, id));
    if (fs.existsSync(store.runFolder)) return undefined;
    for (const { manifest } of await store.list())
      if (manifest?.encoder !== undefined) spaces.push(learnedSpacesOf(manifest.encoder));
  }
  return spaces;
}
