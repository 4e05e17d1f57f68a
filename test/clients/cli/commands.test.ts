/** The commands as other programs call them: shapes on stdout, everything else on stderr. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { EngineClient } from '../../../src/clients/engineClient';
import type { SearchResult } from '../../../src/protocol/types';
import { makeWorld } from '../../badDays/world';
import { checkDone, checkSentence, runCli, stopEngine } from '../../support/product';
import { writeFiles } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const world = makeWorld(after);
before(() => world.install());

function json(text: string): Record<string, unknown> {
  assert.match(text, /^[^\n]+\n$/, 'not one line');
  return JSON.parse(text) as Record<string, unknown>;
}

test('indexes a folder never seen before it searches, and says so on stderr alone', async () => {
  const first = await world.run(['search', 'refresh', 'token', '--json']);
  checkDone(first);
  assert.match(first.stderr, /^Indexing .*code first/);
  // A very crowded machine has not read every file when the first answer is due.
  const isWhole = first.stdout.includes('src/session.ts');
  const result = isWhole
    ? first
    : await world.run(['search', 'refresh', 'token', '--json', '--wait']);
  checkDone(result);
  const { query, tiers, tookMs, noGoodMatch, hits } = json(result.stdout);
  assert.equal(query, 'refresh token');
  assert.deepEqual((tiers as string[])[0], 'words');
  assert.equal(typeof (tookMs as { total: number }).total, 'number');
  assert.equal(typeof noGoodMatch, 'boolean');
  // On a crowded machine the answer comes before all is embedded: the toy's order is then any.
  const ranked = hits as Record<string, unknown>[];
  const hit = ranked.find(({ path: at }) => at === 'src/session.ts');
  assert.ok(hit, result.stdout);
  const { score, snippet, start, end, ...rest } = hit;
  assert.deepEqual(rest, {
    rank: ranked.indexOf(hit) + 1,
    path: 'src/session.ts',
    symbol: rest.symbol,
    kind: 'definition',
    language: 'typescript',
  });
  assert.equal(typeof score, 'number');
  assert.match(snippet as string, /refreshToken/);
  assert.ok(1 <= (start as number) && (start as number) <= (end as number) && (end as number) <= 6);
});

test('is silent on stderr when the index is there', async () => {
  const { stdout, stderr } = await world.run(['search', 'header', '--json', '--explain']);
  assert.equal(stderr, '');
  const [hit] = json(stdout).hits as { path: string; explain: { name: string }[] }[];
  assert.equal(hit?.path, 'src/parse.py');
  assert.equal(hit?.explain[0]?.name, 'words');
});

test('answers a batch in order, a line a query, scores never rising', async () => {
  const file = path.join(world.folder, 'queries.jsonl');
  fs.writeFileSync(file, '{"_id":"a","text":"header"}\n{"qid":2,"text":"Session"}\n');
  const result = await world.run(['search', '--queries', file, '--limit', '2']);
  checkDone(result);
  const rows = result.stdout
    .trim()
    .split('\n')
    .map(
      (line) => JSON.parse(line) as { qid: unknown; results: { path: string; score: number }[] },
    );
  assert.deepEqual(
    rows.map(({ qid }) => qid),
    ['a', 2],
  );
  assert.deepEqual(
    rows.map(({ results }) => results[0]?.path),
    ['src/parse.py', 'src/session.ts'],
  );
  for (const { results } of rows) {
    assert.ok(results.length <= 2);
    assert.deepEqual(Object.keys(results[0]!), ['path', 'start', 'end', 'score']);
    results.forEach(({ score }, at) => assert.ok(at === 0 || score <= results[at - 1]!.score));
  }
  assert.equal(
    (await world.run(['search', '--queries', file, '--limit', '2'])).stdout,
    result.stdout,
  );
});

test('filters by path, language and kind', async () => {
  for (const [option, value, expected] of [
    ['--path', '*.py', ['src/parse.py']],
    ['--lang', 'python', ['src/parse.py']],
    ['--kind', 'prose', ['README.md']],
  ] as const)
    assert.deepEqual(await world.find('a', option, value), expected);
  checkSentence(await world.run(['search', 'a', '--kind', 'poem']), 2, /no kind "poem"/);
  const none = await world.run(['search', 'a', '--lang', 'klingon']);
  checkDone(none);
  assert.equal(none.stdout, 'Nothing found\n');
  assert.match(none.stderr, /^Nothing fits --path, --lang and --kind together; /m);
});

test('finds what is like some lines, named as results name them or as the shell does', async () => {
  const place = ['--folder', world.code];
  const byResult = await world.run(['similar', 'src/session.ts:2-6', '--json', ...place]);
  const byShell = await runCli(
    ['similar', 'session.ts:2-6', '--json', '--data', world.data, ...place],
    { cwd: path.join(world.code, 'src'), cli: path.join(world.root, 'dist/cli.js') },
  );
  checkDone(byResult);
  const pathsOf = (text: string): string[] =>
    (json(text).hits as { path: string }[]).map((hit) => hit.path);
  assert.deepEqual(pathsOf(byShell.stdout), pathsOf(byResult.stdout));
  assert.ok(!pathsOf(byResult.stdout).includes('src/session.ts'));
});

test('says what was indexed, what was skipped and why a file is not there', async () => {
  writeFiles(world.code, { '.env': 'A=1\n', 'b.bin': Buffer.from([0, 1, 2, 0]) });
  const result = await world.run(['index', '--json', '--wait']);
  checkDone(result);
  const { files, isComplete, embedded, chunks, skipped } = json(result.stdout);
  assert.deepEqual([files, isComplete, embedded], [3, true, chunks]);
  const reasons = Object.fromEntries(
    (skipped as { path: string; reason: string }[]).map((one) => [one.path, one.reason]),
  );
  assert.deepEqual([reasons['.env'], reasons['b.bin']], ['secret', 'binary']);
  const why = await world.run(['why', '.env', '--json']);
  assert.equal(json(why.stdout).isIndexed, false);
});

test('takes include and exclude globs and keeps them', async () => {
  const folder = path.join(world.folder, 'globs');
  writeFiles(folder, { 'a.ts': 'export const a = 1;\n', 'b.py': 'b = 1\n', 'c.py': 'c = 1\n' });
  const args = ['index', folder, '--json'];
  const filesOf = async (...more: string[]): Promise<unknown> =>
    json((await world.run([...args, ...more])).stdout).files;
  assert.equal(await filesOf('--include', '*.py', '--exclude', 'c.py'), 1);
  assert.equal(await filesOf(), 1);
  assert.equal(await filesOf('--include', '*'), 2);
  assert.equal(await filesOf('--exclude', 'nothing'), 3);
});

test('asks before it indexes a home folder or very many files, and takes --yes for an answer', async () => {
  const data = world.newData();
  const cli = path.join(world.root, 'dist/cli.js');
  const run = (args: readonly string[], home: string): ReturnType<typeof runCli> =>
    runCli([...args, '--data', data], { cli, env: { HOME: home, USERPROFILE: home } });
  fs.mkdirSync(data);
  fs.writeFileSync(path.join(data, 'settings.json'), '{"largeFolderFileCount": 2}');
  const many = await run(['index', world.code], world.folder);
  checkSentence(many, 2, /more than 2 files\. .*--yes/);
  checkDone(await run(['index', world.code, '--yes'], world.folder));
  checkDone(await run(['index', world.code], world.folder));
  await stopEngine(data);
  const home = path.join(world.folder, 'home');
  writeFiles(home, { 'a.ts': 'export const a = 1;\n' });
  checkSentence(await run(['search', 'a', '--folder', home], home), 2, /is your home folder/);
});

test('pauses, says so, and goes on', async () => {
  const stateOf = async (command: string): Promise<unknown> => {
    const { folders } = json((await world.run([command, '--json'])).stdout);
    return (folders as { folder: string; state: string }[]).find(
      ({ folder }) => folder === world.code,
    )?.state;
  };
  assert.equal(await stateOf('pause'), 'paused');
  writeFiles(world.code, { 'later.ts': 'export const marmalade = 1;\n' });
  assert.deepEqual(await world.find('marmalade', '--path', 'later.ts'), []);
  assert.notEqual(await stateOf('resume'), 'paused');
  checkDone(await world.run(['index', '--wait']));
  assert.deepEqual(await world.find('marmalade', '--path', 'later.ts'), ['later.ts']);
});

test('ends quietly when its reader has seen enough', async () => {
  const cli = path.join(world.root, 'dist/cli.js');
  const args = [cli, 'search', 'a', '--data', world.data, '--folder', world.code];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  const status = await new Promise((resolve) => child.once('close', resolve));
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});

test('delivers fused hits first, then one re-ranked update', async () => {
  const engineFile = path.join(world.root, 'dist/engine.js');
  const client = new EngineClient({ dataFolder: world.data, engineFile, client: 'test' });
  try {
    const first: SearchResult[] = [];
    client.on('firstHits', ({ ticket, result }) => {
      assert.equal(ticket, 7);
      first.push(result);
    });
    const common = { folder: world.code, query: 'parse a header', limit: 5, rerank: true };
    // Models are loaded by then: an interactive search takes what is there.
    await client.call('search', common);
    const result = await client.call('search', { ...common, budgetMs: 400, ticket: 7 });
    assert.deepEqual(
      first.map(({ isReranked }) => isReranked),
      [false],
    );
    assert.equal(result.isReranked, true);
    assert.deepEqual(
      first[0]?.hits.map(({ path: name }) => name).sort(),
      result.hits.map(({ path: name }) => name).sort(),
    );
  } finally {
    client.dispose();
  }
});

test('embeds with another checkpoint once it is chosen, and with the bundled one again', async () => {
  const folder = writeToyCheckpoint(path.join(world.folder, 'another'), {
    kind: 'bi-encoder',
    seed: 9,
  });
  const encoder = async (): Promise<string> =>
    (json((await world.run(['status', '--json'])).stdout).encoder as { name: string }).name;
  const before = await encoder();
  checkDone(await world.run(['models', 'add', folder]));
  checkSentence(await world.run(['models', 'use', 'nosuch']), 2, /no model nosuch/);
  checkDone(await world.run(['models', 'use', 'another']));
  assert.notEqual(await encoder(), before);
  checkDone(await world.run(['index', '--wait']));
  const result = await world.run(['search', 'header', '--json']);
  assert.deepEqual(json(result.stdout).tiers, ['words', 'contextual']);
  checkDone(await world.run(['models', 'use', 'bi-encoder']));
  assert.equal(await encoder(), before);
  const list = await world.run(['models']);
  assert.match(list.stdout, /^bi-encoder .*bundled, in use$/m);
  assert.match(list.stdout, /^another .*added$/m);
});
