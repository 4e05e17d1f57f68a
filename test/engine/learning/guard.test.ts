/** Queries out of a folder's own history. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { placeOf } from '../../../src/engine/feedback/mark';
import { keepPastQuery, readPastQueries } from '../../../src/engine/feedback/pastQueries';
import { commitGuard, parseLog, partGuard, pastGuard } from '../../../src/engine/learning/guard';
import { openFolderReader, openFolderWriter } from '../../../src/engine/store/store';
import { indexPaths, putTexts } from '../../support/folderIndex';
import { temporaryFolder } from '../../support/temporaryFolder';

// Lines of a file that was removed counted as lines of the file before it, and a line of code as the name of a file.
test('reads subjects and the lines that commits changed', () => {
  const log = [
    '\0Retry failed uploads once more',
    '',
    'diff --git a/a.ts b/a.ts',
    '--- a/a.ts',
    '+++ b/a.ts',
    '@@ -1,2 +3,2 @@ function a() {',
    '-old',
    '-older',
    '+++ b/looks.like.a.header',
    '+new',
    '@@ -9 +11 @@',
    '-old',
    '+new',
    'diff --git a/gone.ts b/gone.ts',
    '--- a/gone.ts',
    '+++ /dev/null',
    '@@ -1 +0,0 @@',
    '-gone',
    '\0Remove a file',
    'diff --git a/b.ts b/b.ts',
    '--- a/b.ts',
    '+++ /dev/null',
    '@@ -1,2 +0,0 @@',
  ].join('\n');
  assert.deepEqual(parseLog(log), [
    {
      subject: 'Retry failed uploads once more',
      files: [
        {
          path: 'a.ts',
          hunks: [
            { start: 2, end: 4 },
            { start: 10, end: 11 },
          ],
        },
      ],
    },
    { subject: 'Remove a file', files: [] },
  ]);
});

test('learns from no query about a chunk that is measured', () => {
  const made = [1, 2, 3, 2, 4, 1, 3].map((id, at) => ({
    ...{ query: `q${at}`, kind: 'name' as const, chunkIds: [id], path: 'a.ts', symbol: '' },
  }));
  const { guard, filler } = partGuard(made, 2);
  assert.deepEqual(
    [guard, filler].map((queries) => queries.map(({ query }) => query)),
    [
      ['q0', 'q1'],
      ['q2', 'q4', 'q6'],
    ],
  );
});

const root = temporaryFolder(after);

test('guards what was asked and found before, newest first, but nothing that was marked or is gone', async () => {
  const own = path.join(root, 'own');
  const { index } = indexPaths(path.join(root, 'past'));
  fs.mkdirSync(path.dirname(index), { recursive: true });
  const writer = openFolderWriter(index);
  putTexts(writer, 'a.ts', ['first line', 'second line', 'third line']);
  writer.dispose();
  const reader = openFolderReader(index);
  const snapshot = reader.snapshot();
  const keep = (query: string, line: number): Promise<void> => {
    const [chunk] = snapshot.chunksAt('a.ts', line, line + 1);
    return keepPastQuery(own, { query, place: placeOf(chunk!, 'a.ts') });
  };
  assert.deepEqual(await readPastQueries(own), []);
  await keep('one', 0);
  await keep('two', 1);
  await keep(' ONE ', 2);
  await keep('marked', 0);
  await keep(`key ${'ghp_'}${'a1B2c3D4e5'.repeat(4)}`, 0);
  const gone = { path: 'gone.ts', start: 1, end: 1, hash: 'x', symbol: '' };
  await keepPastQuery(own, { query: 'gone', place: gone });
  const past = await readPastQueries(own);
  assert.deepEqual(
    past.map(({ query }) => query),
    ['two', 'ONE', 'marked', 'gone'],
  );
  const guard = pastGuard(snapshot, past, [{ asked: 'Marked' }], 5);
  const lineOf = (id: number): number => snapshot.chunks([id])[0]!.span.start;
  assert.deepEqual(
    guard.map(({ query, kind, chunkIds }) => [query, kind, chunkIds.map(lineOf)]),
    [
      ['ONE', 'past', [2]],
      ['two', 'past', [1]],
    ],
  );
  assert.equal(pastGuard(snapshot, past, [], 1).length, 1);
  fs.writeFileSync(path.join(own, 'queries.json'), '{"v":9');
  assert.deepEqual(await readPastQueries(own), []);
  for (let at = 0; at < 302; at++) await keep(`number ${at}`, 0);
  const kept = await readPastQueries(own);
  assert.deepEqual([kept.length, kept[0]?.query], [300, 'number 2']);
  snapshot.dispose();
  reader.dispose();
});

test('asks by the newest commit of a file for the chunks it changed; nothing without history', async () => {
  const { index } = indexPaths(root);
  const writer = openFolderWriter(index);
  putTexts(writer, 'a.ts', ['first line', 'second line', 'third line']);
  putTexts(writer, 'größe.ts', ['only line']);
  writer.dispose();
  const reader = openFolderReader(index);
  const snapshot = reader.snapshot();
  const code = path.join(root, 'code');
  fs.mkdirSync(code);
  assert.deepEqual(await commitGuard(code, snapshot, 5), []);
  const git = (...args: string[]): void => {
    const who = ['-c', 'user.name=T', '-c', 'user.email=t@example.org'];
    execFileSync('git', [...who, ...args], { cwd: code, stdio: 'ignore' });
  };
  const commit = (text: string, subject: string, name = 'a.ts'): void => {
    fs.writeFileSync(path.join(code, name), text);
    git('add', '.');
    git('commit', '-m', subject);
  };
  git('init', '-q');
  commit('first line\nold line\nthird line\n', 'Begin with three lines of text');
  commit('first line\nsecond line\nthird line\n', 'Say what the second line means');
  const [second] = snapshot.chunksAt('a.ts', 1, 2);
  assert.deepEqual(
    (await commitGuard(code, snapshot, 5)).map(({ query, chunkIds }) => ({ query, chunkIds })),
    [{ query: 'Say what the second line means', chunkIds: [second!.id] }],
  );
  // Such a name was written in octal numbers, and a setting of the user took the prefix away.
  git('config', 'diff.noprefix', 'true');
  commit('only line\n', 'Tell how large a thing is', 'größe.ts');
  const [only] = snapshot.chunksAt('größe.ts', 0, 1);
  assert.deepEqual(
    (await commitGuard(code, snapshot, 5)).map(({ query, chunkIds }) => ({ query, chunkIds })),
    [
      { query: 'Tell how large a thing is', chunkIds: [only!.id] },
      { query: 'Say what the second line means', chunkIds: [second!.id] },
    ],
  );
  snapshot.dispose();
  reader.dispose();
});
