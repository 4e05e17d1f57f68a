/** The open readers of the folders that are searched, one each; snapshots are lent from them. */
import * as path from 'node:path';
import type { Disposable } from '../base/lifecycle';
import type { Logger } from '../base/log';
import { indexFolder } from './dataFolder';
import type { CommitKind } from './indexing/messages';
import { openFolderReader } from './store/folderReader';
import type { FolderReader, Snapshot } from './store/types';

export class FolderReaders implements Disposable {
  private readonly open = new Map<string, Promise<FolderReader>>();
  private isDisposed = false;

  /** `spaceId` says whose embeddings are compared; undefined: none, words and static embeddings answer. */
  constructor(
    private readonly dataFolder: string,
    private readonly spaceId: () => Promise<string | undefined>,
    private readonly log: Logger,
  ) {}

  /** A view of the folder's index as it is now; the caller disposes it. */
  async snapshot(id: string): Promise<Snapshot> {
    return (await this.reader(id)).snapshot();
  }

  /** Something was committed to the folder's index: takes new embeddings into memory, if it is in use at all. */
  async refresh(id: string, kinds: readonly CommitKind[]): Promise<void> {
    if (!kinds.includes('embeddings') && !kinds.includes('graph')) return;
    try {
      await (await this.open.get(id))?.refresh();
    } catch (error) {
      this.log.error('taking in new embeddings', error);
    }
  }

  close(id: string): void {
    const reader = this.open.get(id);
    this.open.delete(id);
    // Failed to open: whoever asked for it was told.
    reader?.then((open) => open.dispose()).catch(() => undefined);
  }

  dispose(): void {
    this.isDisposed = true;
    for (const id of [...this.open.keys()]) this.close(id);
  }

  private reader(id: string): Promise<FolderReader> {
    const known = this.open.get(id);
    if (known) return known;
    const reader = this.openReader(id);
    this.open.set(id, reader);
    // One that failed is tried again with the next search.
    reader.catch(() => {
      if (this.open.get(id) === reader) this.open.delete(id);
    });
    return reader;
  }

  private async openReader(id: string): Promise<FolderReader> {
    const spaceId = await this.spaceId();
    const file = path.join(indexFolder(this.dataFolder, id), 'index.db');
    const embeddingsFile = path.join(this.dataFolder, 'embeddings.db');
    const reader = openFolderReader(file, { spaceId, embeddingsFile });
    if (this.isDisposed) reader.dispose();
    return reader;
  }
}
