/**
 * `npm run bench -- indexing`: 5,000 files of real code, 30 MB, from nothing, the engine's start included: when the
 * first hits come, when all words are searchable, when static embeddings are; then the rate of contextual embedding.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { FolderStatus } from '../../src/protocol/types';
import { corpusFolder } from './corpus';
import { budgetMs, msUntil, openClient, stopEngine } from './engine';
import { benchOption, note, report } from './report';

const fileCount = Number(benchOption('files') ?? 5000);
const totalBytes = fileCount * 6000;
/** How long contextual embedding is watched for its rate. */
const embeddingWatchMs = 20_000;

async function main(): Promise<void> {
  const folder = corpusFolder(fileCount, totalBytes);
  const dataFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-'));
  const client = openClient(dataFolder);
  try {
    const start = performance.now();
    const index = (waitFor: 'words' | 'static' | 'nothing') =>
      client.call('index', { folder, waitFor, isConfirmed: true });
    await index('nothing');
    const first = await msUntil(start, async () => {
      const params = { folder, query: 'parse arguments', limit: 10, rerank: false, budgetMs };
      const { hits } = await client.call('search', params);
      return hits.length > 0 ? hits.length : undefined;
    });
    note(`first hits after ${first.ms.toFixed(0)} ms`);
    await index('words');
    const wordsMs = performance.now() - start;
    note(`words after ${wordsMs.toFixed(0)} ms`);
    await index('static');
    const staticMs = performance.now() - start;
    note(`static embeddings after ${staticMs.toFixed(0)} ms`);
    const status = async (): Promise<FolderStatus | undefined> =>
      (await client.call('status', { folder })).folders[0];
    const before = await status();
    await new Promise((resolve) => setTimeout(resolve, embeddingWatchMs));
    const after = await status();
    const embedded = (after?.embeddedCount ?? 0) - (before?.embeddedCount ?? 0);
    report('indexing', [
      { label: 'first hits', value: first.ms / 1000, unit: 's', atMost: 1, digits: 2 },
      { label: 'all words', value: wordsMs / 1000, unit: 's', atMost: 6, digits: 2 },
      { label: 'static embeddings', value: staticMs / 1000, unit: 's', atMost: 30, digits: 2 },
      { label: 'files', value: after?.documentCount ?? 0, digits: 0 },
      { label: 'chunks', value: after?.embeddableCount ?? 0, digits: 0 },
      {
        label: 'contextual embeddings',
        value: embedded / (embeddingWatchMs / 1000),
        unit: 'chunks/s',
      },
    ]);
  } finally {
    client.dispose();
    await stopEngine(dataFolder);
    fs.rmSync(dataFolder, { recursive: true, force: true });
  }
}

void main();
