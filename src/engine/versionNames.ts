/**
 * Versions as people name them and as clients are told of them: which one a name means, what is known of each, and what
 * daily use has counted between two.
 */
import { NearmissError } from '../base/errors';
import type { CheckedAgain, ComparisonInfo, VersionInfo } from '../protocol/learning';
import { sizeOf } from './clear';
import {
  comparisonSentences,
  newComparison,
  readComparison,
  wilsonInterval,
} from './learning/comparison';
import {
  BASE,
  type StoredVersion,
  type VersionPointer,
  type VersionScope,
  type VersionStore,
  type VersionUse,
} from './learning/versionStore';

/** The base answers, everywhere. */
export const BASE_USE: VersionUse = { id: BASE, state: 'all' };

/**
 * Which use a name, the beginning of one, `base` or `previous` means. A version that was measured in a part of the folder is
 * for that part, whoever lets it answer. Throws where it means none or several.
 */
export async function resolveUse(
  store: VersionStore,
  pointer: VersionPointer,
  asked: string,
): Promise<VersionUse> {
  if (asked === BASE) return BASE_USE;
  if (asked === 'previous') {
    if (pointer.previous) return pointer.previous;
    throw new NearmissError('usage', 'There is no previous version', 'Use `base`');
  }
  const versions = await store.list();
  const exact = versions.filter(({ id }) => id === asked);
  const fitting = exact.length > 0 ? exact : versions.filter(({ id }) => id.startsWith(asked));
  const [found] = fitting;
  if (found && fitting.length === 1) {
    const { id, manifest: { scope } = {} } = found;
    return scope ? { id, state: 'pilot', scope } : { id, state: 'all' };
  }
  throw new NearmissError(
    'notFound',
    fitting.length > 1
      ? `${asked} begins ${fitting.length} versions`
      : `There is no version ${asked}`,
    '`nearmiss versions` lists them',
  );
}

/** What was counted about the pair that is compared now; of another pair nothing counts. */
export async function comparisonOf(
  { root }: VersionStore,
  pair: { readonly current: string; readonly candidate: string },
  isLive: boolean,
): Promise<ComparisonInfo> {
  const known = await readComparison(root);
  const isSame = known?.current === pair.current && known.candidate === pair.candidate;
  const counts = isSame ? known : newComparison(pair, new Date());
  const { silent, live, since } = counts;
  const interval = wilsonInterval(live.wins, live.wins + live.losses);
  return {
    ...{ candidate: pair.candidate, isLive, since, silent, live: { ...live, ...interval } },
    sentences: comparisonSentences(counts),
  };
}

/** Why a version answers no more, and the way back to it. */
export function sentenceOfLeft({
  version,
  time,
  verdict,
}: NonNullable<VersionPointer['left']>): string {
  return `${version} was measured again on ${time.slice(0, 10)} and gave way to the base: ${verdict}; \`nearmiss revert ${version}\` lets it answer all the same`;
}

/** A scope as it is stored: slashes forward, none at the ends. */
export function cleanScope({ path: given, language }: VersionScope): VersionScope {
  const clean = given
    ?.replaceAll('\\', '/')
    .replace(/^\.?\//, '')
    .replace(/\/+$/, '');
  return { ...(clean && { path: clean }), ...(language && { language }) };
}

/** What a client is told of a stored version. */
export function toInfo(
  store: VersionStore,
  { id, manifest, problem }: StoredVersion,
  {
    pointer,
    current,
    check,
  }: {
    readonly pointer: VersionPointer;
    readonly current: string;
    readonly check?: CheckedAgain;
  },
): VersionInfo {
  const { shadow, previous } = pointer;
  const use = [pointer.current, shadow, previous].find((one) => one?.id === id);
  return {
    id,
    ...(manifest && {
      time: manifest.time,
      kind: manifest.kind,
      // Of what somebody else has learned the gate here says more than they do.
      verdict:
        manifest.author === undefined ? manifest.verdict : (check?.verdict ?? manifest.verdict),
      markCount: manifest.markCount,
      author: manifest.author,
    }),
    state: use?.state,
    scope: use?.scope ?? manifest?.scope,
    isCurrent: current === id,
    isPrevious: previous?.id === id,
    isPromoted: manifest?.isPromoted ?? false,
    parts: manifest?.tiers ?? [],
    sizeBytes: sizeOf(store.folderOf(id)),
    problem,
  };
}
