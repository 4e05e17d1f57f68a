/**
 * Learning as clients see it: the run in its own process, and its report. One run a folder; a version that passed is let in
 * when the run is over, in one step. Where the marks are too few none is begun.
 */
import { AbortedError, NearmissError } from '../base/errors';
import { Emitter } from '../base/event';
import type { Disposable } from '../base/lifecycle';
import type {
  LearningProgress,
  LearningReport,
  LearnParams,
  LearnResult,
} from '../protocol/learning';
import type { TrainingProgress } from '../protocol/training';
import type { FolderRecord } from './dataFolder';
import { LearnerRun } from './learnerHost';
import { BASE } from './learning/versionStore';
import { MarksToLearn, type MarksToLearnParts } from './marksToLearn';
import { cleanScope } from './versionNames';

export interface LearningParts extends MarksToLearnParts {
  readonly dataFolder: string;
  readonly trainerFile: string;
}

const DEFAULT_SEED = 1;
const BEGIN = { stage: 'starting', done: 0, total: 1, fraction: 0 };

interface Run {
  readonly learner: LearnerRun;
  readonly isUnasked: boolean;
  isPaused: boolean;
  last: LearningProgress;
}

export class Learning implements Disposable {
  private readonly runs = new Map<string, Run>();
  private readonly progress = new Emitter<LearningProgress>();

  readonly marks: MarksToLearn;

  constructor(private readonly parts: LearningParts) {
    this.marks = new MarksToLearn(parts);
  }

  onProgress(listener: (progress: LearningProgress) => void): Disposable {
    return this.progress.on(listener);
  }

  /** While a run goes on, the engine has a reason to stay. */
  get isWorking(): boolean {
    return this.runs.size > 0;
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
    if (params.state === 'pilot' && !params.scope)
      throw new NearmissError('usage', 'A pilot counts in a part of the folder alone', 'Say which');
    this.marks.refuseEmpty(id, params.scope);
    const refused = await this.refuse(record, params);
    if (refused) {
      // It ends like any other, for those who tidy up then.
      this.tell({ folder, folderId: id, ...BEGIN, state: 'ended', secondsLeft: 0 });
      return { version: BASE, isPromoted: false, report: refused };
    }
    await this.giveWay(id, params);
    if (this.runs.has(id))
      throw new NearmissError(
        'busy',
        `${folder} is being learned from already`,
        'Wait until that has ended, or cancel it where it was begun',
      );
    if (signal.aborted) throw new AbortedError();
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
      }
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

  /** The report of a run that has too little to learn from, at once and without a process. */
  private async refuse(
    record: FolderRecord,
    { kind = 'marks', seed = DEFAULT_SEED, scope }: LearnParams,
  ): Promise<LearningReport | undefined> {
    if (kind !== 'marks') return undefined;
    const report = await this.marks.refused(record, { seed, scope });
    if (report?.learnedFrom.markCount === 0) await this.forgetLearned(record);
    return report;
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

  private start({ id, folder }: FolderRecord, params: LearnParams): Run {
    const { dataFolder, trainerFile } = this.parts;
    const { kind: learnKind = 'marks', seed = DEFAULT_SEED, resume = true, version } = params;
    const { isUnasked = false, measuresMethods = false } = params;
    const scope = params.scope && cleanScope(params.scope);
    const about = { folder, dataFolder, seed, resume, version, isUnasked, measuresMethods, scope };
    const request = { kind: 'learn', learnKind, ...about } as const;
    const last: LearningProgress = { folder, folderId: id, state: 'running', ...BEGIN };
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
}
