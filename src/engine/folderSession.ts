/**
 * One indexed folder as the engine sees it: how far its index is, by what the indexing process tells, and
 * who waits for it. A wait ends when its aim is reached, when work cannot go on (paused, given up), or in time.
 */
import {
  AbortedError,
  deserializeError,
  NearmissError,
  type SerializedError,
} from '../base/errors';
import type { Disposable } from '../base/lifecycle';
import type { WaitFor } from '../protocol/methods';
import type { FolderStatus } from '../protocol/types';
import type { FolderRecord } from './dataFolder';
import type { Skipped } from './documents/document';
import type { FolderProgress, FromIndexer } from './indexing/messages';

/** Words are complete from these states on. */
const statesAfterWords: readonly string[] = ['static', 'embedding', 'graph', 'idle'];
const statesAfterStatic: readonly string[] = ['embedding', 'graph', 'idle'];
const statesOfFirstTiers: readonly string[] = ['unknown', 'scanning', 'words', 'static'];

interface Waiter {
  readonly aim: WaitFor;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class FolderSession implements Disposable {
  skipped: readonly Skipped[] = [];
  /** Why no contextual embedding will come; then static embeddings are all there is to wait for. */
  embedderProblem: string | undefined;
  /** While true, messages are of work that ends and say nothing about this session. */
  isDeaf = false;
  private progress: FolderProgress | undefined;
  private done: { readonly run: number; readonly tier: 'static' | 'embedding' } | undefined;
  private lastError: SerializedError | undefined;
  /** Number of the last refresh asked for; what was before its comparison says nothing about it. */
  private refreshNumber = 0;
  /** The refresh that is waited for, 0 for none, and the latest that is over. */
  private wantedRefresh = 0;
  private refreshed = 0;
  private readonly waiters = new Set<Waiter>();

  constructor(readonly record: FolderRecord) {}

  get status(): FolderStatus {
    const { progress } = this;
    return {
      folderId: this.record.id,
      folder: this.record.folder,
      state: progress?.state ?? 'unknown',
      reason: progress?.reason ?? this.lastError?.message,
      documentCount: progress?.documentCount ?? 0,
      wordDocumentCount: progress?.wordDocumentCount ?? 0,
      staticDocumentCount: progress?.staticDocumentCount ?? 0,
      embeddableCount: progress?.embeddableCount ?? 0,
      embeddedCount: progress?.embeddedCount ?? 0,
      skippedCount: progress?.skippedCount ?? this.skipped.length,
      fraction: progress?.fraction ?? 0,
      isComplete: this.isDone && this.done?.tier === 'embedding',
    };
  }

  /** True from the start until every file is found by words and static embeddings, or until that fails. */
  get isInFirstTiers(): boolean {
    return this.lastError === undefined && statesOfFirstTiers.includes(this.status.state);
  }

  /** False until the indexing process has counted something: till then the index itself knows more. */
  get hasCounted(): boolean {
    return (this.progress?.documentCount ?? 0) > 0;
  }

  /** Takes what the indexing process says about this folder. */
  take(message: FromIndexer): void {
    if (this.isDeaf) return;
    if (message.type === 'progress' || message.type === 'done') this.refreshed = message.refreshed;
    if (message.type === 'progress') this.progress = message.progress;
    else if (message.type === 'done') this.done = { run: message.run, tier: message.tier };
    else if (message.type === 'skipped') this.skipped = message.skipped;
    else if (message.type === 'failed') this.lastError = message.error;
    else if (message.type === 'stopped') this.giveUp();
    if (message.type === 'done') this.lastError = undefined;
    if (message.type === 'failed' && this.isHopeless) this.giveUp();
    this.settle();
  }

  /** A comparison is about to be asked for under the number returned: only what follows it counts from here on. */
  expectRefresh(): number {
    this.lastError = undefined;
    return (this.wantedRefresh = ++this.refreshNumber);
  }

  /** The indexing process is a new one: its runs count from 1 again, and it compares everything anyway. */
  expectNewProcess(): void {
    this.wantedRefresh = 0;
    this.done = undefined;
    if (this.progress) this.progress = { ...this.progress, run: 0, state: 'scanning' };
  }

  /** Looks again at who can stop waiting; for what is known beside messages (no embedder will come). */
  settle(): void {
    for (const waiter of [...this.waiters]) if (this.isReached(waiter.aim)) waiter.resolve();
  }

  /** Resolves when the aim is reached, work is paused, or `waitMs` have passed. */
  wait(aim: WaitFor, waitMs: number | undefined, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(new AbortedError());
    if (this.isReached(aim)) return Promise.resolve();
    if (this.isHopeless) return Promise.reject(this.reasonToGiveUp);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.waiters.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        settle();
      };
      const waiter: Waiter = {
        aim,
        resolve: () => end(resolve),
        reject: (error) => end(() => reject(error)),
      };
      const abort = (): void => waiter.reject(new AbortedError());
      const timer = waitMs === undefined ? undefined : setTimeout(waiter.resolve, waitMs);
      signal.addEventListener('abort', abort, { once: true });
      this.waiters.add(waiter);
    });
  }

  /** Ends every wait with why the index cannot be had. */
  giveUp(error?: NearmissError): void {
    const reason = error ?? this.reasonToGiveUp;
    for (const waiter of [...this.waiters]) waiter.reject(reason);
  }

  dispose(): void {
    this.giveUp();
  }

  private get reasonToGiveUp(): Error {
    return this.lastError
      ? deserializeError(this.lastError)
      : new NearmissError('index', `Indexing ${this.record.folder} was ended`);
  }

  /** True when nothing will come by waiting: a damaged index stays so, a locked or full disk may recover. */
  private get isHopeless(): boolean {
    const code = this.lastError?.code;
    return (code === 'index' || code === 'version') && this.progress?.state !== 'waiting';
  }

  private get isDone(): boolean {
    return (
      this.refreshed >= this.wantedRefresh &&
      this.done !== undefined &&
      this.done.run === this.progress?.run
    );
  }

  private isReached(aim: WaitFor): boolean {
    if (aim === 'nothing') return true;
    const { progress } = this;
    if (progress?.state === 'paused') return true;
    if (this.isDone)
      return aim !== 'all' || this.done?.tier === 'embedding' || this.embedderProblem !== undefined;
    if (!progress || progress.run < 1 || aim === 'all') return false;
    if (this.refreshed < this.wantedRefresh) return false;
    return (aim === 'words' ? statesAfterWords : statesAfterStatic).includes(progress.state);
  }
}
