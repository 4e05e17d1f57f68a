/** A stopped run is gone on with only where it is the same run: what it has trained would not fit another. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { beginRun, identityOf } from '../../../src/engine/learning/runIdentity';
import { DEFAULT_WEIGHTS } from '../../../src/engine/search/weights';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
const PARTS = [1, { biEncoder: 'b' }, ['marks']];
let count = 0;

/** A folder in which a run of this identity has trained something. */
async function stoppedRun(identity: string): Promise<string> {
  const folder = path.join(root, `${count++}`, 'run');
  await beginRun(folder, identity, true);
  fs.writeFileSync(path.join(folder, 'trained'), '');
  return folder;
}

async function isKept(folder: string, identity: string, resume = true): Promise<boolean> {
  await beginRun(folder, identity, resume);
  return fs.existsSync(path.join(folder, 'trained'));
}

test('an equal run is gone on with, unless nobody wants that', async () => {
  const folder = await stoppedRun(identityOf(PARTS));
  assert.equal(await isKept(folder, identityOf(PARTS)), true);
  assert.equal(await isKept(folder, identityOf(PARTS)), true);
  assert.equal(await isKept(folder, identityOf(PARTS), false), false);
});

test('a run from other marks is thrown away', async () => {
  const folder = await stoppedRun(identityOf(PARTS));
  assert.equal(await isKept(folder, identityOf([...PARTS, 'another'])), false);
});

// A run that an older version had begun was gone on with, and its fusion part failed on a weight it did not know.
test('a run that began from other weights is thrown away, however equal its marks', async () => {
  const { rerank, ...fewer } = DEFAULT_WEIGHTS;
  const others = [fewer, { ...fewer, rerank: rerank + 0.1 }, { ...DEFAULT_WEIGHTS, further: 1 }];
  for (const weights of others) {
    const folder = await stoppedRun(identityOf(PARTS, weights));
    assert.equal(await isKept(folder, identityOf(PARTS)), false);
  }
  assert.equal(await isKept(await stoppedRun(identityOf(PARTS)), identityOf(PARTS)), true);
});

test('a run whose word for itself is damaged is thrown away', async () => {
  const folder = await stoppedRun(identityOf(PARTS));
  fs.writeFileSync(path.join(folder, 'run.json'), identityOf(PARTS).slice(0, 20));
  assert.equal(await isKept(folder, identityOf(PARTS)), false);
});
