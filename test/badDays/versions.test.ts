/** An index that another version wrote: a newer one is refused in a sentence, an older one is cut anew; marks stay. */
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

test('an upgrade cuts anew what an older version cut otherwise, and keeps the marks', async () => {
  checkDone(await world.run(['index', '--wait']));
  const journal = fs.readFileSync(fileOf('marks', 'journal.jsonl'));
  await stopEngine(world.data);
  const look = (sql: string): unknown => {
    const database = openDatabase(fileOf('folders', 'index.db'));
    try {
      return database.prepare<[string | number]>(sql).get()?.[0];
    } finally {
      database.dispose();
    }
  };
  const splitter = "SELECT value FROM meta WHERE key = 'user.splitter'";
  const now = look(splitter);
  const lastChunk = Number(look('SELECT max(id) FROM chunk'));
  look("UPDATE meta SET value = 'older' WHERE key = 'user.splitter' RETURNING value");
  // Its chunks hold something else, which must not be found any more.
  look("UPDATE chunkText SET text = 'cut otherwise' RETURNING chunkId");

  checkDone(await world.run(['index', '--wait']));
  assert.equal((await world.find('header'))[0], 'src/parse.py');
  assert.deepEqual(fs.readFileSync(fileOf('marks', 'journal.jsonl')), journal);
  await stopEngine(world.data);
  assert.equal(look(splitter), now);
  assert.ok(Number(look('SELECT min(id) FROM chunk')) > lastChunk);
  assert.equal(look("SELECT count(*) FROM chunkText WHERE text = 'cut otherwise'"), 0);
});
