/** Embeddings of learned encoders: after everything else, beside what the folder rests on, and gone on with after a kill. */
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';
import { openFolderReader } from '../../../src/engine/store/store';
import type { FurtherState } from '../../../src/engine/store/types';
import { writeFiles } from '../../support/temporaryFolder';
import {
  startIndexing,
  TOY_SPACE,
  type ToyEmbedder,
  toyEmbedder,
  withFolder,
  type World,
} from '../../support/toyIndexing';

const files = Object.fromEntries(
  Array.from({ length: 12 }, (_, at) => {
    // Long enough for a few steps.
    return [`f${at}.ts`, `const value${at} = '${'word '.repeat(40)}';\n`];
  }),
);
const FURTHER = 'learned-toy';

function learnedEmbedder(): ToyEmbedder {
  return { ...toyEmbedder(), space: { ...TOY_SPACE, id: FURTHER } };
}

async function stateOf({ data }: Pick<World, 'data'>): Promise<FurtherState | undefined> {
  const embeddingsFile = path.join(data, 'embeddings.db');
  const reader = openFolderReader(path.join(data, 'index', 'index.db'), {
    ...{ embeddingsFile, spaceId: TOY_SPACE.id },
  });
  reader.useFurther([FURTHER]);
  await reader.refresh();
  const state = reader.furtherState(FURTHER);
  reader.dispose();
  return state;
}

async function untilWhole(world: Pick<World, 'data'>, heldCount: number): Promise<void> {
  for (;;) {
    const state = await stateOf(world);
    if (state?.heldCount === heldCount && state.lackingCount === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('embeds what is there and what is edited, the folder itself first, and each text once', () =>
  withFolder(files, async (world) => {
    const own = learnedEmbedder();
    world.indexer.useFurther([own]);
    await untilWhole(world, 12);
    assert.equal(own.texts.length, 12);
    writeFiles(world.folder, { 'new.ts': 'const fresh = 1;\n' });
    world.indexer.refresh();
    const { tier } = await world.next('done');
    assert.equal(tier, 'embedding');
    assert.ok(world.embedder.texts.some((text) => text.includes('fresh')));
    await untilWhole(world, 13);
    assert.equal(own.texts.length, 13);
    assert.deepEqual(
      world.events.filter(({ type }) => type === 'failed'),
      [],
    );
  }));

test('goes on where it was when it begins anew, and stops when nobody wants it', () =>
  withFolder(files, async (world) => {
    const slow = learnedEmbedder();
    let count = 0;
    world.indexer.useFurther([
      {
        ...slow,
        async embedDocuments(texts, signal) {
          // The second step ends the process, as far as the index can tell.
          if (++count > 1)
            await new Promise((_, reject) => signal?.addEventListener('abort', reject));
          return slow.embedDocuments(texts, signal);
        },
      },
    ]);
    while (count < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    await world.stop();
    const done = slow.texts.length;
    assert.ok(0 < done && done < 12, `${done} were embedded`);
    const again = startIndexing(world.folder, world.data);
    try {
      await again.next('done');
      const own = learnedEmbedder();
      again.indexer.useFurther([own]);
      await untilWhole(world, 12);
      assert.equal(own.texts.length, 12 - done);
      again.indexer.useFurther([]);
      writeFiles(world.folder, { 'new.ts': 'const fresh = 1;\n' });
      again.indexer.refresh();
      await again.next('done');
      assert.equal(own.texts.length, 12 - done);
      assert.deepEqual(await stateOf(world), { heldCount: 12, lackingCount: 1 });
    } finally {
      await again.stop();
    }
  }));

test('an encoder that fails ends with a word, and the folder stays whole', () =>
  withFolder(files, async (world) => {
    const broken = { ...learnedEmbedder(), embedDocuments: () => Promise.reject(new Error('no')) };
    world.indexer.useFurther([broken]);
    assert.match(String((await world.next('failed')).error), /no/);
    assert.deepEqual(await stateOf(world), { heldCount: 0, lackingCount: 12 });
    assert.equal(world.indexer.progress.state, 'idle');
  }));
