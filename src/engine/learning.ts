/**
 * Learning from marks as clients see it: the plan, the run in its own process, the report, the queue of marks to look
 * at. One run a folder; a version that passed is let in when the run is over, in one step.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { AbortedError, NearmissError } from '../base/errors';
import { Emitter } from '../base/event';
import type { Disposable } from '../base/lifecycle';
import type {
  LearningPlan,
  LearningProgress,
  LearningReport,
  LearnParams,
  LearnResult,
  ReviewDecision,
  ReviewItem,
  VersionScope,
} from '../protocol/learning';
import type { TrainingProgress } from '../protocol/training';
import type { FolderRecord } from './dataFolder';
import type { KeptMark } from './feedback/marks';
import { LearnerRun } from './learnerHost';
import { gatherMarks, type MarkData, withoutMarks } from './learning/markData';
import { decideReview, decisionsOf, readReview } from './learning/reviewFile';
import { plannedMethods } from './learning/methods';
import { refuseEmptyScope } from './learning/scope';
import { splitSentence } from './learning/split';
import { measurableCount, OFFERED_EVERY, planTiers } from './learning/tiers';
import { BASE } from './learning/versionStore';
import type { LentSnapshot } from './readers';
import { cleanScope } from './versionNames';
import type { Versions } from './versions';

export interface LearningParts {
  readonly dataFolder: string;
  readonly trainerFile: string;
  readonly versions: Versions;
  readonly lend: (id: string) => LentSnapshot;
  readonly marksOf: (folder: string) => Promise<readonly KeptMark[]>;
}

interface Run {
  readonly learner: LearnerRun;
  readonly isUnasked: boolean;
  isPaused: boolean;
  last: LearningProgress;
}

export class Learning implements Disposable {
  private readonly runs = new Map<string, Run>();
  private readonly progress = new Emitter<LearningProgress>();

  constructor(private readonly parts: LearningParts) {}

  onProgress(listener: (progress: LearningProgress) => void): Disposable {
    return this.progress.on(listener);
  }

  /** While a run goes on, the engine has a reason to stay. */
  get isWorking(): boolean {
    return this.runs.size > 0;
  }

  async plan(
    record: FolderRecord,
    kind: 'marks' | 'adapt' = 'marks',
    scope?: VersionScope,
  ): Promise<LearningPlan> {
    const { id, folder } = record;
    if (scope) this.refuseEmpty(id, cleanScope(scope));
    const store = this.parts.versions.storeOf(id);
    const queued = await this.stored(record);
    const data = withoutQueued(await this.gather(record), queued);
    const { tiers, seconds, refusal } = planTiers(data, { chunkCount: this.chunkCount(id) });
    const { usable, marks } = data.counts;
    const { pointer } = await store.pointer();
    const learned = (await store.read(pointer.current.id)).manifest?.markCount ?? 0;
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
      split: isAdapting ? ADAPT_SPLIT : splitSentence(measurableCount(data)),
      seconds: isAdapting ? ADAPT_SECONDS : seconds,
      isBusy: os.loadavg()[0]! > os.availableParallelism(),
      methodCount: methods.count,
      methodSeconds: methods.seconds,
      refusal: isAdapting ? undefined : refusal,
      isOffered:
        refusal === undefined && usable >= OFFERED_EVERY && usable - learned >= OFFERED_EVERY,
      isResumable: fs.existsSync(path.join(store.runFolder, 'run.json')),
    };
  }

  /** Runs to the end. Aborting the signal cancels; then nothing has changed but what the run saved for itself. */
  async learn(
    record: FolderRecord,
    params: LearnParams,
    signal: AbortSignal,
  ): Promise<LearnResult> {
    const { id, folder } = record;
    const isCheck = params.kind === 'check';
    const checked = isCheck ? await this.parts.versions.named(id, params.version) : undefined;
    await this.giveWay(id, params);
    if (this.runs.has(id))
      throw new NearmissError(
        'busy',
        `${folder} is being learned from already`,
        'Wait until that has ended, or cancel it where it was begun',
      );
    if (signal.aborted) throw new AbortedError();
    if (params.state === 'pilot' && !params.scope)
      throw new NearmissError('usage', 'A pilot counts in a part of the folder alone', 'Say which');
    if (params.scope) this.refuseEmpty(id, cleanScope(params.scope));
    const run = this.start(record, { ...params, version: checked });
    const cancel = (): void => run.learner.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const { version, report } = await run.learner.result;
      // What was cancelled at the last moment must not come in.
      if (signal.aborted) throw new AbortedError();
      if (checked !== undefined) {
        const { time, verdict, isPromoted: holds } = report;
        const check = { time, verdict, holds, isUnasked: params.isUnasked ?? false };
        if (!holds) await this.parts.versions.leave(id, checked, check);
        return { version: checked, isPromoted: report.isPromoted, report };
      }
      if (version !== undefined) {
        const { scope, state } = params;
        await this.parts.versions.use(id, { folder, version, scope, state });
      } else if (report.kind === 'marks' && report.learnedFrom.markCount === 0)
        await this.forgetLearned(record);
      return { version: version ?? BASE, isPromoted: version !== undefined, report };
    } finally {
      signal.removeEventListener('abort', cancel);
      this.runs.delete(id);
      this.tell({ ...run.last, state: 'ended', secondsLeft: 0 });
    }
  }

  cancel(id: string): boolean {
    const run = this.runs.get(id);
    run?.learner.cancel();
    return run !== undefined;
  }

  pause(id: string, isPaused: boolean): boolean {
    const run = this.runs.get(id);
    if (!run) return false;
    run.learner.pause(isPaused);
    run.isPaused = isPaused;
    run.last = { ...run.last, state: isPaused ? 'paused' : 'running' };
    this.tell(run.last);
    return true;
  }

  async report(record: FolderRecord, version?: string): Promise<LearningReport | null> {
    return (await this.parts.versions.storeOf(record.id).report(version)) ?? null;
  }

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

  /** Ends what is under way in a folder, or everywhere. */
  async stop(id?: string): Promise<void> {
    const runs = [...this.runs].filter(([own]) => id === undefined || own === id);
    for (const [, run] of runs) run.learner.cancel();
    await Promise.allSettled(runs.map(([, run]) => run.learner.result));
  }

  dispose(): void {
    for (const run of this.runs.values()) run.learner.cancel();
    this.progress.dispose();
  }

  /** All marks were taken back: what was learned from them must not answer any more. */
  private async forgetLearned({ id, folder }: FolderRecord): Promise<void> {
    const store = this.parts.versions.storeOf(id);
    const { pointer } = await store.pointer();
    const { manifest } = await store.read(pointer.current.id);
    if (manifest?.kind === 'marks') await this.parts.versions.use(id, { folder, version: BASE });
  }

  /** What nobody asked for ends when somebody asks for something; what is cancelled already is waited for. */
  private async giveWay(id: string, { isUnasked }: LearnParams): Promise<void> {
    const run = this.runs.get(id);
    if (!run) return;
    if (!run.learner.isCancelled && (!run.isUnasked || isUnasked)) return;
    run.learner.cancel();
    await run.learner.result.catch(() => undefined);
    // Whoever began it comes first in line and takes it from the list.
    while (this.runs.get(id) === run) await new Promise((resolve) => setImmediate(resolve));
  }

  private refuseEmpty(id: string, scope: VersionScope): void {
    const lent = this.parts.lend(id);
    try {
      refuseEmptyScope(scope, lent.snapshot);
    } finally {
      lent.dispose();
    }
  }

  private start({ id, folder }: FolderRecord, params: LearnParams): Run {
    const { dataFolder, trainerFile } = this.parts;
    const { kind: learnKind = 'marks', seed = 1, resume = true, version } = params;
    const { isUnasked = false, measuresMethods = false } = params;
    const about = { folder, dataFolder, seed, resume, version, isUnasked, measuresMethods };
    const request = { kind: 'learn', learnKind, ...about } as const;
    const begin = { stage: 'starting', done: 0, total: 1, fraction: 0 };
    const last: LearningProgress = { folder, folderId: id, state: 'running', ...begin };
    const learner = new LearnerRun({
      ...{ trainerFile, request },
      onProgress: (progress) => this.take(run, progress),
    });
    const run: Run = { learner, isUnasked, isPaused: false, last };
    this.runs.set(id, run);
    this.tell(last);
    return run;
  }

  private take(run: Run, { stage, done, total, secondsLeft, fraction }: TrainingProgress): void {
    const { last, isPaused } = run;
    run.last = {
      ...last,
      ...{ stage, done, total, secondsLeft, state: isPaused ? 'paused' : 'running' },
      fraction: Math.max(last.fraction, fraction ?? 0),
    };
    this.tell(run.last);
  }

  private tell(progress: LearningProgress): void {
    this.progress.fire(progress);
  }

  /** What runs left to be looked at, without marks that were taken back since. */
  private async stored({ id, folder }: FolderRecord): Promise<readonly ReviewItem[]> {
    const items = await readReview(this.parts.versions.storeOf(id).root);
    if (items.length === 0) return items;
    const kept = new Set((await this.parts.marksOf(folder)).map(({ mark }) => mark.id));
    return items.filter(({ id: mark, reason }) => isMade(reason) || kept.has(mark));
  }

  private chunkCount(id: string): number {
    const lent = this.parts.lend(id);
    try {
      return lent.snapshot.counts.embeddableCount;
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
