/**
 * The part of a folder that a version is for: whether there is such a part, whether a search looks at nothing else, and what
 * of a judged query lies there. Such a version answers nowhere else, so nothing else says what it is worth.
 */
import { NearmissError } from '../../base/errors';
import { languageSet } from '../search/query';
import type { ChunkFilter, Snapshot } from '../store/types';
import type { Judged } from './measures';
import type { VersionScope } from './versionStore';

/** What is measured: the folder, or a part of it. */
export interface Reach {
  /** Put on every search that is measured; none for the whole folder. */
  readonly filter?: ChunkFilter;
  readonly hasPath: (path: string) => boolean;
  readonly has: (chunkId: number) => boolean;
}

export function reachOf(
  scope: VersionScope | undefined,
  snapshot: Pick<Snapshot, 'chunks' | 'document'>,
): Reach {
  if (!scope) return { hasPath: () => true, has: () => true };
  const { path, language } = scope;
  const languages = language === undefined ? undefined : languageSet([language]);
  const accepts =
    path === undefined ? undefined : (name: string): boolean => name.startsWith(`${path}/`);
  const fits = (name: string, own: string): boolean =>
    accepts?.(name) !== false && languages?.has(own) !== false;
  return {
    filter: { path: accepts, languages },
    hasPath: (name) => fits(name, snapshot.document(name)?.language ?? ''),
    has(chunkId) {
      const [row] = snapshot.chunks([chunkId]);
      return row !== undefined && fits(row.path, row.language);
    },
  };
}

/** For a sentence. */
export function nameOfScope({ path, language }: VersionScope): string {
  return [path, language].filter((name) => name !== undefined).join(', ');
}

/** What of it can come up in a search of that part. */
export function judgedWithin({ has }: Reach, { asked, relevant, wrong }: Judged): Judged {
  return { asked, relevant: relevant.filter(has), wrong: wrong.filter(has) };
}

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

/** Throws where nothing that is indexed lies in the scope: a version for it would never answer. */
export function refuseEmptyScope(
  { path, language }: VersionScope,
  snapshot: Pick<Snapshot, 'paths' | 'document'>,
): void {
  const paths = snapshot.paths();
  if (path !== undefined && !paths.some((name) => name.startsWith(`${path}/`)))
    throw new NearmissError(
      'notFound',
      `Nothing that is indexed lies under ${path}`,
      'Name a subfolder by its path within the indexed folder, such as src/upload',
    );
  if (language === undefined) return;
  const own = languageSet([language]);
  if (!paths.some((name) => own.has(snapshot.document(name)?.language ?? '')))
    throw new NearmissError(
      'notFound',
      `No indexed file is in the language ${language}`,
      'Name it as searches do, such as ts or python',
    );
}

function isOnly(languages: ReadonlySet<string> | undefined, language: string): boolean {
  const own = languageSet([language]);
  return languages !== undefined && [...languages].every((name) => own.has(name));
}
