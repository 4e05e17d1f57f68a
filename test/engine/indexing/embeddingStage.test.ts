import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { EmbeddingStage } from '../../../src/engine/indexing/embeddingStage';
import { openEmbeddingCache, openFolderWriter } from '../../../src/engine/store/store';
import type { EmbeddingCache, FolderWriter } from '../../../src/engine/store/types';
import { indexPaths, putTexts } from '../../support/folderIndex';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder } from '../../support/temporaryFolder';
import { TOY_SPACE, type ToyEmbedder, toyEmbedder } from '../../support/toyIndexing';

leavesNothing();
const never = new AbortController().signal;

interface Parts {
  readonly writer: FolderWriter;
  readonly cache: EmbeddingCache;
  readonly embedder: ToyEmbedder;
  readonly wanted: number[];
  readonly stage: EmbeddingStage;
}

async function withStage(
  check: (parts: Parts) => Promise<void>,
  options: { readonly delayMs?: number; readonly cache?: Partial<EmbeddingCache> } = {},
): Promise<void> {
  const files = indexPaths(temporaryFolder(after));
  const writer = openFolderWriter(files.index, { embeddingsFile: files.embeddings });
  const real = openEmbeddingCache(files.embeddings);
  const cache = { ...parts(real), ...options.cache };
  const embedder = toyEmbedder(options.delayMs);
  const wanted: number[] = [];
  const stage = new EmbeddingStage({ writer, cache, priority: () => wanted }, embedder);
  try {
    await check({ writer, cache, embedder, wanted, stage });
  } finally {
    writer.dispose();
    real.dispose();
  }
}

/** The cache as a plain object, so that single functions can be replaced. */
function parts(cache: EmbeddingCache): EmbeddingCache {
  return {
    id: cache.id,
    has: (...given) => cache.has(...given),
    get: (...given) => cache.get(...given),
    put: (...given) => cache.put(...given),
    removeSpaces: (...given) => cache.removeSpaces(...given),
    dispose: () => cache.dispose(),
  };
}

test('embeds each text once, and ends', async () => {
  await withStage(async ({ writer, stage, embedder }) => {
    putTexts(writer, 'a.ts', ['one', 'two', 'one']);
    while (stage.hasWork()) await stage.step(never);
    assert.deepEqual([...new Set(embedder.texts)].sort(), ['a.ts\none', 'a.ts\ntwo']);
    assert.equal(writer.counts(TOY_SPACE.id).embeddedCount, 3);
  });
});

test('takes wanted documents first, and long texts before short ones among the rest', async () => {
  await withStage(async ({ writer, stage, embedder, wanted }) => {
    putTexts(writer, 'a.ts', ['short', 'x '.repeat(200)]);
    putTexts(writer, 'b.ts', ['wanted']);
    wanted.push(writer.documents().get('b.ts')!.id);
    while (stage.hasWork()) await stage.step(never);
    assert.deepEqual(
      embedder.texts.map((text) => text.slice(0, 8)),
      ['b.ts\nwan', 'a.ts\nx x', 'a.ts\nsho'],
    );
  });
});

test('makes steps smaller on a slow machine and larger on a fast one', async () => {
  const texts = Array.from({ length: 120 }, (_, i) => `${i} ${'word '.repeat(30)}`);
  const sizes = async (delayMs: number): Promise<number[]> => {
    const found: number[] = [];
    await withStage(
      async ({ writer, stage }) => {
        putTexts(writer, 'a.ts', texts);
        for (let i = 0; i < 8 && stage.hasWork(); i++) {
          found.push((await stage.step(never)).embeddedCount);
        }
      },
      { delayMs },
    );
    return found;
  };
  const slow = await sizes(120);
  assert.ok(slow.at(-1)! <= slow[0]!);
  const fast = await sizes(0);
  assert.ok(Math.max(...fast) > 4 * fast[0]!);
});

test('gives up with a sentence when what was stored cannot be read back', async () => {
  await withStage(
    async ({ writer, stage }) => {
      putTexts(writer, 'a.ts', ['one']);
      assert.equal(stage.hasWork(), true);
      await stage.step(never);
      assert.throws(() => stage.hasWork(), /cannot be read back/);
    },
    { cache: { put: () => undefined } },
  );
});
