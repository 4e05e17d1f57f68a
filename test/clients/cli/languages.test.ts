/** Text that the active model cannot read: said with the way out, and read by a model that knows it. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { makeWorld } from '../../badDays/world';
import { checkDone } from '../../support/product';
import { writeFiles } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const world = makeWorld(after);

before(async () => {
  await world.install();
  writeFiles(world.code, { 'docs/ja.md': '# 東京駅\n\n日本語検索文字\n' });
});

/** A toy whose words are characters of Japanese. */
function writeMultilingual(): string {
  const folder = writeToyCheckpoint(path.join(world.folder, 'many-tongues'), { seed: 4 });
  const file = path.join(folder, 'tokenizer.json');
  const tokenizer = JSON.parse(fs.readFileSync(file, 'utf8')) as {
    model: { vocab: Record<string, number> };
  };
  const words = ['the', 'of', 'to', 'in', 'function', 'return', 'const', 'class', 'file', 'read'];
  const characters = [...'日本語検索東京駅文字'];
  const renamed = new Map(words.map((word, index) => [word, characters[index]!]));
  tokenizer.model.vocab = Object.fromEntries(
    Object.entries(tokenizer.model.vocab).map(([word, id]) => [renamed.get(word) ?? word, id]),
  );
  fs.writeFileSync(file, JSON.stringify(tokenizer));
  return folder;
}

test('says that the model does not know the characters, and the way to one that does', async () => {
  checkDone(await world.run(['index', '--wait']));
  const result = await world.run(['search', '日本語検索', '--json']);
  checkDone(result);
  assert.match(result.stderr, /does not know these characters/);
  assert.match(result.stderr, /`nearmiss models catalog` lists some/);
  assert.equal(result.stderr.trim().split('\n').length, 1, 'said once');
  assert.deepEqual((JSON.parse(result.stdout) as { tiers: string[] }).tiers, ['words']);
});

test('searches them by meaning once a model that knows them embeds', async () => {
  checkDone(await world.run(['models', 'add', writeMultilingual()]));
  checkDone(await world.run(['models', 'use', 'many-tongues']));
  checkDone(await world.run(['index', '--wait']));
  const result = await world.run(['search', '日本語検索', '--json']);
  checkDone(result);
  assert.equal(result.stderr, '');
  const { tiers, hits } = JSON.parse(result.stdout) as {
    tiers: string[];
    hits: { path: string }[];
  };
  assert.ok(tiers.includes('contextual'), tiers.join());
  assert.equal(hits[0]?.path, 'docs/ja.md');
});
