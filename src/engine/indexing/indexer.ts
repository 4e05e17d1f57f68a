/**
 * Keeps one folder's index equal to the folder. One loop does one thing at a time, the most urgent first:
 * compare the whole folder, take in single edits, embed the next few chunks, build the graph of vectors,
 * sleep. Edits are also taken in between the steps of a long pass, so that a save is found at once.
 *
 * Nothing but the database says what is done: a crash at any moment costs one step, and the next start
 * compares and goes on.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf, NearmissError } from '../../base/errors';
import { Emitter } from '../../base/event';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import type { Logger } from '../../base/log';
import type { Sequencer } from '../../base/queue';
import type { Skipped } from '../documents/document';
import type { EmbeddingCache, FolderWriter } from '../store/types';
import { Alarm, sleepUntil } from './alarm';
import { EmbeddingWork, type EmbedderState } from './embeddingWork';
import type { LoadableEmbedder } from './embeddingStage';
import { FolderPass, type PassResult } from './folderPass';
import { FurtherWork } from './furtherWork';
import type { WorkGate } from './gate';
import type { CommitKind, FolderProgress, IndexerState, PriorityReason } from './messages';
import { PathPriority } from './priority';
import { ProgressMeter } from './progress';
import type { BuildSidecars, DocumentSource, SplitterSource } from './rooms';
import { FolderWatcher, type Subscribe, type WatchMode } from './watcher';

export interface IndexerOptions {
  /** Names the folder at the gate. */
  readonly key: string;
  /** Absolute path of the folder. */
  readonly folder: string;
  /** Owned by the indexer, closed when it stops. */
  readonly writer: FolderWriter;
  readonly cache: EmbeddingCache;
  readonly source: DocumentSource;
  readonly splitters: SplitterSource;
  readonly gate: WorkGate;
  /** Shared by all folders of a process: the model runs for one of them at a time. */
  readonly modelTurns: Sequencer;
  readonly buildSidecars?: BuildSidecars;
  readonly log: Logger;
  /** False: the folder is compared only when asked. */
  readonly watch: boolean;
  /** Stand-in for tests. */
  readonly subscribe?: Subscribe;
  readonly pollEveryMs?: number;
  readonly retryAfterMs?: number;
}

export type IndexerEvent =
  | { readonly type: 'started'; readonly watching: WatchMode }
  | {
      readonly type: 'progress';
      readonly progress: FolderProgress;
      readonly refreshed: number;
    }
  | {
      readonly type: 'committed';
      readonly kinds: readonly CommitKind[];
      readonly generation: number;
    }
  | {
      readonly type: 'done';
      readonly run: number;
      readonly tier: 'static' | 'embedding';
      readonly changedCount: number;
      readonly removedCount: number;
      readonly refreshed: number;
    }
  | { readonly type: 'skipped'; readonly skipped: readonly Skipped[] }
  | { readonly type: 'failed'; readonly error: unknown };

const RETRY_AFTER_MS = 30_000;
const MAX_RETRY_MS = 600_000;
/** Failures that pass by themselves: the run goes on when they do. */
const waitedOut: ReadonlySet<string> = new Set(['diskFull', 'busy']);
/** Files changed at once of which so many count as recent. */
const MAX_RECENT = 50;

export class FolderIndexer implements Disposable {
  private readonly owned = new DisposableStore();
  private readonly events = this.owned.add(new Emitter<IndexerEvent>());
  readonly onEvent = this.events.on.bind(this.events);
  private readonly meter = this.owned.add(new ProgressMeter());
  private readonly controller = new AbortController();
  private readonly alarm = new Alarm();
  private readonly priority = new PathPriority();
  private readonly pass: FolderPass;
  private readonly embedding: EmbeddingWork;
  private readonly further: FurtherWork;
  private readonly watcher: FolderWatcher | undefined;
  private readonly finished: Promise<void>;
  private compareWish: 'none' | 'quiet' | 'asked' = 'asked';
  /** Number of the latest refresh asked for, and of the latest whose comparison is over. */
  private refreshNumber = 0;
  private refreshed = 0;
  private edits = new Set<string>();
  private isTakingEdits = false;
  private toldWatching: WatchMode | undefined;
  private generation = 0;
  /** Generation that the sidecars were last compared with. */
  private sidecarsAt = -1;
  private failureCount = 0;
  private lastFailure = '';
  private changedPaths = new Set<string>();
  private removedCount = 0;

  constructor(private readonly options: IndexerOptions) {
    this.owned.add(options.writer);
    this.meter.onReport((progress) =>
      this.events.fire({ type: 'progress', progress, refreshed: this.refreshed }),
    );
    if (options.watch) this.watcher = this.owned.add(this.makeWatcher());
    this.pass = this.makePass();
    this.embedding = this.makeEmbedding();
    this.further = this.makeFurther();
    this.finished = this.run();
  }

  get progress(): FolderProgress {
    return this.meter.current;
  }

  /** Compares the whole folder with the index; a `done` follows that tells this number or a later one. */
  refresh(number = 0): void {
    this.refreshNumber = Math.max(this.refreshNumber, number);
    this.wishCompare('asked');
  }

  /** These paths, relative to the folder with `/`, may have changed. */
  pathsChanged(paths: readonly string[]): void {
    for (const path of paths) this.edits.add(path);
    this.alarm.ring();
  }

  /** These paths are indexed and embedded before others. */
  prioritize(paths: readonly string[], reason: PriorityReason): void {
    this.priority.add(paths, reason);
    this.pass.wanted = this.priority.wanted();
    this.embedding.reorder();
  }

  /** Sets what embeds from now on. The caller keeps it alive until another is set or the indexer has stopped. */
  useEmbedder(embedder: EmbedderState): void {
    this.embedding.use(embedder);
    this.alarm.ring();
  }

  /** Sets what embeds beside that from now on, for learned versions; kept alive in the same way. */
  useFurther(embedders: readonly LoadableEmbedder[]): void {
    this.further.use(embedders);
    this.alarm.ring();
  }

  /** Shows whether the gate holds this folder: to be called when it was paused or resumed there. */
  showPause(): void {
    const { current } = this.meter;
    if (this.options.gate.isPaused(this.options.key)) this.meter.update('paused');
    else if (current.state === 'paused') this.meter.update(restingState(current));
    this.alarm.ring();
  }

  /** Ends a rest at once: what made it may be gone. */
  wake(): void {
    this.alarm.ring();
  }

  /** Ends the step at hand and all work; resolves when the writer is closed. */
  async stop(): Promise<void> {
    this.controller.abort();
    await this.finished;
    this.owned.dispose();
  }

  dispose(): void {
    void this.stop();
  }

  private async run(): Promise<void> {
    // Whoever made the indexer attaches listeners first.
    await nextTurn();
    const { signal } = this.controller;
    while (!signal.aborted) {
      try {
        this.alarm.clear();
        await this.turn(signal);
      } catch (error) {
        if (!signal.aborted) await this.recover(error, signal);
      }
    }
  }

  /** One thing, the most urgent. */
  private async turn(signal: AbortSignal): Promise<void> {
    await this.options.gate.pass(this.options.key, signal);
    if (this.compareWish !== 'none') return this.compare();
    if (this.edits.size > 0) return this.takeEdits();
    if (await this.embedding.turn(signal)) return;
    if (await this.buildSidecars(signal)) return;
    this.finish();
    if (this.embedding.isSettled && (await this.further.turn(signal))) return;
    await this.alarm.sleep(signal);
  }

  private async compare(): Promise<void> {
    const wish = this.compareWish;
    const number = this.refreshNumber;
    this.compareWish = 'none';
    // What changed before the walk is found by the walk.
    this.edits = new Set();
    if (wish === 'asked') this.meter.begin();
    try {
      this.note(await this.pass.compare(() => this.meter.begin()));
      this.refreshed = number;
    } catch (error) {
      this.compareWish = wish;
      throw error;
    }
  }

  /** True when a watch began only now. */
  private async watch(): Promise<boolean> {
    const isNew = (await this.watcher?.watch()) ?? false;
    const watching = this.watcher?.mode ?? 'off';
    if (watching !== this.toldWatching) this.events.fire({ type: 'started', watching });
    this.toldWatching = watching;
    return isNew;
  }

  private async takeEdits(): Promise<void> {
    const paths = [...this.edits];
    this.edits = new Set();
    this.isTakingEdits = true;
    try {
      this.note(await this.pass.applyEdits(paths, () => this.meter.begin()));
    } catch (error) {
      this.wishCompare('quiet');
      throw error;
    } finally {
      this.isTakingEdits = false;
    }
  }

  private note({ changedPaths, removedCount, needsCompare }: PassResult): void {
    for (const path of changedPaths) this.changedPaths.add(path);
    this.removedCount += removedCount;
    if (needsCompare) this.wishCompare('quiet');
    if (changedPaths.length + removedCount === 0) return;
    this.priority.add(changedPaths.slice(0, MAX_RECENT), 'recent');
    this.embedding.reorder();
  }

  /** Once after each change, when all is embedded. True when something was written. */
  private async buildSidecars(signal: AbortSignal): Promise<boolean> {
    const { buildSidecars, log } = this.options;
    const { spaceId } = this.embedding;
    if (buildSidecars === undefined || spaceId === undefined) return false;
    if (this.sidecarsAt === this.generation) return false;
    this.embedding.tell();
    const { state } = this.meter.current;
    if (state !== 'idle') this.meter.update('graph');
    const startedAt = performance.now();
    this.sidecarsAt = this.generation;
    if (!(await buildSidecars(spaceId, signal))) return false;
    log.info('Wrote the files of vectors', { tookMs: Math.round(performance.now() - startedAt) });
    this.tell(['graph']);
    this.sidecarsAt = this.generation;
    return true;
  }

  /** Nothing is left: ends the run, if one is under way. */
  private finish(): void {
    this.failureCount = 0;
    this.lastFailure = '';
    this.embedding.tell();
    const { run, fraction } = this.meter.current;
    if (fraction === 1) return;
    this.meter.end(this.embedding.counts());
    const tier = this.embedding.spaceId === undefined ? 'static' : 'embedding';
    const [changedCount, removedCount] = [this.changedPaths.size, this.removedCount];
    this.changedPaths = new Set();
    this.removedCount = 0;
    const { refreshed } = this;
    this.events.fire({ type: 'done', run, tier, changedCount, removedCount, refreshed });
  }

  /** Waits after a failure and compares anew. A full disk or a locked file is waited out within the run. */
  private async recover(error: unknown, signal: AbortSignal): Promise<void> {
    const message = messageOf(error);
    if (message !== this.lastFailure) this.fail(error);
    this.lastFailure = message;
    this.wishCompare('quiet');
    this.embedding.reorder();
    const isWaiting = error instanceof NearmissError && waitedOut.has(error.code);
    if (isWaiting) this.meter.update('waiting', {}, sentenceOf(error));
    else this.meter.end({ ...this.meter.current });
    const factor = isWaiting ? 1 : 2 ** Math.min(this.failureCount++, 10);
    const retryMs = (this.options.retryAfterMs ?? RETRY_AFTER_MS) * factor;
    // Not ended by the alarm: a burst of edits must not turn into a burst of failures.
    await sleepUntil(signal, Math.min(retryMs, MAX_RETRY_MS), () => () => undefined);
  }

  private fail(error: unknown): void {
    this.options.log.warn('Indexing was interrupted', { reason: messageOf(error) });
    this.events.fire({ type: 'failed', error });
  }

  private tell(kinds: readonly CommitKind[]): void {
    this.generation++;
    this.events.fire(this.committed(kinds));
  }

  /** Vectors beside the folder's own leave its generation, and so its sidecars, as they are. */
  private committed(kinds: readonly CommitKind[]): IndexerEvent {
    return { type: 'committed', kinds, generation: this.generation };
  }

  private wishCompare(wish: 'quiet' | 'asked'): void {
    if (this.compareWish !== 'asked') this.compareWish = wish;
    this.alarm.ring();
  }

  /** Between two steps of a pass: others have their turn, and edits are taken in. */
  private async betweenSteps(): Promise<void> {
    await nextTurn();
    await this.options.gate.pass(this.options.key, this.controller.signal);
    if (!this.isTakingEdits && this.edits.size > 0) await this.takeEdits();
  }

  private makePass(): FolderPass {
    const { writer, source, splitters, log } = this.options;
    return new FolderPass({
      writer,
      source,
      splitters,
      log,
      meter: this.meter,
      signal: this.controller.signal,
      betweenSteps: () => this.betweenSteps(),
      watch: () => this.watch(),
      expectsEmbeddings: () => this.embedding.isExpected,
      onDocuments: () => this.tell(['documents']),
      onSkipped: (skipped) => {
        this.tell(['skipped']);
        this.events.fire({ type: 'skipped', skipped });
      },
    });
  }

  private makeEmbedding(): EmbeddingWork {
    const { writer, cache, gate, modelTurns } = this.options;
    return new EmbeddingWork({
      writer,
      cache,
      gate,
      modelTurns,
      meter: this.meter,
      alarm: this.alarm,
      priority: () => this.pass.documentIds(this.priority.paths()),
      onEmbedded: () => this.tell(['embeddings']),
      onModelFailure: (error) => this.fail(error),
    });
  }

  private makeFurther(): FurtherWork {
    const { writer, cache, gate, modelTurns } = this.options;
    return new FurtherWork({
      ...{ writer, cache, gate, modelTurns, alarm: this.alarm },
      onEmbedded: () => this.events.fire(this.committed(['embeddings'])),
      onModelFailure: (error) => this.fail(error),
    });
  }

  private makeWatcher(): FolderWatcher {
    const { folder, log, source, subscribe, pollEveryMs } = this.options;
    return new FolderWatcher({
      folder,
      log,
      subscribe,
      pollEveryMs,
      ignoredFolders: () => source.ignoredFolders(this.controller.signal),
      onPaths: (paths) => this.pathsChanged(paths),
      onCompare: (reason) => {
        log.debug('Comparing the whole folder', { reason });
        this.wishCompare('quiet');
      },
    });
  }
}

function restingState(progress: FolderProgress): IndexerState {
  return progress.fraction === 1 ? 'idle' : 'scanning';
}

function sentenceOf(error: NearmissError): string {
  return error.advice === undefined ? error.message : `${error.message}. ${error.advice}`;
}
