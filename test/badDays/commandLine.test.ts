import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { checkDone, checkSentence } from '../support/product';
import { writeFiles } from '../support/temporaryFolder';
import { makeWorld, pathsOf } from './world';

const world = makeWorld(after);
before(async () => {
  await world.install();
  checkDone(await world.run(['index', '--wait']));
});

test('names an unknown flag', async () => {
  checkSentence(await world.run(['search', 'x', '--no-such-flag']), 2, /--no-such-flag/);
});

test('names an unknown command', async () => {
  checkSentence(await world.run(['serch', 'x']), 2, /serch'\. Did you mean search\?$/m);
  checkSentence(await world.run(['marks', 'exprt', 'x']), 2, /no command "marks exprt"\. /);
});

test('refuses a limit that is no number', async () => {
  checkSentence(await world.run(['search', 'x', '--limit', 'many']), 2, /limit/);
});

test('names a folder that is not there', async () => {
  checkSentence(await world.run(['index', 'no-such-folder']), 2, /no-such-folder/);
  checkSentence(await world.run(['search', 'x', '--folder', 'gone']), 2, /gone/);
});

test('names a file that was given for a folder', async () => {
  checkSentence(await world.run(['index', 'README.md']), 2, /README\.md/);
});

test('refuses a path outside the folder', async () => {
  checkSentence(await world.run(['why', '../elsewhere.ts']), 2, /elsewhere\.ts/);
  checkSentence(await world.run(['similar', '../elsewhere.ts:1']), 2, /elsewhere\.ts/);
  checkSentence(await world.run(['why', '.']), 2, /\. is the indexed folder itself\. Name a file/);
});

test('names lines that a file does not have', async () => {
  checkSentence(await world.run(['similar', 'src/session.ts']), 2, /src\/session\.ts/);
  checkSentence(await world.run(['similar', 'src/session.ts:900-901']), 2, /src\/session\.ts/);
});

test('names a query file that is missing, and the line that is no query', async () => {
  checkSentence(await world.run(['search', '--queries', 'gone.jsonl']), 2, /gone\.jsonl/);
  writeFiles(world.folder, { 'bad.jsonl': '{"_id":"1","text":"token"}\n{"_id": broken\n' });
  const result = await world.run(['search', '--queries', path.join(world.folder, 'bad.jsonl')]);
  checkSentence(result, 2, /Line 2 of .*bad\.jsonl/);
});

test('indexes an empty folder and finds nothing in it', async () => {
  const empty = path.join(world.folder, 'empty');
  fs.mkdirSync(empty);
  checkDone(await world.run(['index', empty, '--wait']));
  const result = await world.run(['search', 'anything', '--folder', empty, '--json']);
  checkDone(result);
  assert.deepEqual(pathsOf(result), []);
});

test('indexes a folder of binaries only, finds nothing and says why', async () => {
  const folder = path.join(world.folder, 'binaries');
  writeFiles(folder, {
    'a.png': Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 0]),
    'lib/b.so': Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0]),
  });
  const indexed = await world.run(['index', folder, '--wait', '--json']);
  checkDone(indexed);
  const { files, skipped } = JSON.parse(indexed.stdout) as {
    files: number;
    skipped: { path: string; reason: string }[];
  };
  assert.equal(files, 0);
  assert.deepEqual(
    skipped.map((item) => `${item.path} ${item.reason}`),
    ['a.png binary', 'lib/b.so binary'],
  );
  assert.deepEqual(pathsOf(await world.run(['search', 'x', '--folder', folder, '--json'])), []);
});

test('asks for a query where there is none, and finds nothing for an empty one', async () => {
  checkSentence(await world.run(['search']), 2, /query/);
  for (const query of ['', '   ']) assert.deepEqual(await world.find(query), []);
});

test('answers ten thousand words', async () => {
  const words = Array.from({ length: 10_000 }, (_, index) => `word${index % 977}`);
  words[5000] = 'refreshToken';
  const result = await world.run(['search', words.join(' '), '--json']);
  checkDone(result);
  assert.ok(pathsOf(result).includes('src/session.ts'));
});

for (const query of [
  '!!! ??? ...',
  '()',
  '"',
  '""',
  '"unclosed phrase',
  '-',
  '--',
  '*',
  "'; DROP TABLE chunk; --",
  'SELECT * FROM chunks WHERE 1=1',
  'content MATCH "x" NEAR(a b, 3)',
  'AND OR NOT NEAR',
  'content:token',
  '{content path}: token',
  'token*',
  '^token',
  'token + refresh',
  'path:[',
  'path:**(',
  'lang:nonsense',
  'kind:',
  '\u0000token\u0001',
  '\ud800',
  '🦀'.repeat(300),
]) {
  test(`takes ${JSON.stringify(query).slice(0, 40)} as words, not as syntax of the store`, async () => {
    const file = path.join(world.folder, 'one.jsonl');
    fs.writeFileSync(file, `${JSON.stringify({ qid: 'q', text: query })}\n`);
    const result = await world.run(['search', '--queries', file, '--no-rerank']);
    checkDone(result);
    const { qid, results } = JSON.parse(result.stdout) as { qid: string; results: unknown[] };
    assert.equal(qid, 'q');
    assert.ok(Array.isArray(results));
    assert.deepEqual(await world.find('refreshToken', '--limit', '1'), ['src/session.ts']);
  });
}

test('answers the rest of a batch in order when a line is empty of words', async () => {
  const file = path.join(world.folder, 'batch.jsonl');
  const texts = ['refreshToken', '', '???', 'parse_header'];
  fs.writeFileSync(
    file,
    texts.map((text, index) => JSON.stringify({ _id: `q${index}`, text })).join('\n'),
  );
  const result = await world.run(['search', '--queries', file, '--limit', '1']);
  checkDone(result);
  const lines = result.stdout.trim().split('\n');
  const rows = lines.map(
    (line) => JSON.parse(line) as { qid: string; results: { path: string }[] },
  );
  assert.deepEqual(
    rows.map((row) => row.qid),
    ['q0', 'q1', 'q2', 'q3'],
  );
  assert.equal(rows[0]?.results[0]?.path, 'src/session.ts');
  assert.equal(rows[3]?.results[0]?.path, 'src/parse.py');
});
