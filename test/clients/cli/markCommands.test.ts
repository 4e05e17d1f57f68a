/** `mark` and `marks` as other programs call them. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { makeWorld } from '../../badDays/world';
import { checkDone, checkSentence, runCli } from '../../support/product';

const world = makeWorld(after);
before(async () => {
  await world.install();
  checkDone(await world.run(['index', '--wait']));
});

type Json = Record<string, unknown>;

async function json(...args: string[]): Promise<Json> {
  const result = await world.run([...args, '--json']);
  checkDone(result);
  assert.match(result.stdout, /^[^\n]+\n$/, 'not one line');
  return JSON.parse(result.stdout) as Json;
}

const query = 'refresh a token';

test('marks a hit, lists it, and takes it back', async () => {
  const before = await world.find(query);
  const [path1, path2] = before;
  const set = await json('mark', query, 'src/session.ts:2-6', '--not-relevant');
  const { id, time, symbol, ...rest } = set;
  assert.deepEqual(rest, {
    query,
    path: 'src/session.ts',
    start: 1,
    end: 6,
    verdict: 'notRelevant',
    checkpoint: rest.checkpoint,
    state: 'active',
  });
  assert.match(String(id), /^[0-9a-f]{20}$/);
  assert.ok(!Number.isNaN(Date.parse(String(time))));
  assert.match(String(symbol), /^Session/);
  assert.deepEqual([path1, path2].length, 2);
  assert.equal((await world.find(query)).at(-1), 'src/session.ts');
  assert.equal((await world.find('Refresh  a TOKEN')).at(-1), 'src/session.ts');
  assert.deepEqual((await json('marks')).marks, [set]);
  const text = await world.run(['marks', 'list']);
  assert.match(
    text.stdout,
    /^\w+ {2}[\d-]+ {2}src\/session\.ts:1-6 not relevant for "refresh a token"\n$/,
  );
  const explained = await world.run(['search', query, '--explain']);
  assert.match(explained.stdout, /your marks: you marked it not relevant for “refresh a token” on/);
  const undone = await world.run(['marks', 'undo', String(id).slice(0, 6)]);
  assert.match(undone.stdout, /^Taken back: src\/session\.ts:1-6 not relevant/);
  assert.deepEqual(await world.find(query), before);
  checkDone(await world.run(['marks', 'undo', String(id)]));
  assert.match((await world.run(['marks'])).stdout, /^No marks\n$/);
});

test('shares marks by the repository after a yes, and forgets those of others after a no', async () => {
  const { id } = await json('mark', query, 'README.md:1', '--relevant');
  const file = path.join(world.code, '.nearmiss/marks.jsonl');
  checkSentence(await world.run(['marks', 'share']), 2, /can then be read by all who have/);
  const taking = /Marks of others then move hits here: no marks/;
  checkSentence(await world.run(['marks', 'take']), 2, taking);
  assert.equal(fs.existsSync(file), false);
  const shared = await world.run(['marks', 'share', '--as', 'Ada', '--yes']);
  checkDone(shared);
  assert.match(shared.stdout, /^Your marks are shared as Ada\n/);
  assert.deepEqual(Object.keys(JSON.parse(fs.readFileSync(file, 'utf8')) as Json).slice(0, 4), [
    ...['v', 'id', 'author', 'query'],
  ]);
  // Another user's data folder beside the same code.
  const data = world.newData();
  const cli = path.join(world.root, 'dist/cli.js');
  const asBob = async (...args: string[]): Promise<Json> => {
    const result = await runCli([...args, '--json', '--data', data], { cwd: world.code, cli });
    checkDone(result);
    return JSON.parse(result.stdout) as Json;
  };
  await asBob('index', '--wait');
  const taken = await asBob('marks', 'take', '--yes');
  assert.deepEqual([taken.added, taken.takenCount], [1, 1]);
  const [mark] = (await asBob('marks')).marks as Json[];
  assert.deepEqual([mark!.id, mark!.author], [id, 'Ada']);
  await asBob('marks', 'take', '--stop');
  assert.deepEqual((await asBob('marks')).marks, []);
  // The file followed a moment after the answer: who committed at once published the query once more.
  const other = await json('mark', query, 'src/parse.py:1', '--relevant');
  checkDone(await world.run(['marks', 'undo', String(other.id)]));
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  assert.ok(lines.includes(JSON.stringify({ v: 1, undo: other.id })), lines.join('\n'));
  assert.ok(!lines.some((line) => line.includes('src/parse.py')));
  const left = await world.run(['marks', 'share', '--withdraw']);
  assert.match(left.stdout, /^Your marks are not shared\n/);
  const undone = [String(id), String(other.id)].sort().map((one) => `{"v":1,"undo":"${one}"}\n`);
  assert.equal(fs.readFileSync(file, 'utf8'), undone.join(''));
  // What is shared is not searched.
  assert.match((await world.run(['why', '.nearmiss/marks.jsonl'])).stdout, /are never indexed\)/);
  await json('marks', 'undo', String(id));
});

test('shares marks as a file and takes them in once', async () => {
  const file = path.join(world.folder, 'marks.jsonl');
  const { id } = await json('mark', query, 'README.md:1', '--relevant');
  assert.deepEqual(await json('marks', 'export', file), { count: 1 });
  const line = JSON.parse(fs.readFileSync(file, 'utf8')) as Json;
  assert.deepEqual(Object.keys(line), [
    ...['v', 'id', 'query', 'path', 'start', 'end', 'symbol', 'hash', 'verdict', 'time'],
    'checkpoint',
  ]);
  assert.deepEqual([line.id, line.start], [id, 1]);
  await json('marks', 'undo', String(id));
  fs.appendFileSync(file, 'no mark\n');
  const first = await world.run(['marks', 'import', file]);
  checkDone(first);
  assert.equal(first.stdout, '1 mark added\n');
  assert.equal(first.stderr, 'Line 2 is left out: it is not JSON\n');
  assert.equal((await json('marks', 'import', file)).added, 0);
  const wrong = path.join(world.folder, 'wrong.txt');
  fs.writeFileSync(wrong, 'no mark\n'.repeat(40));
  const { stderr } = await world.run(['marks', 'import', wrong]);
  assert.match(
    stderr,
    /^(Line \d is left out: it is not JSON\n){5}and 35 lines more; is .*wrong\.txt a file/,
  );
  assert.equal((await world.find(query))[0], 'README.md');
  await json('marks', 'undo');
});

test('says in a sentence what it cannot mark', async () => {
  checkSentence(await world.run(['mark', query, 'README.md:1']), 2, /--relevant or --not-relevant/);
  const both = ['--relevant', '--not-relevant'];
  checkSentence(await world.run(['mark', query, 'README.md:1', ...both]), 2, /one of the two/);
  const wrong = '--not-relevant';
  checkSentence(await world.run(['mark', query, 'README.md', wrong]), 2, /does not name lines/);
  checkSentence(
    await world.run(['mark', query, 'gone.ts:1', wrong]),
    2,
    /gone\.ts is not in the index/,
  );
  checkSentence(await world.run(['mark', query, 'README.md:99', wrong]), 2, /no indexed text/);
  checkSentence(await world.run(['mark', query, '../x.ts:1', wrong]), 2, /outside/);
  checkSentence(await world.run(['mark', '  ', 'README.md:1', wrong]), 2, /query with words/);
  const away = path.join(world.folder, 'away');
  fs.mkdirSync(away);
  checkSentence(
    await world.run(['mark', query, 'a.ts:1', wrong, '--folder', away]),
    2,
    /not indexed/,
  );
  checkSentence(
    await world.run(['marks', 'import', 'gone.jsonl']),
    2,
    /There is no file .*gone\.jsonl\. Check the path/,
  );
  const noFolder = path.join(away, 'no/marks.jsonl');
  checkSentence(
    await world.run(['marks', 'export', noFolder]),
    2,
    /There is no folder .*no\. Check/,
  );
});

test('keeps marks when the index is cleared, and forgets them when asked to', async () => {
  const secret = 'xylophone token';
  await json('mark', secret, 'src/session.ts:1-6', '--relevant');
  checkDone(await world.run(['clear']));
  const kept = (await json('marks')).marks as Json[];
  assert.deepEqual([kept.length, kept[0]?.state], [1, 'stale']);
  checkDone(await world.run(['index', '--wait']));
  assert.equal(((await json('marks')).marks as Json[])[0]?.state, 'active');
  checkSentence(
    await world.run(['clear', '--marks']),
    2,
    /for good all marks there and what was learned from them\. Agree with --yes$/m,
  );
  assert.equal(((await json('marks')).marks as Json[])[0]?.state, 'active');
  const { freedBytes } = await json('clear', '--marks', '--yes');
  assert.ok(Number(freedBytes) > 0);
  assert.deepEqual((await json('marks')).marks, []);
  for (const name of fs.readdirSync(world.data, { recursive: true }).map(String)) {
    const at = path.join(world.data, name);
    if (fs.statSync(at).isFile())
      assert.ok(!fs.readFileSync(at).includes('xylophone'), `the query is still in ${name}`);
  }
});
