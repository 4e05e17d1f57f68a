/**
 * Which chunks are embedded next, and how many at a time. Texts seen before, in any folder or branch, never
 * come here: the store knows them by their key. A step's size follows from how long the last one took, so
 * that a slow machine stays polite and a fast one is not held back.
 */
import { NearmissError } from '../../base/errors';
import { encoderText } from '../documents/encoderText';
import type { Embedder } from '../encoders/types';
import type { EmbeddingCache, FolderWriter, PendingChunk } from '../store/types';

/** A query may wait for one step: on two slow cores it should end within this. */
const STEP_MS = 45;
/** Characters of code in a token, roughly; only sizes of steps rest on it. */
const CHARACTERS_PER_TOKEN = 3;
const FIRST_STEP_TOKENS = 256;
const LEAST_STEP_TOKENS = 128;
/** Far above what a processor does in a step; a fast device gets there. */
const MOST_STEP_TOKENS = 16_384;
/** Chunks asked from the store at once; within as many, texts of like length go together. */
const QUEUE_LENGTH = 256;

export interface EmbeddingContext {
  readonly writer: Pick<FolderWriter, 'pendingEmbeddings'>;
  readonly cache: Pick<EmbeddingCache, 'put'>;
  /** Document ids whose chunks come first, most wanted first. */
  readonly priority: () => readonly number[];
}

export interface EmbeddingStep {
  readonly embeddedCount: number;
  readonly tookMs: number;
}

/** An embedder that may have to load first. */
export type LoadableEmbedder = Embedder & { prepare?(): Promise<void> };

interface QueuedText {
  readonly chunk: PendingChunk;
  readonly text: string;
}

export class EmbeddingStage {
  private queue: QueuedText[] = [];
  private stepTokens = FIRST_STEP_TOKENS;
  /** Keys stored since the store was asked last. */
  private readonly stored = new Set<string>();

  constructor(
    private readonly context: EmbeddingContext,
    readonly embedder: LoadableEmbedder,
  ) {}

  /** Forgets the order at hand: documents or priorities changed. */
  reorder(): void {
    this.queue = [];
  }

  /** Whether a chunk lacks an embedding. Asks the store when the last answer is used up. */
  hasWork(): boolean {
    if (this.queue.length === 0) this.refill();
    return this.queue.length > 0;
  }

  /** Makes the model ready, where that is still to be done; its time is no step's. */
  async prepare(): Promise<void> {
    await this.embedder.prepare?.();
  }

  /** Embeds the next few chunks and stores them in one transaction. */
  async step(signal: AbortSignal): Promise<EmbeddingStep> {
    const startedAt = performance.now();
    const batch = this.takeBatch();
    const rows = await this.embedder.embedDocuments(
      batch.map(({ text }) => text),
      signal,
    );
    const { dimension, id } = this.embedder.space;
    const entries = batch.map(({ chunk }, row) => ({
      key: chunk.embeddingKey,
      vector: rows.subarray(row * dimension, (row + 1) * dimension),
    }));
    this.context.cache.put(id, entries);
    for (const { key } of entries) this.stored.add(Buffer.from(key).toString('hex'));
    const tookMs = performance.now() - startedAt;
    this.adapt(batch, tookMs);
    return { embeddedCount: batch.length, tookMs };
  }

  private refill(): void {
    const { writer, priority } = this.context;
    const wanted = priority();
    const pending = writer.pendingEmbeddings(this.embedder.space.id, QUEUE_LENGTH, wanted);
    const isKnown = (chunk: PendingChunk): boolean =>
      this.stored.has(Buffer.from(chunk.embeddingKey).toString('hex'));
    if (pending.length > 0 && pending.every(isKnown)) {
      throw new NearmissError(
        'index',
        'Embeddings cannot be read back after they were stored',
        'Run "nearmiss doctor --fix"',
      );
    }
    this.stored.clear();
    const places = new Map(wanted.map((id, place) => [id, place]));
    const place = (chunk: PendingChunk): number => places.get(chunk.documentId) ?? wanted.length;
    this.queue = pending
      .map((chunk) => ({ chunk, text: encoderText(chunk.path, chunk), place: place(chunk) }))
      .sort((a, b) => a.place - b.place || b.text.length - a.text.length);
  }

  /** At least one chunk, as many as fill the step with padding counted in. */
  private takeBatch(): QueuedText[] {
    let longest = 0;
    let count = 0;
    for (const { text } of this.queue) {
      longest = Math.max(longest, tokensOf(text));
      if (count > 0 && longest * (count + 1) > this.stepTokens) break;
      count++;
    }
    return this.queue.splice(0, count);
  }

  /** Half of the way to the size that would have taken `STEP_MS`, never more than doubled. */
  private adapt(batch: readonly QueuedText[], tookMs: number): void {
    const tokens = Math.max(...batch.map(({ text }) => tokensOf(text))) * batch.length;
    const fitting = (tokens * STEP_MS) / Math.max(tookMs, 1);
    // A step far below its size says little about a full one.
    if (tokens < this.stepTokens / 2 && fitting > this.stepTokens) return;
    const next = Math.min((this.stepTokens + fitting) / 2, this.stepTokens * 2);
    this.stepTokens = Math.min(Math.max(next, LEAST_STEP_TOKENS), MOST_STEP_TOKENS);
  }
}

function tokensOf(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}
