/**
 * The real models of the indexing process: embedders, and splitting threads that are started when documents
 * come, and let go when none came for a while.
 */
import * as os from 'node:os';
import type { Logger } from '../../base/log';
import { openChosenEmbedder, splitterVersion } from './models';
import type { Splitter } from './rooms';
import type { ServiceModels } from './service';
import { openSplitPool } from './splitPool';
import { openSplitThread } from './splitThread';

export interface ThreadModelsOptions {
  /** The bundle that the splitting thread runs. */
  readonly file: string;
  readonly modelsFolder: string;
  readonly dataFolder: string;
}

/** A new thread is there in a fraction of a second; an idle one holds some hundred megabytes. */
const RELEASE_AFTER_MS = 60_000;
/** Together they cut as fast as the one writer writes; on a single core one has to do. */
const THREAD_COUNT = Math.min(2, os.availableParallelism());

export function openThreadModels(options: ThreadModelsOptions, log: Logger): ServiceModels {
  const { file, modelsFolder, dataFolder } = options;
  let pool: Promise<Splitter> | undefined;
  let isReady = false;
  let release: NodeJS.Timeout | undefined;
  const letGo = (): void => {
    clearTimeout(release);
    pool?.then((splitter) => splitter.dispose()).catch(() => undefined);
    pool = undefined;
    isReady = false;
  };
  const open = (): Promise<Splitter> => {
    const opening = openSplitPool(THREAD_COUNT, () => openSplitThread(file, modelsFolder, log));
    opening.then(
      () => (isReady = pool === opening),
      () => {
        if (pool === opening) pool = undefined;
      },
    );
    return opening;
  };
  const releaseLater = (): void => {
    clearTimeout(release);
    release = setTimeout(letGo, RELEASE_AFTER_MS);
    release.unref();
  };
  return {
    version: () => splitterVersion(modelsFolder),
    isReady: () => isReady,
    async splitter() {
      releaseLater();
      pool ??= open();
      return pool;
    },
    openEmbedder: (choice, onLost) => openChosenEmbedder(choice, { dataFolder, log, onLost }),
    dispose: letGo,
  };
}
