/** Builds the rooms of an engine from a data folder and its settings. */
import * as path from 'node:path';
import { installationRoot } from '../base/installation';
import type { Disposable } from '../base/lifecycle';
import type { Logger } from '../base/log';
import { EncoderPlan } from './encoderPlan';
import { UsageLog } from './feedback/usage';
import { readBundledCheckpoint } from './encoders/bundled';
import { readCheckpoint } from './encoders/checkpoint';
import { inLearnedSpace } from './encoders/learnedSpace';
import { openQueryEmbedder, openReranker } from './encoders/openEncoder';
import { loadStaticEncoder } from './encoders/staticEncoder';
import { type FramedTokenizer, loadTokenizer } from './encoders/tokenizer';
import type { Embedder, Reranker } from './encoders/types';
import type { ProviderSetting } from './encoders/variant';
import { Engine } from './engine';
import { IndexerHost } from './indexerHost';
import type { SplitterSource } from './indexing/rooms';
import type { ServiceModels } from './indexing/service';
import type { ThreadModelsOptions } from './indexing/threadModels';
import { ModelShelf } from './modelShelf';
import { Overlays } from './overlays';
import { FolderReaders } from './readers';
import { type ModelLoaders, SearchModels } from './searchModels';
import { SecondVectors } from './secondVectors';
import type { Settings } from './settings';
import { Versions, type VersionsParts } from './versions';

export interface BuiltEngine {
  readonly engine: Engine;
  readonly indexer: IndexerHost;
  readonly models: ModelShelf;
  readonly plan: EncoderPlan;
  readonly usage: UsageLog;
  /** Ends the indexing process and closes everything. */
  readonly end: () => Promise<void>;
}

export function buildEngine(dataFolder: string, settings: Settings, log: Logger): BuiltEngine {
  const root = installationRoot();
  const bundledModels = path.join(root, 'models');
  const modelsFolder = path.join(dataFolder, 'models');
  const probeFile = path.join(__dirname, 'probe.js');
  const threads = settings.threads || undefined;
  const setting = settings.provider as ProviderSetting;
  const indexer = buildIndexer(dataFolder, bundledModels, settings, log);
  const plan = new EncoderPlan({ root, probeFile, modelsFolder, setting, threads, log });
  const loaders = modelLoaders({ root, modelsFolder, threads, plan, log });
  const readers = new FolderReaders(dataFolder, log);
  const makeModels = (): SearchModels => new SearchModels(loaders, log);
  const file = path.join(__dirname, 'indexer.js');
  const splitters = lateSplitters({ file, modelsFolder: bundledModels, dataFolder }, log);
  const vectors = new SecondVectors({ plan, readers, indexer, threadCount: threads });
  const loading = { root, modelsFolder, threads, plan, log };
  const versions = buildVersions(dataFolder, { ...loading, vectors }, (id, read) =>
    readers.look(id, read),
  );
  const overlays = new Overlays({ splitters, maxFileBytes: settings.maxFileBytes, log });
  const parts = { dataFolder, settings, log, indexer, readers, overlays, plan };
  const engine = new Engine({ ...parts, versions, makeModels });
  const models = new ModelShelf({ bundledModels, modelsFolder, probeFile });
  const usage = new UsageLog(path.join(dataFolder, 'usage'));
  const end = async (): Promise<void> => {
    await engine.learning.stop();
    await indexer.shutdown();
    await engine.marking.end();
    engine.dispose();
    indexer.dispose();
  };
  return { engine, indexer, models, plan, usage, end };
}

/** What cuts buffers is loaded with the first of them: the command line's engine starts without it. */
function lateSplitters(options: ThreadModelsOptions, log: Logger): SplitterSource & Disposable {
  let opening: Promise<ServiceModels> | undefined;
  const open = (): Promise<ServiceModels> =>
    (opening ??= import('./indexing/threadModels').then((room) =>
      room.openThreadModels(options, log),
    ));
  return {
    version: async () => (await open()).version(),
    splitter: async () => (await open()).splitter(),
    dispose: () => void opening?.then((models) => models.dispose()),
  };
}

function buildIndexer(
  dataFolder: string,
  modelsFolder: string,
  { graphFromCount }: Settings,
  log: Logger,
): IndexerHost {
  return new IndexerHost({
    file: path.join(__dirname, 'indexer.js'),
    configure: { type: 'configure', dataFolder, modelsFolder, graphFromCount },
    log,
  });
}

function buildVersions(
  dataFolder: string,
  options: LoaderOptions & Pick<VersionsParts, 'vectors'>,
  look: VersionsParts['look'],
): Versions {
  const { root, plan, log, vectors } = options;
  return new Versions({
    ...{ dataFolder, log, look, vectors },
    async baseModels() {
      const made = await plan.whenMade();
      if (!made) return undefined;
      const { fingerprint } = await readBundledCheckpoint(root, 'cross-encoder');
      return { biEncoder: made.checkpoint.fingerprint, crossEncoder: fingerprint };
    },
    openReranker: (folder) => openLearnedReranker(folder, options),
    openEncoder: (folder) => openLearnedEncoder(folder, options),
  });
}

/** An encoder that was learned, for queries, in the arithmetic of the one in use. */
async function openLearnedEncoder(
  folder: string,
  { threads, plan, log }: Pick<LoaderOptions, 'threads' | 'plan' | 'log'>,
): Promise<Embedder> {
  const choice = (await plan.whenMade())?.choice ?? { arithmetic: 'fp32', provider: 'cpu' };
  return inLearnedSpace(
    await openQueryEmbedder(await readCheckpoint(folder), { choice, threads, log }),
  );
}

/** A re-ranker that was learned: the arithmetic is that of the bundled one. */
export async function openLearnedReranker(
  folder: string,
  { threads, plan, log }: Pick<LoaderOptions, 'threads' | 'plan' | 'log'>,
): Promise<Reranker> {
  const arithmetic = (await plan.whenMade())?.choice.cpuArithmetic ?? 'fp32';
  const choice = { arithmetic, provider: 'cpu' } as const;
  return openReranker(await readCheckpoint(folder), { choice, threads, log });
}

interface LoaderOptions {
  readonly root: string;
  readonly modelsFolder: string;
  readonly threads: number | undefined;
  readonly plan: EncoderPlan;
  readonly log: Logger;
}

/** How each model is loaded when it is first needed. */
export function modelLoaders({
  root,
  modelsFolder,
  threads,
  plan,
  log,
}: LoaderOptions): ModelLoaders {
  const bundled = path.join(root, 'models');
  const bundledFolder = path.join(bundled, 'bi-encoder');
  // All bundled models share one vocabulary, and reading it takes as long as a session.
  let shared: Promise<FramedTokenizer> | undefined;
  const tokenizer = (): Promise<FramedTokenizer> => (shared ??= loadTokenizer(bundledFolder));
  return {
    tokenizer,
    async staticEncoder() {
      return loadStaticEncoder(path.join(bundled, 'static-encoder'), await tokenizer());
    },
    async embedder() {
      const made = await plan.whenOthersMadeIt();
      if (!made) return undefined;
      const { checkpoint, choice } = made;
      const isBundled = checkpoint.folder === bundledFolder;
      const own = await (isBundled ? tokenizer() : loadTokenizer(checkpoint.folder));
      const options = { choice, folder: modelsFolder, threads, tokenizer: own, log };
      return { embedder: await openQueryEmbedder(checkpoint, options), tokenizer: own };
    },
    async reranker() {
      const checkpoint = await readBundledCheckpoint(root, 'cross-encoder');
      const arithmetic = (await plan.whenOthersMadeIt())?.choice.cpuArithmetic ?? 'fp32';
      const choice = { arithmetic, provider: 'cpu' } as const;
      const options = { choice, folder: modelsFolder, threads, log, tokenizer: await tokenizer() };
      return openReranker(checkpoint, options);
    },
  };
}
