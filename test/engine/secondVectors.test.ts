/** Second sets of vectors are in memory as long as somebody needs them: a version, or a search that began with one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../../src/engine/encoderPlan';
import { OwnEncoder } from '../../src/engine/ownEncoder';
import { SecondVectors } from '../../src/engine/secondVectors';
import type { FurtherState } from '../../src/engine/store/types';
import { toyEmbedder } from '../support/toyIndexing';

const FOLDER = 'folder';
const encoder = (name: string) => ({
  checkpointFolder: `/versions/${name}`,
  fingerprint: name.padEnd(64, '0'),
});

function open(): {
  readonly vectors: SecondVectors;
  /** Spaces that readers were told, and checkpoints that the indexing process was. */
  readonly told: { readonly spaces: string[]; readonly checkpoints: string[] }[];
  readonly states: Map<string, FurtherState>;
} {
  const told: { spaces: string[]; checkpoints: string[] }[] = [];
  const states = new Map<string, FurtherState>();
  const choice = { arithmetic: 'fp32', provider: 'cpu' };
  const vectors = new SecondVectors({
    plan: { whenMade: async () => ({ choice }) as unknown as Plan },
    readers: {
      async useFurther(_id, spaces) {
        told.push({ spaces: [...spaces], checkpoints: [] });
      },
      furtherState: (_id, space) => states.get(space),
      onTaken: () => ({ dispose() {} }),
    },
    indexer: {
      useFurther(_id, choices) {
        told.at(-1)!.checkpoints.push(...choices.map(({ checkpointFolder }) => checkpointFolder));
      },
    },
  });
  return { vectors, told, states };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const SPACE_A = `learned-${'a'.padEnd(16, '0')}-fp32`;
const SPACE_B = `learned-${'b'.padEnd(16, '0')}-fp32`;

test('a set is wanted until the last who holds it lets go', async () => {
  const { vectors, told } = open();
  const first = await vectors.hold(FOLDER, encoder('a'));
  const again = await vectors.hold(FOLDER, encoder('a'));
  const other = await vectors.hold(FOLDER, encoder('b'));
  assert.deepEqual(told.at(-1), {
    spaces: [SPACE_A, SPACE_B],
    checkpoints: ['/versions/a', '/versions/b'],
  });
  first.dispose();
  first.dispose();
  await settled();
  assert.deepEqual(told.at(-1)?.spaces, [SPACE_A, SPACE_B]);
  again.dispose();
  await settled();
  assert.deepEqual(told.at(-1), { spaces: [SPACE_B], checkpoints: ['/versions/b'] });
  other.dispose();
  await settled();
  assert.deepEqual(told.at(-1), { spaces: [], checkpoints: [] });
});

test('a search keeps encoder and vectors of a version that gives way, to its end', async () => {
  const { vectors, told, states } = open();
  let isDisposed = false;
  const own = new OwnEncoder(encoder('a'), {
    openEncoder: async () => ({ ...toyEmbedder(), dispose: () => void (isDisposed = true) }),
    hold: (one) => vectors.hold(FOLDER, one),
  });
  await own.opened;
  // Nothing is known of its vectors, then some lack.
  assert.equal(own.isUsable, false);
  states.set(SPACE_A, { heldCount: 2, lackingCount: 1 });
  assert.equal(own.isUsable, false);
  states.set(SPACE_A, { heldCount: 3, lackingCount: 0 });
  assert.equal(own.isUsable, true);
  // What is edited lacks for a moment, as in the base.
  states.set(SPACE_A, { heldCount: 3, lackingCount: 1 });
  assert.equal(own.isUsable, true);
  const lease = own.acquire();
  own.retire();
  await settled();
  assert.deepEqual([isDisposed, told.at(-1)?.spaces], [false, [SPACE_A]]);
  lease?.dispose();
  await settled();
  assert.deepEqual([isDisposed, told.at(-1)?.spaces], [true, []]);
});

test('an encoder that does not open leaves nothing held', async () => {
  const { vectors, told } = open();
  const own = new OwnEncoder(encoder('a'), {
    openEncoder: () => Promise.reject(new Error('no such operator')),
    hold: (one) => vectors.hold(FOLDER, one),
  });
  await assert.rejects(own.opened, /no such operator/);
  assert.equal(own.isUsable, false);
  assert.deepEqual(told, []);
});
