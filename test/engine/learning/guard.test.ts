/** Queries out of a folder's own history. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { commitGuard, parseLog } from '../../../src/engine/learning/guard';
import { openFolderReader, openFolderWriter } from '../../../src/engine/store/store';
import { indexPaths, putTexts } from '../../support/folderIndex';
import { temporaryFolder } from '../../support/temporaryFolder';

test('reads subjects and the lines that commits changed', () => {
  const log = [
    '\0Retry failed uploads once more',
    '',
    'diff --git a/a.ts b/a.ts',
    '--- a/a.ts',
    '+++ b/a.ts',
    '@@ -1,2 +3,2 @@ function a() {',
    '-old',
    '@@ -9 +11 @@',
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

const root = temporaryFolder(after);

test('asks by the newest commit of a file for the chunks it changed; nothing without history', async () => {
  const { index } = indexPaths(root);
  const writer = openFolderWriter(index);
  putTexts(writer, 'a.ts', ['first line', 'second line', 'third line']);
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
  const commit = (text: string, subject: string): void => {
    fs.writeFileSync(path.join(code, 'a.ts'), text);
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
  snapshot.dispose();
  reader.dispose();
});
