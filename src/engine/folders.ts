/**
 * The folders that are kept fresh: what is told to the indexing process about them and what it tells of them,
 * how far each index is, and who waits for it.
 */
import { isDeepStrictEqual } from 'node:util';
import { messageOf, NearmissError } from '../base/errors';
import { Emitter } from '../base/event';
import { type Disposable, DisposableStore } from '../base/lifecycle';
import type { Logger } from '../base/log';
import type { IndexParams } from '../protocol/methods';
import type { FolderStatus } from '../protocol/types';
import {
  folderId,
  type FolderRecord,
  indexFolder,
  realFolder,
  savedFolder,
  savedFolders,
  saveFolder,
} from './dataFolder';
import type { WalkOptions } from './documents/walk';
import { FolderSession } from './folderSession';
import type { IndexerHost } from './indexerHost';
import type { FromIndexer } from './indexing/messages';
import { refuseLargeFolder } from './largeFolder';
import type { FolderReaders } from './readers';
import type { SearchResult } from './search/types';
import type { Settings } from './settings';
import { removeIndexFiles } from './store/indexFiles';

/** After so many ends of the indexing process without a finished run, waiting has no sense. */
const hopelessAfter = 4;

export interface FoldersParts {
  readonly dataFolder: string;
  readonly settings: Settings;
  readonly log: Logger;
  readonly indexer: IndexerHost;
  readonly readers: FolderReaders;
  /** Why no contextual embedding will come, once that is known. */
  readonly embedderProblem: () => string | undefined;
  /** The device that embeds was lost. */
  readonly onProviderLost: (reason: string) => void;
}

export class Folders implements Disposable {
  private readonly sessions = new Map<string, FolderSession>();
  private readonly store = new DisposableStore();
  private readonly progress = this.store.add(new Emitter<FolderStatus>());
  private readonly done = this.store.add(new Emitter<string>());
  private readonly news = this.store.add(new Emitter<void>());
  readonly onProgress = this.progress.on.bind(this.progress);
  /** A folder, by its id, was compared with its index and all is done. */
  readonly onDone = this.done.on.bind(this.done);
  /** Something was heard of a folder. */
  readonly onNews = this.news.on.bind(this.news);
  private deathsInARow = 0;

  constructor(private readonly parts: FoldersParts) {
    this.store.add(parts.indexer.onMessage((message) => this.take(message)));
  }

  /** True while a folder has work left that goes on by itself. */
  get isWorking(): boolean {
    if (this.deathsInARow >= hopelessAfter) return false;
    return [...this.sessions.values()].some(
      ({ status }) => !['idle', 'paused'].includes(status.state) && !status.isComplete,
    );
  }

  /** Folders that are compared with their index, embedded whole, and not paused. */
  get settled(): readonly FolderRecord[] {
    return [...this.sessions.values()]
      .map(({ record }) => record)
      .filter((record) => {
        const { state, isComplete } = this.statusOf(record);
        return state === 'idle' && isComplete;
      });
  }

  /** True while some folder lacks words or static embeddings. */
  get isInFirstTiers(): boolean {
    return [...this.sessions.values()].some((session) => session.isInFirstTiers);
  }

  /** Keeps a folder fresh from now on and waits as far as asked. `onKnown` is called for one that has an index. */
  async index(
    params: IndexParams,
    signal: AbortSignal,
    onKnown: (id: string) => void,
  ): Promise<{ session: FolderSession; isNew: boolean }> {
    const folder = realFolder(params.folder);
    const id = folderId(folder);
    const { dataFolder, indexer } = this.parts;
    const saved = savedFolder(dataFolder, id);
    if (!saved && !params.isConfirmed)
      await refuseLargeFolder(folder, this.parts.settings.largeFolderFileCount, signal);
    if (saved) onKnown(id);
    const known = this.sessions.get(id);
    const record = mergeRules({ id, folder }, saved, params);
    const isSame = isDeepStrictEqual(record, known?.record);
    const session = known && isSame ? known : await this.begin(record, known);
    if (session === known && params.refresh) {
      indexer.send({ type: 'refresh', folderId: id, number: session.expectRefresh() });
    }
    const hurry = params.isHurried ? indexer.hurry() : undefined;
    try {
      await session.wait(params.waitFor, params.waitMs, signal);
    } finally {
      hurry?.dispose();
    }
    return { session, isNew: saved === undefined };
  }

  /** Drops a folder's index and begins it anew by the same rules. */
  async rebuild(folder: string): Promise<FolderStatus> {
    const record = this.recordOf(realFolder(folder));
    await this.release(record.id);
    removeIndexFiles(indexFolder(this.parts.dataFolder, record.id));
    return (await this.begin(record)).status;
  }

  /** Status of one folder, or of all that have an index here. */
  statuses(folder?: string): FolderStatus[] {
    if (folder !== undefined) return [this.statusOf(this.recordOf(realFolder(folder)))];
    return savedFolders(this.parts.dataFolder).map((record) => this.statusOf(record));
  }

  /** The record of an indexed folder; undefined when it has no index here. */
  savedRecord(folder: string): FolderRecord | undefined {
    return savedFolder(this.parts.dataFolder, folderId(realFolder(folder)));
  }

  /** The record of an indexed folder; throws where it has no index here. */
  indexedRecord(folder: string): FolderRecord {
    return this.recordOf(realFolder(folder));
  }

  session(folder: string): FolderSession | undefined {
    return this.sessions.get(folderId(realFolder(folder)));
  }

  pause(folder?: string): void {
    this.parts.indexer.pause(folder === undefined ? undefined : this.indexedRecord(folder).id);
  }

  resume(folder?: string): void {
    this.parts.indexer.resume(folder === undefined ? undefined : this.indexedRecord(folder).id);
  }

  /** Stops all work on a folder and closes what is open of it, so that its files can go. */
  async release(id: string): Promise<void> {
    await this.parts.indexer.stop(id);
    this.parts.readers.close(id);
    this.sessions.get(id)?.dispose();
    this.sessions.delete(id);
  }

  /** By which rules a folder is walked. */
  rulesOf(id: string): WalkOptions {
    const saved = savedFolder(this.parts.dataFolder, id);
    const { include, exclude, letIn, usesGitRules } = saved ?? {};
    return {
      include,
      exclude,
      letIn,
      usesGitRules,
      maxFileBytes: this.parts.settings.maxFileBytes,
    };
  }

  /** The embedder, or what is known of it, is another: looks again at who can stop waiting. */
  tellEmbedder(problem: string | undefined): void {
    for (const session of this.sessions.values()) {
      session.embedderProblem = problem;
      session.settle();
    }
  }

  /** Files whose chunks come up in searches are embedded before others. */
  prioritize(id: string, result: SearchResult): void {
    if (this.sessions.get(id)?.status.isComplete !== false || result.hits.length === 0) return;
    const paths = [...new Set(result.hits.map((hit) => hit.path))];
    this.parts.indexer.send({ type: 'prioritize', folderId: id, paths, reason: 'hit' });
  }

  /** The record of a folder by its real path; throws where it has no index here. */
  recordOf(folder: string): FolderRecord {
    const record = savedFolder(this.parts.dataFolder, folderId(folder));
    if (record) return record;
    throw new NearmissError(
      'notFound',
      `${folder} is not indexed`,
      'Run `nearmiss index` there first',
    );
  }

  dispose(): void {
    this.store.dispose();
    for (const session of this.sessions.values()) session.dispose();
    this.sessions.clear();
  }

  private async begin(record: FolderRecord, known?: FolderSession): Promise<FolderSession> {
    const { dataFolder, indexer } = this.parts;
    const { id, folder } = record;
    saveFolder(dataFolder, record);
    const session = new FolderSession(record);
    session.embedderProblem = this.parts.embedderProblem();
    this.sessions.set(id, session);
    const options = this.rulesOf(id);
    const target = indexFolder(dataFolder, id);
    const start = { type: 'start', folderId: id, folder, indexFolder: target, options } as const;
    if (!known) indexer.start(start);
    else {
      // What the work under the old rules still says must not count for the new ones.
      session.isDeaf = true;
      await indexer.restart(start);
      session.isDeaf = false;
      known.giveUp(new NearmissError('index', `${folder} is being indexed by other rules`));
    }
    return session;
  }

  private take(message: FromIndexer): void {
    if (message.type === 'log') this.parts.log[message.level](message.message, message.data);
    else if (message.type === 'embedder')
      this.tellEmbedder(message.error?.message ?? this.parts.embedderProblem());
    else if (message.type === 'ready')
      for (const session of this.sessions.values()) session.expectNewProcess();
    else if (message.type === 'providerLost') this.parts.onProviderLost(message.reason);
    else if (message.type === 'failed' && message.folderId === undefined) this.takeDeath(message);
    else if ('folderId' in message && message.folderId !== undefined) {
      if (message.type === 'committed') this.parts.readers.refresh(message.folderId, message.kinds);
      if (message.type === 'done') {
        this.deathsInARow = 0;
        this.done.fire(message.folderId);
      }
      const session = this.sessions.get(message.folderId);
      session?.take(message);
      if (session) this.news.fire();
      if (session && ['progress', 'done'].includes(message.type))
        this.progress.fire(this.statusOf(session.record));
    }
  }

  private takeDeath(message: Extract<FromIndexer, { type: 'failed' }>): void {
    this.deathsInARow++;
    for (const session of this.sessions.values()) {
      session.expectNewProcess();
      if (this.deathsInARow < hopelessAfter) continue;
      const said = `${message.error.message}, ${this.deathsInARow} times in a row`;
      session.giveUp(
        new NearmissError('engine', said, 'Run `nearmiss doctor` to see what is wrong'),
      );
    }
  }

  private statusOf(record: FolderRecord): FolderStatus {
    const session = this.sessions.get(record.id);
    const status = session?.hasCounted ? session.status : this.storedStatus(record, session);
    if (this.parts.indexer.isPausedFor(record.id)) return { ...status, state: 'paused' };
    return status.state === 'paused' ? { ...status, state: 'scanning' } : status;
  }

  /** What the index itself says of a folder that was not compared with it since the engine started. */
  private storedStatus(record: FolderRecord, session = new FolderSession(record)): FolderStatus {
    const blank = session.status;
    try {
      const counts = this.parts.readers.counts(record.id);
      const { documentCount, syntaxDocumentCount } = counts;
      const { embeddableCount, embeddedCount, skippedCount } = counts;
      const documents = { documentCount, wordDocumentCount: documentCount };
      const chunks = { staticDocumentCount: syntaxDocumentCount, embeddableCount, embeddedCount };
      return { ...blank, ...documents, ...chunks, skippedCount };
    } catch (error) {
      // The indexing process makes the file, or says what is wrong with it.
      return this.sessions.has(record.id) ? blank : { ...blank, reason: messageOf(error) };
    }
  }
}

/** Globs that are not given stay as they were. */
function mergeRules(
  { id, folder }: Pick<FolderRecord, 'id' | 'folder'>,
  saved: FolderRecord | undefined,
  given: Pick<IndexParams, 'include' | 'exclude' | 'letIn' | 'usesGitRules'>,
): FolderRecord {
  return {
    id,
    folder,
    include: given.include ?? saved?.include,
    exclude: given.exclude ?? saved?.exclude,
    letIn: given.letIn ?? saved?.letIn,
    usesGitRules: given.usesGitRules ?? saved?.usesGitRules,
  };
}
