/**
 * Embeddings of encoders that were learned for a folder, beside those of the model that everything rests on: when all else is
 * done, so that going back is instant at any time. How far they are is not noted in the index; chunks are looked through in
 * the order of their ids, which are never used twice, and what is there already costs a look.
 */
import { isAbort, NearmissError } from '../../base/errors';
import type { Sequencer } from '../../base/queue';
import type { EmbeddingCache, FolderWriter } from '../store/types';
import type { Alarm } from './alarm';
import { EmbeddingStage, type LoadableEmbedder } from './embeddingStage';
import type { WorkGate } from './gate';

export interface FurtherContext {
  readonly writer: Pick<FolderWriter, 'pendingBeside'>;
  readonly cache: EmbeddingCache;
  readonly gate: WorkGate;
  /** Shared by all folders of a process: a model runs for one of them at a time. */
  readonly modelTurns: Sequencer;
  readonly alarm: Alarm;
  readonly onEmbedded: () => void;
  readonly onModelFailure: (error: unknown) => void;
}

/** Readers load new embeddings at most so often. */
const TELL_EVERY_MS = 500;

export class FurtherWork {
  private stages: readonly EmbeddingStage[] = [];
  private lastStepMs = 0;
  private toldAt = -Infinity;
  private hasUntold = false;

  constructor(private readonly context: FurtherContext) {}

  /** What embeds from now on, in this order. The caller keeps them alive until others are set. */
  use(embedders: readonly LoadableEmbedder[]): void {
    const known = this.stages;
    this.stages = embedders.map(
      (embedder) => known.find((stage) => stage.embedder === embedder) ?? this.stageOf(embedder),
    );
  }

  /** One step, or a wait for its time to come. False when nothing is left to embed. */
  async turn(signal: AbortSignal): Promise<boolean> {
    const stage = this.stages.find((one) => one.hasWork());
    if (!stage) {
      this.tell();
      return false;
    }
    const { gate, alarm, modelTurns } = this.context;
    const { waitMs } = await gate.heavyWait(this.lastStepMs);
    if (waitMs > 0) {
      // A rest is due once a step, not again after it.
      this.lastStepMs = 0;
      await alarm.sleep(signal, waitMs);
      return true;
    }
    try {
      const step = await modelTurns.run(async () => {
        await stage.prepare();
        return stage.step(signal);
      });
      this.lastStepMs = step.tookMs;
      this.hasUntold = true;
    } catch (error) {
      if (isAbort(error) || isOfStore(error)) throw error;
      this.stages = this.stages.filter((one) => one !== stage);
      this.context.onModelFailure(error);
    }
    if (performance.now() - this.toldAt >= TELL_EVERY_MS) this.tell();
    return true;
  }

  private tell(): void {
    if (!this.hasUntold) return;
    this.hasUntold = false;
    this.toldAt = performance.now();
    this.context.onEmbedded();
  }

  private stageOf(embedder: LoadableEmbedder): EmbeddingStage {
    const { writer, cache } = this.context;
    let after = 0;
    return new EmbeddingStage(
      {
        cache,
        priority: () => [],
        writer: {
          pendingEmbeddings(spaceId, limit) {
            for (;;) {
              const { chunks, lastId } = writer.pendingBeside(spaceId, after, limit);
              // Those that are lacking are asked for again: only what is there is passed over.
              if (chunks.length > 0 || lastId === 0) return chunks;
              after = lastId;
            }
          },
        },
      },
      embedder,
    );
  }
}

const storeCodes: ReadonlySet<string> = new Set(['diskFull', 'index', 'permission', 'busy']);

function isOfStore(error: unknown): boolean {
  return error instanceof NearmissError && storeCodes.has(error.code);
}
