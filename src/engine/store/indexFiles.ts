/** Names of the files that lie beside a folder's index, and their removal. All of them can be built anew. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { GraphFiles } from './hnsw';

/** Where the sidecars of a folder's index lie. */
export interface FolderFiles {
  vectors(spaceId: string): string;
  graph(spaceId: string): GraphFiles;
}

/** Names beside the index file. */
export function folderFiles(indexFile: string): FolderFiles {
  const base = (spaceId: string): string =>
    path.join(path.dirname(indexFile), `vectors-${spaceId.replaceAll(/[^\w.-]/g, '_')}`);
  return {
    vectors: (spaceId) => `${base(spaceId)}.bin`,
    graph: (spaceId) => ({
      graph: `${base(spaceId)}.hnsw`,
      description: `${base(spaceId)}.hnsw.json`,
    }),
  };
}

/** Deletes the index and all that lies beside it, for a fresh start. The folder itself stays. */
export function removeIndexFiles(indexFolder: string): void {
  if (!fs.existsSync(indexFolder)) return;
  for (const name of fs.readdirSync(indexFolder)) {
    if (/^index\.db(?:-wal|-shm|-journal)?$/.test(name) || name.startsWith('vectors-')) {
      fs.rmSync(path.join(indexFolder, name), { force: true });
    }
  }
}

/** Inode, time and size in one word, to see cheaply that a file was replaced; empty when it is missing. */
export function fileStamp(file: string): string {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.ino}-${stat.mtimeMs}-${stat.size}` : '';
}

/** Changes when another file takes the name; empty while there is none. */
export function fileIdentity(file: string): string {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.dev}-${stat.ino}` : '';
}
