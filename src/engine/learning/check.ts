/**
 * The gate once more, for a version that is there already: the folder has changed since, or somebody else has learned it.
 * Nothing is trained. It must not be worse than the base on what was marked, on what was marked after it was made, and on
 * what the folder asks itself; and the space must be in order as the chunks are now.
 */
import { DisposableStore } from '../../base/lifecycle';
import { seededRandom } from '../../base/random';
import { seedFor } from '../training/plan';
import { makeRecipe } from '../training/recipe';
import { rememberScores } from './arena';
import { contestantOf } from './beside';
import { changeOf, changesTopThree } from './changes';
import { decideAgain, decideTaken, type RepeatedEvidence, repeatedVerdict } from './gate';
import { geometryOf, similarChange } from './geometryOf';
import { commitGuard, guardWithin, pastGuard, pseudoGuard } from './guard';
import type { Learned, LearnMeans, LearnOrder } from './learn';
import { unseenBy } from './learnedMarks';
import { loadVersion } from './learnedVersion';
import { earlierCurve, learnedFrom } from './makeReport';
import { gatherMarks, type MarkedQuery } from './markData';
import type { Judged } from './measures';
import { answersOf, judgedGuard, watch } from './measuring';
import { QueryEmbeddings } from './queryEmbeddings';
import type { LearningReport, QueryChange } from './report';
import { decisionsOf, readReview } from './reviewFile';
import { RunProgress } from './runProgress';
import { judgedWithin, reachOf } from './scope';
import { LEAST_QUERIES } from './tiers';
import { judgedOf } from './triedTier';
import { writeSketch } from './workspaceSketch';

const GUARD_COUNT = 60;
const COMMIT_COUNT = 20;

/** Measures the version and reports; `isPromoted` says whether it holds. Throws where it cannot be read. */
export async function check(order: LearnOrder, given: LearnMeans, id: string): Promise<Learned> {
  const startMs = performance.now();
  const owned = new DisposableStore();
  const { reranker } = given.index;
  const index = { ...given.index, reranker: reranker && rememberScores(reranker) };
  const means = { ...given, index };
  const { seed, control, folder } = means;
  const { store, base, rerankCount, isUnasked = false } = order;
  const { memoryMb, niceness } = makeRecipe('fusion', 0);
  means.onLimits({ memoryBytes: memoryMb * 2 ** 20, niceness: order.niceness ?? niceness });
  try {
    const version = await loadVersion(store, id, base);
    const decisions = decisionsOf(await readReview(store.root));
    const data = gatherMarks(index.snapshot, order.marks, decisions);
    const texts = data.queries.map(({ text }) => text);
    const contestant = await contestantOf(version, { means, owned, texts });
    // A version for a part of the folder answers there alone.
    const reach = reachOf(version.manifest.scope, index.snapshot);
    const judgedThere = (query: MarkedQuery): Judged => judgedWithin(reach, judgedOf(query));
    const answered = data.queries.filter((query) => judgedThere(query).relevant.length > 0);
    const vectors = await new QueryEmbeddings(index.embedder, control).of(answered);
    const unseen = unseenBy(version.manifest, answered, vectors, order.givenIds);
    const random = seededRandom(seedFor(seed, 'guard', 0));
    const guard = guardWithin(reach, [
      ...pseudoGuard(index.snapshot, GUARD_COUNT, random, reach.hasPath),
      ...(await commitGuard(folder, index.snapshot, COMMIT_COUNT)),
      ...pastGuard(index.snapshot, order.pastQueries ?? [], data.queries, GUARD_COUNT),
    ]).map((query) => judgedGuard(query));
    const marked = answered.map((query) => judgedThere(query));
    const asked = [...marked.map((one) => watch(one)), ...guard];
    const progress = new RunProgress(2, (news) => means.tellRun(news));
    const trial = { means, rerankCount, reach, progress };
    progress.begin({ stage: 'asking the base', weight: 1 });
    const before = await answersOf(trial, undefined, asked);
    progress.begin({ stage: 'asking the version', weight: 1 });
    const after = await answersOf(trial, contestant, asked);
    const evidence: RepeatedEvidence = {
      ...{ marked, unseen: unseen.map((query) => judgedThere(query)), guard, before, after },
      ...{ guardBefore: before, guardAfter: after },
      geometry: geometryOf(index, contestant, vectors, seed),
      similar: similarChange(index, contestant, seed),
    };
    const { author } = version.manifest;
    const result = author === undefined ? decideAgain(evidence) : decideTaken(evidence);
    const isTooFew = author !== undefined && unseen.length < LEAST_QUERIES;
    const verdict = isTooFew
      ? tooFewVerdict(unseen.length, answered.length - unseen.length)
      : repeatedVerdict(result);
    const curve = await earlierCurve(store);
    const report: LearningReport = {
      ...{ v: 1, kind: 'check', version: id, time: new Date().toISOString(), folder, seed },
      ...{ isPromoted: result.isPassed, verdict, primary: 'MRR@10' },
      split: `Nothing was learned; ${unseen.length} of ${answered.length} marked queries are unseen by the version`,
      learnedFrom: learnedFrom(data, { minedCount: 0, guardCount: guard.length }),
      ...{ figures: result.figures, conditions: result.conditions, tiers: [] },
      queries: changedQueries(evidence),
      ...{ quarantined: [], curve, notes: [], bytes: 0 },
      seconds: (performance.now() - startMs) / 1000,
    };
    const { time: at, isPromoted: holds } = report;
    await store.noteCheck(id, { time: at, holds, verdict, isUnasked });
    // Where it does not hold, that is noted once it answers no more.
    if (holds) await writeSketch(store.root, id, index.snapshot);
    // Who did not ask is told where something has changed.
    if (!isUnasked || !holds) await store.keepReport(report);
    return { report };
  } finally {
    owned.dispose();
  }
}

function tooFewVerdict(count: number, leftOut: number): string {
  const verdict = `Does not hold (enough queries): ${count} of your marked queries can decide, and ${LEAST_QUERIES} are the least`;
  const why = `left out: ${leftOut}, because the version was learned from them or may have been`;
  return leftOut === 0 ? verdict : [verdict, why].join('; ');
}

/** Those whose first three hits are others than the base's. */
function changedQueries({ marked, guard, before, after }: RepeatedEvidence): QueryChange[] {
  const changes = (set: QueryChange['set'], judged: typeof marked): QueryChange[] =>
    judged.flatMap((one) => {
      const [a, b] = [before.get(one.asked), after.get(one.asked)];
      return a && b && changesTopThree(a, b) ? [changeOf(set, one, a, b)] : [];
    });
  return [...changes('past', marked), ...changes('guard', guard)];
}
