/** Builds the rooms of an engine from a data folder and its settings. */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { installationRoot } from '../base/installation';
import type { Logger } from '../base/log';
import type { EncoderStatus } from '../protocol/types';
import { createEmbedder, spaceOf } from './encoders/biEncoder';
import { readBundledCheckpoint } from './encoders/bundled';
import { readCheckpoint } from './encoders/checkpoint';
import { createReranker } from './encoders/crossEncoder';
import { createSession } from './encoders/session';
import { loadStaticEncoder } from './encoders/staticEncoder';
import { loadTokenizer } from './encoders/tokenizer';
import { Engine } from './engine';
import { IndexerHost } from './indexerHost';
import { ModelShelf } from './modelShelf';
import { FolderReaders } from './readers';
import { type ModelLoaders, SearchModels } from './searchModels';
import type { Settings } from './settings';

export interface BuiltEngine {
  readonly engine: Engine;
  readonly indexer: IndexerHost;
  readonly models: ModelShelf;
  readonly encoder: () => EncoderStatus | undefined;
  /** Ends the indexing process and closes everything. */
  readonly end: () => Promise<void>;
}

export function buildEngine(dataFolder: string, settings: Settings, log: Logger): BuiltEngine {
  const root = installationRoot();
  const modelsFolder = path.join(root, 'models');
  const { graphFromCount } = settings;
  const indexer = new IndexerHost({
    file: path.join(__dirname, 'indexer.js'),
    configure: { type: 'configure', dataFolder, modelsFolder, graphFromCount },
    log,
  });
  const checkpointFolder = path.join(modelsFolder, 'bi-encoder');
  const spaceId = readCheckpoint(checkpointFolder).then(
    (checkpoint) => spaceOf(checkpoint, 'fp32').id,
    () => undefined,
  );
  indexer.useEmbedder({ checkpointFolder, arithmetic: 'fp32', provider: 'cpu' });
  const models = new SearchModels(modelLoaders(root, settings), log);
  const readers = new FolderReaders(dataFolder, () => spaceId, log);
  const engine = new Engine({ dataFolder, settings, log, indexer, models, readers });
  return {
    engine,
    indexer,
    models: new ModelShelf(modelsFolder),
    encoder: () => undefined,
    async end() {
      await indexer.shutdown();
      engine.dispose();
      indexer.dispose();
    },
  };
}

function modelLoaders(root: string, settings: Settings): ModelLoaders {
  const models = path.join(root, 'models');
  const threads = settings.threads === 0 ? 1 : settings.threads;
  return {
    tokenizer: () => loadTokenizer(path.join(models, 'bi-encoder')),
    staticEncoder: (tokenizer) => loadStaticEncoder(path.join(models, 'static-encoder'), tokenizer),
    async embedder() {
      const checkpoint = await readBundledCheckpoint(root, 'bi-encoder');
      const tokenizer = await loadTokenizer(checkpoint.folder);
      const session = await createSession(await fs.readFile(checkpoint.modelFile), { threads });
      return createEmbedder({ checkpoint, tokenizer, session, arithmetic: 'fp32' });
    },
    async reranker() {
      const checkpoint = await readBundledCheckpoint(root, 'cross-encoder');
      const tokenizer = await loadTokenizer(checkpoint.folder);
      const session = await createSession(await fs.readFile(checkpoint.modelFile), { threads });
      return createReranker({ checkpoint, tokenizer, session });
    },
  };
}
