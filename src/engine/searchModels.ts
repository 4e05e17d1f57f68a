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
  readonly staticEncoder: (tokenizer: Tokenizer) => Promise<StaticEncoder>;
  /** Undefined: no contextual embedding can be had, which is told elsewhere. */
  readonly embedder: () => Promise<Embedder | undefined>;
  readonly reranker: () => Promise<Reranker>;
}

type Part = keyof ModelLoaders;

export class SearchModels implements Disposable {
  private loading: Promise<void> | undefined;
  private loaded: { -readonly [P in keyof LoadedModels]: LoadedModels[P] } = {};
  private readonly failures = new Map<Part, string>();
  private isDisposed = false;

  constructor(
    private readonly loaders: ModelLoaders,
    private readonly log: Logger,
  ) {}

  /** What is there now; begins to load what is not. Never waits. */
  available(): LoadedModels {
    void this.all();
    return { ...this.loaded };
  }

  /** Everything that can be loaded. */
  async all(): Promise<LoadedModels> {
    this.loading ??= this.load();
    await this.loading;
    return { ...this.loaded };
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

  private async load(): Promise<void> {
    const tokens = this.part('tokenizer', this.loaders.tokenizer).then(async (tokenizer) => {
      if (!tokenizer) return;
      this.loaded.tokenizer = tokenizer;
      const load = (): Promise<StaticEncoder> => this.loaders.staticEncoder(tokenizer);
      this.loaded.staticEncoder = await this.part('staticEncoder', load);
    });
    const embedder = this.part('embedder', this.loaders.embedder).then((value) => {
      if (this.isDisposed) value?.dispose();
      else this.loaded.embedder = value;
    });
    const reranker = this.part('reranker', this.loaders.reranker).then((value) => {
      if (this.isDisposed) value?.dispose();
      else this.loaded.reranker = value;
    });
    await Promise.all([tokens, embedder, reranker]);
  }

  private async part<T>(name: Part, load: () => Promise<T>): Promise<T | undefined> {
    try {
      return await load();
    } catch (error) {
      if (isAbort(error)) return undefined;
      this.failures.set(name, messageOf(error));
      this.log.error(`loading the ${name}`, error);
      return undefined;
    }
  }
}
