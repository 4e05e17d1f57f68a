/**
 * What git keeps outside the working tree and a walk must know: where a repository's own folder is, and which
 * ignore file the user has for all repositories. Configuration is read without running git; its `include`
 * sections are not followed.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

/** Ignore and configuration files above this size are not read: no person wrote them. */
const RULE_FILE_LIMIT_BYTES = 1024 * 1024;

/** Where settings of the user are looked up; tests give their own. */
export interface GitEnvironment {
  readonly home: string;
  readonly xdgConfigHome: string | undefined;
  readonly systemConfig: string;
}

/** The environment of this process. */
export function userGitEnvironment(): GitEnvironment {
  return {
    home: os.homedir(),
    xdgConfigHome: process.env['XDG_CONFIG_HOME'] || undefined,
    systemConfig: '/etc/gitconfig',
  };
}

/** What a repository says about ignoring beyond its .gitignore files. */
export interface GitSettings {
  /** Absolute path of `info/exclude`, whether or not it exists; undefined outside a repository. */
  readonly infoExclude: string | undefined;
  /** Absolute path of the user's ignore file, whether or not it exists. */
  readonly userIgnore: string;
  readonly ignoreCase: boolean;
}

/** The settings that hold in the repository whose working tree is `folder`, or outside any when undefined. */
export function gitSettings(folder: string | undefined, environment: GitEnvironment): GitSettings {
  const gitFolder = folder === undefined ? undefined : gitFolderOf(folder);
  const configHome = environment.xdgConfigHome ?? path.join(environment.home, '.config');
  const configs = [
    ...(gitFolder === undefined ? [] : [path.join(gitFolder, 'config')]),
    path.join(environment.home, '.gitconfig'),
    path.join(configHome, 'git', 'config'),
    environment.systemConfig,
  ].map((file) => readCoreSection(readRuleFile(file) ?? ''));
  const excludesFile = firstDefined(configs, 'excludesfile');
  const ignoreCase = firstDefined(configs, 'ignorecase');
  return {
    infoExclude: gitFolder === undefined ? undefined : path.join(gitFolder, 'info', 'exclude'),
    userIgnore:
      excludesFile === undefined
        ? path.join(configHome, 'git', 'ignore')
        : expandHome(excludesFile, folder ?? environment.home, environment.home),
    ignoreCase:
      ignoreCase === undefined
        ? process.platform === 'win32' || process.platform === 'darwin'
        : /^(?:true|yes|on|1|)$/i.test(ignoreCase),
  };
}

/** The nearest folder at or above `folder` that is the top of a working tree, or undefined. */
export function repositoryRoot(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    if (isWorkingTree(at)) return at;
    if (path.dirname(at) === at) return undefined;
  }
}

/** True when the folder has a `.git` that makes it a repository, a worktree or a submodule. */
export function isWorkingTree(folder: string): boolean {
  return gitFolderOf(folder) !== undefined;
}

/** The text of a regular file of sensible size, or undefined; links are not followed, as git does not. */
export function readRuleFile(file: string): string | undefined {
  try {
    const stat = fs.lstatSync(file);
    if (!stat.isFile() || stat.size > RULE_FILE_LIMIT_BYTES) return undefined;
    return fs.readFileSync(file, 'utf8');
  } catch {
    // Missing or unreadable: git goes on without the file, and so do we.
    return undefined;
  }
}

/** The folder with `config` and `info/exclude`: for a worktree that is the one it shares with its repository. */
function gitFolderOf(folder: string): string | undefined {
  const dotGit = path.join(folder, '.git');
  if (isFolder(dotGit)) return fs.existsSync(path.join(dotGit, 'HEAD')) ? dotGit : undefined;
  const target = /^gitdir: (.+?)\r?\n?$/.exec(readRuleFile(dotGit) ?? '')?.[1];
  if (target === undefined) return undefined;
  const own = path.resolve(folder, target);
  const common = readRuleFile(path.join(own, 'commondir'))?.trim();
  return common ? path.resolve(own, common) : own;
}

function isFolder(file: string): boolean {
  try {
    return fs.statSync(file).isDirectory();
  } catch {
    return false;
  }
}

function firstDefined(
  configs: readonly ReadonlyMap<string, string>[],
  key: string,
): string | undefined {
  return configs.find((config) => config.has(key))?.get(key);
}

/** Keys (lower case) and values of the `[core]` sections; of a key given twice the last counts. */
export function readCoreSection(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let isCore = false;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[([^\]"]*)("[^]*)?\]/.exec(line);
    if (section) isCore = section[1]!.trim().toLowerCase() === 'core' && section[2] === undefined;
    const rest = section ? line.slice(section[0].length) : line;
    const entry = /^\s*([a-z][a-z0-9-]*)\s*(?:=(.*))?$/i.exec(rest);
    if (isCore && entry) values.set(entry[1]!.toLowerCase(), unquote(entry[2] ?? 'true'));
  }
  return values;
}

/** A configuration value without its quotes, escapes and trailing comment. */
function unquote(raw: string): string {
  let value = '';
  let isQuoted = false;
  for (let i = 0; i < raw.length; i++) {
    const char = raw[i]!;
    if (char === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (char === '#' || char === ';')) break;
    else if (char === '\\') value += { n: '\n', t: '\t', b: '\b' }[raw[++i] ?? ''] ?? raw[i] ?? '';
    else value += char;
  }
  return value.trim();
}

function expandHome(file: string, base: string, home: string): string {
  return /^~[\\/]/.test(file) ? path.join(home, file.slice(2)) : path.resolve(base, file);
}
