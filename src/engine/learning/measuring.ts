/** Puts a trained part, or several, through the arena and the gate: each held-out query by the model that has not seen it. */
import { askAll, type Answer, type Contestant } from './arena';
import { decide, type Evidence, type GateResult } from './gate';
import { geometryOf, similarChange } from './geometryOf';
import type { GuardQuery } from './guard';
import type { Judged, MetricName } from './measures';
import type { RunProgress } from './runProgress';
import type { Reach } from './scope';
import type { TierMeans } from './trainTier';

/** What everything is measured on, and how the base answers it. */
export interface Trial {
  readonly means: TierMeans;
  readonly rerankCount: number;
  /** What is measured: the folder, or the part that the version is for. */
  readonly reach: Reach;
  readonly primary: MetricName;
  /** Held-out queries of each fold. */
  readonly folds: readonly (readonly Judged[])[];
  readonly guard: readonly GuardQuery[];
  readonly before: ReadonlyMap<string, Answer>;
  readonly guardBefore: ReadonlyMap<string, Answer>;
  readonly queryVectors: readonly (Float32Array | undefined)[];
  readonly progress: RunProgress;
}

export interface Measured {
  readonly evidence: Evidence;
  readonly result: GateResult;
}

/** Answers of the base, or of any one contestant, to held-out and guard queries. */
export async function answersOf(
  trial: Pick<Trial, 'means' | 'rerankCount' | 'reach' | 'progress'>,
  contestant: Contestant | undefined,
  queries: readonly { readonly asked: string; readonly watched?: readonly number[] }[],
): Promise<Map<string, Answer>> {
  const { means, rerankCount, reach, progress } = trial;
  let done = 0;
  return askAll(means.index, contestant, queries, {
    ...{ rerankCount, control: means.control, filter: reach.filter },
    onAnswer: () => progress.at(++done, queries.length),
  });
}

export function watch(judged: Judged): { readonly asked: string; readonly watched: number[] } {
  return { asked: judged.asked, watched: [...judged.relevant, ...judged.wrong] };
}

export function judgedGuard({ query, chunkIds }: GuardQuery): Judged {
  return { asked: query, relevant: chunkIds, wrong: [] };
}

/** Answers to the held-out queries of the first folds, or of all: each by the model that has not seen it. */
export async function heldOutAnswers(
  trial: Pick<Trial, 'means' | 'rerankCount' | 'reach' | 'progress' | 'folds'>,
  byFold: readonly Contestant[],
): Promise<Map<string, Answer>> {
  const found = new Map<string, Answer>();
  for (const [at, contestant] of byFold.entries()) {
    const asked = trial.folds[at]!.map((one) => watch(one));
    for (const [query, answer] of await answersOf(trial, contestant, asked))
      found.set(query, answer);
  }
  return found;
}

/** Measures models of the first folds, or of all, on what they have not seen, and the model of everything on the guard. */
export async function measure(
  trial: Trial,
  byFold: readonly Contestant[],
  whole: Contestant,
  seed: number,
): Promise<Measured> {
  const { folds, guard, means, primary, before, guardBefore, queryVectors } = trial;
  const measured = folds.slice(0, byFold.length);
  const after = await heldOutAnswers(trial, byFold);
  const guardJudged = guard.map((one) => judgedGuard(one));
  const guardAfter = await answersOf(trial, whole, guardJudged);
  const evidence: Evidence = {
    ...{ primary, heldOut: measured.flat(), guard: guardJudged },
    ...{ before, after, guardBefore, guardAfter },
    geometry: geometryOf(means.index, whole, queryVectors, seed),
    similar: similarChange(means.index, whole, seed),
  };
  return { evidence, result: decide(evidence) };
}
