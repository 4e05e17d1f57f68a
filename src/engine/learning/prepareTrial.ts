/**
 * What a run is measured on, before anything is trained: the held-out queries of each fold, the queries that must not get
 * worse, how the base answers both, and the figure that decides. Where the version is for a part of the folder, only what
 * is answered in that part is asked, in searches of that part.
 */
import type { Random } from '../../base/random';
import type { PastQuery } from '../feedback/pastQueries';
import { choosePrimary } from './gate';
import {
  commitGuard,
  type GuardQuery,
  guardWithin,
  partGuard,
  pastGuard,
  pseudoGuard,
} from './guard';
import type { MarkData } from './markData';
import { answersOf, judgedGuard, type Trial, watch } from './measuring';
import type { Reach } from './scope';
import type { TierMeans } from './trainTier';

/** Guard queries that are measured, and those that fill batches. */
export const GUARD_COUNT = 60;
const COMMIT_COUNT = 20;
const FILLER_COUNT = 120;

/** What the folder asks itself: queries that must not get worse where the version answers, and others to learn from. */
export async function askFolder(
  { index: { snapshot }, folder }: Pick<TierMeans, 'index' | 'folder'>,
  reach: Reach,
  random: Random,
  { past, data }: { readonly past: readonly PastQuery[]; readonly data: MarkData },
): Promise<{ readonly guard: GuardQuery[]; readonly filler: GuardQuery[] }> {
  const made = pseudoGuard(snapshot, GUARD_COUNT + FILLER_COUNT, random);
  const there = reach.filter
    ? pseudoGuard(snapshot, GUARD_COUNT, random, reach.hasPath)
    : made.slice(0, GUARD_COUNT);
  const others = reach.filter ? made : made.slice(GUARD_COUNT);
  const { guard, filler } = partGuard([...there, ...others], there.length);
  const commits = await commitGuard(folder, snapshot, COMMIT_COUNT);
  const asked = pastGuard(snapshot, past, data.queries, GUARD_COUNT);
  return {
    guard: [...guard, ...guardWithin(reach, [...commits, ...asked])],
    filler: filler.slice(0, FILLER_COUNT),
  };
}

/** How the base answers what is measured: the held-out queries of each fold, and the guard. */
export async function prepareTrial(
  bare: Pick<Trial, 'means' | 'rerankCount' | 'reach' | 'progress' | 'queryVectors'>,
  folds: Trial['folds'],
  guard: readonly GuardQuery[],
): Promise<Trial> {
  const { progress } = bare;
  const all = folds.flat();
  progress.begin({ stage: 'asking the base', weight: (all.length + guard.length) * 0.25 });
  const before = await answersOf(
    bare,
    undefined,
    all.map((one) => watch(one)),
  );
  const guardBefore = await answersOf(
    bare,
    undefined,
    guard.map((one) => judgedGuard(one)),
  );
  const primary = choosePrimary(all);
  return { ...bare, folds, guard, before, guardBefore, primary };
}
