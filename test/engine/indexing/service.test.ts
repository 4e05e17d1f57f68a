import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import type { FromIndexer } from '../../../src/engine/indexing/messages';
import { IndexingService, type ServiceModels } from '../../../src/engine/indexing/service';
import { openDatabase } from '../../../src/engine/store/database';
import { wasPrunedToday } from '../../../src/engine/store/embeddings';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';
import { toyEmbedder, toySplitters } from '../../support/toyIndexing';

leavesNothing();

const choice = { checkpointFolder: 'toy', arithmetic: 'fp32' };

/** A service with toy models, configured, and the messages it sent. */
async function withService(
  check: (world: {
    readonly service: IndexingService;
    readonly root: string;
    readonly sent: readonly FromIndexer[];
    readonly until: <T extends FromIndexer['type']>(
      type: T,
    ) => Promise<Extract<FromIndexer, { type: T }>>;
    readonly start: (folderId: string, indexFolder?: string) => Promise<void>;
  }) => Promise<void>,
  models: Partial<ServiceModels> = {},
): Promise<void> {
  const root = temporaryFolder(after);
  const splitters = toySplitters();
  const sent: FromIndexer[] = [];
  let readCount = 0;
  const service = new IndexingService({
    send: (message) => sent.push(message),
    openModels: () => ({
      version: () => splitters.version(),
      splitter: () => splitters.splitter(),
      openEmbedder: async () => toyEmbedder(),
      dispose: () => undefined,
      ...models,
    }),
    reopenAfterMs: 30,
    restMs: 30,
  });
  await service.handle({ type: 'configure', dataFolder: root, modelsFolder: '', isGentle: false });
  try {
    await check({
      service,
      root,
      sent,
      async until(type) {
        for (;;) {
          for (; readCount < sent.length; readCount++) {
            const message = sent[readCount]!;
            if (message.type !== type) continue;
            readCount++;
            return message as Extract<FromIndexer, { type: typeof type }>;
          }
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      },
      start: (folderId, indexFolder = path.join(root, 'folders', folderId)) =>
        service.handle({
          type: 'start',
          folderId,
          folder: path.join(root, folderId),
          indexFolder,
          options: { watch: false },
        }),
    });
  } finally {
    await service.shutdown();
    await splitters.dispose();
  }
}

test('keeps two folders, each by its id, with one embedder', async () => {
  await withService(async ({ service, root, start, until }) => {
    writeFiles(root, { 'a/x.ts': 'let x = 1;\n', 'b/y.ts': 'let y = 1;\n' });
    await service.handle({ type: 'useEmbedder', choice });
    assert.equal((await until('embedder')).spaceId, 'toy-fp32');
    await start('a');
    assert.deepEqual({ ...(await until('done')), run: 0 }, doneMessage('a', 'embedding'));
    await start('b');
    assert.deepEqual({ ...(await until('done')), run: 0 }, doneMessage('b', 'embedding'));
    await service.handle({ type: 'stop', folderId: 'a' });
    assert.equal((await until('stopped')).folderId, 'a');
  });
});

function doneMessage(folderId: string, tier: 'static' | 'embedding'): FromIndexer {
  return { type: 'done', folderId, run: 0, tier, changedCount: 1, removedCount: 0, refreshed: 0 };
}

test('ends without embeddings when the model cannot be loaded, and says why', async () => {
  const openEmbedder = () => Promise.reject(new NearmissError('model', 'The file is cut short'));
  await withService(
    async ({ service, root, start, until }) => {
      writeFiles(root, { 'a/x.ts': 'let x = 1;\n' });
      await service.handle({ type: 'useEmbedder', choice });
      assert.equal((await until('embedder')).error?.message, 'The file is cut short');
      await start('a');
      assert.equal((await until('done')).tier, 'static');
    },
    { openEmbedder },
  );
});

test('goes on to embeddings when an embedder comes later', async () => {
  await withService(async ({ service, root, start, until }) => {
    writeFiles(root, { 'a/x.ts': 'let x = 1;\n' });
    await start('a');
    assert.equal((await until('done')).tier, 'static');
    await service.handle({ type: 'useEmbedder', choice });
    assert.equal((await until('done')).tier, 'embedding');
  });
});

// The run ended at 100 %, and another began at 0 % when the choice was made.
test('goes on in the same run, and expects embeddings, while the model is undecided', async () => {
  await withService(async ({ service, root, sent, start, until }) => {
    writeFiles(root, { 'a/x.ts': 'let x = 1;\n'.repeat(400) });
    await service.handle({ type: 'useEmbedder', choice: 'undecided' });
    await start('a');
    const progress = () => sent.flatMap((message) => ('progress' in message ? [message] : []));
    while (progress().at(-1)?.progress.state !== 'embedding') await until('progress');
    const { fraction, embeddableCount, embeddedCount } = progress().at(-1)!.progress;
    assert.ok(fraction < 0.5, `${fraction} before anything is embedded`);
    assert.ok(embeddableCount > 5 && embeddedCount === 0);
    await service.handle({ type: 'useEmbedder', choice });
    assert.deepEqual(await until('done'), { ...doneMessage('a', 'embedding'), run: 1 });
    const fractions = progress().map((message) => message.progress.fraction);
    assert.deepEqual(
      fractions,
      [...fractions].sort((a, b) => a - b),
    );
    assert.equal(fractions.at(-1), 1);
  });
});

test('opens an index later that cannot be opened now', async () => {
  await withService(async ({ root, start, until }) => {
    writeFiles(root, { 'a/x.ts': 'let x = 1;\n', blocked: '' });
    await start('a', path.join(root, 'blocked'));
    assert.equal((await until('failed')).folderId, 'a');
    fs.rmSync(path.join(root, 'blocked'));
    assert.equal((await until('done')).folderId, 'a');
  });
});

test('tidies the embeddings when work has rested, and says nothing of it', async () => {
  await withService(async ({ service, root, start, until }) => {
    writeFiles(root, { 'a/x.ts': 'let x = 1;\n' });
    await service.handle({ type: 'useEmbedder', choice });
    await start('a');
    await until('done');
    const file = path.join(root, 'embeddings.db');
    while (!wasPrunedToday(file)) await new Promise((resolve) => setTimeout(resolve, 5));
    const database = openDatabase(file, { isReadOnly: true });
    assert.deepEqual(database.prepare('SELECT count(*) FROM embedding').get(), [1]);
    database.dispose();
  });
});

test('answers a message for a folder it does not know with nothing', async () => {
  await withService(async ({ service, sent }) => {
    await service.handle({ type: 'refresh', folderId: 'none', number: 1 });
    await service.handle({ type: 'pathsChanged', folderId: 'none', paths: ['a'] });
    await service.handle({ type: 'pause' });
    await service.handle({ type: 'resume' });
    assert.deepEqual(sent, []);
  });
});
