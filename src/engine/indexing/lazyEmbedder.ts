/**
 * An embedder whose space is known at once and whose session is made when the first text comes, so that words
 * never wait for a model and a folder with nothing to embed costs no memory. A session that was idle for a
 * while is let go; the next edit makes a new one in a fraction of a second.
 */
import { AbortedError } from '../../base/errors';
import type { Embedder, EmbeddingSpace } from '../encoders/types';

const RELEASE_AFTER_MS = 60_000;

export interface LazyOptions {
  readonly space: EmbeddingSpace;
  readonly load: () => Promise<Embedder>;
  readonly releaseAfterMs?: number;
}

export class LazyEmbedder implements Embedder {
  readonly space: EmbeddingSpace;
  private loading: Promise<Embedder> | undefined;
  private isDisposed = false;
  private useCount = 0;
  private release: NodeJS.Timeout | undefined;

  constructor(private readonly options: LazyOptions) {
    this.space = options.space;
  }

  /** Resolves when the session is there; rejects when it cannot be made, and tries anew when called again. */
  async prepare(): Promise<void> {
    await this.use(async () => undefined);
  }

  embedDocuments(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array> {
    return this.use((embedder) => embedder.embedDocuments(texts, signal));
  }

  embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array> {
    return this.use((embedder) => embedder.embedQuery(text, signal));
  }

  /** What is under way finishes first. */
  dispose(): void {
    this.isDisposed = true;
    if (this.useCount === 0) this.letGo();
  }

  private async use<T>(action: (embedder: Embedder) => Promise<T>): Promise<T> {
    if (this.isDisposed) throw new AbortedError();
    clearTimeout(this.release);
    this.useCount++;
    try {
      this.loading ??= this.options.load();
      const { loading } = this;
      const embedder = await loading.catch((error: unknown) => {
        this.loading = undefined;
        throw error;
      });
      return await action(embedder);
    } finally {
      this.useCount--;
      if (this.useCount === 0) this.releaseLater();
    }
  }

  private releaseLater(): void {
    if (this.isDisposed) return this.letGo();
    clearTimeout(this.release);
    const afterMs = this.options.releaseAfterMs ?? RELEASE_AFTER_MS;
    this.release = setTimeout(() => this.letGo(), afterMs);
    this.release.unref();
  }

  private letGo(): void {
    clearTimeout(this.release);
    this.loading?.then((embedder) => embedder.dispose()).catch(() => undefined);
    this.loading = undefined;
  }
}
