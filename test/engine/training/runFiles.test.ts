import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, describe, test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import type { LoopState } from '../../../src/engine/training/loop';
import { RunFiles, type RunIdentity } from '../../../src/engine/training/runFiles';
import { temporaryFolder } from '../../support/temporaryFolder';

const mounted: string[] = [];
// First, for hooks run in the order they came and a mounted folder cannot be removed.
after(() => mounted.forEach((folder) => spawnSync('umount', ['-l', folder])));
const scratch = temporaryFolder(after);

const identity: RunIdentity = {
  part: 'query-head',
  base: 'b',
  dataHash: 'd',
  heldOutHash: '',
  recipe: { steps: 3 },
  seed: 1,
};

function stateOf(size: number, step = 7): LoopState {
  const numbers = (value: number): Map<string, Float32Array> =>
    new Map([['w', new Float32Array(size).fill(value)]]);
  return {
    ...{ step, baseMetric: 0.25, worseCount: 2, weights: numbers(1) },
    moments: { step, first: numbers(2), second: numbers(3) },
    kept: [{ step: 5, metric: 0.5, weights: numbers(4) }],
  };
}

describe('the files of a run', () => {
  test('give a saved state back as it was, to the same run alone', async () => {
    const out = path.join(scratch, 'kept');
    const files = new RunFiles(out, identity);
    assert.equal(await files.prepare(false), undefined);
    await files.saveState(stateOf(3));
    await files.saveState(stateOf(3, 8));
    assert.deepEqual(await new RunFiles(out, identity).prepare(true), stateOf(3, 8));
    await assert.rejects(new RunFiles(out, identity).prepare(false), /unfinished run of 8 steps/);
    const other = new RunFiles(out, { ...identity, seed: 2 });
    await assert.rejects(other.prepare(true), /other data, another recipe, base or seed/);
  });

  test('make a result appear whole or not at all', async () => {
    const out = path.join(scratch, 'whole');
    const files = new RunFiles(out, identity);
    await files.prepare(false);
    await files.saveState(stateOf(3));
    const write = (folder: string): Promise<void> =>
      fs.promises.writeFile(path.join(folder, 'a'), 'x');
    const refuse = (): Promise<void> => Promise.reject(new NearmissError('model', 'not right'));
    await assert.rejects(files.publish(write, refuse), /not right/);
    assert.deepEqual([fs.existsSync(out), (await files.prepare(true))?.step], [false, 7]);
    await files.publish(write, () => Promise.resolve());
    assert.deepEqual([fs.readdirSync(out), fs.existsSync(files.work)], [['a'], false]);
    await assert.rejects(new RunFiles(out, identity).prepare(false), /is not empty/);
  });

  test('say that the disk is full, keep the last state, and go on when there is room', async (t) => {
    const disk = path.join(scratch, 'disk');
    fs.mkdirSync(disk);
    const options = ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk];
    if (spawnSync('mount', options).status !== 0)
      return t.skip('no file system can be mounted here');
    mounted.push(disk);
    const files = new RunFiles(path.join(disk, 'out'), identity);
    await files.prepare(false);
    await files.saveState(stateOf(100));
    const isFull = (error: unknown): boolean =>
      error instanceof NearmissError && error.code === 'diskFull' && /--resume/.test(error.advice!);
    await assert.rejects(files.saveState(stateOf(50_000, 9)), isFull);
    assert.equal((await files.prepare(true))?.step, 7);
    const write = (folder: string): Promise<void> =>
      fs.promises.writeFile(path.join(folder, 'a'), Buffer.alloc(200_000));
    await assert.rejects(
      files.publish(write, () => Promise.resolve()),
      isFull,
    );
    assert.equal(fs.existsSync(path.join(disk, 'out')), false);
    spawnSync('mount', ['-o', 'remount,size=4m', disk]);
    await files.saveState(stateOf(50_000, 9));
    await files.publish(write, () => Promise.resolve());
    assert.equal(fs.statSync(path.join(disk, 'out/a')).size, 200_000);
    return undefined;
  });
});
