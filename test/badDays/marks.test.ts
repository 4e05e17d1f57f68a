/** Marks where things go wrong: two clients at once, damaged and newer journals, files that become secret. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { systemCode } from '../../src/base/errors';
import { EngineClient } from '../../src/clients/engineClient';
import type { MarkParams, SearchParams } from '../../src/protocol/methods';
import type { SearchHit } from '../../src/protocol/types';
import { flipBit } from '../support/faults';
import { killEngine, stopEngine } from '../support/product';
import { writeFiles } from '../support/temporaryFolder';
import { makeWorld } from './world';

const world = makeWorld(after);
const clients: EngineClient[] = [];
after(() => clients.forEach((client) => client.dispose()));
let client: EngineClient;

before(async () => {
  await world.install();
  writeFiles(
    world.code,
    Object.fromEntries(
      Array.from({ length: 14 }, (_, index) => [
        `notes/note${index}.md`,
        `# Note ${index}\n\nThe upload is retried ${index} times.\n`,
      ]),
    ),
  );
  client = connect();
  await client.call('index', { folder: world.code, waitFor: 'all' });
});

function connect(): EngineClient {
  const engineFile = path.join(world.root, 'dist/engine.js');
  const made = new EngineClient({ dataFolder: world.data, engineFile, client: 'test' });
  clients.push(made);
  return made;
}

const query = 'upload retried';

async function ask(asked = query, more: Partial<SearchParams> = {}): Promise<readonly SearchHit[]> {
  const params = { folder: world.code, query: asked, limit: 50, rerank: true, ...more };
  return (await client.call('search', params)).hits;
}

function markOn(
  { path: file, start, end }: Pick<SearchHit, 'path' | 'start' | 'end'>,
  more: Partial<MarkParams> = {},
): MarkParams {
  const verdict = 'notRelevant';
  return { folder: world.code, query, path: file, start, end, verdict, ...more };
}

async function marks(): Promise<readonly string[]> {
  const { marks: all } = await client.call('listMarks', { folder: world.code });
  return all.map(({ id }) => id);
}

/** The one journal there is. */
function journal(): string {
  const folders = path.join(world.data, 'marks');
  return path.join(folders, fs.readdirSync(folders)[0]!, 'journal.jsonl');
}

/** Files of the data folder that hold the text. A database that is closed meanwhile takes its side files along. */
function filesWith(text: string): string[] {
  return fs
    .readdirSync(world.data, { recursive: true })
    .map(String)
    .filter((name) => {
      const file = path.join(world.data, name);
      try {
        return fs.statSync(file).isFile() && fs.readFileSync(file).includes(text);
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return false;
        throw error;
      }
    });
}

/** Ends the engine, by whichever way, and waits until the client knows. */
async function end(how: (dataFolder: string) => Promise<void>): Promise<void> {
  const lost = new Promise<void>((resolve) => {
    const listener = client.onLost(() => {
      listener.dispose();
      resolve();
    });
  });
  await client.call('status', {});
  await how(world.data);
  await lost;
}

async function becomesTrue(condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await condition())) {
    assert.ok(performance.now() < end, 'it does not come true');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('sinks a marked hit, tells every client, and has the order exactly back', async () => {
  const told: string[] = [];
  const other = connect();
  await other.call('status', {});
  other.on('marksChanged', ({ folder }) => told.push(folder));
  const before = await ask();
  const [first] = before;
  const mark = await client.call('addMark', markOn(first!, { rank: 1 }));
  const after = await ask();
  assert.equal(after.findIndex((hit) => hit.path === first!.path) >= 10, true);
  assert.deepEqual(after.find((hit) => hit.path === first!.path)?.mark, {
    id: mark.id,
    verdict: 'notRelevant',
    similarity: 1,
  });
  assert.deepEqual(await ask('note times'), await ask('note times'));
  await client.call('undoMark', { folder: world.code, id: mark.id });
  assert.deepEqual(await ask(), before);
  await becomesTrue(() => told.length === 2);
  assert.deepEqual(new Set(told), new Set([world.code]));
});

test('undoes once when two clients undo the same mark at once', async () => {
  const [first] = await ask();
  const { id } = await client.call('addMark', markOn(first!));
  const both = [client, connect()];
  const undone = await Promise.all(
    both.map((each) => each.call('undoMark', { folder: world.code, id })),
  );
  assert.deepEqual(
    undone.flatMap((mark) => mark?.id ?? []),
    [id],
  );
  assert.equal(await client.call('undoMark', { folder: world.code, id }), null);
});

test('takes fifty quick marks and undoes from two clients', async () => {
  const hits = await ask();
  const before = hits.map(({ path: file }) => file);
  const both = [client, connect()];
  const set = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      both[index % 2]!.call('addMark', markOn(hits[index % hits.length]!, { query: `q${index}` })),
    ),
  );
  assert.equal((await marks()).length, 50);
  await Promise.all(
    set.map(({ id }, index) => both[(index + 1) % 2]!.call('undoMark', { folder: world.code, id })),
  );
  assert.deepEqual(await marks(), []);
  assert.deepEqual(
    (await ask()).map(({ path: file }) => file),
    before,
  );
});

test('has a mark after a crash that follows its answer at once', async () => {
  const [first] = await ask();
  const { id } = await client.call('addMark', markOn(first!));
  await end(killEngine);
  assert.deepEqual(await marks(), [id]);
  await client.call('undoMark', { folder: world.code });
});

test('keeps the rest of a damaged journal and says so wherever one looks', async () => {
  const hits = await ask();
  for (const hit of hits.slice(0, 3)) await client.call('addMark', markOn(hit));
  await end(stopEngine);
  flipBit(journal(), fs.readFileSync(journal(), 'utf8').lastIndexOf('"query"') + 3);
  const { marks: left, problems } = await client.call('listMarks', { folder: world.code });
  assert.equal(left.length, 2);
  assert.match(problems.join(), /journal of marks is damaged: lines? \d+/);
  assert.match((await client.call('status', {})).problems.join(), /journal of marks is damaged/);
  const sunk = (await ask()).filter((hit) => hit.mark).map((hit) => hit.path);
  assert.equal(sunk.length, 2);
  const doctor = await world.run(['doctor']);
  assert.match(doctor.stdout, /^warn {2}marks .*damaged.*--fix/m);
  const fixed = await world.run(['doctor', '--fix']);
  assert.match(fixed.stdout, /^ok {4}marks .*removed/m);
  assert.deepEqual((await client.call('listMarks', { folder: world.code })).problems, []);
  assert.equal((await marks()).length, 2);
});

test('refuses a newer journal in a sentence, leaves it as it is, and searches without it', async () => {
  await end(stopEngine);
  const file = journal();
  const old = fs.readFileSync(file);
  fs.appendFileSync(file, '{"v":9,"x":1}\n');
  const newer = fs.readFileSync(file);
  const [first] = await ask();
  assert.equal(first!.mark, undefined);
  await assert.rejects(client.call('addMark', markOn(first!)), {
    code: 'version',
    message: /written by a newer Nearmiss/,
  });
  await assert.rejects(client.call('undoMark', { folder: world.code }), { code: 'version' });
  assert.match((await client.call('status', {})).problems.join(), /newer Nearmiss/);
  assert.match((await world.run(['doctor'])).stdout, /^fail {2}marks .*newer Nearmiss/m);
  assert.match((await world.run(['doctor', '--fix'])).stdout, /^fail {2}marks .*newer Nearmiss/m);
  assert.deepEqual(fs.readFileSync(file), newer);
  await end(stopEngine);
  fs.writeFileSync(file, old);
  assert.equal((await marks()).length, 2);
});

test('follows a mark through a rename and an edit, and keeps it when the code is gone', async () => {
  await client.call('index', { folder: world.code, waitFor: 'all' });
  const [id] = await marks();
  const stateOf = async (): Promise<string> => {
    await client.call('index', { folder: world.code, waitFor: 'all', refresh: true });
    const { marks: all } = await client.call('listMarks', { folder: world.code });
    const mark = all.find((each) => each.id === id)!;
    return `${mark.path} ${mark.state}`;
  };
  const { marks: all } = await client.call('listMarks', { folder: world.code });
  const old = path.join(world.code, all[0]!.path);
  const renamed = path.join(world.code, 'moved/renamed.md');
  fs.mkdirSync(path.dirname(renamed));
  fs.renameSync(old, renamed);
  assert.equal(await stateOf(), 'moved/renamed.md active');
  // The new place is noted: an edit is followed from there.
  await becomesTrue(() => fs.readFileSync(journal(), 'utf8').includes('moved/renamed.md'));
  fs.appendFileSync(renamed, '\nAnd once more.\n');
  assert.equal(await stateOf(), 'moved/renamed.md active');
  fs.rmSync(renamed);
  assert.match(await stateOf(), / stale$/);
});

test('marks the code of a buffer that is not saved, and follows it when it is', async () => {
  const file = 'notes/note3.md';
  const saved = fs.readFileSync(path.join(world.code, file), 'utf8');
  const added = `# Zeppelins\n\n${'They are filled with helium and moored at a mast.\n'.repeat(12)}\n`;
  const overlays = [{ path: file, text: added + saved }];
  const { id, start } = await client.call('addMark', {
    ...markOn({ path: file, start: 15, end: 18 }, { query: 'where is it kept' }),
    overlays,
  });
  assert.equal(start, 15);
  const placeOf = async (): Promise<string> => {
    await client.call('index', { folder: world.code, waitFor: 'all', refresh: true });
    const { marks: all } = await client.call('listMarks', { folder: world.code });
    const { start: first, end, state } = all.find((mark) => mark.id === id)!;
    return `${first}-${end} ${state}`;
  };
  assert.equal(await placeOf(), '0-3 active');
  fs.writeFileSync(path.join(world.code, file), added + saved);
  assert.equal(await placeOf(), '15-18 active');
  fs.writeFileSync(path.join(world.code, file), saved);
  await client.call('undoMark', { folder: world.code, id });
});

test('keeps marks when the index is rebuilt', async () => {
  const before = await marks();
  const { isComplete } = await client.call('rebuild', { folder: world.code });
  assert.equal(isComplete, false);
  const { status } = await client.call('index', { folder: world.code, waitFor: 'all' });
  assert.equal(status.isComplete, true);
  assert.deepEqual(await marks(), before);
});

test('forgets the marks of a file that becomes ignored, text and all', async () => {
  const secret = 'where is the zeppelin kept';
  writeFiles(world.code, { 'hangar/place.md': '# Hangar\n\nThe airship is here.\n' });
  await client.call('index', { folder: world.code, waitFor: 'all', refresh: true });
  const place = { path: 'hangar/place.md', start: 0, end: 3 };
  const { id } = await client.call('addMark', markOn(place, { query: secret }));
  assert.notEqual(filesWith('zeppelin').length, 0);
  writeFiles(world.code, { '.gitignore': 'hangar/\n' });
  await client.call('index', { folder: world.code, waitFor: 'all', refresh: true });
  await becomesTrue(async () => !(await marks()).includes(id));
  assert.deepEqual(filesWith('zeppelin'), []);
  // Nor does one come back with a file of marks.
  const file = path.join(world.folder, 'shared.jsonl');
  const { count } = await client.call('exportMarks', { folder: world.code, file });
  assert.ok(count > 0);
  const line = JSON.parse(fs.readFileSync(file, 'utf8').split('\n')[0]!) as object;
  const hidden = { ...line, id: 'hidden', path: 'hangar/place.md', query: secret };
  const escaped = { ...line, id: 'escaped', path: '../outside.ts' };
  fs.writeFileSync(file, `${JSON.stringify(hidden)}\n${JSON.stringify(escaped)}\n`);
  const imported = await client.call('importMarks', { folder: world.code, file });
  assert.equal(imported.added, 0);
  assert.deepEqual(imported.problems, [
    'A mark in hangar/place.md is left out: that file is not to be indexed',
    'A mark in ../outside.ts is left out: that is no path inside the folder',
  ]);
  assert.deepEqual(filesWith('zeppelin'), []);
  fs.rmSync(path.join(world.code, '.gitignore'));
});

test('marks places like a span, and only for that span', async () => {
  await client.call('index', { folder: world.code, waitFor: 'all', refresh: true });
  const span = { path: 'notes/note5.md', start: 0, end: 3 };
  const like = async (of = span): Promise<readonly SearchHit[]> =>
    (await client.call('similar', { folder: world.code, ...of, limit: 5 })).hits;
  const before = await like();
  const [, second] = before;
  const params = markOn(second!, { query: undefined, source: span, verdict: 'relevant' });
  const mark = await client.call('addMark', params);
  assert.deepEqual(mark.source, span);
  const after = await like();
  assert.equal(after[0]?.path, second!.path);
  assert.equal(after[0]?.mark?.id, mark.id);
  await client.call('undoMark', { folder: world.code, id: mark.id });
  assert.deepEqual(await like(), before);
  await assert.rejects(client.call('addMark', { ...params, query: 'both' }), { code: 'usage' });
});

test('forgets everything of a folder, so that no byte of a query is left', async () => {
  const [first] = await ask();
  await client.call('addMark', markOn(first!, { query: 'zanzibar' }));
  await client.call('undoMark', { folder: world.code });
  await client.call('addMark', markOn(first!, { query: 'zanzibar again' }));
  await ask('zanzibar again');
  assert.notEqual(filesWith('zanzibar').length, 0);
  const { freedBytes } = await client.call('forgetAll', { folder: world.code });
  assert.ok(freedBytes > 0);
  assert.deepEqual(filesWith('zanzibar'), []);
  assert.deepEqual(fs.readdirSync(path.join(world.data, 'marks')), []);
  assert.deepEqual(await marks(), []);
});
