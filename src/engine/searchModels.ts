/**
 * The models that searches run on, loaded when the first search comes, each on its own, so that words need
 * not wait for any of them. A model that fails to load leaves its part of the ranking out; the reason is kept.
 */
import { isAbort, messageOf } from '../base/errors';
import type { Disposable } from '../base/lifecycle';
import type { Logger } from '../base/log';
import type { Embedder, Reranker, StaticEncoder, Tokenizer } from './encoders/types';

/** What a search can be given; what is missing is not loaded, or cannot be. */
export interface LoadedModels {
  readonly tokenizer?: Tokenizer;
  readonly staticEncoder?: StaticEncoder;
  readonly embedder?: Embedder;
  readonly reranker?: Reranker;
}

/** How each model is loaded; called at most once each. */
export interface ModelLoaders {
  readonly tokenizer: () => Promise<Tokenizer>;
  readonly staticEncoder: () => Promise<StaticEncoder>;
  /** With the tokenizer of its checkpoint. Undefined: none can be had, which is told elsewhere. */
  readonly embedder: () => Promise<
    { readonly embedder: Embedder; readonly tokenizer: Tokenizer } | undefined
  >;
  readonly reranker: () => Promise<Reranker>;
}

type Part = keyof ModelLoaders;

const firstStage = ['tokenizer', 'staticEncoder', 'embedder'] as const satisfies readonly Part[];

export class SearchModels implements Disposable {
  private readonly loading = new Map<Part, Promise<void>>();
  private loaded: { -readonly [P in keyof LoadedModels]: LoadedModels[P] } = {};
  private readonly settled = new Set<Part>();
  private readonly failures = new Map<Part, string>();
  private isDisposed = false;

  constructor(
    private readonly loaders: ModelLoaders,
    private readonly log: Logger,
  ) {}

  /** What is there now; begins to load what is not. Never waits. */
  available(): LoadedModels {
    void this.whole();
    return { ...this.loaded };
  }

  /** Whether everything that the first stage can use is loaded, or known not to load. */
  get hasFirstStage(): boolean {
    return firstStage.every((part) => this.settled.has(part));
  }

  /** Everything that can be loaded. */
  async whole(): Promise<LoadedModels> {
    const loaded = await this.withoutReranker();
    await this.begin('reranker');
    return { ...loaded, reranker: this.loaded.reranker };
  }

  /** Everything that the first stage of a search can use; the re-ranker is loaded meanwhile, not waited for. */
  async withoutReranker(): Promise<LoadedModels> {
    await Promise.all(firstStage.map((part) => this.begin(part)));
    // Only now: loading it holds this thread, which the first answer would wait for.
    void this.begin('reranker');
    const { tokenizer, staticEncoder, embedder } = this.loaded;
    return { tokenizer, staticEncoder, embedder };
  }

  /** A sentence for each model that could not be loaded. */
  get problems(): readonly string[] {
    return [...this.failures.values()];
  }

  dispose(): void {
    this.isDisposed = true;
    this.loaded.embedder?.dispose();
    this.loaded.reranker?.dispose();
    this.loaded = {};
  }

  private begin(part: Part): Promise<void> {
    const known = this.loading.get(part);
    if (known) return known;
    const loading = this.load(part);
    this.loading.set(part, loading);
    return loading;
  }

  private async load(part: Part): Promise<void> {
    try {
      await this.parts[part]();
    } catch (error) {
      if (isAbort(error)) return;
      this.failures.set(part, messageOf(error));
      this.log.error(`loading the ${part}`, error);
    } finally {
      this.settled.add(part);
    }
  }

  private readonly parts: { readonly [P in Part]: () => Promise<void> } = {
    tokenizer: async () => {
      // That of the checkpoint in use says better which words embeddings understand.
      this.loaded.tokenizer ??= await this.loaders.tokenizer();
    },
    staticEncoder: async () => {
      this.loaded.staticEncoder = await this.loaders.staticEncoder();
    },
    embedder: async () => {
      const opened = await this.loaders.embedder();
      if (this.isDisposed) opened?.embedder.dispose();
      else if (opened) this.loaded = { ...this.loaded, ...opened };
    },
    reranker: async () => {
      const reranker = await this.loaders.reranker();
      if (this.isDisposed) reranker.dispose();
      else this.loaded.reranker = reranker;
    },
  };
}
