/**
 * Tier 3 as the loop sees it: whether there is something to embed, whether it may be done now, one step of it,
 * and who is told. A model that fails ends this tier only; words and static embeddings stay.
 */
import { isAbort, NearmissError } from '../../base/errors';
import type { Sequencer } from '../../base/queue';
import type { EmbeddingCache, FolderWriter } from '../store/types';
import type { Alarm } from './alarm';
import { EmbeddingStage, type LoadableEmbedder } from './embeddingStage';
import type { WorkGate } from './gate';
import type { ProgressCounts, ProgressMeter } from './progress';

/** An embedder, one that is on its way, or none. */
export type EmbedderState = LoadableEmbedder | 'loading' | undefined;

export interface EmbeddingWorkContext {
  readonly writer: FolderWriter;
  readonly cache: EmbeddingCache;
  readonly gate: WorkGate;
  /** Shared by all folders of a process: the model runs for one of them at a time. */
  readonly modelTurns: Sequencer;
  readonly meter: ProgressMeter;
  readonly alarm: Alarm;
  /** Document ids whose chunks come first, most wanted first. */
  readonly priority: () => readonly number[];
  readonly onEmbedded: () => void;
  readonly onModelFailure: (error: unknown) => void;
}

/** Readers load new embeddings at most so often; between, nothing is counted. */
const TELL_EVERY_MS = 500;

export class EmbeddingWork {
  private stage: EmbeddingStage | 'loading' | undefined;
  private lastStepMs = 0;
  /** Why steps take turns with rests just now. */
  private slowReason: string | undefined;
  private toldAt = -Infinity;
  private hasUntold = false;

  constructor(private readonly context: EmbeddingWorkContext) {}

  use(embedder: EmbedderState): void {
    const { writer, cache, priority } = this.context;
    const isReady = embedder !== undefined && embedder !== 'loading';
    this.stage = isReady ? new EmbeddingStage({ writer, cache, priority }, embedder) : embedder;
  }

  get isExpected(): boolean {
    return this.stage !== undefined;
  }

  /** False while it is undecided what embeds. */
  get isSettled(): boolean {
    return this.stage !== 'loading';
  }

  get spaceId(): string | undefined {
    return this.stage instanceof EmbeddingStage ? this.stage.embedder.space.id : undefined;
  }

  /** Documents or priorities changed. */
  reorder(): void {
    if (this.stage instanceof EmbeddingStage) this.stage.reorder();
  }

  /** One step, or a wait for its time to come. False when nothing is left to embed. */
  async turn(signal: AbortSignal): Promise<boolean> {
    const { stage } = this;
    const { meter, gate, alarm } = this.context;
    if (stage === undefined || (stage !== 'loading' && !stage.hasWork())) return false;
    meter.begin();
    const { waitMs, reason, isHeld } = await gate.heavyWait(this.lastStepMs);
    this.slowReason = isHeld ? undefined : reason;
    if (stage === 'loading' || waitMs > 0) {
      meter.update(
        isHeld ? 'waiting' : 'embedding',
        stage === 'loading' ? this.counts() : {},
        // While the model is being loaded nothing rests.
        stage === 'loading' && !isHeld ? undefined : reason,
      );
      // A rest is due once a step, not again after it.
      this.lastStepMs = 0;
      await alarm.sleep(signal, stage === 'loading' ? undefined : waitMs);
      return true;
    }
    await this.step(stage, signal);
    return true;
  }

  /** Tells readers of what was embedded since they were told last. */
  tell(): void {
    if (!this.hasUntold) return;
    this.hasUntold = false;
    this.toldAt = performance.now();
    // The store notes what has arrived when it counts; before that readers would find nothing new.
    this.context.meter.update('embedding', this.counts(), this.slowReason);
    this.context.onEmbedded();
  }

  counts(): ProgressCounts {
    const { spaceId } = this;
    const counts = this.context.writer.counts(spaceId ?? '');
    return {
      documentCount: counts.documentCount,
      wordDocumentCount: counts.documentCount,
      staticDocumentCount: counts.syntaxDocumentCount,
      embeddableCount: this.isExpected ? counts.embeddableCount : 0,
      embeddedCount: spaceId === undefined ? 0 : counts.embeddedCount,
      skippedCount: counts.skippedCount,
    };
  }

  private async step(stage: EmbeddingStage, signal: AbortSignal): Promise<void> {
    try {
      const step = await this.context.modelTurns.run(async () => {
        await stage.prepare();
        return stage.step(signal);
      });
      this.lastStepMs = step.tookMs;
      this.hasUntold = true;
      this.context.meter.expectChunks(0);
      if (performance.now() - this.toldAt >= TELL_EVERY_MS) this.tell();
      else this.show(step.embeddedCount);
    } catch (error) {
      if (isAbort(error) || isOfStore(error)) throw error;
      this.stage = undefined;
      this.context.onModelFailure(error);
    }
  }

  /** Between two counts the steps are added up; chunks of the same text make that a little less than the truth. */
  private show(addedCount: number): void {
    const { embeddableCount, embeddedCount } = this.context.meter.current;
    const next = Math.min(embeddedCount + addedCount, embeddableCount);
    this.context.meter.update('embedding', { embeddedCount: next }, this.slowReason);
  }
}

const storeCodes: ReadonlySet<string> = new Set(['diskFull', 'index', 'permission', 'busy']);

function isOfStore(error: unknown): boolean {
  return error instanceof NearmissError && storeCodes.has(error.code);
}
