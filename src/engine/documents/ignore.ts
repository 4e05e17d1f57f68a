/**
 * Whether a path is left out, and by which rule. Asked in this order, the first answer counts:
 * folders that never hold documents (.git); .nearmissignore files, innermost first; built-in rules
 * (node_modules); .gitignore files, innermost first; .git/info/exclude; the user's own ignore file.
 * So a team keeps git's rules, and .nearmissignore can leave out more or, with `!`, let something in.
 * A repository inside another one starts anew with git's rules, as git itself does.
 */
import * as path from 'node:path';
import {
  type GitEnvironment,
  gitSettings,
  isWorkingTree,
  readRuleFile,
  repositoryRoot,
  userGitEnvironment,
} from './gitFiles';
import { type Rule, type RuleMatch, RuleSet } from './ruleSet';

/** Why a path is left out: the line of a file, or a rule of ours in words. */
export type IgnoreCause =
  | { readonly rule: Rule; readonly isGits: boolean }
  | { readonly builtIn: string; readonly isFinal?: boolean };

/** Rules of one file, and how its folder lies to the walk's root. */
interface Layer {
  readonly set: RuleSet;
  /** Folder of the file relative to the root ('' for the root), when it lies in the root. */
  readonly folder: string;
  /** Path from the file's folder down to the root, ending in '/', when it lies above. */
  readonly above: string;
}

/** The rules that hold for the entries of one folder. Unchanging; `enterFolder` makes the next. */
export interface FolderRules {
  /** Absolute path of the walk's root. */
  readonly root: string;
  /** Innermost first. */
  readonly ours: readonly Layer[];
  /** Innermost first, then info/exclude, then the user's own. */
  readonly git: readonly Layer[];
  readonly ignoreCase: boolean;
  readonly environment: GitEnvironment;
  /** Why the folder itself would be left out, where an option let the walk in all the same. */
  readonly ignoredBy?: IgnoreCause;
}

/** Says whether the folder being entered has an entry of this name. */
export type HasEntry = (name: string) => boolean;

/** The rules for the entries of the root: those of the repository around it, and its own files. */
export function rootRules(
  root: string,
  has: HasEntry,
  environment: GitEnvironment = userGitEnvironment(),
): FolderRules {
  const repository = repositoryRoot(root);
  let rules = gitBase(root, repository, root, environment);
  if (repository !== undefined && repository !== root) {
    for (const folder of foldersBetween(repository, root)) {
      rules = addFilesOf(rules, folder, () => true);
    }
  }
  return addFilesOf(rules, root, has);
}

/** The rules for the entries of `folder` (relative to the root), which lies in the folder that `rules` are for. */
export function enterFolder(rules: FolderRules, folder: string, has: HasEntry): FolderRules {
  const ignoredBy = whyIgnored(rules, folder, true);
  const inner = rulesInside(rules, folder, has);
  return ignoredBy === inner.ignoredBy ? inner : { ...inner, ignoredBy };
}

function rulesInside(rules: FolderRules, folder: string, has: HasEntry): FolderRules {
  const absolute = path.join(rules.root, folder);
  if (!has('.git') || !isWorkingTree(absolute)) return addFilesOf(rules, absolute, has);
  const base = gitBase(rules.root, absolute, absolute, rules.environment);
  return addFilesOf({ ...base, ours: rules.ours }, absolute, has);
}

/** Why `relative` is left out, or undefined. Parents of the path must have been asked before. */
export function whyIgnored(
  rules: FolderRules,
  relative: string,
  isFolder: boolean,
): IgnoreCause | undefined {
  const name = relative.slice(relative.lastIndexOf('/') + 1).toLowerCase();
  const never = NEVER_INDEXED.get(name);
  if (never !== undefined) return { builtIn: never, isFinal: true };
  const target = isFolder ? `${relative}/` : relative;
  const ours = firstMatch(rules.ours, target);
  if (ours) return ours.isIgnored ? { rule: ours.rule, isGits: false } : undefined;
  if (rules.ignoredBy) return rules.ignoredBy;
  const builtIn = isFolder ? BUILT_IN_FOLDERS.get(name) : undefined;
  if (builtIn !== undefined) return { builtIn };
  const git = firstMatch(rules.git, target);
  return git?.isIgnored ? { rule: git.rule, isGits: true } : undefined;
}

/**
 * Why a folder is left out that marks itself as made by a tool, or undefined. Asked when the folder's entries are
 * known; `rules` are those of the folder around it, where .nearmissignore may have let it in.
 */
export function whyToolFolder(
  rules: FolderRules,
  folder: string,
  has: HasEntry,
): IgnoreCause | undefined {
  const marker = [...TOOL_FOLDER_MARKERS.keys()].find((name) => has(name));
  if (marker === undefined || firstMatch(rules.ours, `${folder}/`)?.isIgnored === false) {
    return undefined;
  }
  return { builtIn: TOOL_FOLDER_MARKERS.get(marker)! };
}

/** "dist/" in .gitignore line 12; for the sentence that tells a person. */
export function describeCause(cause: IgnoreCause): string {
  if ('builtIn' in cause) return cause.builtIn;
  return `${cause.rule.file} line ${cause.rule.line}: ${cause.rule.pattern.trim()}`;
}

/** A cause that no .nearmissignore can change. */
export const VERSION_CONTROL = 'data of version control is never indexed';
/** The same for what a repository shares with everybody's search: its queries would answer every query. */
export const SHARED_BY_REPOSITORY = 'marks and adapters that a repository shares are never indexed';

const NEVER_INDEXED: ReadonlyMap<string, string> = new Map([
  ...['.git', '.hg', '.svn', '.jj', '.bzr', 'cvs'].map((name): [string, string] => [
    name,
    VERSION_CONTROL,
  ]),
  ['.nearmiss', SHARED_BY_REPOSITORY],
]);

// Names that mean one thing only. `target`, `build`, `dist`, `out` and `vendor` are not among them: projects
// keep sources under these names, and where they hold output a .gitignore or a CACHEDIR.TAG says so.
const BUILT_IN_FOLDERS: ReadonlyMap<string, string> = new Map([
  ...['node_modules', 'bower_components', 'jspm_packages', '.pnpm-store', '.yarn'].map(
    (name): [string, string] => [name, 'installed packages are left out'],
  ),
  ...['.venv', '__pycache__', '.tox', '.nox', '.mypy_cache', '.pytest_cache', '.ruff_cache'].map(
    (name): [string, string] => [name, 'environments and caches of Python are left out'],
  ),
  ...['.gradle', '.terraform', '.next', '.nuxt', '.svelte-kit', '.parcel-cache', '.turbo'].map(
    (name): [string, string] => [name, 'caches of build tools are left out'],
  ),
  ...['.idea', '.vs'].map((name): [string, string] => [name, 'settings of editors are left out']),
]);

const TOOL_FOLDER_MARKERS: ReadonlyMap<string, string> = new Map([
  ['pyvenv.cfg', 'it is a virtual environment of Python (it holds pyvenv.cfg)'],
  ['CACHEDIR.TAG', 'its CACHEDIR.TAG says that a tool can make it again'],
]);

function firstMatch(layers: readonly Layer[], target: string): RuleMatch | undefined {
  for (const { set, folder, above } of layers) {
    const relative =
      above !== '' ? above + target : folder === '' ? target : target.slice(folder.length + 1);
    const match = set.match(relative);
    if (match) return match;
  }
  return undefined;
}

/** What holds in a repository before its first .gitignore is read. `folder` is where its patterns start from. */
function gitBase(
  root: string,
  repository: string | undefined,
  folder: string,
  environment: GitEnvironment,
): FolderRules {
  const settings = gitSettings(repository, environment);
  const base = { root, ours: [], ignoreCase: settings.ignoreCase, environment };
  const sources: readonly (readonly [string, string | undefined])[] = [
    ['.git/info/exclude', settings.infoExclude],
    [settings.userIgnore, settings.userIgnore],
  ];
  const git = sources.flatMap(
    ([shown, file]) => layerOf(base, repository ?? folder, shown, file) ?? [],
  );
  return { ...base, git };
}

/** Puts the ignore files of one folder in front; the same object where it has none. */
function addFilesOf(rules: FolderRules, folder: string, has: HasEntry): FolderRules {
  const shown = (name: string): string => {
    const relative = path.relative(rules.root, path.join(folder, name));
    return relative.startsWith('..') ? path.join(folder, name) : relative.split(path.sep).join('/');
  };
  const layer = (name: string): Layer | undefined =>
    has(name) ? layerOf(rules, folder, shown(name), path.join(folder, name)) : undefined;
  const ours = layer('.nearmissignore');
  const git = layer('.gitignore');
  if (!ours && !git) return rules;
  return {
    ...rules,
    ours: ours ? [ours, ...rules.ours] : rules.ours,
    git: git ? [git, ...rules.git] : rules.git,
  };
}

function layerOf(
  rules: Pick<FolderRules, 'root' | 'ignoreCase'>,
  folder: string,
  shown: string,
  file: string | undefined,
): Layer | undefined {
  const text = file === undefined ? undefined : readRuleFile(file);
  if (text === undefined) return undefined;
  const set = new RuleSet(shown, text, rules.ignoreCase);
  if (set.isEmpty) return undefined;
  const slashed = (relative: string): string => relative.split(path.sep).join('/');
  const down = path.relative(folder, rules.root);
  const isAbove = down !== '' && !down.startsWith('..');
  return {
    set,
    folder: isAbove ? '' : slashed(path.relative(rules.root, folder)),
    above: isAbove ? `${slashed(down)}/` : '',
  };
}

/** `outer`, then each folder on the way down, without `inner` itself. */
function foldersBetween(outer: string, inner: string): string[] {
  const folders: string[] = [];
  for (let at = path.dirname(inner); at !== outer; at = path.dirname(at)) folders.unshift(at);
  return [outer, ...folders];
}
