/**
 * The reading side of a folder's index: connections for snapshots, and the embeddings in memory that
 * snapshots share. Nothing here writes. A file that is missing gives empty snapshots, a file that was
 * replaced is opened anew.
 */
import { BugError } from '../../base/errors';
import { Sequencer } from '../../base/queue';
import { readMeta } from './chunkTable';
import { NO_COUNTS, countRows } from './counts';
import { type Database, openDatabase } from './database';
import { type CatalogEntry, readCatalog } from './filter';
import { FolderMemory } from './folderMemory';
import { fileIdentity, folderFiles } from './indexFiles';
import { countChunksWith } from './lexicalIndex';
import { refuseNewer, schemaVersion } from './schema';
import { EMPTY_SNAPSHOT, SearchConnection, SqliteSnapshot } from './snapshot';
import type {
  FolderReader,
  FolderReaderOptions,
  FurtherState,
  Snapshot,
  StoreCounts,
} from './types';
import type { VectorIndex } from './vectorIndex';

/** Connections kept for the next snapshot. */
const MAX_IDLE = 6;
const CACHE_BYTES = 4 << 20;
/** Terms whose frequency is remembered until the documents change. */
const MAX_FREQUENCIES = 20_000;

/** The state a connection sees. */
interface State {
  readonly storeId: string;
  readonly sequence: number;
  readonly documentSequence: number;
}

interface Lease {
  readonly connection: SearchConnection;
  readonly state: State;
  readonly release: () => void;
}

export class SqliteFolderReader implements FolderReader {
  private idle: SearchConnection[] = [];
  private identity = '';
  private memory: FolderMemory | undefined;
  private catalog = { at: -1, entries: [] as readonly CatalogEntry[] };
  private frequencies = { at: -1, byTerm: new Map<string, number>() };
  private counted = { at: -1, counts: NO_COUNTS };
  private readonly refreshes = new Sequencer();
  private isDisposed = false;
  private furtherSpaces: readonly string[] = [];

  constructor(
    private readonly file: string,
    private readonly options: FolderReaderOptions,
  ) {}

  snapshot(): Snapshot {
    const lease = this.acquire();
    if (!lease) return EMPTY_SNAPSHOT;
    const { connection, state } = lease;
    try {
      const memory = this.memoryOf(state);
      memory.applyRemovals(connection.database, state.sequence);
      return new SqliteSnapshot({
        connection,
        spaceId: this.options.spaceId,
        vectors: memory.vectorView(state.sequence),
        statics: memory.staticView(state.sequence),
        further: memory.furtherViews(state.sequence),
        catalog: (database) => this.catalogAt(state, database),
        frequencyOf: (database, term) => this.frequencyAt(state, database, term),
        counts: (database) => this.countsAt(state, database),
        release: lease.release,
      });
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  refresh(): Promise<void> {
    return this.refreshes.run(async () => {
      const lease = this.isDisposed ? undefined : this.acquire();
      if (!lease) return;
      try {
        await this.memoryOf(lease.state).refresh(lease.connection.database, lease.state.sequence);
      } finally {
        lease.release();
      }
    });
  }

  useFurther(spaceIds: readonly string[]): void {
    this.furtherSpaces = spaceIds;
    this.memory?.useFurther(spaceIds);
  }

  furtherState(spaceId: string): FurtherState | undefined {
    return this.memory?.furtherState(spaceId);
  }

  /** Contextual embeddings in memory with the state they stand for, for building sidecars. */
  contents(): { readonly index: VectorIndex; readonly storeId: string } | undefined {
    const { memory } = this;
    return memory?.index && { index: memory.index, storeId: memory.storeId };
  }

  dispose(): void {
    this.isDisposed = true;
    this.closeIdle();
    this.memory?.dispose();
    this.memory = undefined;
  }

  /** A connection in a read transaction; undefined while there is no index. */
  private acquire(): Lease | undefined {
    if (this.isDisposed) throw new BugError('The reader of the index is closed');
    const identity = fileIdentity(this.file);
    if (identity !== this.identity) this.closeIdle();
    this.identity = identity;
    if (identity === '') return undefined;
    const connection = this.idle.pop() ?? this.connect();
    try {
      const state = beginState(connection.database);
      if (!state) {
        connection.database.dispose();
        return undefined;
      }
      return { connection, state, release: () => this.release(connection, identity) };
    } catch (error) {
      connection.database.dispose();
      throw error;
    }
  }

  private connect(): SearchConnection {
    const database = openDatabase(this.file, { isReadOnly: true, cacheBytes: CACHE_BYTES });
    try {
      return new SearchConnection(database);
    } catch (error) {
      database.dispose();
      throw error;
    }
  }

  private release(connection: SearchConnection, identity: string): void {
    const isUseful = !this.isDisposed && identity === this.identity && this.idle.length < MAX_IDLE;
    try {
      connection.database.endRead();
      if (isUseful) this.idle.push(connection);
    } finally {
      if (!this.idle.includes(connection)) connection.database.dispose();
    }
  }

  private closeIdle(): void {
    for (const { database } of this.idle.splice(0)) database.dispose();
  }

  /** What is in memory for the index that a connection sees; an index built anew begins with nothing. */
  private memoryOf(state: State): FolderMemory {
    if (this.memory?.storeId === state.storeId) return this.memory;
    this.memory?.dispose();
    this.catalog = { at: -1, entries: [] };
    this.frequencies = { at: -1, byTerm: new Map() };
    this.counted = { at: -1, counts: NO_COUNTS };
    const { spaceId, embeddingsFile } = this.options;
    const files = folderFiles(this.file);
    const { storeId } = state;
    this.memory = new FolderMemory({ storeId, spaceId, embeddingsFile, files });
    this.memory.useFurther(this.furtherSpaces);
    return this.memory;
  }

  private catalogAt(state: State, database: Database): readonly CatalogEntry[] {
    if (this.catalog.at === state.documentSequence) return this.catalog.entries;
    const entries = readCatalog(database);
    this.catalog = { at: state.documentSequence, entries };
    return entries;
  }

  private countsAt(state: State, database: Database): StoreCounts {
    if (this.counted.at !== state.sequence) {
      const counts = countRows(database, this.options.spaceId);
      this.counted = { at: state.sequence, counts };
    }
    return this.counted.counts;
  }

  private frequencyAt(state: State, database: Database, term: string): number {
    const { at, byTerm } = this.frequencies;
    const isFresh = at === state.documentSequence && byTerm.size < MAX_FREQUENCIES;
    if (!isFresh) this.frequencies = { at: state.documentSequence, byTerm: new Map() };
    const known = this.frequencies.byTerm.get(term);
    if (known !== undefined) return known;
    const count = countChunksWith(database, term);
    this.frequencies.byTerm.set(term, count);
    return count;
  }
}

/** Begins to read and says what is seen; undefined when no tables are there yet. */
function beginState(database: Database): State | undefined {
  database.beginRead();
  const version = schemaVersion(database);
  refuseNewer(database.file, version);
  if (version === 0) return undefined;
  return {
    storeId: readMeta(database, 'storeId') ?? '',
    sequence: Number(readMeta(database, 'sequence') ?? 0),
    documentSequence: Number(readMeta(database, 'documentSequence') ?? 0),
  };
}
