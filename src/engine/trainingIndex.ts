/** An indexed folder as the training process sees it: one snapshot, and the models that searches in it rest on. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { NearmissError } from '../base/errors';
import { installationRoot } from '../base/installation';
import { type Disposable, DisposableStore } from '../base/lifecycle';
import { silentLogger } from '../base/log';
import { modelLoaders, openLearnedReranker } from './build';
import { folderId, indexFolder, realFolder } from './dataFolder';
import { EncoderPlan } from './encoderPlan';
import { type Checkpoint, readCheckpoint } from './encoders/checkpoint';
import { inLearnedSpace } from './encoders/learnedSpace';
import { openEmbedder } from './encoders/openEncoder';
import type { Embedder, Reranker } from './encoders/types';
import type { ProviderSetting } from './encoders/variant';
import type { SearchContext } from './search/types';
import { SearchModels } from './searchModels';
import { readSettings } from './settings';
import { openFolderReader } from './store/store';

export interface TrainingIndex extends Disposable {
  readonly context: SearchContext;
  /** The checkpoint that embeds, and the re-ranker's; undefined where none embeds. */
  readonly biEncoder?: Checkpoint;
  readonly crossEncoderFolder: string;
  readonly rerankCount: number;
  /** How far a run stands back for other programs. */
  readonly niceness: number;
  /** A re-ranker that was trained, in the arithmetic of the one in use. */
  readonly openReranker: (checkpointFolder: string) => Promise<Reranker>;
  /** An encoder that was trained, in the arithmetic and on the provider that embeds the folder. */
  readonly openEncoder: (checkpointFolder: string) => Promise<Embedder>;
}

/** As training itself takes: a run asks the re-ranker about thousands of pairs, at its own niceness. */
const THREADS = Math.min(2, os.availableParallelism());

/** Opens what the engine wrote; it may go on writing. Throws a NearmissError('usage') where the folder has no index. */
export async function openTrainingIndex(
  dataFolder: string,
  folder: string,
): Promise<TrainingIndex> {
  const file = path.join(indexFolder(dataFolder, folderId(realFolder(folder))), 'index.db');
  if (!fs.existsSync(file))
    throw new NearmissError('usage', `${folder} is not indexed`, 'Run `nearmiss index` first');
  const store = new DisposableStore();
  try {
    const settings = readSettings(dataFolder);
    const root = installationRoot();
    const modelsFolder = path.join(dataFolder, 'models');
    const probeFile = path.join(__dirname, 'probe.js');
    const threads = settings.threads || undefined;
    const wide = threads ?? THREADS;
    const setting = settings.provider as ProviderSetting;
    const log = silentLogger;
    const plan = store.add(
      new EncoderPlan({ root, probeFile, modelsFolder, setting, threads, log }),
    );
    const models = store.add(
      new SearchModels(modelLoaders({ root, modelsFolder, threads: wide, plan, log }), log),
    );
    const made = await plan.whenMade();
    const spaceId = made?.spaceId;
    const loaded = await models.whole();
    const embeddingsFile = path.join(dataFolder, 'embeddings.db');
    const reader = store.add(openFolderReader(file, { spaceId, embeddingsFile }));
    await reader.refresh();
    const snapshot = store.add(reader.snapshot());
    return {
      context: { snapshot, ...loaded },
      biEncoder: made?.checkpoint,
      crossEncoderFolder: path.join(root, 'models', 'cross-encoder'),
      rerankCount: settings.rerankCount,
      niceness: settings.learningNiceness,
      openReranker: (own) => openLearnedReranker(own, { threads: wide, plan, log }),
      async openEncoder(own) {
        const choice = made?.choice ?? { arithmetic: 'fp32', provider: 'cpu' };
        return inLearnedSpace(
          await openEmbedder(await readCheckpoint(own), { choice, threads: wide, log }),
        );
      },
      dispose: () => store.dispose(),
    };
  } catch (error) {
    store.dispose();
    throw error;
  }
}
