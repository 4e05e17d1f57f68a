/**
 * The real models of the indexing process: embedders, and a splitting thread that is started when the first
 * document comes, again when it ended before its time, and let go when no document came for a while.
 */
import type { Logger } from '../../base/log';
import { openChosenEmbedder, splitterVersion } from './models';
import type { Splitter } from './rooms';
import type { ServiceModels } from './service';
import { openSplitThread } from './splitThread';

export interface ThreadModelsOptions {
  /** The bundle that the splitting thread runs. */
  readonly file: string;
  readonly modelsFolder: string;
  readonly dataFolder: string;
}

/** A new thread is there in a fraction of a second; an idle one holds some hundred megabytes. */
const RELEASE_AFTER_MS = 60_000;

export function openThreadModels(options: ThreadModelsOptions, log: Logger): ServiceModels {
  const { file, modelsFolder, dataFolder } = options;
  let thread: Promise<Splitter> | undefined;
  let release: NodeJS.Timeout | undefined;
  const letGo = (): void => {
    clearTimeout(release);
    thread?.then((splitter) => splitter.dispose()).catch(() => undefined);
    thread = undefined;
  };
  const open = (): Promise<Splitter> => {
    const opening = openSplitThread(file, modelsFolder, log);
    const forget = (): void => {
      if (thread === opening) thread = undefined;
    };
    opening.then(({ ended }) => ended.then(forget), forget);
    return opening;
  };
  const releaseLater = (): void => {
    clearTimeout(release);
    release = setTimeout(letGo, RELEASE_AFTER_MS);
    release.unref();
  };
  return {
    version: () => splitterVersion(modelsFolder),
    async splitter() {
      releaseLater();
      thread ??= open();
      return thread;
    },
    openEmbedder: (choice, onLost) => openChosenEmbedder(choice, { dataFolder, log, onLost }),
    dispose: letGo,
  };
}
