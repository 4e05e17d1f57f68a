/**
 * Searches on what is there: lends each one snapshot, marks, the models that are loaded, and what was learned,
 * and holds the indexing process back meanwhile.
 */
import { AbortedError } from '../base/errors';
import { type Disposable, Shared } from '../base/lifecycle';
import type { Logger } from '../base/log';
import { Comparing } from './comparing';
import type { FolderRecord } from './dataFolder';
import type { EncoderPlan } from './encoderPlan';
import type { Reranker } from './encoders/types';
import type { Folders } from './folders';
import type { IndexerHost } from './indexerHost';
import { isInScope } from './learning/scope';
import type { Marking } from './marking';
import type { Buffer, Overlays } from './overlays';
import type { FolderReaders } from './readers';
import { RememberedScores } from './rememberedScores';
import { joinFilters, parseQuery } from './search/query';
import { search } from './search/search';
import { findSimilar, type SimilarRequest } from './search/similar';
import type { SearchContext, SearchRequest, SearchResult } from './search/types';
import type { SearchModels } from './searchModels';
import type { LentVersion, VersionNeeds } from './openVersions';
import type { Settings } from './settings';
import type { Versions } from './versions';

type VersionedContext = SearchContext & { readonly version?: LentVersion };

interface Ranking {
  readonly asked: SearchRequest;
  /** The re-ranker as it is asked. */
  readonly through: (reranker: Reranker) => Reranker;
  readonly until: AbortSignal;
  readonly onFused?: (result: SearchResult) => void;
}

/** How long the indexing process holds back for one query at most. */
const busyForMs = 1000;
/** How long an answer whose first hits are shown waits for models and embeddings that are being loaded. */
const warmWithinMs = 4000;

export interface SearchingParts {
  readonly log: Logger;
  readonly indexer: IndexerHost;
  readonly readers: FolderReaders;
  readonly overlays: Overlays;
  readonly plan: EncoderPlan;
  readonly versions: Versions;
  readonly folders: Folders;
  readonly marking: Marking;
  readonly settings: Pick<Settings, 'liveWithinMs'>;
  /** Models for searches, none of them loaded yet; called again when the plan has become another. */
  readonly makeModels: () => SearchModels;
}

export class Searching implements Disposable {
  readonly comparing: Comparing;
  private searchCount = 0;
  private askedAtMs = performance.now();
  private models: SearchModels;
  private sharedModels: Shared<SearchModels>;

  constructor(private readonly parts: SearchingParts) {
    this.models = parts.makeModels();
    this.sharedModels = new Shared(this.models);
    this.comparing = new Comparing({ ...parts, ...parts.settings });
  }

  /** A sentence for each model that answers have to do without. */
  get modelProblems(): readonly string[] {
    return this.models.problems;
  }

  /** So long nobody has asked anything. */
  get quietForMs(): number {
    return this.searchCount > 0 ? 0 : performance.now() - this.askedAtMs;
  }

  /** From here on searches run on models made anew; those under way end on the old ones. */
  renewModels(): void {
    this.sharedModels.retire();
    this.models = this.parts.makeModels();
    this.sharedModels = new Shared(this.models);
  }

  /**
   * Runs a search on one snapshot. With a budget it takes the models that are loaded, else it waits for all. While
   * they are still being loaded, what can be said without them is for `onFirst`, and the answer follows soon.
   */
  async search(
    folder: string,
    { buffers = [], ...request }: SearchRequest & { readonly buffers?: readonly Buffer[] },
    signal: AbortSignal,
    onFirst?: (result: SearchResult) => void,
  ): Promise<SearchResult> {
    const record = this.parts.folders.indexedRecord(folder);
    this.comparing.begun(record.id);
    const isInteractive = request.budgetMs !== undefined;
    if (isInteractive) this.makePlanInTime();
    const needs = isInteractive ? 'available' : request.rerank ? 'whole' : 'withoutReranker';
    const rank = async (
      { version, ...base }: VersionedContext,
      { asked, through, until, onFused }: Ranking,
    ): Promise<SearchResult> => {
      const view = { ...base, ...learnedFor(version, base, asked) };
      const reranker = view.reranker && through(view.reranker);
      const { overlays } = this.parts;
      const snapshot = await overlays.over(base.snapshot, buffers, view.embedder, until);
      return search({ ...view, reranker, snapshot }, asked, until, onFused);
    };
    let scores = new RememberedScores();
    const ask = (): Promise<SearchResult> => {
      scores = new RememberedScores();
      const through = (reranker: Reranker): Reranker => scores.recording(reranker);
      const ranking = { asked: request, through, until: signal, onFused: onFirst };
      return this.withContext(record, needs, (context) => rank(context, ranking));
    };
    const isWorthWaiting = this.parts.plan.isBegun && !this.isWarm(record.id);
    const isEarly = isInteractive && onFirst !== undefined && isWorthWaiting;
    let result = await ask();
    if (isEarly) {
      onFirst(result);
      await this.becomesWarm(record.id);
      result = await ask();
    }
    this.parts.folders.prioritize(record.id, result);
    if (!isInteractive) return result;
    const rankCandidate = (until: AbortSignal): Promise<SearchResult> => {
      // Reads as many candidates as the version that answers did, whatever the clock says.
      const { count } = scores;
      const asked = { ...request, rerank: count > 0, rerankCount: count, budgetMs: undefined };
      const through = (reranker: Reranker): Reranker => scores.reusing(reranker);
      return this.withCandidate(record, needs, (context) =>
        rank(context, { asked, through, until }),
      );
    };
    const { query, limit } = request;
    const { id } = record;
    return this.comparing.answered({ id, query, limit, rankCandidate, onFirst }, result);
  }

  /** `text` is what the span says where that is not saved. */
  async similar(
    folder: string,
    request: SimilarRequest,
    text: string | undefined,
    signal: AbortSignal,
  ): Promise<SearchResult> {
    const record = this.parts.folders.indexedRecord(folder);
    return this.withContext(record, 'withoutReranker', async (given) => {
      const { version, ...bare } = given;
      // Looks everywhere, so that what is for a part of the folder has no say.
      const learned = version?.scope ? {} : learnedOf(version, bare);
      const isBase = learned.embedder !== undefined && learned.learned?.mapsSimilar === false;
      const context = { ...bare, ...(isBase ? {} : learned) };
      if (text === undefined) return findSimilar(context, request);
      const buffer = { path: request.path, text };
      const vector = await this.parts.overlays.embedText(buffer, context.embedder, signal);
      return findSimilar(context, { ...request, unsaved: { text, vector } });
    });
  }

  /** Runs `work` on a snapshot of the folder, with marks, models as far as needed, and what was learned. */
  async withContext<T>(
    record: FolderRecord,
    needs: VersionNeeds,
    work: (context: VersionedContext) => Promise<T>,
    lendVersion = (id: string): Promise<LentVersion | undefined> =>
      this.parts.versions.forSearch(id, needs),
  ): Promise<T> {
    const { readers, indexer } = this.parts;
    const isPatient = needs !== 'available';
    if (isPatient) void this.parts.plan.whenMade();
    const models = this.sharedModels.acquire();
    const loaded = await models.value[needs]();
    this.searchCount++;
    this.askedAtMs = performance.now();
    indexer.send({ type: 'busy', forMs: busyForMs });
    const { marks, filling } = await this.parts.marking.forSearch(record, loaded, isPatient);
    const { id } = record;
    const version = await lendVersion(id);
    const lent = isPatient ? await readers.wholeSnapshot(id) : readers.snapshot(id);
    try {
      return await work({ snapshot: lent.snapshot, marks, ...loaded, version });
    } finally {
      lent.dispose();
      version?.dispose();
      void filling.then(() => models.dispose());
      if (--this.searchCount === 0) indexer.send({ type: 'notBusy' });
    }
  }

  /** The same, what was learned in its place; what is for a part of the folder has no say. */
  withLearned<T>(
    record: FolderRecord,
    needs: VersionNeeds,
    work: (context: SearchContext) => Promise<T>,
  ): Promise<T> {
    return this.withContext(record, needs, ({ version, ...base }) =>
      work({ ...base, ...(version?.scope ? {} : learnedOf(version, base)) }),
    );
  }

  /** The same with the version that is compared. Throws an AbortedError where there is none any more. */
  private withCandidate<T>(
    record: FolderRecord,
    needs: VersionNeeds,
    work: (context: VersionedContext) => Promise<T>,
  ): Promise<T> {
    return this.withContext(
      record,
      needs,
      (context) => (context.version ? work(context) : Promise.reject(new AbortedError())),
      (id) => this.parts.versions.forComparison(id),
    );
  }

  /** Measuring how to embed takes both cores for some seconds, which words and static embeddings need first. */
  makePlanInTime(): void {
    if (!this.parts.folders.isInFirstTiers) void this.parts.plan.whenMade();
  }

  /** Begins to load what searches of the folder need. */
  warmUp(id: string): void {
    this.models.available();
    this.parts.readers.warmUp(id);
  }

  dispose(): void {
    this.comparing.dispose();
    this.sharedModels.retire();
  }

  private isWarm(id: string): boolean {
    return this.models.hasFirstStage && this.parts.readers.isWarm(id);
  }

  /** Waits for models and embeddings to be in memory, but not longer than a person would. */
  private async becomesWarm(id: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, warmWithinMs);
    });
    const models = this.sharedModels.acquire();
    // The model that is loaded decides which embeddings are taken into memory.
    const warm = models.value.withoutReranker().then(() => this.parts.readers.becomesWarm(id));
    await Promise.race([warm, patience]);
    clearTimeout(timer);
    models.dispose();
  }
}

/** What a version puts in place of the base in this search: all of it or nothing. */
function learnedFor(
  version: LentVersion | undefined,
  context: SearchContext,
  request: SearchRequest,
): Partial<SearchContext> {
  if (version?.scope) {
    const filter = joinFilters(parseQuery(request.query).filter, request.filter);
    if (!isInScope(version.scope, filter, context.snapshot)) return {};
  }
  return learnedOf(version, context);
}

/** Another model may have been chosen since the version was read. */
function learnedOf(
  version: LentVersion | undefined,
  { embedder }: Pick<SearchContext, 'embedder'>,
): Partial<SearchContext> {
  if (!version || (embedder && embedder.space.checkpoint !== version.biEncoder)) return {};
  const { context } = version;
  return context.embedder ? { ...context, markEmbedder: embedder } : context;
}
