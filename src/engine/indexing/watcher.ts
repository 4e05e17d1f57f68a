/**
 * What happens in a folder while the engine runs. @parcel/watcher reports paths, gathered for a moment so
 * that one save is one report; where it cannot watch (no inotify handles left, a file system without
 * events) the folder is compared every half minute instead. Paths are only a hint: whoever gets them looks
 * at the disk and at the ignore rules again.
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { AsyncSubscription, Event, Options, SubscribeCallback } from '@parcel/watcher';
import { isAbort, messageOf } from '../../base/errors';
import type { Disposable } from '../../base/lifecycle';
import type { Logger } from '../../base/log';

/** How a folder is watched: by events, by comparing now and then, or not at all. */
export type WatchMode = 'events' | 'polling' | 'off';

export type Subscribe = (
  folder: string,
  listener: SubscribeCallback,
  options: Options,
) => Promise<AsyncSubscription>;

export interface WatcherOptions {
  readonly folder: string;
  readonly log: Logger;
  /** Folders of no interest (relative, with `/`), asked for when a watch begins. */
  readonly ignoredFolders: () => Promise<readonly string[]>;
  /** Something happened at these paths: relative to the folder, with `/`. */
  readonly onPaths: (paths: readonly string[]) => void;
  /** Too much or too little is known: the whole folder must be compared. */
  readonly onCompare: (reason: string) => void;
  /** Stand-in for tests. */
  readonly subscribe?: Subscribe;
  readonly pollEveryMs?: number;
}

const GATHER_MS = 100;
const POLL_EVERY_MS = 30_000;
/** More paths than this at once (a branch switch, an install) are cheaper to find by comparing the folder. */
const MAX_PATHS = 500;
/** Never of interest, whatever the ignore rules say; noisy enough to be cut off at the source. */
const alwaysIgnored = ['**/.git/**', '**/.hg/**', '**/.svn/**'];
/** Folders cut off at the source; events from further ones are dropped after they came. */
const MAX_IGNORED = 2000;
const patternCharacters = /[*?[\]{}()!@+]/;
const ruleFiles = new Set(['.gitignore', '.nearmissignore']);

export class FolderWatcher implements Disposable {
  private subscription: AsyncSubscription | undefined;
  private poll: NodeJS.Timeout | undefined;
  private gather: NodeJS.Timeout | undefined;
  private gathered = new Set<string>();
  private isDisposed = false;
  /** Rules changed or events were lost: the watch must begin anew. */
  private isStale = false;
  private watchMode: WatchMode = 'off';

  constructor(private readonly options: WatcherOptions) {}

  get mode(): WatchMode {
    return this.watchMode;
  }

  /**
   * Begins to watch, or begins anew where rules changed or events were lost. True when a watch began:
   * what changed before that went unseen.
   */
  async watch(): Promise<boolean> {
    const isGood = this.watchMode === 'events' && !this.isStale;
    if (this.isDisposed || isGood) return false;
    this.isStale = false;
    try {
      const next = await this.subscribe();
      const old = this.subscription;
      this.subscription = next;
      this.watchMode = 'events';
      clearInterval(this.poll);
      await old?.unsubscribe();
      if (this.isDisposed) await next.unsubscribe();
      return true;
    } catch (error) {
      if (isAbort(error)) throw error;
      this.pollInstead(messageOf(error));
      return false;
    }
  }

  dispose(): void {
    this.isDisposed = true;
    this.watchMode = 'off';
    clearTimeout(this.gather);
    clearInterval(this.poll);
    this.subscription?.unsubscribe().catch((error: unknown) => {
      this.options.log.debug('The watcher did not end cleanly', { reason: messageOf(error) });
    });
    this.subscription = undefined;
  }

  private async subscribe(): Promise<AsyncSubscription> {
    // Events carry real paths; through a link they would seem to lie outside.
    const root = await fs.realpath(this.options.folder);
    const subscribe = this.options.subscribe ?? (await import('@parcel/watcher')).subscribe;
    // A path with these characters would be taken for a pattern and could hide other paths.
    const plain = (await this.options.ignoredFolders())
      .map((name) => path.join(root, name))
      .filter((file) => !patternCharacters.test(file));
    const ignore = [...alwaysIgnored, ...plain.slice(0, MAX_IGNORED)];
    return subscribe(root, (error, events) => this.receive(root, error, events), { ignore });
  }

  private receive(root: string, error: Error | null, events: readonly Event[]): void {
    if (this.isDisposed) return;
    if (error) return this.recover(error);
    for (const event of events) {
      const relative = path.relative(root, event.path).split(path.sep).join('/');
      if (relative !== '' && !relative.startsWith('../')) this.gathered.add(relative);
    }
    this.gather ??= setTimeout(() => this.report(), GATHER_MS);
  }

  private report(): void {
    this.gather = undefined;
    const paths = [...this.gathered];
    this.gathered = new Set();
    if (paths.length === 0) return;
    if (paths.length > MAX_PATHS) return this.options.onCompare(`${paths.length} changes at once`);
    if (paths.some((file) => ruleFiles.has(path.posix.basename(file)))) {
      this.isStale = true;
      return this.options.onCompare('ignore rules changed');
    }
    this.options.onPaths(paths);
  }

  /** Events were lost, or the watch died: begin anew on the next pass, which the comparison is. */
  private recover(error: Error): void {
    this.options.log.warn('The watcher reported a failure; comparing the whole folder', {
      reason: error.message,
    });
    this.isStale = true;
    this.options.onCompare('the watcher lost events');
  }

  private pollInstead(reason: string): void {
    const everyMs = this.options.pollEveryMs ?? POLL_EVERY_MS;
    if (this.watchMode !== 'polling') {
      this.options.log.warn('Cannot watch the folder; comparing it now and then instead', {
        reason,
        everyMs,
      });
    }
    this.watchMode = 'polling';
    clearInterval(this.poll);
    this.poll = setInterval(() => this.options.onCompare('polling'), everyMs);
  }
}
