import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import {
  gitSettings,
  readCoreSection,
  repositoryRoot,
} from '../../../src/engine/documents/gitFiles';
import { globMatcher } from '../../../src/engine/documents/globs';
import { rootRules, whyIgnored } from '../../../src/engine/documents/ignore';
import { RuleSet } from '../../../src/engine/documents/ruleSet';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

leavesNothing();
const outer = temporaryFolder(after);

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = fs.mkdtempSync(path.join(outer, 'ignore-'));
  writeFiles(folder, files);
  return folder;
}

function environment(home: string): Parameters<typeof gitSettings>[1] {
  return { home, xdgConfigHome: undefined, systemConfig: path.join(home, 'system') };
}

test('reads the core section as git does', () => {
  const text =
    '[user]\n excludesFile = no\n[Core] IgnoreCase\n\texcludesFile = "~/a \\"b\\".txt" ; mine\n[core "x"]\nexcludesfile=no\n';
  assert.deepEqual(
    [...readCoreSection(text)],
    [
      ['ignorecase', 'true'],
      ['excludesfile', '~/a "b".txt'],
    ],
  );
});

test('finds the ignore file of the user: repository, home, XDG, default', () => {
  const home = folderWith({ 'repo/.git/HEAD': '', 'repo/.git/config': '' });
  const repository = path.join(home, 'repo');
  const userIgnore = (): string =>
    path.relative(home, gitSettings(repository, environment(home)).userIgnore);
  assert.equal(userIgnore(), path.join('.config', 'git', 'ignore'));
  writeFiles(home, { '.config/git/config': '[core]\nexcludesFile=~/xdg\n' });
  assert.equal(userIgnore(), 'xdg');
  writeFiles(home, { '.gitconfig': '[core]\nexcludesFile=~/home\n' });
  assert.equal(userIgnore(), 'home');
  writeFiles(home, { 'repo/.git/config': '[core]\nexcludesFile=~/own\n' });
  assert.equal(userIgnore(), 'own');
});

test('applies the ignore file of the user last, also outside a repository', () => {
  const home = folderWith({
    '.config/git/ignore': '*.swp\n*.keep\n',
    'plain/.gitignore': '!a.keep\n',
  });
  const rules = rootRules(path.join(home, 'plain'), () => true, environment(home));
  const isLeftOut = (name: string): boolean => whyIgnored(rules, name, false) !== undefined;
  assert.deepEqual(['x.swp', 'a/x.swp', 'a.keep', 'b.keep', 'x'].map(isLeftOut), [
    true,
    true,
    false,
    true,
    false,
  ]);
});

test('takes info/exclude of a worktree from the repository it belongs to', () => {
  const top = folderWith({
    'repo/.git/HEAD': '',
    'repo/.git/info/exclude': 'x\n',
    'repo/.git/worktrees/w/commondir': '../..\n',
    'w/.git': '',
  });
  const worktree = path.join(top, 'w');
  writeFiles(worktree, { '.git': `gitdir: ${path.join(top, 'repo/.git/worktrees/w')}\n` });
  const { infoExclude } = gitSettings(worktree, environment(top));
  assert.equal(infoExclude, path.join(top, 'repo/.git/info/exclude'));
  assert.equal(repositoryRoot(worktree), worktree);
});

test('ignores case where the repository says so', () => {
  const root = folderWith({
    '.git/HEAD': '',
    '.git/config': '[core]\nignorecase = true\n',
    '.gitignore': 'Build\n',
  });
  const rules = rootRules(root, () => true, environment(outer));
  assert.notEqual(whyIgnored(rules, 'BUILD', true), undefined);
});

test('does not read an ignore file through a link, as git does not', (context) => {
  if (process.platform === 'win32') return context.skip('links need special rights on Windows');
  const root = folderWith({ rules: 'a\n' });
  fs.symlinkSync('rules', path.join(root, '.gitignore'));
  assert.equal(
    whyIgnored(
      rootRules(root, () => true, environment(outer)),
      'a',
      false,
    ),
    undefined,
  );
});

test('gives the deciding line, also after thousands of questions', () => {
  const set = new RuleSet('.gitignore', '\ufeff# head\n\n*.log\r\n!keep.log\nlogs/\n', false);
  for (let i = 0; i < 10_000; i++) {
    assert.equal(set.match(`folder${i}/x.log`)?.rule.line, 3);
  }
  assert.deepEqual(set.match('keep.log'), {
    rule: { file: '.gitignore', line: 4, pattern: '!keep.log' },
    isIgnored: false,
  });
  assert.equal(set.match('logs')?.rule.line, undefined);
  assert.equal(set.match('logs/')?.rule.line, 5);
  // The folder is asked by itself: a rule about it says nothing about what it holds.
  assert.equal(set.match('logs/a'), undefined);
});

test('understands globs with and without a folder', () => {
  const matches = (glob: string, ...paths: string[]): boolean[] => paths.map(globMatcher(glob));
  assert.deepEqual(matches('*.ts', 'a.ts', 'a/b/c.ts', 'a.tsx'), [true, true, false]);
  assert.deepEqual(matches('src', 'src/a.ts', 'x/src/b.ts', 'srcs/a.ts'), [true, true, false]);
  assert.deepEqual(matches('/src', 'src/a.ts', 'x/src/b.ts'), [true, false]);
  assert.deepEqual(matches('./src/', 'src/a.ts', 'x/src/b.ts'), [true, false]);
  assert.deepEqual(matches('src/**/*.{ts,js}', 'src/a.ts', 'src/x/y.js', 'src/a.md'), [
    true,
    true,
    false,
  ]);
  assert.deepEqual(matches('**', 'a', '.b/c'), [true, true]);
});
