/**
 * From which marks a version was learned, so that whoever has one of them does not measure the version on it. Kept as hashes
 * of ids, which are hashes of all that a mark says: nobody reads a query out of that, and who has the mark knows it again.
 */
import { createHash } from 'node:crypto';
import { clusterQueries, type SplitQuery } from './split';
import type { MarkedQuery } from './markData';
import type { VersionManifest, VersionStore } from './versionStore';

/** More are not told by a shared version. */
export const MOST_TOLD = 20_000;
const HASH_DIGITS = 16;
export const MARK_HASH = new RegExp(`^[0-9a-f]{${HASH_DIGITS}}$`);

/** Sorted, each once. */
export function hashesOfMarks(ids: Iterable<string>): string[] {
  return [...new Set([...ids].map(hashOf))].sort();
}

/**
 * That the version in use still knows marks which were taken back, for a run that puts none in its place; `ids` are those
 * of all marks there are. Undefined where it knows none, or where others have learned it.
 */
export async function stillKnown(
  store: VersionStore,
  ids: Iterable<string>,
): Promise<string | undefined> {
  const { pointer } = await store.pointer();
  const { markHashes, author } = (await store.read(pointer.current.id)).manifest ?? {};
  if (!markHashes || author !== undefined) return undefined;
  const there = new Set(hashesOfMarks(ids));
  const { length } = markHashes.filter((hash) => !there.has(hash));
  if (length === 0) return undefined;
  return `Marks that the version in use was learned from and that were taken back since: ${length}; it knows them until another one is promoted, or until \`nearmiss revert base\``;
}

/**
 * Queries that the version has not learned from, nor from one that asks nearly the same, as far as is known. Of somebody else's neither what other people marked
 * decides, nor what was given to the repository, where they may have learned from it before they said so.
 */
export function unseenBy(
  { time, kind, author, markHashes, sharedTime }: VersionManifest,
  answered: readonly MarkedQuery[],
  vectors: readonly (Float32Array | undefined)[],
  givenIds: ReadonlySet<string> = new Set(),
): MarkedQuery[] {
  if (kind === 'adapt' && author === undefined) return [...answered];
  const hashes = markHashes && new Set(markHashes);
  const isOld = (query: MarkedQuery): boolean =>
    kind === 'marks' &&
    (hashes ? isLearnedFrom(query, hashes) : isMarkedUntil(query, sharedTime ?? time));
  const isGiven = ({ relevant, wrong }: MarkedQuery): boolean =>
    [...relevant, ...wrong].some(({ markId }) => givenIds.has(markId));
  const isSeen = (query: MarkedQuery): boolean =>
    isOld(query) || (author !== undefined && (query.isOthers === true || isGiven(query)));
  return unseenOf(
    answered.map((query, at) => ({ ...query, vector: vectors[at] })),
    isSeen,
  );
}

/**
 * Queries that none of those marks is about, nor about one that asks nearly the same. `queries` as they are split, in the
 * same order as what they are of.
 */
function unseenOf<T extends Pick<MarkedQuery, 'relevant' | 'wrong'> & SplitQuery>(
  queries: readonly T[],
  isSeen: (query: T) => boolean,
): T[] {
  return clusterQueries(queries)
    .filter((cluster) => !cluster.some((at) => isSeen(queries[at]!)))
    .flat()
    .sort((a, b) => a - b)
    .map((at) => queries[at]!);
}

/** Whether a mark on the query is among those with these hashes. */
export function isLearnedFrom(
  { relevant, wrong }: Pick<MarkedQuery, 'relevant' | 'wrong'>,
  hashes: ReadonlySet<string>,
): boolean {
  return [...relevant, ...wrong].some(({ markId }) => hashes.has(hashOf(markId)));
}

/** What was learned by an older Nearmiss does not say from which marks: all that were there by then. */
function isMarkedUntil({ relevant, wrong }: MarkedQuery, last: string): boolean {
  return [...relevant, ...wrong].some(({ time }) => time <= last);
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, HASH_DIGITS);
}
