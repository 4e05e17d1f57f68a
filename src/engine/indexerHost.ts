/**
 * Keeps the indexing process running: forks it, tells it what the engine wants, and when it dies starts it
 * again with the same wishes, a little later each time. What is wanted is held here, so that a new process
 * needs nothing but this.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { NearmissError } from '../base/errors';
import { Emitter } from '../base/event';
import type { Disposable } from '../base/lifecycle';
import type { Logger } from '../base/log';
import type { EmbedderChoice, FromIndexer, ToIndexer } from './indexing/messages';

const firstDelayMs = 200;
const longestDelayMs = 30_000;
/** A process that lived so long died of something new: the delay starts over. */
const healthyAfterMs = 60_000;
const stopWithinMs = 5000;

type Configure = Extract<ToIndexer, { type: 'configure' }>;
type Start = Extract<ToIndexer, { type: 'start' }>;

export interface IndexerHostOptions {
  /** The bundle to run, `dist/indexer.js`. */
  readonly file: string;
  readonly configure: Configure;
  readonly log: Logger;
}

export class IndexerHost implements Disposable {
  private child: ChildProcess | undefined;
  private readonly messages = new Emitter<FromIndexer>();
  private readonly starts = new Map<string, Start>();
  private readonly paused = new Set<string>();
  private readonly further = new Map<string, readonly EmbedderChoice[]>();
  private embedder: EmbedderChoice | 'undecided' | undefined = 'undecided';
  private isPausedWhole = false;
  /** Calls that wait and want no rest. */
  private hurryCount = 0;
  private isDisposed = false;
  private startedAt = 0;
  private delayMs = firstDelayMs;
  private respawn: NodeJS.Timeout | undefined;
  /** The last end of the process that we did not ask for. */
  private lastEnd: string | undefined;

  constructor(private readonly options: IndexerHostOptions) {}

  onMessage(listener: (message: FromIndexer) => void): Disposable {
    return this.messages.on(listener);
  }

  get isPaused(): boolean {
    return this.isPausedWhole;
  }

  /** How the process ended last, while it is not running again; for status and doctor. */
  get trouble(): string | undefined {
    return this.child ? undefined : this.lastEnd;
  }

  isPausedFor(folderId: string): boolean {
    return this.isPausedWhole || this.paused.has(folderId);
  }

  useEmbedder(choice: EmbedderChoice | undefined): void {
    this.embedder = choice;
    this.send({ type: 'useEmbedder', choice });
  }

  /** The encoders, learned for a folder, whose embeddings are kept beside those of the model. */
  useFurther(folderId: string, choices: readonly EmbedderChoice[]): void {
    if (choices.length > 0) this.further.set(folderId, choices);
    else this.further.delete(folderId);
    this.send({ type: 'useFurther', folderId, choices });
  }

  /** Begins to keep a folder fresh; starts the process when it is not running. */
  start(message: Start): void {
    this.starts.set(message.folderId, message);
    if (this.child) this.send(message);
    else this.spawn();
  }

  /** Ends work on a folder. Resolves when its database is closed there, or the process is gone. */
  async stop(folderId: string): Promise<void> {
    const isKnown = this.starts.delete(folderId);
    this.paused.delete(folderId);
    if (isKnown) await this.close(folderId);
  }

  /** Begins anew with other options. Resolves when nothing more comes of the work before. */
  async restart(message: Start): Promise<void> {
    this.starts.delete(message.folderId);
    await this.close(message.folderId);
    this.start(message);
  }

  private async close(folderId: string): Promise<void> {
    const { child } = this;
    if (!child) return;
    const stopped = new Promise<void>((resolve) => {
      const done = (): void => {
        listener.dispose();
        clearTimeout(timer);
        resolve();
      };
      const listener = this.onMessage((message) => {
        if (message.type === 'stopped' && message.folderId === folderId) done();
      });
      const timer = setTimeout(done, stopWithinMs);
      child.once('exit', done);
    });
    this.send({ type: 'stop', folderId });
    await stopped;
  }

  pause(folderId?: string): void {
    if (folderId === undefined) this.isPausedWhole = true;
    else this.paused.add(folderId);
    this.send({ type: 'pause', folderId });
  }

  resume(folderId?: string): void {
    if (folderId === undefined) {
      this.isPausedWhole = false;
      this.paused.clear();
    } else this.paused.delete(folderId);
    this.send({ type: 'resume', folderId });
  }

  /** Neither battery nor load slows indexing down until what is returned is disposed. */
  hurry(): Disposable {
    if (this.hurryCount++ === 0) this.send({ type: 'hurry', isOn: true });
    let isOver = false;
    return {
      dispose: () => {
        if (isOver) return;
        isOver = true;
        if (--this.hurryCount === 0) this.send({ type: 'hurry', isOn: false });
      },
    };
  }

  /** Nothing happens while no process is running: a new one is told what it needs. */
  send(message: ToIndexer): void {
    if (this.child?.connected) this.child.send(message);
  }

  /** Lets the step at hand finish, then ends the process; kills it when it does not answer. */
  async shutdown(): Promise<void> {
    this.isDisposed = true;
    clearTimeout(this.respawn);
    const { child } = this;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.send({ type: 'shutdown' });
    const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    await ended;
    clearTimeout(timer);
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.respawn);
    this.child?.kill('SIGKILL');
    this.messages.dispose();
  }

  private spawn(): void {
    if (this.isDisposed || this.child) return;
    clearTimeout(this.respawn);
    this.startedAt = performance.now();
    const child = fork(this.options.file, [], {
      serialization: 'advanced',
      execArgv: process.execArgv,
      // stderr is the engine's own, which is the crash log.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.child = child;
    child.on('message', (message: FromIndexer) => this.messages.fire(message));
    child.on('error', (error) => this.options.log.error('indexer', error));
    child.once('exit', (code, signal) => this.ended(signal ?? `code ${code}`));
    this.greet();
  }

  private greet(): void {
    this.send(this.options.configure);
    if (this.isPausedWhole) this.send({ type: 'pause' });
    if (this.hurryCount > 0) this.send({ type: 'hurry', isOn: true });
    this.send({ type: 'useEmbedder', choice: this.embedder });
    for (const [folderId, choices] of this.further)
      this.send({ type: 'useFurther', folderId, choices });
    for (const start of this.starts.values()) this.send(start);
    for (const folderId of this.paused) this.send({ type: 'pause', folderId });
  }

  private ended(how: string): void {
    this.child = undefined;
    if (this.isDisposed) return;
    this.lastEnd = `The indexing process ended (${how})`;
    const livedMs = performance.now() - this.startedAt;
    this.delayMs = livedMs > healthyAfterMs ? firstDelayMs : this.delayMs;
    this.options.log.warn('indexer ended', { how, livedMs: Math.round(livedMs) });
    const error = new NearmissError('engine', this.lastEnd, 'It is started again by itself');
    this.messages.fire({
      type: 'failed',
      error: { kind: 'expected', code: 'engine', message: error.message },
    });
    this.respawn = setTimeout(() => this.spawn(), this.delayMs);
    this.respawn.unref();
    this.delayMs = Math.min(this.delayMs * 2, longestDelayMs);
  }
}
