/**
 * Keeps the shared file of embeddings from growing for ever: once a day, when work has rested for a while,
 * vectors that no folder has needed for a month go, and the longest unneeded ones before if the file is too
 * large. A branch switched away from yesterday still costs nothing when it comes back.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../../base/errors';
import type { Disposable } from '../../base/lifecycle';
import type { Logger } from '../../base/log';
import { pruneEmbeddings, wasPrunedToday } from '../store/embeddings';

const MAX_AGE_DAYS = 30;
const MAX_BYTES = 4e9;
const REST_MS = 60_000;

export interface UpkeepOptions {
  readonly dataFolder: string;
  readonly log: Logger;
  /** How long nothing must have been done before; default a minute. */
  readonly restMs?: number;
}

export class Upkeep implements Disposable {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: UpkeepOptions) {}

  /** Some work has ended: upkeep follows if nothing else begins for a while. */
  workEnded(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.prune(), this.options.restMs ?? REST_MS);
    this.timer.unref();
  }

  workBegan(): void {
    clearTimeout(this.timer);
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private prune(): void {
    const { dataFolder, log } = this.options;
    try {
      const file = path.join(dataFolder, 'embeddings.db');
      if (wasPrunedToday(file)) return;
      const folderFiles = indexFiles(dataFolder);
      const count = pruneEmbeddings(file, {
        folderFiles,
        maxAgeDays: MAX_AGE_DAYS,
        maxBytes: MAX_BYTES,
      });
      log.debug('Removed embeddings that no folder needs', { count });
    } catch (error) {
      // Nothing depends on it, and tomorrow is another day.
      log.warn('Embeddings were not pruned', { reason: messageOf(error) });
    }
  }
}

function indexFiles(dataFolder: string): string[] {
  const folders = path.join(dataFolder, 'folders');
  return fs
    .readdirSync(folders)
    .map((id) => path.join(folders, id, 'index.db'))
    .filter((file) => fs.existsSync(file));
}
