/** A second set of embeddings in memory: beside the noted one, without a note of its own. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  openEmbeddingCache,
  openFolderReader,
  openFolderWriter,
} from '../../../src/engine/store/store';
import type { EmbeddingCache, FolderReader, FolderWriter } from '../../../src/engine/store/types';
import { indexPaths, keyOf, putTexts, SPACE, textsOf, unit } from '../../support/folderIndex';
import { temporaryFolder } from '../../support/temporaryFolder';

const FURTHER = 'learned-x';
type Space = typeof SPACE | typeof FURTHER;

interface World {
  readonly writer: FolderWriter;
  readonly reader: FolderReader;
  readonly cache: EmbeddingCache;
  /** Embeds a text in both spaces, or in one. */
  readonly embed: (text: string, spaces?: readonly Space[]) => void;
}

async function withIndex(check: (world: World) => Promise<void>): Promise<void> {
  const { index, embeddings } = indexPaths(temporaryFolder(after));
  const cache = openEmbeddingCache(embeddings);
  const writer = openFolderWriter(index, { embeddingsFile: embeddings });
  const reader = openFolderReader(index, { embeddingsFile: embeddings, spaceId: SPACE });
  try {
    await check({
      ...{ writer, reader, cache },
      embed(text, spaces = [SPACE, FURTHER]) {
        // Each space its own way round, so that answers tell which one gave them.
        const [a, b] = [text.length, 10 - text.length];
        const vectors = { [SPACE]: unit(a, b), [FURTHER]: unit(b, a) };
        for (const space of spaces)
          cache.put(space, [{ key: keyOf(text), vector: vectors[space]! }]);
        writer.pendingEmbeddings(SPACE, 100);
      },
    });
  } finally {
    reader.dispose();
    writer.dispose();
    cache.dispose();
  }
}

test('answers in both spaces from one snapshot, whatever is let go of meanwhile', () =>
  withIndex(async ({ writer, reader, embed }) => {
    putTexts(writer, 'a.ts', ['a', 'bbbbbbbbb']);
    for (const text of ['a', 'bbbbbbbbb']) embed(text);
    reader.useFurther([FURTHER]);
    assert.equal(reader.furtherState(FURTHER), undefined);
    await reader.refresh();
    assert.deepEqual(reader.furtherState(FURTHER), { heldCount: 2, lackingCount: 0 });
    const snapshot = reader.snapshot();
    const first = (space: string): string[] =>
      textsOf(snapshot, snapshot.searchVectors(space, unit(1, 9), 1));
    assert.deepEqual([first(SPACE), first(FURTHER)], [['a'], ['bbbbbbbbb']]);
    assert.deepEqual(snapshot.searchVectors('learned-y', unit(1, 9), 1), []);
    reader.useFurther([]);
    assert.deepEqual(first(FURTHER), ['bbbbbbbbb']);
    snapshot.dispose();
    const later = reader.snapshot();
    assert.deepEqual(later.searchVectors(FURTHER, unit(1, 9), 1), []);
    later.dispose();
  }));

test('lacks only what the folder itself has, finds it when it comes, and forgets what is gone', () =>
  withIndex(async ({ writer, reader, cache, embed }) => {
    putTexts(writer, 'a.ts', ['a', 'bb']);
    putTexts(writer, 'b.ts', ['ccc', 'dddd']);
    embed('a');
    embed('bb', [SPACE]);
    embed('ccc', [SPACE]);
    reader.useFurther([FURTHER]);
    await reader.refresh();
    // The fourth has no embedding anywhere.
    assert.deepEqual(reader.furtherState(FURTHER), { heldCount: 1, lackingCount: 2 });
    embed('bb', [FURTHER]);
    await reader.refresh();
    assert.deepEqual(reader.furtherState(FURTHER), { heldCount: 2, lackingCount: 1 });
    writer.removeDocuments(['b.ts']);
    await reader.refresh();
    assert.deepEqual(reader.furtherState(FURTHER), { heldCount: 2, lackingCount: 0 });
    writer.removeDocuments(['a.ts']);
    const snapshot = reader.snapshot();
    assert.deepEqual(snapshot.searchVectors(FURTHER, unit(1, 1), 5), []);
    snapshot.dispose();
    await reader.refresh();
    assert.deepEqual(reader.furtherState(FURTHER), { heldCount: 0, lackingCount: 0 });
    assert.deepEqual(cache.has(FURTHER, [keyOf('a')]), [true]);
  }));

test('what is pending beside is asked for by id, and goes on after the last one', () =>
  withIndex(async ({ writer, embed }) => {
    putTexts(writer, 'a.ts', ['a', 'bb', 'ccc']);
    embed('bb');
    const pages = [0, 2, 3].map((from) => writer.pendingBeside(FURTHER, from, 2));
    assert.deepEqual(
      pages.map(({ chunks, lastId }) => [chunks.map(({ text }) => text), lastId]),
      [
        [['a'], 2],
        [['ccc'], 3],
        [[], 0],
      ],
    );
  }));

test('vectors of spaces that are not wanted go a few at a time, others stay', () =>
  withIndex(async ({ cache, writer, embed }) => {
    putTexts(writer, 'a.ts', ['a', 'bb', 'ccc']);
    for (const text of ['a', 'bb', 'ccc']) embed(text);
    const isWanted = (space: string): boolean => space === SPACE;
    assert.deepEqual(
      [2, 2, 2].map((limit) => cache.removeSpaces(isWanted, limit)),
      [2, 1, 0],
    );
    const keys = ['a', 'bb', 'ccc'].map(keyOf);
    assert.deepEqual(cache.has(FURTHER, keys), [false, false, false]);
    assert.deepEqual(cache.has(SPACE, keys), [true, true, true]);
  }));
