/**
 * One run from marks to a version. Marks become records; queries are split; the cheapest part learns first, and each part
 * is kept only when it passes the gate by itself; what was kept passes once more together, beside the version in use.
 * Always from the base with all marks, so that a mark that was taken back is forgotten. Nothing but the run's own folder is
 * touched before a version is published whole.
 */
import * as fsp from 'node:fs/promises';
import * as path from 'node:path';
import { DisposableStore } from '../../base/lifecycle';
import { seededRandom } from '../../base/random';
import type { KeptMark } from '../feedback/marks';
import type { PastQuery } from '../feedback/pastQueries';
import type { RecipeChanges } from '../training/recipe';
import { seedFor } from '../training/plan';
import { rememberScores } from './arena';
import { besideCurrent } from './beside';
import type { GateResult } from './gate';
import { type Group, mineGroups } from './groups';
import { hashesOfMarks, stillKnown } from './learnedMarks';
import { type BaseModels } from './learnedVersion';
import { readWordsFile, WORDS_FILE, wordsTold } from './learnedWords';
import { type Decisions, gatherMarks, type MarkData, withoutMarks } from './markData';
import type { Judged } from './measures';
import { answersOf, measure, type Measured, type Trial, watch } from './measuring';
import { decidedGroups, nearestMined } from './minedReview';
import { plannedMethods } from './methods';
import { mixedByHead } from './mixedReview';
import { suspectMarks } from './quarantine';
import type { LearningReport, LearningTier, ReviewItem, TierOutcome } from './report';
import { decisionsOf, keepReview, readReview } from './reviewFile';
import { makeReport, refusedReport } from './makeReport';
import { askFolder, GUARD_COUNT, prepareTrial } from './prepareTrial';
import { QueryEmbeddings } from './queryEmbeddings';
import { beginRun, identityOf } from './runIdentity';
import { RunProgress } from './runProgress';
import { judgedWithin, nameOfScope, type Reach, reachOf } from './scope';
import { clusterQueries, type Fold, splitQueries, splitSentence } from './split';
import { decidingCount, decidingQueries, type PlanOptions, planTiers } from './tiers';
import { copyTier, type TierMeans } from './trainTier';
import { tryMethods } from './tryMethods';
import { tryTier, type TierMaterial } from './tryTier';
import {
  joinedOrBest,
  mergeTiers,
  type Taken,
  togetherOf,
  verdictOfRun,
  withoutRivals,
} from './takenParts';
import { judgedOf, outcomeOf, plannedWeight, searchWeight, type TriedTier } from './triedTier';
import { newVersionName, type VersionScope, type VersionStore } from './versionStore';
import { writeSketch } from './workspaceSketch';

export interface LearnOrder {
  readonly store: VersionStore;
  readonly marks: readonly KeptMark[];
  readonly base: BaseModels;
  readonly rerankCount: number;
  /** The part of the folder that the version is for: it is measured there alone, and learns from all marks. */
  readonly scope?: VersionScope;
  readonly resume: boolean;
  /** Nobody asked for it, and nobody waits. */
  readonly isUnasked?: boolean;
  /** Says what each method brings as well, once it is decided what is promoted. */
  readonly measuresMethods?: boolean;
  /** What the user asked and found before, where that is kept. */
  readonly pastQueries?: readonly PastQuery[];
  /** Ids of own marks that others have and may have learned from. */
  readonly givenIds?: ReadonlySet<string>;
  /** How far training stands back for other programs; without it, as the trainer's recipe says. */
  readonly niceness?: number;
  /** Flags that differ from the recipe's; for benches and tests. */
  readonly recipes?: Readonly<Partial<Record<LearningTier, RecipeChanges>>>;
  /** Parts that may learn; without it, all that have marks enough. */
  readonly tiers?: readonly LearningTier[];
  /** Marks from which on a part learns, in place of the product's; for tests and benches. */
  readonly from?: PlanOptions['from'];
}

export interface LearnMeans extends TierMeans {
  readonly tellRun: (news: {
    readonly stage: string;
    readonly done: number;
    readonly total: number;
    readonly fraction: number;
    readonly secondsLeft?: number;
  }) => void;
}

export interface Learned {
  /** The version that was made; none where nothing passed. */
  readonly version?: string;
  readonly report: LearningReport;
}

/** Learns from the marks. Throws an AbortedError when cancelled: what was trained so far is there for the next run. */
export async function learn(order: LearnOrder, given: LearnMeans): Promise<Learned> {
  const owned = new DisposableStore();
  const { reranker } = given.index;
  const index = { ...given.index, reranker: reranker && rememberScores(reranker) };
  const means = { ...given, index };
  try {
    return await new LearnRun(order, means, owned).toEnd();
  } finally {
    owned.dispose();
  }
}

class LearnRun {
  private readonly startMs = performance.now();
  private readonly notes: string[] = [];
  private readonly embeddings: QueryEmbeddings;
  private readonly reach: Reach;

  constructor(
    private readonly order: LearnOrder,
    private readonly means: LearnMeans,
    private readonly owned: DisposableStore,
  ) {
    this.embeddings = new QueryEmbeddings(means.index.embedder, means.control);
    this.reach = reachOf(order.scope, means.index.snapshot);
  }

  async toEnd(): Promise<Learned> {
    const { store, marks } = this.order;
    const { index, seed } = this.means;
    const decisions = decisionsOf(await readReview(store.root));
    const gathered = gatherMarks(index.snapshot, marks, decisions);
    const vectors = await this.embeddings.of(gathered.queries);
    const suspects = suspectMarks(index, gathered, vectors, decisions, seed);
    const data = withoutMarks(gathered, suspects);
    await this.keepForReview(data, []);
    const chunkCount = index.snapshot.counts.embeddedCount;
    const { from, tiers: wanted } = this.order;
    const plan = planTiers(data, { chunkCount, reach: this.reach, from });
    const tiers = plan.tiers
      .filter(({ tier, isPlanned }) => isPlanned && (wanted?.includes(tier) ?? true))
      .map(({ tier }) => tier);
    if (plan.refusal !== undefined || tiers.length === 0)
      return this.refuse(data, plan.refusal ?? 'No part was asked for');
    return this.learnFrom(data, tiers, decisions);
  }

  /** Marks first: they are what a person said. */
  private async keepForReview({ review }: MarkData, mined: readonly ReviewItem[]): Promise<void> {
    const marks = review.filter(({ reason }) => reason !== 'duplicate');
    await keepReview(this.order.store.root, [...marks, ...mined]);
  }

  private async learnFrom(
    data: MarkData,
    tiers: readonly LearningTier[],
    decisions: Decisions,
  ): Promise<Learned> {
    const { means } = this;
    const queryCount = data.queries.length;
    const chunkCount = means.index.snapshot.counts.embeddedCount;
    const more = this.order.measuresMethods ? plannedMethods(tiers, data).seconds : 0;
    const measuredCount = decidingCount(data, this.reach);
    const counts = { queryCount, measuredCount, guardCount: GUARD_COUNT, chunkCount };
    const weight = plannedWeight(counts, tiers) + more;
    const progress = new RunProgress(weight, (news) => means.tellRun(news));
    const random = seededRandom(seedFor(means.seed, 'guard', 0));
    const past = this.order.pastQueries ?? [];
    const { guard, filler } = await askFolder(means, this.reach, random, { past, data });
    const mined = await this.mine(data, tiers, progress);
    const groups = decidedGroups(means.index, mined, decisions);
    const nearest = nearestMined(means.index, groups, decisions);
    await this.keepForReview(data, nearest);
    const deciding = this.decidingOf(groups);
    const folds = await this.splitGroups(groups, deciding);
    const judged = folds.map((fold) =>
      fold.flatMap((at) => (deciding.has(at) ? [this.judgedThere(groups[at]!)] : [])),
    );
    const { store, base, resume, recipes, tiers: wanted } = this.order;
    const identity = identityOf([means.seed, base, recipes, wanted, groups, filler, data.pairs]);
    await beginRun(store.runFolder, identity, resume);
    const trial = await prepareTrial(
      {
        ...{ means, rerankCount: this.order.rerankCount, reach: this.reach, progress },
        queryVectors: await this.embeddings.of(groups.map(({ query }) => query)),
      },
      judged,
      guard,
    );
    const tried: TriedTier[] = [];
    const outcomes: TierOutcome[] = [];
    const material = { groups, folds, filler, data };
    for (const tier of tiers) {
      const one = await tryTier(tier, trial, material, { ...this.order, means, owned: this.owned });
      if ('whole' in one) tried.push(one);
      outcomes.push('whole' in one ? outcomeOf(one) : one);
    }
    const mixed = await mixedByHead(tried, { trial, groups, decisions });
    if (mixed.length > 0) await this.keepForReview(data, [...nearest, ...mixed]);
    return this.finish(trial, material, { tried, outcomes });
  }

  /** Mined negatives beside the marks, where a part learns from them: the weights and words learn from marks alone. */
  private async mine(
    { queries }: MarkData,
    tiers: readonly LearningTier[],
    progress: RunProgress,
  ): Promise<Group[]> {
    if (tiers.every((tier) => tier === 'words' || tier === 'fusion'))
      return queries.map((query) => ({ query, mined: [] }));
    progress.begin({ stage: 'finding negatives', weight: queries.length * 0.6 });
    let minedCount = 0;
    const vectors = await this.embeddings.of(queries);
    const alike = clusterQueries(queries.map((one, at) => ({ ...one, vector: vectors[at] })));
    return mineGroups(this.means.index, queries, {
      ...{ control: this.means.control, seed: this.means.seed, alike },
      onQuery: () => progress.at(++minedCount, queries.length),
    });
  }

  /** What was kept, together and beside the version in use; then the report, and the version where it passed. */
  private async finish(
    trial: Trial,
    material: TierMaterial,
    given: { readonly tried: readonly TriedTier[]; readonly outcomes: readonly TierOutcome[] },
  ): Promise<Learned> {
    const { tried, outcomes } = given;
    const { groups, data } = material;
    const kept = this.noted(withoutRivals(tried));
    const chosen =
      kept.length > 1
        ? this.noted(joinedOrBest(kept, await this.measureTogether(kept, trial)))
        : kept;
    const { measured, whole } = togetherOf(chosen, tried);
    const beside =
      chosen.length > 0
        ? await besideCurrent(
            {
              store: this.order.store,
              base: this.order.base,
              means: this.means,
              givenIds: this.order.givenIds,
              scope: this.order.scope,
              owned: this.owned,
            },
            { trial, chosen: chosen[0]!, data },
          )
        : undefined;
    const isPromoted = chosen.length > 0 && beside?.isWorse !== true;
    if (beside) this.notes.push(beside.sentence);
    const known = isPromoted ? undefined : await this.stillKnown();
    if (known !== undefined) this.notes.push(known);
    const order = { ...this.order, means: this.means, owned: this.owned };
    const methods = this.order.measuresMethods
      ? await tryMethods(tried, trial, material, order)
      : undefined;
    trial.progress.begin({ stage: 'writing the report', weight: groups.length * 0.3 });
    const verdict = verdictOfRun(measured, outcomes, beside);
    const judged = groups
      .map((group) => this.judgedThere(group))
      .filter(({ relevant, wrong }) => relevant.length + wrong.length > 0);
    const asked = judged.map((one) => watch(one));
    const past =
      whole && chosen.length > 0
        ? {
            judged,
            before: await answersOf(trial, undefined, asked),
            after: await answersOf(trial, whole, asked),
          }
        : undefined;
    const id = newVersionName(this.means.folder);
    const tiers = chosen.map(({ tier }) => tier);
    const draft = isPromoted ? await this.writeDraft(chosen) : undefined;
    const report = await makeReport({
      ...{ id, verdict, isPromoted, data, outcomes, methods, measured, past, notes: this.notes },
      ...{ primary: trial.primary, folder: this.means.folder, seed: this.means.seed },
      ...{ split: splitSentence(trial.folds.flat().length), store: this.order.store },
      ...{ minedCount: groups.reduce((sum, { mined }) => sum + mined.length, 0) },
      ...{ guardCount: trial.guard.length, draft, startMs: this.startMs },
      keptTiers: tiers,
      words:
        draft && tiers.includes('words')
          ? wordsTold(await readWordsFile(path.join(draft, WORDS_FILE)))
          : undefined,
    });
    if (draft !== undefined && measured)
      await this.publish(draft, report, chosen, measured.result, data);
    await this.order.store.keepReport(report);
    await fsp.rm(this.order.store.runFolder, { recursive: true, force: true });
    return { version: isPromoted ? id : undefined, report };
  }

  private async measureTogether(kept: readonly TriedTier[], trial: Trial): Promise<Measured> {
    trial.progress.begin({
      stage: 'measuring all parts together',
      weight: searchWeight(trial),
    });
    const { byFold, whole } = mergeTiers(kept);
    return measure(trial, byFold, whole, this.means.seed);
  }

  private noted({ parts, note }: Taken): readonly TriedTier[] {
    if (note !== undefined) this.notes.push(note);
    return parts;
  }

  private async writeDraft(chosen: readonly TriedTier[]): Promise<string> {
    const draft = path.join(this.order.store.runFolder, 'draft');
    await fsp.rm(draft, { recursive: true, force: true });
    for (const { tier, out } of chosen) await copyTier(tier, out, draft);
    return draft;
  }

  private async publish(
    draft: string,
    report: LearningReport,
    chosen: readonly TriedTier[],
    { mapsSimilar }: GateResult,
    data: MarkData,
  ): Promise<void> {
    const { store, base } = this.order;
    const tiers = chosen.map(({ tier }) => tier);
    const level = chosen.find(({ whole }) => whole.learned)?.whole.learned?.level;
    const encoder = chosen.find(({ whole }) => whole.embedder)?.whole.embedder?.space.checkpoint;
    const { version: id, time, verdict } = report;
    await store.publish(
      draft,
      {
        ...{ id, time, kind: 'marks', isPromoted: true, verdict, base, tiers },
        ...{ mapsSimilar, level, encoder, markCount: data.counts.usable, scope: this.order.scope },
        markHashes: hashesOfMarks(this.order.marks.map(({ mark }) => mark.id)),
      },
      report,
    );
    await writeSketch(store.root, id, this.means.index.snapshot);
    await store.prune();
  }

  private stillKnown(): Promise<string | undefined> {
    const { store, marks } = this.order;
    return stillKnown(
      store,
      marks.map(({ mark }) => mark.id),
    );
  }

  private async refuse(data: MarkData, reason: string): Promise<Learned> {
    const report = await refusedReport({
      ...{ data, reason, folder: this.means.folder, seed: this.means.seed },
      ...{ store: this.order.store, startMs: this.startMs, note: await this.stillKnown() },
    });
    await this.order.store.keepReport(report);
    return { report };
  }

  /** Indexes of the groups that decide. */
  private decidingOf(groups: readonly Group[]): ReadonlySet<number> {
    const answered = groups.flatMap((group, at) =>
      this.judgedThere(group).relevant.length > 0 ? [{ at, isOthers: group.query.isOthers }] : [],
    );
    const { scope } = this.order;
    if (scope)
      this.notes.push(
        `Measured in searches of ${nameOfScope(scope)} alone, where ${answered.length} of ${groups.length} marked queries are answered; learned from all marks`,
      );
    const { queries, note } = decidingQueries(answered);
    if (note !== undefined) this.notes.push(note);
    return new Set(queries.map(({ at }) => at));
  }

  /** What of a group can come up where the version answers. */
  private judgedThere({ query }: Group): Judged {
    return judgedWithin(this.reach, judgedOf(query));
  }

  /** Queries without an answer are never measured, but one that reads like a held-out one is not learned from either. */
  private async splitGroups(
    groups: readonly Group[],
    deciding: ReadonlySet<number>,
  ): Promise<Fold[]> {
    const vectors = await this.embeddings.of(groups.map(({ query }) => query));
    const queries = groups.map(({ query: { text, time } }, at) => ({
      ...{ text, time, vector: vectors[at], isMeasured: deciding.has(at) },
    }));
    return splitQueries(queries, this.means.seed);
  }
}
