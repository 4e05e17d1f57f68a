/** An index that a newer version wrote: it is refused in a sentence, and marks stay as they are. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/engine/store/database';
import { checkDone, stopEngine } from '../support/product';
import { makeWorld } from './world';

const world = makeWorld(after);
before(() => world.install());

function fileOf(kind: string, name: string): string {
  const folder = path.join(world.data, kind);
  return path.join(folder, fs.readdirSync(folder)[0]!, name);
}

test('a downgrade refuses the index with what to do, and touches no mark', async () => {
  checkDone(await world.run(['index', '--wait']));
  checkDone(await world.run(['mark', 'header', 'src/parse.py:1-4', '--relevant']));
  await stopEngine(world.data);
  const database = openDatabase(fileOf('folders', 'index.db'));
  database.exec('PRAGMA user_version = 99');
  database.dispose();
  const journal = fs.readFileSync(fileOf('marks', 'journal.jsonl'));

  const refused = await world.run(['search', 'header', '--json']);
  assert.equal(refused.status, 3);
  assert.equal(refused.stdout, '');
  assert.match(refused.stderr, /newer version/);
  assert.doesNotMatch(refused.stderr, /\n\s+at /, 'a stack trace');
  assert.deepEqual(fs.readFileSync(fileOf('marks', 'journal.jsonl')), journal);

  // What the sentence advises: the index can be made anew, marks cannot.
  checkDone(await world.run(['clear']));
  const listed = await world.run(['marks', '--json']);
  assert.match(listed.stdout, /src\/parse\.py/);
  checkDone(await world.run(['index', '--wait']));
  assert.equal((await world.find('header'))[0], 'src/parse.py');
  assert.deepEqual(fs.readFileSync(fileOf('marks', 'journal.jsonl')), journal);
});
