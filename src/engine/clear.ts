/** Takes away what can be computed anew: one folder's index, or every index and all embeddings. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { NearmissError, systemCode } from '../base/errors';
import { folderId, indexFolder, indexNames, realFolder, savedFolders } from './dataFolder';

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
