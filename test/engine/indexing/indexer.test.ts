import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { leavesNothing } from '../../support/leaks';
import { writeFiles } from '../../support/temporaryFolder';
import {
  contentsOf,
  look,
  pathsWith,
  startIndexing,
  toySplitters,
  type ToyIndexing,
  withFolder,
} from '../../support/toyIndexing';

leavesNothing();

const sources = {
  'readme.md': '# Lantern\n\nKeeps the lantern burning.\n',
  'src/lamp.ts': 'export function lightLamp(oil: number): boolean {\n  return oil > 0;\n}\n',
  'src/wick.py': 'def trim_wick(length):\n    return length - 1\n',
};

test('makes a folder searchable by words, syntax and embeddings', async () => {
  await withFolder(sources, async (world) => {
    await look(world, (snapshot) => {
      assert.deepEqual(snapshot.paths(), ['readme.md', 'src/lamp.ts', 'src/wick.py']);
      assert.deepEqual(pathsWith(snapshot, 'lantern'), ['readme.md']);
      assert.equal(snapshot.chunksDefining('lightLamp').length, 1);
      const { documentCount, syntaxDocumentCount, embeddableCount, embeddedCount } =
        snapshot.counts;
      assert.deepEqual([documentCount, syntaxDocumentCount], [3, 3]);
      assert.deepEqual([embeddableCount, embeddedCount], [3, 3]);
    });
  });
});

test('takes in an edit, an added and a deleted file by their paths', async () => {
  await withFolder(sources, async (world) => {
    writeFiles(world.folder, {
      'src/lamp.ts': 'export const beacon = 1;\n',
      'src/new.ts': 'let tide = 2;\n',
    });
    fs.rmSync(path.join(world.folder, 'src/wick.py'));
    world.indexer.pathsChanged(['src/lamp.ts', 'src/new.ts', 'src/wick.py']);
    const { changedCount, removedCount } = await world.next('done');
    assert.deepEqual([changedCount, removedCount], [2, 1]);
    await look(world, (snapshot) => {
      assert.deepEqual(snapshot.paths(), ['readme.md', 'src/lamp.ts', 'src/new.ts']);
      assert.deepEqual(pathsWith(snapshot, 'beacon'), ['src/lamp.ts']);
      assert.deepEqual(pathsWith(snapshot, 'oil'), []);
      assert.equal(snapshot.counts.embeddedCount, 3);
    });
  });
});

// The first edit after a while waited for the splitting thread to start, for more than a second on a busy machine.
test('finds the words of an edit before the splitter is loaded, and cuts it by syntax then', async () => {
  const real = toySplitters();
  let isReady = true;
  let load: () => void = () => undefined;
  let loaded = Promise.resolve();
  const splitters = {
    version: () => real.version(),
    isReady: () => isReady,
    splitter: () => loaded.then(() => real.splitter()),
  };
  await withFolder(
    sources,
    async (world) => {
      isReady = false;
      loaded = new Promise((resolve) => (load = resolve));
      writeFiles(world.folder, { 'src/lamp.ts': 'export function lightBeacon() {}\n' });
      const tierOf = () => look(world, (snapshot) => snapshot.document('src/lamp.ts')?.tier);
      const finds = () => look(world, (snapshot) => pathsWith(snapshot, 'beacon'));
      world.indexer.pathsChanged(['src/lamp.ts']);
      while ((await finds()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal(await tierOf(), 'lines');
      load();
      await world.next('done');
      assert.equal(await tierOf(), 'syntax');
      assert.deepEqual(await finds(), ['src/lamp.ts']);
    },
    { splitters },
  );
  await real.dispose();
});

test('removes what lay in a deleted folder', async () => {
  await withFolder(sources, async (world) => {
    fs.rmSync(path.join(world.folder, 'src'), { recursive: true });
    world.indexer.pathsChanged(['src']);
    await world.next('done');
    await look(world, (snapshot) => assert.deepEqual(snapshot.paths(), ['readme.md']));
  });
});

test('embeds nothing again after a rename that keeps the last three path segments', async () => {
  await withFolder({ 'a/b/c/lamp.ts': 'let glow = 1;\n' }, async (world) => {
    const before = world.embedder.texts.length;
    fs.renameSync(path.join(world.folder, 'a'), path.join(world.folder, 'z'));
    world.indexer.refresh();
    await world.next('done');
    assert.equal(world.embedder.texts.length, before);
    await look(world, (snapshot) => {
      assert.deepEqual(snapshot.paths(), ['z/b/c/lamp.ts']);
      assert.equal(snapshot.counts.embeddedCount, 1);
    });
  });
});

test('says which comparison a run included, also one asked for while it was under way', async () => {
  await withFolder(sources, async (world) => {
    writeFiles(world.folder, { 'src/more.ts': 'let more = 1;\n' });
    world.indexer.refresh(1);
    world.indexer.refresh(2);
    assert.equal((await world.next('done')).refreshed, 2);
    writeFiles(world.folder, { 'src/last.ts': 'let last = 1;\n' });
    world.indexer.pathsChanged(['src/last.ts']);
    await world.next('progress');
    world.indexer.refresh(3);
    let { refreshed } = await world.next('done');
    // The run of the edit may have ended before: then the comparison has one of its own.
    if (refreshed < 3) ({ refreshed } = await world.next('done'));
    assert.equal(refreshed, 3);
  });
});

test('compares the folder when ignore rules change', async () => {
  await withFolder(sources, async (world) => {
    writeFiles(world.folder, { '.gitignore': 'src/\n' });
    fs.mkdirSync(path.join(world.folder, '.git'));
    world.indexer.refresh();
    await world.next('done');
    const left = await look(world, (snapshot) => snapshot.paths());
    assert.equal(
      left.some((name) => name.startsWith('src/')),
      false,
    );
    fs.rmSync(path.join(world.folder, '.gitignore'));
    world.indexer.refresh();
    await world.next('done');
    await look(world, (snapshot) => assert.ok(snapshot.paths().includes('src/lamp.ts')));
  });
});

/** Forty files of two branches; a third of them differ. */
function branch(name: 'main' | 'topic'): Record<string, string> {
  const files: Record<string, string> = {};
  for (let i = 0; i < 40; i++) {
    const own = i % 3 === 0 ? name : 'both';
    files[`src/part${i}.ts`] = `export function ${own}Part${i}(): number {\n  return ${i};\n}\n`;
  }
  return files;
}

test('embeds nothing on the way back from a branch', async () => {
  await withFolder(branch('main'), async (world) => {
    const clean = await look(world, contentsOf);
    for (const name of ['topic', 'main'] as const) {
      writeFiles(world.folder, branch(name));
      world.indexer.refresh();
      await world.next('done');
    }
    assert.equal(world.embedder.texts.length, 40 + 14);
    assert.deepEqual(await look(world, contentsOf), clean);
  });
});

test('embeds nothing in a second worktree, nor after the parent folder moved', async () => {
  await withFolder(branch('main'), async (world) => {
    const clean = await look(world, contentsOf);
    const moved = path.join(path.dirname(world.folder), 'elsewhere', 'folder');
    fs.cpSync(world.folder, moved, { recursive: true });
    const second = startIndexing(moved, world.data, { name: 'second' });
    try {
      await second.next('done');
      assert.deepEqual(second.embedder.texts, []);
      assert.deepEqual(await look(second, contentsOf), clean);
    } finally {
      await second.stop();
    }
  });
});

test('writes nothing in a second pass over an unchanged folder, nor in a second process', async () => {
  const files = { ...branch('main'), 'data.bin': '\0\0binary' };
  await withFolder(files, async (world) => {
    const commits = (indexing: ToyIndexing): number =>
      indexing.events.filter((event) => event.type === 'committed').length;
    const before = commits(world);
    world.indexer.refresh();
    await world.next('done');
    assert.equal(commits(world), before);
    await world.stop();
    const again = startIndexing(world.folder, world.data);
    try {
      await again.next('done');
      assert.equal(commits(again), 0);
      assert.deepEqual(again.embedder.texts, []);
    } finally {
      await again.stop();
    }
  });
});

test('notes new times of a file whose bytes are the same, and cuts nothing', async () => {
  await withFolder(sources, async (world) => {
    const before = await look(world, (snapshot) => snapshot.chunksAt('src/lamp.ts', 0, 9)[0]?.id);
    const time = Date.now() / 1000 - 3600;
    const file = path.join(world.folder, 'src/lamp.ts');
    fs.utimesSync(file, time, time);
    world.indexer.refresh();
    await world.next('done');
    await look(world, (snapshot) => {
      assert.equal(snapshot.document('src/lamp.ts')?.mtimeMs, fs.statSync(file).mtimeMs);
      assert.equal(snapshot.chunksAt('src/lamp.ts', 0, 9)[0]?.id, before);
    });
  });
});
