/** The open readers of the folders that are searched, one each; snapshots are lent from them. */
import * as path from 'node:path';
import { Emitter } from '../base/event';
import { type Disposable, Shared, toDisposable } from '../base/lifecycle';
import type { Logger } from '../base/log';
import { indexFolder } from './dataFolder';
import type { CommitKind } from './indexing/messages';
import { openFolderReader } from './store/store';
import type { FolderReader, FurtherState, Snapshot, StoreCounts } from './store/types';

/** A view of a folder's index, and what keeps it open. */
export interface LentSnapshot extends Disposable {
  readonly snapshot: Snapshot;
}

interface Entry {
  readonly reader: FolderReader;
  readonly shared: Shared<FolderReader>;
  /** Settles when everything committed so far is in memory. */
  ready: Promise<void>;
  /** What was committed when the reader was opened is in memory, or failed to get there. */
  isReady: boolean;
}

export class FolderReaders implements Disposable {
  private readonly open = new Map<string, Entry>();
  private spaceId: string | undefined;
  /** Spaces that a folder is searched in beside that one. */
  private readonly further = new Map<string, readonly string[]>();
  private readonly taken = new Emitter<string>();
  /** With a folder's id, when what was committed is in memory. */
  readonly onTaken = this.taken.on.bind(this.taken);

  constructor(
    private readonly dataFolder: string,
    private readonly log: Logger,
  ) {}

  /** Whose embeddings are compared from now on; undefined: none, words and static embeddings answer. */
  useSpace(spaceId: string | undefined): void {
    if (spaceId === this.spaceId) return;
    this.spaceId = spaceId;
    this.dispose();
  }

  /** Snapshots of the folder answer in these spaces too. Settles when what there is of them is in memory. */
  async useFurther(id: string, spaceIds: readonly string[]): Promise<void> {
    if (spaceIds.length > 0) this.further.set(id, spaceIds);
    else this.further.delete(id);
    const known = this.open.get(id);
    known?.reader.useFurther(spaceIds);
    if (spaceIds.length === 0) return;
    const entry = known ?? this.entry(id);
    if (known) this.takeIn(id, known);
    await entry.ready;
  }

  furtherState(id: string, spaceId: string): FurtherState | undefined {
    return this.open.get(id)?.reader.furtherState(spaceId);
  }

  /** A view of what is in memory now. The caller disposes it. */
  snapshot(id: string): LentSnapshot {
    return lend(this.entry(id));
  }

  /** A view with every embedding that is committed. The caller disposes it. */
  async wholeSnapshot(id: string): Promise<LentSnapshot> {
    for (;;) {
      const entry = this.entry(id);
      await entry.ready;
      // Another space may have come into use meanwhile.
      if (this.open.get(id) === entry) return lend(entry);
    }
  }

  /** Begins to take the folder's embeddings into memory. */
  warmUp(id: string): void {
    this.entry(id);
  }

  /** Whether the folder's embeddings are in memory, but for those that were committed just now. */
  isWarm(id: string): boolean {
    return this.open.get(id)?.isReady === true;
  }

  async becomesWarm(id: string): Promise<void> {
    await this.entry(id).ready;
  }

  /** What the index holds, without taking its embeddings into memory. */
  counts(id: string): StoreCounts {
    return this.look(id, ({ counts }) => counts);
  }

  /** Something that the index holds, without taking its embeddings into memory. */
  look<T>(id: string, read: (snapshot: Snapshot) => T): T {
    const reader = this.openReader(id);
    const snapshot = reader.snapshot();
    try {
      return read(snapshot);
    } finally {
      snapshot.dispose();
      reader.dispose();
    }
  }

  /** Something was committed: new embeddings are taken into memory, if the folder is searched at all. */
  refresh(id: string, kinds: readonly CommitKind[]): void {
    const entry = this.open.get(id);
    if (entry && kinds.some((kind) => kind !== 'skipped')) this.takeIn(id, entry);
  }

  close(id: string): void {
    const entry = this.open.get(id);
    this.open.delete(id);
    entry?.shared.retire();
  }

  dispose(): void {
    for (const id of [...this.open.keys()]) this.close(id);
  }

  private entry(id: string): Entry {
    const known = this.open.get(id);
    if (known) return known;
    const reader = this.openReader(id);
    reader.useFurther(this.further.get(id) ?? []);
    const entry: Entry = {
      reader,
      shared: new Shared(reader),
      ready: Promise.resolve(),
      isReady: false,
    };
    this.open.set(id, entry);
    this.takeIn(id, entry);
    return entry;
  }

  private openReader(id: string): FolderReader {
    const file = path.join(indexFolder(this.dataFolder, id), 'index.db');
    const embeddingsFile = path.join(this.dataFolder, 'embeddings.db');
    return openFolderReader(file, { spaceId: this.spaceId, embeddingsFile });
  }

  private takeIn(id: string, entry: Entry): void {
    const lease = entry.shared.acquire();
    entry.ready = entry.reader
      .refresh()
      .catch((error: unknown) => this.log.error('taking in embeddings', error))
      .finally(() => {
        entry.isReady = true;
        lease.dispose();
        this.taken.fire(id);
      });
  }
}

function lend({ shared }: Entry): LentSnapshot {
  const lease = shared.acquire();
  try {
    const snapshot = lease.value.snapshot();
    const end = toDisposable(() => {
      snapshot.dispose();
      lease.dispose();
    });
    return { snapshot, dispose: () => end.dispose() };
  } catch (error) {
    lease.dispose();
    throw error;
  }
}
