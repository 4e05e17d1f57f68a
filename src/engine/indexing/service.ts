/**
 * The indexing process without its process: takes the engine's messages, keeps a FolderIndexer for each
 * folder, and lets all of them share one gate, one cache of embeddings and one embedder.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { BugError, messageOf, NearmissError, serializeError } from '../../base/errors';
import type { Disposable } from '../../base/lifecycle';
import type { Logger } from '../../base/log';
import { Sequencer } from '../../base/queue';
import { LEARNED_PREFIX } from '../encoders/learnedSpace';
import type { Embedder } from '../encoders/types';
import { buildSidecars } from '../store/sidecars';
import { openEmbeddingCache, openFolderWriter } from '../store/store';
import type { EmbeddingCache } from '../store/types';
import type { EmbedderState } from './embeddingWork';
import { ALL_FOLDERS, WorkGate } from './gate';
import { FolderIndexer, type IndexerEvent } from './indexer';
import type { EmbedderChoice, FromIndexer, ToIndexer } from './messages';
import { openSource } from './source';
import type { SplitterSource } from './rooms';
import { LearnedEmbedders } from './learnedEmbedders';
import { Upkeep } from './upkeep';

type Configure = Extract<ToIndexer, { type: 'configure' }>;
type Start = Extract<ToIndexer, { type: 'start' }>;

/** What the service is built from; tests give small models. */
export interface ServiceModels extends SplitterSource, Disposable {
  /** Knows the space at once, makes its session when first used. */
  openEmbedder(choice: EmbedderChoice, onLost: (reason: string) => void): Promise<Embedder>;
}

export interface ServiceOptions {
  readonly send: (message: FromIndexer) => void;
  readonly openModels: (configure: Configure, log: Logger) => ServiceModels;
  readonly reopenAfterMs?: number;
  /** How long work must have rested before files are tidied. */
  readonly restMs?: number;
}

const REOPEN_AFTER_MS = 30_000;
/** Vectors of a version that is gone are removed so many at a time. */
const REMOVED_AT_ONCE = 500;
const REMOVE_EVERY_MS = 20;

interface OpenFolder {
  readonly indexer: FolderIndexer;
}

export class IndexingService {
  private configure: Configure | undefined;
  private models: ServiceModels | undefined;
  private gate = new WorkGate({ isGentle: false });
  private cache: EmbeddingCache | undefined;
  private upkeep: Upkeep | undefined;
  private embedder: EmbedderState;
  private embedderRound = 0;
  private readonly folders = new Map<string, OpenFolder>();
  private readonly learned: LearnedEmbedders;
  /** Starts and stops of one folder, one after the other. */
  private readonly turns = new Map<string, Sequencer>();
  private readonly reopening = new Map<string, NodeJS.Timeout>();
  private readonly modelTurns = new Sequencer();
  readonly log: Logger;

  constructor(private readonly options: ServiceOptions) {
    this.log = sendingLogger(options.send);
    this.learned = new LearnedEmbedders({
      open: (choice) => this.configured().models.openEmbedder(choice, () => undefined),
      // A step may be under way with one of them.
      later: (dispose) => void this.modelTurns.run(async () => dispose()),
    });
  }

  /** Does what the message asks; never throws, what fails is sent back as `failed`. */
  async handle(message: ToIndexer): Promise<void> {
    try {
      await this.dispatch(message);
    } catch (error) {
      const folderId = 'folderId' in message ? message.folderId : undefined;
      this.options.send({ type: 'failed', folderId, error: serializeError(error) });
    }
  }

  /** Ends the step at hand everywhere and closes every file. */
  async shutdown(): Promise<void> {
    for (const timer of this.reopening.values()) clearTimeout(timer);
    this.upkeep?.dispose();
    await Promise.all([...this.turns.keys()].map((folderId) => this.stop(folderId)));
    if (typeof this.embedder === 'object') this.embedder.dispose();
    this.embedder = undefined;
    this.learned.dispose();
    this.models?.dispose();
    this.letGoOfCache();
  }

  private dispatch(message: ToIndexer): Promise<void> | void {
    switch (message.type) {
      case 'configure':
        return this.configureWith(message);
      case 'useEmbedder':
        return this.useEmbedder(message.choice);
      case 'useFurther':
        return this.useFurther(message.folderId, message.choices);
      case 'keepLearned':
        return this.keepLearned(message.spaces);
      case 'start':
        return this.start(message);
      case 'stop':
        return this.stop(message.folderId);
      case 'refresh':
        return this.indexer(message.folderId)?.refresh(message.number);
      case 'pathsChanged':
        return this.indexer(message.folderId)?.pathsChanged(message.paths);
      case 'prioritize':
        return this.indexer(message.folderId)?.prioritize(message.paths, message.reason);
      case 'pause':
        this.gate.pause(message.folderId ?? ALL_FOLDERS);
        return this.showPause();
      case 'resume':
        return this.resume(message.folderId);
      case 'busy':
        return this.gate.busy(message.forMs);
      case 'notBusy':
        return this.gate.notBusy();
      case 'hurry':
        return this.hurry(message.isOn);
      case 'shutdown':
        return this.shutdown();
    }
  }

  private configureWith(configure: Configure): void {
    if (this.configure) throw new BugError('The indexing process was configured twice');
    this.configure = configure;
    this.gate = new WorkGate({ isGentle: configure.isGentle ?? true });
    this.models = this.options.openModels(configure, this.log);
    const { dataFolder } = configure;
    this.upkeep = new Upkeep({ dataFolder, log: this.log, restMs: this.options.restMs });
  }

  private configured(): { configure: Configure; models: ServiceModels } {
    const { configure, models } = this;
    if (!configure || !models) throw new BugError('The indexing process is not configured');
    return { configure, models };
  }

  private async useEmbedder(choice: EmbedderChoice | 'undecided' | undefined): Promise<void> {
    const round = ++this.embedderRound;
    this.setEmbedder(choice && 'loading');
    if (choice === 'undecided') return;
    if (!choice) return this.options.send({ type: 'embedder' });
    try {
      const onLost = (reason: string): void => this.options.send({ type: 'providerLost', reason });
      const embedder = await this.configured().models.openEmbedder(choice, onLost);
      if (round !== this.embedderRound) return embedder.dispose();
      this.setEmbedder(embedder);
      this.options.send({ type: 'embedder', spaceId: embedder.space.id });
    } catch (error) {
      if (round !== this.embedderRound) return;
      this.setEmbedder(undefined);
      this.options.send({ type: 'embedder', error: serializeError(error) });
    }
  }

  private setEmbedder(next: EmbedderState): void {
    const old = this.embedder;
    this.embedder = next;
    for (const { indexer } of this.folders.values()) indexer.useEmbedder(next);
    // A step may be under way with the old one.
    if (typeof old === 'object') void this.modelTurns.run(() => old.dispose());
  }

  private async useFurther(folderId: string, choices: readonly EmbedderChoice[]): Promise<void> {
    await this.learned.use(folderId, choices);
    this.indexer(folderId)?.useFurther(this.learned.of(folderId));
  }

  /** A few at a time, with turns for everything else between. */
  private async keepLearned(spaces: readonly string[]): Promise<void> {
    const isWanted = (spaceId: string): boolean =>
      !spaceId.startsWith(LEARNED_PREFIX) || spaces.some((begin) => spaceId.startsWith(begin));
    const file = path.join(this.configured().configure.dataFolder, 'embeddings.db');
    if (!fs.existsSync(file)) return;
    const cache = (this.cache ??= openEmbeddingCache(file));
    let count = 0;
    for (let removed = -1; removed !== 0 && this.cache === cache; count += removed) {
      removed = cache.removeSpaces(isWanted, REMOVED_AT_ONCE);
      await new Promise((resolve) => setTimeout(resolve, REMOVE_EVERY_MS));
    }
    if (count > 0) this.log.debug('Removed embeddings of versions that are gone', { count });
    this.letGoOfCache();
  }

  private start(message: Start): Promise<void> {
    const { folderId } = message;
    this.cancelReopening(folderId);
    return this.inTurn(folderId, async () => {
      await this.close(folderId);
      try {
        this.folders.set(folderId, this.open(message));
      } catch (error) {
        this.reopenLater(message, error);
        throw error;
      }
    });
  }

  private open(message: Start): OpenFolder {
    const { folderId, folder, indexFolder, options = {} } = message;
    const { configure, models } = this.configured();
    const indexFile = path.join(indexFolder, 'index.db');
    const embeddingsFile = path.join(configure.dataFolder, 'embeddings.db');
    fs.mkdirSync(indexFolder, { recursive: true, mode: 0o700 });
    this.cache ??= openEmbeddingCache(embeddingsFile);
    const indexer = new FolderIndexer({
      key: folderId,
      folder,
      writer: openFolderWriter(indexFile, { embeddingsFile }),
      cache: this.cache,
      source: openSource(folder, options),
      splitters: models,
      gate: this.gate,
      modelTurns: this.modelTurns,
      log: this.log,
      watch: options.watch ?? true,
      buildSidecars: async (spaceId, signal) => {
        const { graphFromCount } = configure;
        const limits = { embeddingsFile, spaceId, graphFromCount, signal };
        const built = await buildSidecars(indexFile, limits);
        return built.vectors || built.graph;
      },
    });
    indexer.onEvent((event) => {
      if (event.type === 'done') this.upkeep?.workEnded();
      else if (event.type === 'progress' && event.progress.state !== 'idle')
        this.upkeep?.workBegan();
      this.options.send(toMessage(folderId, event));
    });
    indexer.useEmbedder(this.embedder);
    indexer.useFurther(this.learned.of(folderId));
    if (this.gate.isPaused(folderId)) indexer.showPause();
    return { indexer };
  }

  private stop(folderId: string): Promise<void> {
    this.cancelReopening(folderId);
    return this.inTurn(folderId, async () => {
      await this.close(folderId);
      this.letGoOfCache();
      this.gate.resume(folderId);
      this.options.send({ type: 'stopped', folderId });
    });
  }

  /** Nobody uses the file now, which may be about to be removed: what was written to one that is gone could not be read. */
  private letGoOfCache(): void {
    if (this.folders.size > 0) return;
    this.cache?.dispose();
    this.cache = undefined;
  }

  private async close(folderId: string): Promise<void> {
    const open = this.folders.get(folderId);
    this.folders.delete(folderId);
    await open?.indexer.stop();
  }

  /** An index that cannot be opened now (locked, disk full) may be later; one of a newer version will not. */
  private reopenLater(message: Start, error: unknown): void {
    if (error instanceof NearmissError && error.code === 'version') return;
    const timer = setTimeout(() => {
      this.handle(message).catch(() => undefined);
    }, this.options.reopenAfterMs ?? REOPEN_AFTER_MS);
    this.reopening.set(message.folderId, timer);
    this.log.warn('A folder is opened again later', { reason: messageOf(error) });
  }

  private cancelReopening(folderId: string): void {
    clearTimeout(this.reopening.get(folderId));
    this.reopening.delete(folderId);
  }

  private hurry(isOn: boolean): void {
    this.gate.hurry(isOn);
    // One that waits for power sleeps long.
    if (isOn) for (const { indexer } of this.folders.values()) indexer.wake();
  }

  private resume(folderId: string | undefined): void {
    this.gate.resume(folderId ?? ALL_FOLDERS);
    // Without a folder all of them go on, those paused one by one as well.
    if (folderId === undefined) for (const id of this.folders.keys()) this.gate.resume(id);
    this.showPause();
  }

  private showPause(): void {
    for (const { indexer } of this.folders.values()) indexer.showPause();
  }

  private indexer(folderId: string): FolderIndexer | undefined {
    return this.folders.get(folderId)?.indexer;
  }

  private inTurn(folderId: string, task: () => Promise<void>): Promise<void> {
    const turns = this.turns.get(folderId) ?? new Sequencer();
    this.turns.set(folderId, turns);
    return turns.run(task);
  }
}

function toMessage(folderId: string, event: IndexerEvent): FromIndexer {
  if (event.type === 'failed') return { ...event, folderId, error: serializeError(event.error) };
  return { ...event, folderId };
}

function sendingLogger(send: (message: FromIndexer) => void): Logger {
  const at =
    (level: 'debug' | 'info' | 'warn') =>
    (message: string, data?: Readonly<Record<string, unknown>>): void =>
      send({ type: 'log', level, message, data });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error(message, error) {
      const data = { reason: messageOf(error) };
      send({ type: 'log', level: 'error', message, data });
    },
  };
}
