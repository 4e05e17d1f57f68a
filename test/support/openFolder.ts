/** A folder of given files, indexed and embedded by hash, open for searching until it is closed. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Snapshot } from '../../src/engine/store/types';
import { removeFolder, writeFiles } from './temporaryFolder';
import { settle, startIndexing, type ToyIndexing } from './toyIndexing';

export interface OpenFolder {
  /** As it was when the folder was opened, or looked at last. */
  readonly snapshot: Snapshot;
  readonly folder: string;
  readonly indexing: ToyIndexing;
  /** Writes files, or removes those that are null, and looks at the folder again. */
  change(files: Readonly<Record<string, string | null>>): Promise<Snapshot>;
  close(): Promise<void>;
}

export async function openFolder(files: Readonly<Record<string, string>>): Promise<OpenFolder> {
  const root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'nearmiss-test-'));
  const [folder, data] = [path.join(root, 'folder'), path.join(root, 'data')];
  fs.mkdirSync(folder);
  writeFiles(folder, files);
  settle(folder);
  const indexing = startIndexing(folder, data);
  await indexing.next('done');
  const reader = await indexing.openReader();
  let snapshot = reader.snapshot();
  return {
    get snapshot() {
      return snapshot;
    },
    folder,
    indexing,
    async change(changes) {
      for (const [name, text] of Object.entries(changes))
        if (text === null) fs.rmSync(path.join(folder, name));
        else writeFiles(folder, { [name]: text });
      indexing.indexer.refresh();
      await indexing.next('done');
      await reader.refresh();
      snapshot.dispose();
      return (snapshot = reader.snapshot());
    },
    async close() {
      snapshot.dispose();
      reader.dispose();
      await indexing.stop();
      removeFolder(root);
    },
  };
}
