/** Takes away what can be computed anew: one folder's index, or every index and all embeddings. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { NearmissError, systemCode } from '../base/errors';
import {
  folderId,
  idOfFolder,
  indexFolder,
  indexNames,
  learningFolder,
  markFolder,
  markNames,
  realFolder,
  savedFolders,
} from './dataFolder';

export interface ClearAim {
  /** The indexed folder, which may be gone from the disk. */
  readonly folder?: string;
  readonly isAll: boolean;
}

/** Removes the files; `release` is awaited before, so that nothing holds them open. */
export async function clearData(
  dataFolder: string,
  { folder, isAll }: ClearAim,
  release: (id: string) => Promise<void>,
): Promise<{ freedBytes: number }> {
  if (!isAll && folder === undefined)
    throw new NearmissError('usage', 'Say which folder to clear, or all');
  const ids = isAll ? indexNames(dataFolder) : [idOf(dataFolder, folder!)];
  let freedBytes = 0;
  for (const id of ids) {
    await release(id);
    freedBytes += removeTree(indexFolder(dataFolder, id));
  }
  if (isAll) freedBytes += removeEmbeddings(dataFolder);
  return { freedBytes };
}

/** What must let go of a folder's files before they are removed. */
export interface Holders {
  readonly release: (id: string) => Promise<void>;
  readonly forgetMarks: (id: string) => Promise<void>;
}

/** Forgets the index and the marks of a folder, or of every folder; then the embeddings go as well. */
export async function forgetData(
  dataFolder: string,
  folder: string | undefined,
  { release, forgetMarks }: Holders,
): Promise<{ freedBytes: number }> {
  const known = markNames(dataFolder);
  const ids = folder === undefined ? known : known.filter((id) => id === idOfFolder(folder));
  let markBytes = 0;
  for (const id of ids) {
    const target = markFolder(dataFolder, id);
    markBytes += sizeOf(target);
    await forgetMarks(id);
    removeTree(target);
    // What was learned from marks says what they said.
    markBytes += removeTree(learningFolder(dataFolder, id));
  }
  // A folder that is gone may have left nothing but its marks.
  if (ids.length > 0 && folder !== undefined && !fs.existsSync(folder))
    return { freedBytes: markBytes };
  const aim = { folder, isAll: folder === undefined };
  const { freedBytes } = await clearData(dataFolder, aim, release);
  return { freedBytes: freedBytes + markBytes };
}

function idOf(dataFolder: string, folder: string): string {
  const asked = path.resolve(folder);
  const gone = savedFolders(dataFolder).find((record) => record.folder === asked);
  return gone?.id ?? folderId(realFolder(folder));
}

function removeEmbeddings(dataFolder: string): number {
  return fs
    .readdirSync(dataFolder)
    .filter((name) => name.startsWith('embeddings.db'))
    .reduce((sum, name) => sum + removeTree(path.join(dataFolder, name)), 0);
}

function removeTree(target: string): number {
  const bytes = sizeOf(target);
  fs.rmSync(target, { recursive: true, force: true, maxRetries: 3 });
  return bytes;
}

/** Bytes of a file or of everything in a folder; 0 where there is nothing. */
export function sizeOf(target: string): number {
  try {
    const stat = fs.lstatSync(target);
    if (!stat.isDirectory()) return stat.size;
    return fs
      .readdirSync(target)
      .reduce((sum, name) => sum + sizeOf(path.join(target, name)), stat.size);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw error;
  }
}
