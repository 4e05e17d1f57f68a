/**
 * Include and exclude globs. A glob without `/` means a name anywhere ("*.ts"); a glob that names a folder means
 * everything beneath it. Exclude wins; with include given, only what matches one is in.
 */
import picomatch from 'picomatch';

export interface GlobFilter {
  /** The glob that leaves this file or folder out ("--exclude *.min.js"), or undefined. */
  whyExcluded(relative: string, isFolder: boolean): string | undefined;
}

/** A filter over paths relative to the root, with `/`. Empty lists let everything through. */
export function globFilter(
  include: readonly string[] = [],
  exclude: readonly string[] = [],
): GlobFilter {
  const excludes = exclude.map(compile);
  const includes = include.map(compile);
  return {
    whyExcluded(relative, isFolder) {
      const excluding = excludes.find((glob) => glob.matches(relative));
      if (excluding) return `matches the exclude glob ${excluding.text}`;
      if (includes.length === 0) return undefined;
      const isIn = includes.some((glob) =>
        isFolder ? glob.canHoldMatch(relative) : glob.matches(relative),
      );
      return isIn ? undefined : 'matches none of the include globs';
    },
  };
}

/** Paths that are indexed although an ignore rule leaves them out. */
export interface LetInFilter {
  /** True for what matches, and for folders on the way to a place that one of the globs names. */
  letsIn(relative: string, isFolder: boolean): boolean;
}

/** A glob that could match anywhere (`**\/x`) lets nobody look into ignored folders: they can be very large. */
export function letInFilter(letIn: readonly string[] = []): LetInFilter {
  const globs = letIn.map(compile);
  return {
    letsIn: (relative, isFolder) =>
      globs.some(
        (glob) =>
          glob.matches(relative) || (isFolder && glob.isAnchored && glob.canHoldMatch(relative)),
      ),
  };
}

/** True when the path matches the glob as --include, --exclude and path filters understand it. */
export function globMatcher(text: string): (relative: string) => boolean {
  return compile(text).matches;
}

interface Glob {
  readonly text: string;
  readonly matches: (relative: string) => boolean;
  /** False where nothing beneath the folder can match, so that a walk need not look. */
  readonly canHoldMatch: (folder: string) => boolean;
  /** True when it begins with the name of a folder. */
  readonly isAnchored: boolean;
}

function compile(text: string): Glob {
  const trimmed = text.replace(/^\.?\//, '').replace(/\/+$/, '');
  const anchored = text.replace(/\/+$/, '').includes('/') ? trimmed : `**/${trimmed}`;
  const options = { dot: true, nonegate: true };
  const itself = picomatch(anchored, options);
  const beneath = picomatch(`${anchored}/**`, options);
  const { base } = picomatch.scan(anchored);
  const fixed = base === '' || base === '.' ? '' : `${base}/`;
  return {
    text,
    matches: (relative) => itself(relative) || beneath(relative),
    canHoldMatch: (folder) => `${folder}/`.startsWith(fixed) || fixed.startsWith(`${folder}/`),
    isAnchored: fixed !== '',
  };
}
