/**
 * Team-draft interleaving (Radlinski, Kurup, Joachims, CIKM 2008): two rankings in one list, so that whoever opens a hit
 * votes for one of them without knowing. In each round a coin says who picks first; each picks its best hit that is not
 * in the list yet.
 */
import type { Random } from '../../base/random';

export type Team = 'current' | 'candidate';

export interface Interleaved<T> {
  readonly items: readonly T[];
  /** Who picked each, in the order of the list. */
  readonly teams: readonly Team[];
}

/** At most `limit` items; equal keys are the same item, and that of `current` is taken. */
export function teamDraft<T>(
  current: readonly T[],
  candidate: readonly T[],
  options: {
    readonly keyOf: (item: T) => string;
    readonly random: Random;
    readonly limit: number;
  },
): Interleaved<T> {
  const { keyOf, random, limit } = options;
  const own = new Map(current.map((item) => [keyOf(item), item]));
  const taken = new Set<string>();
  const items: T[] = [];
  const teams: Team[] = [];
  const pick = (team: Team): void => {
    const from = team === 'current' ? current : candidate;
    const next = from.find((item) => !taken.has(keyOf(item)));
    if (next === undefined || items.length >= limit) return;
    taken.add(keyOf(next));
    items.push(own.get(keyOf(next)) ?? next);
    teams.push(team);
  };
  for (let before = -1; before !== items.length;) {
    before = items.length;
    const isFirst = random() < 0.5;
    pick(isFirst ? 'current' : 'candidate');
    pick(isFirst ? 'candidate' : 'current');
  }
  return { items, teams };
}
