/**
 * The composition root: opens what a data folder holds, lends snapshots and models to searches, tells the
 * indexing process what to keep fresh. Owns every lifetime; knows no client.
 */
import * as path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf, NearmissError } from '../base/errors';
import { Emitter } from '../base/event';
import { type Disposable, DisposableStore, Shared } from '../base/lifecycle';
import type { Logger } from '../base/log';
import type { LearningQuestion } from '../protocol/learning';
import type { IndexParams, MarkParams } from '../protocol/methods';
import type { FolderStatus, MarkInfo, SpanText, WhyResult } from '../protocol/types';
import {
  folderId,
  type FolderRecord,
  indexFolder,
  realFolder,
  savedFolder,
  savedFolders,
  saveFolder,
} from './dataFolder';
import type { EncoderPlan, Plan } from './encoderPlan';
import type { Span } from './documents/document';
import { explainPath } from './documents/explain';
import type { WalkOptions } from './documents/walk';
import { FolderSession } from './folderSession';
import { refuseLargeFolder } from './largeFolder';
import type { IndexerHost } from './indexerHost';
import type { FromIndexer } from './indexing/messages';
import { Learning } from './learning';
import { Marking } from './marking';
import type { Buffer, Overlays } from './overlays';
import { questionsFor } from './questioning';
import type { FolderReaders } from './readers';
import { readIndexedSpan } from './readSpan';
import { findSimilar, type SimilarRequest } from './search/similar';
import { search } from './search/search';
import type { SearchContext, SearchRequest, SearchResult } from './search/types';
import type { SearchModels } from './searchModels';
import type { Settings } from './settings';
import type { LentVersion, VersionNeeds, Versions } from './versions';
import { isInScope } from './learning/scope';
import { joinFilters, parseQuery } from './search/query';
import { removeIndexFiles } from './store/indexFiles';
import type { DocumentRow } from './store/types';

/** After so many ends of the indexing process without a finished run, waiting has no sense. */
const hopelessAfter = 4;
/** How long the indexing process holds back for one query at most. */
const busyForMs = 1000;
/** How long an answer whose first hits are shown waits for models and embeddings that are being loaded. */
const warmWithinMs = 4000;

export interface EngineParts {
  readonly dataFolder: string;
  readonly settings: Settings;
  readonly log: Logger;
  readonly indexer: IndexerHost;
  readonly readers: FolderReaders;
  readonly overlays: Overlays;
  readonly plan: EncoderPlan;
  readonly versions: Versions;
  /** Models for searches, none of them loaded yet; called again when the plan has become another. */
  readonly makeModels: () => SearchModels;
}

export class Engine implements Disposable {
  private readonly sessions = new Map<string, FolderSession>();
  private readonly store = new DisposableStore();
  private readonly progress = this.store.add(new Emitter<FolderStatus>());
  private deathsInARow = 0;
  private searchCount = 0;
  private models: SearchModels;
  private sharedModels: Shared<SearchModels>;
  readonly marking: Marking;
  readonly learning: Learning;

  constructor(readonly parts: EngineParts) {
    this.models = parts.makeModels();
    this.sharedModels = new Shared(this.models);
    this.store.add({ dispose: () => this.sharedModels.retire() });
    this.store.add(parts.readers);
    this.store.add(parts.overlays);
    this.store.add(parts.versions);
    this.store.add({ dispose: () => this.disposeSessions() });
    this.store.add(parts.indexer.onMessage((message) => this.take(message)));
    this.store.add(parts.plan.onChange((plan) => this.follow(plan)));
    this.store.add(parts.plan);
    this.marking = this.store.add(
      new Marking({
        dataFolder: parts.dataFolder,
        log: parts.log,
        lend: (id) => parts.readers.snapshot(id),
        rulesOf: (id) => this.rulesOf(id),
        checkpoint: () => parts.plan.status()?.checkpoint ?? '',
      }),
    );
    this.learning = this.store.add(
      new Learning({
        dataFolder: parts.dataFolder,
        trainerFile: path.join(__dirname, 'trainer.js'),
        versions: parts.versions,
        lend: (id) => parts.readers.snapshot(id),
        marksOf: (folder) => this.marking.kept(folder),
      }),
    );
    void this.marking.openAll((id) => savedFolder(parts.dataFolder, id)?.folder);
    void parts.plan.takeStored();
  }

  /** Sentences about what does not work just now. */
  get problems(): readonly string[] {
    const { plan, indexer } = this.parts;
    const others = [plan.loss, indexer.trouble].filter((text) => text !== undefined);
    const { problems } = this.parts.versions;
    return [...this.modelProblems, ...others, ...this.marking.problems, ...problems];
  }

  /** A sentence for each model that answers have to do without. */
  get modelProblems(): readonly string[] {
    const { problem } = this.parts.plan;
    return [...new Set([...(problem === undefined ? [] : [problem]), ...this.models.problems])];
  }

  /** Another checkpoint was chosen: embeds with it, and answers from what is embedded by it. */
  async swapCheckpoint(): Promise<void> {
    const { plan, makeModels } = this.parts;
    const made = plan.renew();
    this.sharedModels.retire();
    this.models = makeModels();
    this.sharedModels = new Shared(this.models);
    await made;
    this.parts.versions.renew();
  }

  onProgress(listener: (status: FolderStatus) => void): Disposable {
    return this.progress.on(listener);
  }

  /** Another version answers in a folder, or there are others. */
  onVersions(
    listener: (change: { readonly folder: string; readonly folderId: string }) => void,
  ): Disposable {
    return this.parts.versions.onChange((id) => {
      const record = savedFolder(this.parts.dataFolder, id);
      if (record) listener({ folder: record.folder, folderId: id });
    });
  }

  /** True while a folder has work left that goes on by itself. */
  get isWorking(): boolean {
    if (this.learning.isWorking) return true;
    if (this.deathsInARow >= hopelessAfter) return false;
    return [...this.sessions.values()].some(
      ({ status }) => !['idle', 'paused'].includes(status.state) && !status.isComplete,
    );
  }

  /** Keeps a folder fresh from now on and waits as far as asked. */
  async index(
    params: IndexParams,
    signal: AbortSignal,
  ): Promise<{ session: FolderSession; isNew: boolean }> {
    const folder = realFolder(params.folder);
    const id = folderId(folder);
    const { dataFolder, indexer } = this.parts;
    const saved = savedFolder(dataFolder, id);
    if (!saved && !params.isConfirmed)
      await refuseLargeFolder(folder, this.parts.settings.largeFolderFileCount, signal);
    // Searches are what an index is made for: what they need is loaded while the folder is compared.
    if (saved) this.warmUp(id);
    const known = this.sessions.get(id);
    const record = mergeRules({ id, folder }, saved, params);
    const isSame = isDeepStrictEqual(record, known?.record);
    const session = known && isSame ? known : await this.begin(record, known);
    if (session === known && params.refresh) {
      indexer.send({ type: 'refresh', folderId: id, number: session.expectRefresh() });
    }
    await session.wait(params.waitFor, params.waitMs, signal);
    return { session, isNew: saved === undefined };
  }

  /**
   * Runs a search on one snapshot. With a budget it takes the models that are loaded, else it waits for all. While
   * they are still being loaded, what can be said without them is for `onFirst`, and the answer follows soon.
   */
  async search(
    folder: string,
    { buffers = [], ...request }: SearchRequest & { readonly buffers?: readonly Buffer[] },
    signal: AbortSignal,
    onFirst?: (result: SearchResult) => void,
  ): Promise<SearchResult> {
    const record = this.indexedRecord(folder);
    const isInteractive = request.budgetMs !== undefined;
    if (isInteractive) this.makePlanInTime();
    else void this.parts.plan.whenMade();
    const needs = isInteractive ? 'available' : request.rerank ? 'whole' : 'withoutReranker';
    const ask = (): Promise<SearchResult> =>
      this.withContext(record, needs, async (context) => {
        const { overlays } = this.parts;
        const { embedder, version, ...rest } = context;
        const snapshot = await overlays.over(context.snapshot, buffers, embedder, signal);
        const learned = learnedFor(version, { ...rest, embedder, snapshot }, request);
        return search({ ...rest, embedder, snapshot, ...learned }, request, signal, onFirst);
      });
    const isWorthWaiting = this.parts.plan.isBegun && !this.isWarm(record.id);
    const isEarly = isInteractive && onFirst !== undefined && isWorthWaiting;
    let result = await ask();
    if (isEarly) {
      onFirst(result);
      await this.becomesWarm(record.id);
      result = await ask();
    }
    this.prioritize(record.id, result);
    return result;
  }

  /** `text` is what the span says where that is not saved. */
  async similar(
    folder: string,
    request: SimilarRequest,
    text: string | undefined,
    signal: AbortSignal,
  ): Promise<SearchResult> {
    void this.parts.plan.whenMade();
    return this.withContext(this.indexedRecord(folder), 'withoutReranker', async (given) => {
      const { version, ...bare } = given;
      // Looks everywhere, so that what is for a part of the folder has no say.
      const context = { ...bare, ...(version?.scope ? {} : learnedOf(version, bare)) };
      if (text === undefined) return findSimilar(context, request);
      const buffer = { path: request.path, text };
      const vector = await this.parts.overlays.embedText(buffer, context.embedder, signal);
      return findSimilar(context, { ...request, unsaved: { text, vector } });
    });
  }

  /** Pairs of hits that teach most when a person says which is right. */
  async bestQuestions(
    folder: string,
    count: number,
    signal: AbortSignal,
  ): Promise<LearningQuestion[]> {
    const record = this.indexedRecord(folder);
    const marked = (await this.marking.kept(folder)).flatMap(({ mark }) => mark.query ?? []);
    return this.withContext(record, 'withoutReranker', (context) =>
      questionsFor(context, marked, count, signal),
    );
  }

  /** Keeps a verdict on a hit of an indexed folder, or of a buffer in it. */
  async addMark(params: MarkParams, buffers: readonly Buffer[]): Promise<MarkInfo> {
    const { readers, overlays } = this.parts;
    const lent = readers.snapshot(this.indexedId(params.folder));
    try {
      const snapshot = await overlays.overExactly(lent.snapshot, buffers);
      return await this.marking.add(params, snapshot);
    } finally {
      lent.dispose();
    }
  }

  /** Why a path is, or is not, in the folder's index: what the rules say, and what the index holds. */
  async why(root: string, relative: string): Promise<WhyResult> {
    const { id } = this.recordOf(root);
    const verdict = await explainPath(root, relative, this.rulesOf(id));
    const lent = this.parts.readers.snapshot(id);
    try {
      const row = lent.snapshot.document(relative);
      const reasons = [verdict.sentence, indexSentence(row, verdict.indexed)];
      return { path: relative, isIndexed: row !== undefined, reasons };
    } finally {
      lent.dispose();
    }
  }

  /** Lines of a file that is in the index and still belongs there; throws for every other. */
  async readSpan(root: string, relative: string, span: Span): Promise<SpanText> {
    const { id } = this.recordOf(root);
    const lent = this.parts.readers.snapshot(id);
    try {
      return await readIndexedSpan({
        ...{ root, relative, span, rules: this.rulesOf(id) },
        snapshot: lent.snapshot,
      });
    } finally {
      lent.dispose();
    }
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
    this.parts.indexer.pause(folder === undefined ? undefined : this.indexedId(folder));
  }

  resume(folder?: string): void {
    this.parts.indexer.resume(folder === undefined ? undefined : this.indexedId(folder));
  }

  /** Stops all work on a folder and closes what is open of it, so that its files can go. */
  async release(id: string): Promise<void> {
    await this.parts.indexer.stop(id);
    this.parts.readers.close(id);
    this.sessions.get(id)?.dispose();
    this.sessions.delete(id);
  }

  /** Forgets a folder's marks, and ends what is being learned from them. */
  async forgetLearned(id: string): Promise<void> {
    await this.learning.stop(id);
    this.parts.versions.release(id);
    await this.marking.forget(id);
  }

  dispose(): void {
    this.store.dispose();
  }

  private follow(plan: Plan | undefined): void {
    const { indexer, readers } = this.parts;
    readers.useSpace(plan?.spaceId);
    const { problem } = this.parts.plan;
    for (const session of this.sessions.values()) this.tellEmbedder(session, problem);
    if (!plan) {
      indexer.useEmbedder(undefined);
      return;
    }
    const { arithmetic, provider } = plan.choice;
    const threadCount = this.parts.settings.threads || undefined;
    const checkpointFolder = plan.checkpoint.folder;
    indexer.useEmbedder({ checkpointFolder, arithmetic, provider, threadCount });
  }

  /** By which rules a folder is walked. */
  private rulesOf(id: string): WalkOptions {
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

  private tellEmbedder(session: FolderSession, problem: string | undefined): void {
    session.embedderProblem = problem;
    session.settle();
  }

  private async begin(record: FolderRecord, known?: FolderSession): Promise<FolderSession> {
    const { dataFolder, indexer } = this.parts;
    const { id, folder } = record;
    saveFolder(dataFolder, record);
    const session = new FolderSession(record);
    session.embedderProblem = this.parts.plan.problem;
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
      for (const session of this.sessions.values())
        this.tellEmbedder(session, message.error?.message ?? this.parts.plan.problem);
    else if (message.type === 'ready')
      for (const session of this.sessions.values()) session.expectNewProcess();
    else if (message.type === 'providerLost') void this.parts.plan.giveUpProvider(message.reason);
    else if (message.type === 'failed' && message.folderId === undefined) this.takeDeath(message);
    else if ('folderId' in message && message.folderId !== undefined) {
      if (message.type === 'committed') this.parts.readers.refresh(message.folderId, message.kinds);
      if (message.type === 'done') {
        this.deathsInARow = 0;
        this.followMarks(message.folderId);
      }
      const session = this.sessions.get(message.folderId);
      session?.take(message);
      if (session) this.makePlanInTime();
      if (session && ['progress', 'done'].includes(message.type))
        this.progress.fire(this.statusOf(session.record));
    }
  }

  private followMarks(id: string): void {
    this.marking
      .follow(id)
      .catch((error: unknown) => this.parts.log.error('following marks', error));
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

  private async withContext<T>(
    record: FolderRecord,
    needs: VersionNeeds,
    work: (context: SearchContext & { readonly version?: LentVersion }) => Promise<T>,
  ): Promise<T> {
    const { readers, indexer } = this.parts;
    const isPatient = needs !== 'available';
    const models = this.sharedModels.acquire();
    const loaded = await models.value[needs]();
    this.searchCount++;
    indexer.send({ type: 'busy', forMs: busyForMs });
    const { marks, filling } = await this.marking.forSearch(record, loaded, isPatient);
    const { id } = record;
    const version = await this.parts.versions.forSearch(id, needs);
    const lent = isPatient ? await readers.wholeSnapshot(id) : readers.snapshot(id);
    try {
      return await work({ snapshot: lent.snapshot, marks, ...loaded, version });
    } finally {
      lent.dispose();
      version?.dispose();
      void filling.then(() => models.dispose());
      if (--this.searchCount === 0) indexer.send({ type: 'notBusy' });
    }
  }

  /** Measuring how to embed takes both cores for some seconds, which words and static embeddings need first. */
  private makePlanInTime(): void {
    if (![...this.sessions.values()].some((session) => session.isInFirstTiers))
      void this.parts.plan.whenMade();
  }

  private isWarm(id: string): boolean {
    return this.models.hasFirstStage && this.parts.readers.isWarm(id);
  }

  /** Waits for models and embeddings to be in memory, but not longer than a person would. */
  private async becomesWarm(id: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, warmWithinMs);
    });
    const models = this.sharedModels.acquire();
    // The model that is loaded decides which embeddings are taken into memory.
    const warm = models.value.withoutReranker().then(() => this.parts.readers.becomesWarm(id));
    await Promise.race([warm, patience]);
    clearTimeout(timer);
    models.dispose();
  }

  private warmUp(id: string): void {
    this.models.available();
    this.parts.readers.warmUp(id);
  }

  /** Files whose chunks come up in searches are embedded before others. */
  private prioritize(id: string, result: SearchResult): void {
    if (this.sessions.get(id)?.status.isComplete !== false || result.hits.length === 0) return;
    const paths = [...new Set(result.hits.map((hit) => hit.path))];
    this.parts.indexer.send({ type: 'prioritize', folderId: id, paths, reason: 'hit' });
  }

  private indexedId(folder: string): string {
    return this.indexedRecord(folder).id;
  }

  private recordOf(folder: string): FolderRecord {
    const record = savedFolder(this.parts.dataFolder, folderId(folder));
    if (record) return record;
    throw new NearmissError(
      'notFound',
      `${folder} is not indexed`,
      'Run `nearmiss index` there first',
    );
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

  private disposeSessions(): void {
    for (const session of this.sessions.values()) session.dispose();
    this.sessions.clear();
  }
}

/** What a version puts in place of the base in this search: all of it or nothing. */
function learnedFor(
  version: LentVersion | undefined,
  context: SearchContext,
  request: SearchRequest,
): Partial<SearchContext> {
  if (version?.scope) {
    const filter = joinFilters(parseQuery(request.query).filter, request.filter);
    if (!isInScope(version.scope, filter, context.snapshot)) return {};
  }
  return learnedOf(version, context);
}

/** Another model may have been chosen since the version was read. */
function learnedOf(
  version: LentVersion | undefined,
  { embedder }: Pick<SearchContext, 'embedder'>,
): Partial<SearchContext> {
  if (!version || (embedder && embedder.space.checkpoint !== version.biEncoder)) return {};
  return version.context;
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

function indexSentence(row: DocumentRow | undefined, belongs: boolean): string {
  if (row && belongs)
    return `It is in the index (${row.language}, ${row.sizeBytes} bytes, split by ${row.tier})`;
  if (row) return 'It is still in the index and leaves it with the next comparison';
  return belongs ? 'It is not in the index yet' : 'It is not in the index';
}
