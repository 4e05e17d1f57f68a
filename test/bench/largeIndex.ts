/**
 * A folder of some fifty thousand chunks, indexed once and kept below .cache. Its words and static embeddings are
 * real; its contextual embeddings are synthetic, since making real ones takes a quarter of an hour.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { spaceOf } from '../../src/engine/encoders/biEncoder';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import { openEmbeddingCache, openFolderWriter } from '../../src/engine/store/store';
import { installationRoot } from '../../src/base/installation';
import { corpusFolder } from './corpus';
import { openClient, stopEngine } from './engine';
import { benchCache } from './quality';
import { benchOption, note } from './report';
import { clusteredEmbeddings } from './vectors';

export interface LargeIndex {
  readonly dataFolder: string;
  readonly folder: string;
}

const fileCount = Number(benchOption('files') ?? 3600);
const clusterCount = 1000;
/** Embeddings written in one go. */
const batchSize = 5000;

/** Makes the index where it is missing; no engine runs for it afterwards. */
export async function largeIndex(): Promise<LargeIndex> {
  const folder = corpusFolder(fileCount, fileCount * 6000);
  const dataFolder = benchCache(`large-${fileCount}`);
  const marker = `${dataFolder}.done`;
  if (fs.existsSync(marker)) return { dataFolder, folder };
  fs.rmSync(dataFolder, { recursive: true, force: true });
  note('making the large index, once');
  await indexWithSyntheticEmbeddings(dataFolder, folder);
  fs.writeFileSync(marker, '');
  return { dataFolder, folder };
}

/** Indexes a folder; passages that no embedding is known of get a synthetic one. No engine runs afterwards. */
export async function indexWithSyntheticEmbeddings(
  dataFolder: string,
  folder: string,
): Promise<void> {
  const { folderId, arithmetic } = await indexWords(dataFolder, folder);
  await stopEngine(dataFolder);
  await fillEmbeddings(dataFolder, folderId, arithmetic);
  await finish(dataFolder, folder);
  await stopEngine(dataFolder);
}

async function indexWords(
  dataFolder: string,
  folder: string,
): Promise<{ readonly folderId: string; readonly arithmetic: string }> {
  const client = openClient(dataFolder);
  const { status } = await client.call('index', { folder, waitFor: 'static', isConfirmed: true });
  await client.call('pause', {});
  // Without a budget a search waits for its models, which then stand in the status.
  await client.call('search', { folder, query: 'anything', limit: 1, rerank: false });
  const { encoder } = await client.call('status', {});
  client.dispose();
  if (!encoder) throw new Error('The engine has no model');
  return { folderId: status.folderId, arithmetic: encoder.arithmetic };
}

async function fillEmbeddings(
  dataFolder: string,
  folderId: string,
  arithmetic: string,
): Promise<void> {
  const checkpoint = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const space = spaceOf(checkpoint, arithmetic);
  const embeddingsFile = path.join(dataFolder, 'embeddings.db');
  const index = path.join(dataFolder, 'folders', folderId, 'index.db');
  const writer = openFolderWriter(index, { embeddingsFile });
  const cache = openEmbeddingCache(embeddingsFile);
  const next = clusteredEmbeddings(space.dimension, clusterCount, 1);
  for (;;) {
    const pending = writer.pendingEmbeddings(space.id, batchSize);
    if (pending.length === 0) break;
    cache.put(
      space.id,
      pending.map((chunk) => ({ key: chunk.embeddingKey, vector: next() })),
    );
  }
  note(`${writer.counts(space.id).embeddedCount} chunks embedded`);
  cache.dispose();
  writer.dispose();
}

/** Lets the engine find the embeddings and build what it builds from so many. */
async function finish(dataFolder: string, folder: string): Promise<void> {
  const client = openClient(dataFolder);
  await client.call('resume', {});
  await client.call('index', { folder, waitFor: 'all' });
  client.dispose();
}
