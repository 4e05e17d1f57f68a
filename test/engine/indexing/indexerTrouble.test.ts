import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { NearmissError } from '../../../src/base/errors';
import { WorkGate } from '../../../src/engine/indexing/gate';
import { openSource } from '../../../src/engine/indexing/source';
import type { DocumentSource } from '../../../src/engine/indexing/rooms';
import { openEmbeddingCache } from '../../../src/engine/store/store';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';
import {
  look,
  pathsWith,
  settle,
  startIndexing,
  toyEmbedder,
  type ToyIndexing,
  type ToyOptions,
  toySplitters,
  withFolder,
} from '../../support/toyIndexing';

leavesNothing();

/** `count` files with a word of their own each. */
function manyFiles(count: number): Record<string, string> {
  const names = Array.from({ length: count }, (_, i) => i);
  return Object.fromEntries(
    names.map((i) => [
      `src/f${i}.ts`,
      `export function file${i}word(): number {\n  return ${i};\n}\n`,
    ]),
  );
}

/** A folder with these files, and an indexing of it that has just begun. */
function begin(
  files: Readonly<Record<string, string>>,
  makeOptions: (folder: string, data: string) => ToyOptions = () => ({}),
): ToyIndexing & { readonly folder: string } {
  const root = temporaryFolder(after);
  const [folder, data] = [path.join(root, 'folder'), path.join(root, 'data')];
  fs.mkdirSync(folder);
  fs.mkdirSync(data);
  writeFiles(folder, files);
  settle(folder);
  return { folder, ...startIndexing(folder, data, makeOptions(folder, data)) };
}

/** The folder's own source with `read` or `walk` replaced. */
function sourceWith(folder: string, faults: Partial<DocumentSource>): DocumentSource {
  return { ...openSource(folder, {}), ...faults };
}

test('leaves out a file that vanishes while it is read, and goes on', async () => {
  const indexing = begin(manyFiles(3), (folder) => {
    const real = openSource(folder, {});
    return {
      source: sourceWith(folder, {
        read: (file) => {
          if (file.path === 'src/f1.ts') fs.rmSync(path.join(folder, file.path));
          return real.read(file);
        },
      }),
    };
  });
  try {
    await indexing.next('done');
    await look(indexing, (snapshot) => {
      assert.deepEqual(snapshot.paths(), ['src/f0.ts', 'src/f2.ts']);
      assert.deepEqual(
        snapshot.skipped().map(({ path: name, reason }) => [name, reason]),
        [['src/f1.ts', 'vanished']],
      );
    });
  } finally {
    await indexing.stop();
  }
});

test('keeps nothing of a file that became unreadable, and says why', async () => {
  await withFolder(manyFiles(2), async (world) => {
    fs.writeFileSync(
      path.join(world.folder, 'src/f0.ts'),
      Buffer.from('7f454c4600000001ff', 'hex'),
    );
    world.indexer.pathsChanged(['src/f0.ts']);
    await world.next('done');
    await look(world, (snapshot) => {
      assert.deepEqual(snapshot.paths(), ['src/f1.ts']);
      assert.deepEqual(
        snapshot.skipped().map(({ reason }) => reason),
        ['binary'],
      );
    });
  });
});

test('takes line windows where the splitter fails', async () => {
  const real = toySplitters();
  const splitters = {
    ...real,
    splitter: async () => {
      const splitter = await real.splitter();
      const split: typeof splitter.split = (document) =>
        document.path === 'src/f0.ts'
          ? Promise.reject(new Error('no parser'))
          : splitter.split(document);
      return { split, dispose: () => undefined };
    },
  };
  const indexing = begin(manyFiles(2), () => ({ splitters }));
  try {
    await indexing.next('done');
    await look(indexing, (snapshot) => {
      assert.deepEqual(pathsWith(snapshot, 'file0word'), ['src/f0.ts']);
      assert.equal(snapshot.counts.embeddedCount, 2);
    });
  } finally {
    await indexing.stop();
    await real.dispose();
  }
});

test('does not let a slow pass overwrite an edit that came in between', async () => {
  const files = manyFiles(200);
  let isEdited = false;
  const indexing: ReturnType<typeof begin> = begin(files, (folder) => {
    const real = openSource(folder, {});
    return {
      source: sourceWith(folder, {
        // The old content of the last file is read, and then held back until the edit was taken in.
        async read(file) {
          const document = await real.read(file);
          if (file.path !== 'src/f99.ts' || isEdited) return document;
          isEdited = true;
          writeFiles(folder, { 'src/f99.ts': 'export const overtaken = 1;\n' });
          indexing.indexer.pathsChanged(['src/f99.ts']);
          await delay(300);
          return document;
        },
      }),
    };
  });
  try {
    await indexing.next('done');
    await look(indexing, (snapshot) => {
      assert.deepEqual(pathsWith(snapshot, 'overtaken'), ['src/f99.ts']);
      assert.deepEqual(pathsWith(snapshot, 'file99word'), []);
    });
  } finally {
    await indexing.stop();
  }
});

test('rests on words and static embeddings when the model fails', async () => {
  const embedder = toyEmbedder();
  const broken = {
    ...embedder,
    embedDocuments: () => Promise.reject(new NearmissError('model', 'The model is broken')),
  };
  const indexing = begin(manyFiles(2), () => ({ embedder: broken }));
  try {
    const { error } = await indexing.next('failed');
    assert.match(String(error), /The model is broken/);
    assert.equal((await indexing.next('done')).tier, 'static');
    assert.equal(indexing.indexer.progress.fraction, 1);
    await look(indexing, (snapshot) => {
      assert.deepEqual(pathsWith(snapshot, 'file1word'), ['src/f1.ts']);
    });
  } finally {
    await indexing.stop();
  }
});

test('waits while the disk is full, says so, and goes on when there is room', async () => {
  let isFull = true;
  const indexing = begin(manyFiles(2), (_, data) => {
    const cache = openEmbeddingCache(path.join(data, 'embeddings.db'));
    const put: typeof cache.put = (spaceId, entries) => {
      if (isFull) throw new NearmissError('diskFull', 'The disk is full: x', 'Free some space');
      cache.put(spaceId, entries);
    };
    const full = {
      id: cache.id,
      has: cache.has.bind(cache),
      removeSpaces: cache.removeSpaces.bind(cache),
      get: cache.get.bind(cache),
      put,
      dispose: () => cache.dispose(),
    };
    return { cache: full, retryAfterMs: 50 };
  });
  try {
    await indexing.next('failed');
    await delay(20);
    const { state, reason } = indexing.indexer.progress;
    assert.deepEqual([state, reason], ['waiting', 'The disk is full: x. Free some space']);
    isFull = false;
    assert.equal((await indexing.next('done')).tier, 'embedding');
    assert.equal(indexing.events.filter(({ type }) => type === 'failed').length, 1);
  } finally {
    await indexing.stop();
  }
});

test('keeps the index when the folder is gone, and says so', async () => {
  await withFolder(
    manyFiles(2),
    async (world) => {
      fs.renameSync(world.folder, `${world.folder}-away`);
      world.indexer.refresh();
      const { error } = await world.next('failed');
      assert.match(String(error), /There is no folder/);
      await look(world, (snapshot) => assert.equal(snapshot.paths().length, 2));
      fs.renameSync(`${world.folder}-away`, world.folder);
      world.indexer.refresh();
      assert.equal((await world.next('done')).removedCount, 0);
    },
    { retryAfterMs: 20 },
  );
});

test('writes nothing while paused, and goes on when resumed', async () => {
  await withFolder(manyFiles(2), async (world) => {
    world.gate.pause('toy');
    world.indexer.showPause();
    assert.equal(world.indexer.progress.state, 'paused');
    const before = world.events.length;
    writeFiles(world.folder, { 'src/new.ts': 'let quay = 1;\n' });
    world.indexer.pathsChanged(['src/new.ts']);
    await delay(100);
    assert.deepEqual(world.events.slice(before), []);
    world.gate.resume('toy');
    world.indexer.showPause();
    await world.next('done');
    await look(world, (snapshot) => assert.deepEqual(pathsWith(snapshot, 'quay'), ['src/new.ts']));
  });
});

for (const momentMs of [0, 20, 60, 150, 400]) {
  test(`stops within a moment, ${momentMs} ms after the start`, async () => {
    const indexing = begin(manyFiles(400), () => ({ embedder: toyEmbedder(10) }));
    await delay(momentMs);
    const startedAt = performance.now();
    await indexing.stop();
    const tookMs = performance.now() - startedAt;
    // 100 ms on a machine of its own; tests share theirs.
    assert.ok(tookMs < 400, `${tookMs} ms`);
  });
}

test('embeds open and changed files before the others', async () => {
  const embedder = toyEmbedder(2);
  const indexing = begin(manyFiles(300), () => ({ embedder }));
  try {
    indexing.indexer.prioritize(['src/f250.ts'], 'open');
    while (embedder.texts.length === 0) await delay(2);
    assert.match(embedder.texts[0]!, /file250word/);
    writeFiles(indexing.folder, { 'src/f120.ts': 'export function harbour() {}\n' });
    indexing.indexer.pathsChanged(['src/f120.ts']);
    const before = embedder.texts.length;
    while (!embedder.texts.some((text) => text.includes('harbour'))) await delay(2);
    assert.ok(embedder.texts.findIndex((text) => text.includes('harbour')) < before + 60);
  } finally {
    await indexing.stop();
  }
});

test('never shows progress that falls, and always ends at 1', async () => {
  const indexing = begin(manyFiles(150), () => ({ embedder: toyEmbedder(1) }));
  try {
    await delay(30);
    for (let i = 0; i < 10; i++) {
      fs.rmSync(path.join(indexing.folder, `src/f${i}.ts`));
      indexing.indexer.pathsChanged([`src/f${i}.ts`]);
      await delay(10);
    }
    await indexing.next('done');
    const shown = indexing.events.flatMap((event) =>
      event.type === 'progress' ? [event.progress] : [],
    );
    for (const [i, now] of shown.entries()) {
      const before = shown[i - 1];
      if (!before || before.run !== now.run) continue;
      assert.ok(now.fraction >= before.fraction);
      // At the end the counts say what is stored, without the files that went away meanwhile.
      if (now.state === 'idle') continue;
      assert.ok(now.wordDocumentCount >= before.wordDocumentCount);
      assert.ok(now.staticDocumentCount >= before.staticDocumentCount);
      assert.ok(now.embeddedCount >= before.embeddedCount);
    }
    assert.equal(shown.at(-1)?.fraction, 1);
  } finally {
    await indexing.stop();
  }
});

test('says while it embeds that it rests for other programs, and nothing of it when all is done', async () => {
  const battery = async () => ({ isDischarging: false, charge: 1 });
  const gate = new WorkGate({ isGentle: true, battery, load: () => 1000 });
  const indexing = begin(manyFiles(3), () => ({ gate }));
  await indexing.next('done');
  const told = indexing.events.flatMap((event) =>
    event.type === 'progress' ? event.progress : [],
  );
  const resting = told.find(({ state }) => state === 'embedding');
  assert.match(resting?.reason ?? '', /^Other programs keep this machine busy/);
  assert.deepEqual([told.at(-1)?.state, told.at(-1)?.reason], ['idle', undefined]);
  await indexing.stop();
});
