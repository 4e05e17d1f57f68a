/** Whether a search looks only at the part of a folder that a version is for. */
import { languageSet } from '../search/query';
import type { ChunkFilter, Snapshot } from '../store/types';
import type { VersionScope } from './versionStore';

/** True when the filter lets nothing through that lies outside the scope. No scope is the whole folder. */
export function isInScope(
  scope: VersionScope | undefined,
  filter: ChunkFilter,
  snapshot: Pick<Snapshot, 'paths'>,
): boolean {
  if (!scope) return true;
  const { path, language } = scope;
  if (language !== undefined && !isOnly(filter.languages, language)) return false;
  if (path === undefined) return true;
  const allowed = filter.path;
  if (!allowed) return false;
  const passing = snapshot.paths().filter((name) => allowed(name));
  return passing.length > 0 && passing.every((name) => name.startsWith(`${path}/`));
}

function isOnly(languages: ReadonlySet<string> | undefined, language: string): boolean {
  const own = languageSet([language]);
  return languages !== undefined && [...languages].every((name) => own.has(name));
}
