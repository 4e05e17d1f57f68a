/**
 * Which paths belong to a folder. Everything a client names passes here before it touches the disk, so
 * the rules are strict: what is not clearly inside is outside.
 */
import * as path from 'node:path';

/** True when `candidate` (absolute, or relative to `root`) is the root or lies beneath it; links are not looked at. */
export function isInside(root: string, candidate: string): boolean {
  return relativeInside(root, candidate) !== undefined;
}

/**
 * The path relative to `root` with `/` ('' for the root itself), or undefined when it leaves the root, holds a
 * NUL, or uses a Windows spelling that names something else than it says. Purely lexical: `realpath` first where
 * links matter. Upper and lower case differ here even where the file system does not care, so another spelling
 * of the root is refused rather than let through.
 */
export function relativeInside(root: string, candidate: string): string | undefined {
  if (candidate.includes('\0') || root === '' || candidate === '') return undefined;
  if (process.platform === 'win32' && hasDeceptiveSegment(candidate)) return undefined;
  const relative = path.relative(root, path.resolve(root, candidate));
  if (relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) {
    return undefined;
  }
  return path.sep === '/' ? relative : relative.split(path.sep).join('/');
}

/** True for a relative path as the index writes it: `/`, no empty, `.` or `..` segment, no NUL, not absolute. */
export function isIndexPath(candidate: string): boolean {
  if (candidate === '' || candidate.includes('\0') || path.isAbsolute(candidate)) return false;
  if (process.platform === 'win32' && hasDeceptiveSegment(candidate)) return false;
  return candidate
    .split('/')
    .every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

/**
 * Windows drops dots and blanks at the end of a name (".env." opens ".env"), reads "a:b" as a stream of "a", and
 * keeps device names in every folder.
 */
export function hasDeceptiveSegment(candidate: string): boolean {
  const withoutDrive = candidate.replace(/^(?:\\\\\?\\)?[a-z]:(?=[\\/])/i, '');
  return withoutDrive
    .split(/[\\/]/)
    .some(
      (segment) =>
        segment.includes(':') ||
        (/[. ]$/.test(segment) && segment !== '.' && segment !== '..') ||
        /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(segment),
    );
}
