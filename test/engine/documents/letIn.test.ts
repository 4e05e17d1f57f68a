/** Files that ignore rules leave out and an option lets in, asked of the walk and of `why`, which must agree. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { explainPath } from '../../../src/engine/documents/explain';
import { walkFolder, type WalkOptions } from '../../../src/engine/documents/walk';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

leavesNothing();
const outer = temporaryFolder(after);

const files = {
  '.git/HEAD': '',
  '.gitignore': 'vendor/\n*.log\nnested/skip.c\n',
  '.nearmissignore': 'drafts/\n',
  'main.c': 'int main;',
  'run.log': 'text',
  'vendor/ours/a.c': 'int a;',
  'vendor/ours/deep/b.c': 'int b;',
  'vendor/theirs/c.c': 'int c;',
  'vendor/d.c': 'int d;',
  'drafts/e.md': '# e',
  'nested/skip.c': 'int skip;',
  'node_modules/x/f.c': 'int f;',
};

/** The files found by the walk, each of which `why` must call indexed, and no other. */
async function checkFound(options: WalkOptions, expected: readonly string[]): Promise<void> {
  const root = fs.mkdtempSync(path.join(outer, 'let-in-'));
  writeFiles(root, files);
  const found: string[] = [];
  await walkFolder(root, options, (file) => void found.push(file.path));
  const shown = found.filter((file) => !file.startsWith('.'));
  assert.deepEqual(shown.sort(), [...expected].sort());
  for (const file of Object.keys(files).filter((name) => !name.startsWith('.'))) {
    const { indexed, sentence } = await explainPath(root, file, options);
    assert.equal(indexed, expected.includes(file), `${file}: ${sentence}`);
  }
}

test('leaves out what the rules say where nothing is let in', () => checkFound({}, ['main.c']));

test('lets a folder in below one that is ignored, and nothing beside it', () =>
  checkFound({ letIn: ['vendor/ours'] }, ['main.c', 'vendor/ours/a.c', 'vendor/ours/deep/b.c']));

test('lets single files and globs in, against every kind of rule', () =>
  checkFound({ letIn: ['./run.log', 'drafts/*.md', 'nested/skip.c', 'node_modules/x'] }, [
    'main.c',
    'run.log',
    'drafts/e.md',
    'nested/skip.c',
    'node_modules/x/f.c',
  ]));

test('looks into no ignored folder for a glob that may match anywhere', () =>
  checkFound({ letIn: ['**/*.c'] }, ['main.c', 'nested/skip.c']));

test('never lets in what version control keeps', () =>
  checkFound({ letIn: ['.git/**'] }, ['main.c']));

test("heeds an exclude glob in what is let in, and git's rules only where they are wanted", async () => {
  await checkFound({ letIn: ['vendor/ours'], exclude: ['deep'] }, ['main.c', 'vendor/ours/a.c']);
  await checkFound({ usesGitRules: false }, [
    'main.c',
    'run.log',
    'vendor/ours/a.c',
    'vendor/ours/deep/b.c',
    'vendor/theirs/c.c',
    'vendor/d.c',
    'nested/skip.c',
  ]);
});
