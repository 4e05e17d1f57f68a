/** Sharing by a repository: two users, each with a data folder, and one folder between them. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { silentLogger } from '../../src/base/log';
import { idOfFolder } from '../../src/engine/dataFolder';
import { withId } from '../../src/engine/feedback/mark';
import { Marking } from '../../src/engine/marking';
import { Sharing } from '../../src/engine/sharing';
import { EMPTY_SNAPSHOT } from '../../src/engine/store/snapshot';
import { temporaryFolder, writeFiles } from '../support/temporaryFolder';

const root = temporaryFolder(after);
let count = 0;

interface User {
  readonly marking: Marking;
  readonly sharing: Sharing;
  /** Marks a hit for a query; returns the mark's id. */
  readonly mark: (query: string, file?: string) => Promise<string>;
  /** Queries of the marks that count, each with its author. */
  readonly queries: () => Promise<string[]>;
}

function workspace(): { readonly folder: string; readonly file: string } {
  const folder = path.join(root, `code${count++}`);
  writeFiles(folder, { 'a.ts': 'a', '.gitignore': 'hidden.ts\n', 'hidden.ts': 'h', '.env': 'A=1' });
  return { folder, file: path.join(folder, '.nearmiss/marks.jsonl') };
}

function user(folder: string): User {
  const dataFolder = path.join(root, `data${count++}`);
  fs.mkdirSync(dataFolder);
  const lend = () => ({ snapshot: EMPTY_SNAPSHOT, dispose() {} });
  const parts = { dataFolder, log: silentLogger, lend, rulesOf: () => ({}), checkpoint: () => '' };
  const marking = new Marking(parts);
  const sharing = new Sharing({ dataFolder, log: silentLogger, marking });
  return {
    marking,
    sharing,
    async mark(query, file = 'a.ts') {
      const mark = withId({
        ...{ query, path: file, start: 1, end: 1, symbol: '', hash: 'h', checkpoint: '' },
        ...{ verdict: 'relevant', time: '2026-11-25T11:00:00Z' },
      });
      const given = path.join(dataFolder, 'given.jsonl');
      fs.writeFileSync(given, JSON.stringify(mark));
      await marking.importFrom(folder, given);
      return mark.id;
    },
    async queries() {
      const kept = await marking.kept(folder);
      return kept.map(({ mark }) => `${mark.query} ${mark.author ?? 'own'}`).sort();
    },
  };
}

const trusted = { isTrusted: true };

test('shares and takes nothing until both were agreed to', async () => {
  const { folder, file } = workspace();
  const ada = user(folder);
  await ada.mark('one');
  const { isGiving, isTaking } = await ada.sharing.sync(folder, false);
  assert.deepEqual([isGiving, isTaking, fs.existsSync(file)], [false, false, false]);
});

test('marks of one count for the other, and go when they are taken back', async () => {
  const { folder, file } = workspace();
  const [ada, bob] = [user(folder), user(folder)];
  const one = await ada.mark('one');
  await ada.mark('two');
  await ada.sharing.set({ folder, gives: true, author: 'Ada', ...trusted });
  await bob.mark('three');
  const taken = await bob.sharing.set({ folder, takes: true, ...trusted });
  assert.deepEqual(taken.authors, [{ author: 'Ada', markCount: 2 }]);
  assert.deepEqual([taken.added, taken.takenCount, taken.isGiving], [2, 2, false]);
  assert.deepEqual(await bob.queries(), ['one Ada', 'three own', 'two Ada']);
  // He never gave: the file holds hers alone.
  assert.equal(fs.readFileSync(file, 'utf8').trim().split('\n').length, 2);

  await ada.marking.undo(folder, one);
  await ada.sharing.sync(folder, true);
  const text = fs.readFileSync(file, 'utf8');
  assert.ok(text.includes(`{"v":1,"undo":"${one}"}`) && !text.includes('"one"'), text);
  assert.equal((await bob.sharing.sync(folder, true)).removed, 1);
  assert.deepEqual(await bob.queries(), ['three own', 'two Ada']);

  await bob.sharing.set({ folder, takes: false, ...trusted });
  assert.deepEqual(await bob.queries(), ['three own']);
});

test('the last mark that is taken back is an own one; one of others does not come again', async () => {
  const { folder } = workspace();
  const [ada, bob] = [user(folder), user(folder)];
  const one = await ada.mark('one');
  await ada.sharing.set({ folder, gives: true, ...trusted });
  await bob.mark('two');
  await bob.sharing.set({ folder, takes: true, ...trusted });
  assert.equal((await bob.marking.undo(folder))?.query, 'two');
  assert.equal(await bob.marking.undo(folder), undefined);
  await bob.marking.undo(folder, one);
  await bob.sharing.refuse(folder, one);
  assert.equal((await bob.sharing.sync(folder, true)).added, 0);
});

test('an own verdict outdoes that of others on the same hit', async () => {
  const { folder } = workspace();
  const [ada, bob] = [user(folder), user(folder)];
  await ada.mark('One');
  await ada.sharing.set({ folder, gives: true, ...trusted });
  await bob.mark(' one');
  await bob.sharing.set({ folder, takes: true, ...trusted });
  assert.deepEqual(await bob.queries(), [' one own']);
});

test('marks of others are never passed on as own ones, nor exported', async () => {
  const { folder, file } = workspace();
  const [ada, bob] = [user(folder), user(folder)];
  await ada.mark('one');
  await ada.sharing.set({ folder, gives: true, author: 'Ada', ...trusted });
  const before = fs.readFileSync(file, 'utf8');
  await bob.sharing.set({ folder, gives: true, takes: true, author: 'Bob', ...trusted });
  assert.equal(fs.readFileSync(file, 'utf8'), before);
  assert.equal(await bob.marking.exportTo(folder, path.join(root, 'export.jsonl')), 0);
});

test('an untrusted folder neither gives nor takes', async () => {
  const { folder, file } = workspace();
  const [ada, bob] = [user(folder), user(folder)];
  await ada.mark('one');
  const refused = { code: 'permission', message: /is not trusted/ };
  const no = { folder, isTrusted: false };
  await assert.rejects(ada.sharing.set({ ...no, gives: true }), refused);
  assert.equal(fs.existsSync(file), false);
  await ada.sharing.set({ folder, gives: true, ...trusted });
  await assert.rejects(bob.sharing.set({ ...no, takes: true }), refused);
  await bob.sharing.set({ folder, takes: true, ...trusted });
  await bob.mark('two');
  fs.rmSync(file);
  await assert.rejects(bob.sharing.sync(folder, false), refused);
  assert.deepEqual(await bob.queries(), [
    'one ' + (await ada.sharing.info(folder)).author,
    'two own',
  ]);
  // Ending it needs no trust.
  await bob.sharing.set({ ...no, takes: false });
  assert.deepEqual(await bob.queries(), ['two own']);
});

test('leaves out marks about files that may keep none', async () => {
  const { folder, file } = workspace();
  const bob = user(folder);
  const lines = ['../outside.ts', '/etc/passwd', 'hidden.ts', '.env', 'a.ts'].map((name) =>
    JSON.stringify(
      withId({
        ...{ query: name, path: name, start: 1, end: 1, symbol: '', hash: 'h', checkpoint: '' },
        ...{ verdict: 'relevant', time: '2026-11-25T11:00:00Z', author: 'Eve' },
      }),
    ),
  );
  writeFiles(folder, { '.nearmiss/marks.jsonl': `${lines.join('\n')}\n` });
  await bob.sharing.set({ folder, takes: true, ...trusted });
  assert.deepEqual(await bob.queries(), ['a.ts Eve']);
  assert.ok(fs.existsSync(file));
});

test('a file that cannot be read is said and left as it is; marks that came before stay', async () => {
  const { folder, file } = workspace();
  const [ada, bob] = [user(folder), user(folder)];
  await ada.mark('one');
  await ada.sharing.set({ folder, gives: true, author: 'Ada', ...trusted });
  await bob.sharing.set({ folder, takes: true, ...trusted });
  fs.truncateSync(file, 9 << 20);
  const { problems } = await bob.sharing.info(folder);
  assert.match(problems[0]!, /is left alone: it has 9437184 bytes/);
  await assert.rejects(bob.sharing.sync(folder, true), { code: 'permission' });
  await assert.rejects(ada.sharing.sync(folder, true), { code: 'permission' });
  assert.equal(fs.statSync(file).size, 9 << 20);
  assert.deepEqual(await bob.queries(), ['one Ada']);
});

test('withdrawing takes own marks out of the file, and forgetting forgets the consent', async () => {
  const { folder, file } = workspace();
  const [ada, bob] = [user(folder), user(folder)];
  await ada.mark('one');
  await bob.mark('two');
  await ada.sharing.set({ folder, gives: true, author: 'Ada', ...trusted });
  await bob.sharing.set({ folder, gives: true, author: 'Bob', ...trusted });
  await ada.sharing.set({ folder, gives: false, withdraws: true, ...trusted });
  const { authors } = await bob.sharing.info(folder);
  assert.deepEqual(authors, [{ author: 'Bob', markCount: 1 }]);
  assert.ok(!fs.readFileSync(file, 'utf8').includes('"one"'));
  const before = fs.readFileSync(file, 'utf8');
  await bob.sharing.between(() => bob.marking.forget(idOfFolder(folder)));
  assert.equal((await bob.sharing.sync(folder, true)).isGiving, false);
  assert.equal(fs.readFileSync(file, 'utf8'), before);
});

test('follows own marks as they are set and taken back', async () => {
  const { folder, file } = workspace();
  const ada = user(folder);
  await ada.sharing.set({ folder, gives: true, ...trusted });
  assert.equal(fs.existsSync(file), false);
  await ada.mark('one');
  ada.sharing.follow(folder);
  await ada.sharing.between(async () => {
    assert.ok(fs.readFileSync(file, 'utf8').includes('"one"'));
  });
});

test('marks that a damaged journal has lost are not taken back', async () => {
  const { folder, file } = workspace();
  const ada = user(folder);
  await ada.mark('one');
  await ada.sharing.set({ folder, gives: true, ...trusted });
  const before = fs.readFileSync(file, 'utf8');
  const [dataFolder] = fs.readdirSync(root).filter((name) => name === `data${count - 1}`);
  const journal = path.join(root, dataFolder!, 'marks', idOfFolder(folder), 'journal.jsonl');
  const lines = fs.readFileSync(journal, 'utf8').split('\n');
  fs.writeFileSync(journal, lines.map((line) => line.replace('"one"', '"eno"')).join('\n'));
  const again = new Marking({
    ...{ dataFolder: path.join(root, dataFolder!), log: silentLogger, checkpoint: () => '' },
    ...{ rulesOf: () => ({}), lend: () => ({ snapshot: EMPTY_SNAPSHOT, dispose() {} }) },
  });
  const sharing = new Sharing({
    ...{ dataFolder: path.join(root, dataFolder!), log: silentLogger, marking: again },
  });
  await sharing.sync(folder, true);
  assert.equal(fs.readFileSync(file, 'utf8'), before);
});
