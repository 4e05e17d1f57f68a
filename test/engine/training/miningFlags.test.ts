/** The miner's flags as a person writes them: what a file may hold, and what it becomes. */
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import { type MiningFlags, readMiningFlags } from '../../../src/engine/training/miningFlags';
import { MINING_DEFAULTS } from '../../../src/engine/training/negatives';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

const folder = temporaryFolder(after);

function read(flags: object): Promise<MiningFlags> {
  writeFiles(folder, { 'mine.json': JSON.stringify(flags) });
  return readMiningFlags(path.join(folder, 'mine.json'));
}

test('are the defaults where nothing is said', async () => {
  const plain = { settings: MINING_DEFAULTS, weights: {} };
  assert.deepEqual(await readMiningFlags(undefined), plain);
  assert.deepEqual(await read({}), plain);
});

test('change every setting by its name; what JSON cannot hold is null, or 1', async () => {
  const settings = {
    ...{ depth: 20, voting: 'fused', condition: 'plain', mustConfuse: true, ranks: [1, 10] },
    ...{ negativeCount: 3, randomCount: 0, perFile: 1 },
  } as const;
  const open = { ceiling: null, teacherMargin: null, duplicateCosine: 1 };
  assert.deepEqual(await read({ ...settings, ...open, weights: { words: 2 } }), {
    settings: {
      ...settings,
      ...{ ceiling: Infinity, teacherMargin: -Infinity, duplicateCosine: Infinity },
    },
    weights: { words: 2 },
  });
  const given = { ceiling: 0.9, teacherMargin: 1.5, duplicateCosine: 0.97 };
  const made = (await read(given)).settings;
  assert.deepEqual(made, { ...MINING_DEFAULTS, ...given });
  const names = Object.keys({ ...settings, ...given });
  assert.deepEqual(names.sort(), Object.keys(MINING_DEFAULTS).sort());
});

test('name the flag that is wrong, and those there are', async () => {
  const refused = async (flags: object, sentence: RegExp): Promise<void> => {
    await assert.rejects(
      read(flags),
      (error) =>
        error instanceof NearmissError &&
        error.code === 'usage' &&
        sentence.test(`${error.message}. ${error.advice}`),
    );
  };
  await refused({ vote: 'soft' }, /"vote"\. The flags there are depth, voting, weights, /);
  await refused({ voting: 'loud' }, /is wrong at voting: /);
  await refused({ ranks: [5, 2] }, /is wrong at ranks: the first comes before the last/);
});
