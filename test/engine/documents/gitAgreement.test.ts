import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { type Random, seededRandom } from '../../../src/base/random';
import { type Verdict, entryRules, judgeEntry } from '../../../src/engine/documents/entry';
import { openFolder } from '../../../src/engine/documents/folder';
import type { FolderRules } from '../../../src/engine/documents/ignore';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

leavesNothing();
const folder = temporaryFolder(after);
const hasGit = spawnSync('git', ['--version']).status === 0;

test('agrees with git about every path and the deciding line on 150 random trees', (context) => {
  if (!hasGit) return context.skip('git is not installed');
  for (let seed = 0; seed < 150; seed++) checkTree(seed);
});

function checkTree(seed: number): void {
  const random = seededRandom(seed);
  const tree = path.join(folder, String(seed));
  const files = randomTree(random);
  writeFiles(tree, files);
  // Every third tree is indexed from a subfolder: what lies above must count all the same.
  const root = seed % 3 === 0 ? path.join(tree, 'a') : tree;
  const ours = ignoredBelow(root);
  const git = ignoredByGit(
    tree,
    [...ours.keys()].map((name) => path.relative(tree, path.join(root, name))),
  );
  if (root !== tree && isIgnoredByGit(tree, 'a')) return;
  const context = `tree ${seed}: ${JSON.stringify(files, undefined, 1)}`;
  assert.deepEqual([...ours.values()], git, context);
}

/** Each path below `root` with the rule that leaves it out as "line pattern", or "" */
function ignoredBelow(root: string): Map<string, string> {
  const rules = entryRules({ maxFileBytes: 1000 });
  const found = new Map<string, string>();
  const visit = (folder: string, outer: FolderRules | undefined, inherited: string): void => {
    const opened = openFolder(root, folder, outer);
    assert.ok('entries' in opened);
    for (const entry of opened.entries.filter(({ name }) => name !== '.git')) {
      const relative = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const own = inherited || shown(judgeEntry(rules, opened.rules, relative, entry));
      found.set(relative, own);
      if (entry.kind === 'folder') visit(relative, opened.rules, own);
    }
  };
  visit('', undefined, '');
  return found;
}

function shown(verdict: Verdict | undefined): string {
  return verdict?.reason === 'ignored' ? (/line .*$/s.exec(verdict.detail ?? '')?.[0] ?? '?') : '';
}

const environment = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };

/** The same from `git check-ignore`, in the order asked. */
function ignoredByGit(tree: string, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const { stdout, stderr, status } = spawnSync(
    'git',
    ['check-ignore', '--no-index', '--verbose', '--non-matching', '-z', '--stdin'],
    { cwd: tree, input: paths.join('\0'), encoding: 'utf8', env: environment },
  );
  assert.ok(status === 0 || status === 1, stderr);
  const fields = stdout.split('\0').slice(0, -1);
  return paths.map((_, i) => {
    const [, line, pattern] = fields.slice(4 * i);
    return line === '' || pattern!.startsWith('!') ? '' : `line ${line}: ${pattern}`;
  });
}

function isIgnoredByGit(tree: string, name: string): boolean {
  return ignoredByGit(tree, [name])[0] !== '';
}

const NAMES = ['a', 'b', 'ab', 'abc', 'a.txt', 'B.txt', 'x y', '#h', '!n', '[x]', 'é', '.d', 'a-b'];

function randomTree(random: Random): Record<string, string> {
  const files: Record<string, string> = {
    '.git/HEAD': 'ref: refs/heads/main\n',
    '.git/objects/keep': '',
    '.git/refs/keep': '',
    'a/a/a': '',
  };
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const depthOf = (): number => 1 + Math.floor(random() * 4);
  const folders = new Set(['', 'a', 'a/a']);
  for (let i = 0; i < 14; i++) {
    const segments = Array.from({ length: depthOf() }, () => pick(NAMES));
    const prefixes = segments.map((_, at) => segments.slice(0, at + 1).join('/'));
    const clashes =
      prefixes.slice(0, -1).some((prefix) => prefix in files) || folders.has(prefixes.at(-1)!);
    if (clashes) continue;
    for (const prefix of prefixes.slice(0, -1)) folders.add(prefix);
    files[prefixes.at(-1)!] = '';
  }
  for (const name of ['.git/info/exclude', '.gitignore', ...folders]) {
    if (name.startsWith('.git')) files[name] = randomRules(random);
    else if (random() < 0.4)
      files[name === '' ? '.gitignore' : `${name}/.gitignore`] = randomRules(random);
  }
  return files;
}

function randomRules(random: Random): string {
  const lines = Array.from({ length: 1 + Math.floor(random() * 5) }, () => randomPattern(random));
  return lines.join(random() < 0.2 ? '\r\n' : '\n') + (random() < 0.5 ? '\n' : '');
}

function randomPattern(random: Random): string {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  if (random() < 0.08) return pick(['', '# a', '!', '/', '   ', '\\', '**', '/**', '**/', '*']);
  const words = [
    ...NAMES,
    'a',
    'a',
    'b',
    '*',
    '*',
    '*.txt',
    'a*',
    '*b',
    '?',
    'a?',
    '[ab]',
    '[!a]',
    '[a-',
    'x\\ y',
    '\\#h',
    '\\!n',
    '\\[x\\]',
    '[[:lower:]]*',
    '**',
    '**',
    'B*',
  ];
  const segments = Array.from({ length: 1 + Math.floor(random() * random() * 4) }, () =>
    pick(words),
  );
  const head = pick(['', '', '', '!', '!']) + pick(['', '', '', '/', '**/']);
  return head + segments.join('/') + pick(['', '', '', '/', '/**', '/*', ' ', '\\ ']);
}
