/**
 * The composition root: builds what a data folder holds (folders kept fresh, searches, marks, learning) and
 * ties it together. Owns every lifetime; knows no client.
 */
import * as path from 'node:path';
import { type Disposable, DisposableStore } from '../base/lifecycle';
import type { Logger } from '../base/log';
import type { LearningQuestion, LearnResult } from '../protocol/learning';
import type { IndexParams, MarkParams } from '../protocol/methods';
import type { FolderStatus, LearnedStatus, MarkInfo, SpanText, WhyResult } from '../protocol/types';
import { Sequencer } from '../base/queue';
import type { Comparing, HitPlace } from './comparing';
import { type FolderRecord, idOfFolder, markFolder, savedFolder } from './dataFolder';
import type { Span } from './documents/document';
import { explainPath } from './documents/explain';
import type { EncoderPlan, Plan } from './encoderPlan';
import { placeOf } from './feedback/mark';
import { keepPastQuery, readPastQueries } from './feedback/pastQueries';
import type { FolderSession } from './folderSession';
import { Folders } from './folders';
import type { IndexerHost } from './indexerHost';
import { readBattery } from './indexing/battery';
import { learnedSpacesInUse } from './keepLearned';
import { Learning } from './learning';
import { Marking } from './marking';
import { MeasuringAgain } from './measuringAgain';
import { markedChunk } from './markPlaces';
import type { Buffer, Overlays } from './overlays';
import { questionsFor } from './questioning';
import type { FolderReaders } from './readers';
import { readIndexedSpan } from './readSpan';
import type { SearchModels } from './searchModels';
import { Searching } from './searching';
import { Sharing, untrusted } from './sharing';
import type { Settings } from './settings';
import type { DocumentRow } from './store/types';
import type { Versions } from './versions';

export interface EngineParts {
  readonly dataFolder: string;
  readonly settings: Settings;
  readonly log: Logger;
  readonly indexer: IndexerHost;
  readonly readers: FolderReaders;
  readonly overlays: Overlays;
  readonly plan: EncoderPlan;
  readonly versions: Versions;
  /** Models for searches, none of them loaded yet; called again when the plan has become another. */
  readonly makeModels: () => SearchModels;
}

export class Engine implements Disposable {
  private readonly store = new DisposableStore();
  private readonly keeping = new Sequencer();
  private hasTidied = false;
  private readonly folders: Folders;
  private readonly searching: Searching;
  readonly marking: Marking;
  readonly sharing: Sharing;
  readonly learning: Learning;

  constructor(readonly parts: EngineParts) {
    const { plan } = parts;
    this.store.add(parts.readers);
    this.store.add(parts.overlays);
    this.store.add(parts.versions);
    this.folders = this.store.add(
      new Folders({
        ...parts,
        embedderProblem: () => plan.problem,
        onProviderLost: (reason) => void plan.giveUpProvider(reason),
      }),
    );
    this.store.add(plan.onChange((made) => this.follow(made)));
    this.store.add(plan);
    this.marking = this.store.add(
      new Marking({
        dataFolder: parts.dataFolder,
        log: parts.log,
        lend: (id) => parts.readers.snapshot(id),
        rulesOf: (id) => this.folders.rulesOf(id),
        checkpoint: () => parts.plan.status()?.checkpoint ?? '',
      }),
    );
    this.sharing = new Sharing({ ...parts, marking: this.marking });
    this.store.add(this.marking.onChange(({ folder }) => this.sharing.follow(folder)));
    this.learning = this.store.add(
      new Learning({
        dataFolder: parts.dataFolder,
        trainerFile: path.join(__dirname, 'trainer.js'),
        versions: parts.versions,
        lend: (id) => parts.readers.snapshot(id),
        marksOf: (folder) => this.marking.kept(folder),
      }),
    );
    const { folders, marking, learning } = this;
    this.searching = this.store.add(new Searching({ ...parts, folders, marking }));
    this.store.add(folders.onNews(() => this.searching.makePlanInTime()));
    let heardAtMs = performance.now();
    this.store.add(folders.onNews(() => void (heardAtMs = performance.now())));
    this.store.add(
      new MeasuringAgain({
        ...{ log: parts.log, versions: parts.versions, learning },
        afterMs: parts.settings.measureAgainAfterMs,
        settled: () => folders.settled,
        quietForMs: () => Math.min(this.searching.quietForMs, performance.now() - heardAtMs),
        isOnBattery: async () => (await readBattery()).isDischarging,
      }),
    );
    this.store.add(folders.onDone((id) => this.followMarks(id)));
    this.store.add(folders.onDone(() => this.keepLearned()));
    this.store.add(
      this.learning.onProgress(({ state }) => {
        if (state !== 'ended') return;
        this.hasTidied = false;
        this.keepLearned();
      }),
    );
    void this.marking.openAll((id) => savedFolder(parts.dataFolder, id)?.folder);
    void parts.plan.takeStored();
  }

  /** Sentences about what does not work just now. */
  get problems(): readonly string[] {
    const { plan, indexer } = this.parts;
    const others = [plan.loss, indexer.trouble].filter((text) => text !== undefined);
    const { problems } = this.parts.versions;
    return [...this.modelProblems, ...others, ...this.marking.problems, ...problems];
  }

  /** A sentence for each model that answers have to do without. */
  get modelProblems(): readonly string[] {
    const { problem } = this.parts.plan;
    return [
      ...new Set([...(problem === undefined ? [] : [problem]), ...this.searching.modelProblems]),
    ];
  }

  /** Another checkpoint was chosen: embeds with it, and answers from what is embedded by it. */
  async swapCheckpoint(): Promise<void> {
    const made = this.parts.plan.renew();
    this.searching.renewModels();
    await made;
    this.parts.versions.renew();
  }

  onProgress(listener: (status: FolderStatus) => void): Disposable {
    return this.folders.onProgress(listener);
  }

  /** Another version answers in a folder, or there are others. */
  onVersions(
    listener: (change: { readonly folder: string; readonly folderId: string }) => void,
  ): Disposable {
    return this.parts.versions.onChange((id) => {
      const record = savedFolder(this.parts.dataFolder, id);
      if (record) listener({ folder: record.folder, folderId: id });
    });
  }

  /** True while there is work left that goes on by itself. */
  get isWorking(): boolean {
    return this.learning.isWorking || this.folders.isWorking;
  }

  /** Keeps a folder fresh from now on and waits as far as asked. */
  index(
    params: IndexParams,
    signal: AbortSignal,
  ): Promise<{ session: FolderSession; isNew: boolean }> {
    // Searches are what an index is made for: what they need is loaded while the folder is compared.
    return this.folders.index(params, signal, (id) => this.searching.warmUp(id));
  }

  get comparing(): Comparing {
    return this.searching.comparing;
  }

  /** See `Searching`. */
  search(...question: Parameters<Searching['search']>): ReturnType<Searching['search']> {
    return this.searching.search(...question);
  }

  /** See `Searching`. */
  similar(...question: Parameters<Searching['similar']>): ReturnType<Searching['similar']> {
    return this.searching.similar(...question);
  }

  /** Places that teach most when a person says which is right; `typed` are queries of this user, newest first. */
  async bestQuestions(
    folder: string,
    typed: readonly string[],
    count: number,
    signal: AbortSignal,
  ): Promise<LearningQuestion[]> {
    const record = this.indexedRecord(folder);
    const marks = await this.marking.kept(folder);
    const past = await readPastQueries(markFolder(this.parts.dataFolder, record.id));
    return this.searching.withLearned(record, 'whole', (context) =>
      questionsFor(context, { marks, past, typed }, count, signal),
    );
  }

  /** Keeps a verdict on a hit of an indexed folder, or of a buffer in it. */
  async addMark(params: MarkParams, buffers: readonly Buffer[]): Promise<MarkInfo> {
    const { readers, overlays } = this.parts;
    const lent = readers.snapshot(this.indexedRecord(params.folder).id);
    try {
      const snapshot = await overlays.overExactly(lent.snapshot, buffers);
      const mark = await this.marking.add(params, snapshot);
      // Who says that a hit is right has found it.
      if (mark.verdict === 'relevant')
        await this.comparing.opened(idOfFolder(params.folder), params);
      return mark;
    } finally {
      lent.dispose();
    }
  }

  /** Takes one mark back, or the last one; one of somebody else does not come again. */
  async undoMark(folder: string, id?: string): Promise<MarkInfo | undefined> {
    const undone = await this.marking.undo(folder, id);
    if (undone?.author !== undefined) await this.sharing.refuse(folder, undone.id);
    // Who commits the moment after must not publish it once more.
    await this.sharing.written();
    return undone;
  }

  /** Keeps a question beside the hit that answered it, for what learning must not make worse. */
  keepQuery(folder: string, query: string, hit: HitPlace): Promise<void> {
    const { id } = this.indexedRecord(folder);
    return this.keeping.run(async () => {
      const lent = this.parts.readers.snapshot(id);
      try {
        const chunk = markedChunk(lent.snapshot, hit);
        const place = placeOf(chunk, chunk.path);
        await keepPastQuery(markFolder(this.parts.dataFolder, id), { query, place });
      } finally {
        lent.dispose();
      }
    });
  }

  /** Takes the version that comes with the repository; it answers only where it passes this user's gate. */
  async takeVersion(folder: string, isTrusted: boolean, signal: AbortSignal): Promise<LearnResult> {
    const { id, ...record } = this.indexedRecord(folder);
    if (!isTrusted) throw untrusted(record.folder);
    const version = await this.parts.versions.take(id, record.folder);
    const params = { folder, kind: 'check', version } as const;
    const result = await this.learning.learn({ id, ...record }, params, signal);
    if (result.isPromoted) await this.parts.versions.use(id, { folder, version });
    return result;
  }

  /** Why a path is, or is not, in the folder's index: what the rules say, and what the index holds. */
  async why(root: string, relative: string): Promise<WhyResult> {
    const { id } = this.folders.recordOf(root);
    const verdict = await explainPath(root, relative, this.folders.rulesOf(id));
    const lent = this.parts.readers.snapshot(id);
    try {
      const row = lent.snapshot.document(relative);
      const reasons = [verdict.sentence, indexSentence(row, verdict.indexed)];
      return { path: relative, isIndexed: row !== undefined, reasons };
    } finally {
      lent.dispose();
    }
  }

  /** Lines of a file that is in the index and still belongs there; throws for every other. */
  async readSpan(root: string, relative: string, span: Span): Promise<SpanText> {
    const { id } = this.folders.recordOf(root);
    const lent = this.parts.readers.snapshot(id);
    try {
      return await readIndexedSpan({
        ...{ root, relative, span, rules: this.folders.rulesOf(id) },
        snapshot: lent.snapshot,
      });
    } finally {
      lent.dispose();
    }
  }

  /** Drops a folder's index and begins it anew by the same rules. */
  rebuild(folder: string): Promise<FolderStatus> {
    return this.folders.rebuild(folder);
  }

  /** Status of one folder, or of all that have an index here. */
  statuses(folder?: string): FolderStatus[] {
    return this.folders.statuses(folder);
  }

  /** Of one folder, or of all that have an index here: what was learned for it, where anything was. */
  async learned(folder?: string): Promise<LearnedStatus[]> {
    const found: LearnedStatus[] = [];
    for (const status of this.folders.statuses(folder)) {
      const learned = await this.parts.versions.learnedIn(status.folderId);
      if (learned) found.push({ folder: status.folder, ...learned });
    }
    return found;
  }

  /** The record of an indexed folder; undefined when it has no index here. */
  savedRecord(folder: string): FolderRecord | undefined {
    return this.folders.savedRecord(folder);
  }

  /** The record of an indexed folder; throws where it has no index here. */
  indexedRecord(folder: string): FolderRecord {
    return this.folders.indexedRecord(folder);
  }

  session(folder: string): FolderSession | undefined {
    return this.folders.session(folder);
  }

  pause(folder?: string): void {
    this.folders.pause(folder);
  }

  resume(folder?: string): void {
    this.folders.resume(folder);
  }

  /** Stops all work on a folder and closes what is open of it, so that its files can go. */
  release(id: string): Promise<void> {
    return this.folders.release(id);
  }

  /** Forgets a folder's marks, and ends what is being learned from them. */
  async forgetLearned(id: string): Promise<void> {
    await this.learning.stop(id);
    this.parts.versions.release(id);
    this.hasTidied = false;
    // Between two comparisons: one under way would take the marks for taken back.
    await this.keeping.run(() => this.sharing.between(() => this.marking.forget(id)));
  }

  dispose(): void {
    this.store.dispose();
  }

  private follow(plan: Plan | undefined): void {
    const { indexer, readers } = this.parts;
    readers.useSpace(plan?.spaceId);
    this.folders.tellEmbedder(this.parts.plan.problem);
    if (!plan) {
      indexer.useEmbedder(undefined);
      return;
    }
    const { arithmetic, provider } = plan.choice;
    const threadCount = this.parts.settings.threads || undefined;
    const checkpointFolder = plan.checkpoint.folder;
    indexer.useEmbedder({ checkpointFolder, arithmetic, provider, threadCount });
  }

  /** Lets vectors go whose version is gone: after a run, and once after the start. */
  private keepLearned(): void {
    if (this.hasTidied || this.learning.isWorking) return;
    this.hasTidied = true;
    learnedSpacesInUse(this.parts.dataFolder).then(
      (spaces) => spaces && this.parts.indexer.send({ type: 'keepLearned', spaces }),
      (error: unknown) => this.parts.log.error('looking for versions', error),
    );
  }

  private followMarks(id: string): void {
    this.marking
      .follow(id)
      .catch((error: unknown) => this.parts.log.error('following marks', error));
  }
}

function indexSentence(row: DocumentRow | undefined, belongs: boolean): string {
  if (row && belongs)
    return `It is in the index (${row.language}, ${row.sizeBytes} bytes, split by ${row.tier})`;
  if (row) return 'It is still in the index and leaves it with the next comparison';
  return belongs ? 'It is not in the index yet' : 'It is not in the index';
}
