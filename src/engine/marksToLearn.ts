/**
 * What a folder's marks are worth for learning just now: the plan, the sentence that says why there is too little, and the
 * queue of what a person should look at first. Nothing here runs a model, so that it answers at once.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type {
  LearningPlan,
  LearningReport,
  ReviewDecision,
  ReviewItem,
  VersionScope,
} from '../protocol/learning';
import type { FolderRecord } from './dataFolder';
import type { KeptMark } from './feedback/marks';
import { earlierCurve, refusedReport } from './learning/makeReport';
import { stillKnown } from './learning/learnedMarks';
import { gatherMarks, type MarkData, withoutMarks } from './learning/markData';
import { plannedMethods } from './learning/methods';
import { decideReview, decisionsOf, keepReview, readReview } from './learning/reviewFile';
import { reachOf, refuseEmptyScope } from './learning/scope';
import { splitSentence } from './learning/split';
import { decidingCount, isOffered, planTiers, type TierPlan } from './learning/tiers';
import type { LentSnapshot } from './readers';
import { cleanScope } from './versionNames';
import type { Versions } from './versions';

export interface MarksToLearnParts {
  readonly versions: Versions;
  readonly lend: (id: string) => LentSnapshot;
  readonly marksOf: (folder: string) => Promise<readonly KeptMark[]>;
}

export class MarksToLearn {
  constructor(private readonly parts: MarksToLearnParts) {}

  async plan(
    record: FolderRecord,
    kind: 'marks' | 'adapt' = 'marks',
    scope?: VersionScope,
  ): Promise<LearningPlan> {
    const { id, folder } = record;
    this.refuseEmpty(id, scope);
    const store = this.parts.versions.storeOf(id);
    const queued = await this.stored(record);
    const data = withoutQueued(await this.gather(record), queued);
    const { tiers, seconds, refusal, measuredCount } = this.tiersFor(id, data, scope);
    const { usable, marks } = data.counts;
    const lastRun = (await earlierCurve(store)).at(-1);
    const isAdapting = kind === 'adapt';
    const planned = tiers.filter(({ isPlanned }) => isPlanned).map(({ tier }) => tier);
    const methods = plannedMethods(isAdapting ? [] : planned, data);
    return {
      folder,
      usableCount: usable,
      markCount: marks,
      queryCount: data.queries.length,
      quarantinedCount: new Set(
        [...data.review, ...queued]
          .filter(({ decision, reason }) => !decision && !isMade(reason))
          .map(({ id: mark }) => mark),
      ).size,
      tiers: isAdapting ? tiers.map((tier) => adapted(tier)) : tiers,
      split: isAdapting ? ADAPT_SPLIT : splitSentence(measuredCount),
      seconds: isAdapting ? ADAPT_SECONDS : seconds,
      isBusy: os.loadavg()[0]! > os.availableParallelism(),
      methodCount: methods.count,
      methodSeconds: methods.seconds,
      refusal: isAdapting ? undefined : refusal,
      isOffered: refusal === undefined && isOffered(data, lastRun),
      isResumable: fs.existsSync(path.join(store.runFolder, 'run.json')),
    };
  }

  /**
   * The report of a run that cannot begin, kept as any other; undefined where one can. What the last run set aside counts
   * here: the next one judges it anew.
   */
  async refused(
    record: FolderRecord,
    { seed, scope }: { readonly seed: number; readonly scope?: VersionScope },
  ): Promise<LearningReport | undefined> {
    const startMs = performance.now();
    const data = await this.gather(record);
    const { refusal: reason } = this.tiersFor(record.id, data, scope);
    if (reason === undefined) return undefined;
    const store = this.parts.versions.storeOf(record.id);
    const { folder } = record;
    const marks = await this.parts.marksOf(folder);
    const ids = marks.map(({ mark }) => mark.id);
    const note = ids.length === 0 ? undefined : await stillKnown(store, ids);
    const report = await refusedReport({ data, reason, folder, seed, store, startMs, note });
    // What earlier runs mined is asked about no more.
    const aside = (await this.queue(record)).filter((item) => !isMade(item.reason));
    await keepReview(store.root, aside);
    await store.keepReport(report);
    return report;
  }

  /** Throws where nothing that is indexed lies in the scope. */
  refuseEmpty(id: string, scope: VersionScope | undefined): void {
    if (!scope) return;
    const lent = this.parts.lend(id);
    try {
      refuseEmptyScope(cleanScope(scope), lent.snapshot);
    } finally {
      lent.dispose();
    }
  }

  /** What a person should look at: marks first, then what was mined, then what was mixed. */
  async queue(record: FolderRecord): Promise<readonly ReviewItem[]> {
    const stored = await this.stored(record);
    const known = new Set(stored.map(({ id }) => id));
    const { review } = await this.gather(record);
    const fresh = review.filter(({ id, reason }) => !known.has(id) && reason !== 'duplicate');
    const all = [...stored, ...fresh];
    const ofReason = (isOf: (reason: ReviewItem['reason']) => boolean): ReviewItem[] =>
      all.filter(({ reason }) => isOf(reason));
    return [
      ...ofReason((reason) => !isMade(reason)),
      ...ofReason((reason) => reason === 'mined'),
      ...ofReason((reason) => reason === 'mixed'),
    ];
  }

  async resolve(
    record: FolderRecord,
    mark: string,
    decision: ReviewDecision | null,
  ): Promise<readonly ReviewItem[]> {
    const { root } = this.parts.versions.storeOf(record.id);
    return decideReview(root, mark, decision, await this.queue(record));
  }

  /** What runs left to be looked at, without marks that were taken back since. */
  private async stored({ id, folder }: FolderRecord): Promise<readonly ReviewItem[]> {
    const items = await readReview(this.parts.versions.storeOf(id).root);
    if (items.length === 0) return items;
    const kept = new Set((await this.parts.marksOf(folder)).map(({ mark }) => mark.id));
    return items.filter(({ id: mark, reason }) => isMade(reason) || kept.has(mark));
  }

  private tiersFor(
    id: string,
    data: MarkData,
    scope: VersionScope | undefined,
  ): TierPlan & { readonly measuredCount: number } {
    const lent = this.parts.lend(id);
    try {
      const { snapshot } = lent;
      const reach = reachOf(scope && cleanScope(scope), snapshot);
      const plan = planTiers(data, { chunkCount: snapshot.counts.embeddableCount, reach });
      return { ...plan, measuredCount: decidingCount(data, reach) };
    } finally {
      lent.dispose();
    }
  }

  private async gather({ id, folder }: FolderRecord): Promise<MarkData> {
    const kept = await this.parts.marksOf(folder);
    const decisions = decisionsOf(await readReview(this.parts.versions.storeOf(id).root));
    const lent = this.parts.lend(id);
    try {
      return gatherMarks(lent.snapshot, kept, decisions);
    } finally {
      lent.dispose();
    }
  }
}

/** Without marks that the last run set aside: the next one does too, until somebody decides. */
function withoutQueued(data: MarkData, queued: readonly ReviewItem[]): MarkData {
  const usable = new Set(
    data.queries.flatMap(({ relevant, wrong }) =>
      [...relevant, ...wrong].map(({ markId }) => markId),
    ),
  );
  const aside = queued.filter(
    ({ id, decision, reason }) => !decision && !isMade(reason) && usable.has(id),
  );
  return withoutMarks(data, aside);
}

/** No person has said it. */
function isMade(reason: ReviewItem['reason']): boolean {
  return reason === 'mined' || reason === 'mixed';
}

/** Rough, on two cores. */
const ADAPT_SECONDS = 90;
const ADAPT_SPLIT =
  'Queries made of comments, headings and test titles are measured; none of their chunks is learned from';

function adapted(tier: LearningPlan['tiers'][number]): LearningPlan['tiers'][number] {
  const isPlanned = tier.tier === 'head';
  const sentence = isPlanned
    ? "A small map over stored embeddings, from the folder's own chunks, without marks"
    : 'Needs marks';
  return { ...tier, isPlanned, fromCount: 0, sentence, seconds: isPlanned ? ADAPT_SECONDS : 0 };
}
