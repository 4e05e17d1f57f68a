/** From the editor's settings to the rules by which a folder is indexed. Plain data in, plain data out. */

/** What decides about the files of one folder. */
export interface FolderRules {
  /** `nearmiss.indexing.exclude`. */
  readonly exclude: readonly string[];
  /** `files.exclude` and `search.exclude`: a glob and whether it holds, or a condition on a sibling. */
  readonly editorExcludes: readonly unknown[];
}

/** Globs as the engine reads them, sorted, each once. */
export function excludeGlobs({ exclude, editorExcludes }: FolderRules): string[] {
  const globs = [...exclude, ...editorExcludes.flatMap(activeGlobs).map(anchored)];
  return [...new Set(globs)].sort();
}

/** Globs of what is let in, from the folder's top; sorted, each once. */
export function letInGlobs(include: readonly string[]): string[] {
  return [...new Set(include.map((glob) => anchored(glob.replace(/^\.?\//, ''))))].sort();
}

/** A condition on a sibling (`{ "when": "$(basename).ts" }`) hides what was compiled: it counts as true for none. */
function activeGlobs(setting: unknown): string[] {
  if (typeof setting !== 'object' || setting === null) return [];
  return Object.entries(setting).flatMap(([glob, isOn]) => (isOn === true ? [glob] : []));
}

/** To the editor "*.log" means the top of the folder only; to the engine a name anywhere. */
function anchored(glob: string): string {
  return glob.includes('/') ? glob : `./${glob}`;
}
