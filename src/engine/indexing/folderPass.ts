/**
 * The two ways in which a folder's documents are brought up to date: a comparison of everything, and a few
 * paths that are known to have changed. Many changes go through line windows first, so that words are there
 * after a moment; a few are cut by syntax at once.
 */
import type { Logger } from '../../base/log';
import type { Skipped } from '../documents/document';
import { formatOf } from '../documents/convert/converted';
import type { FoundFile } from '../documents/walk';
import type { FolderWriter } from '../store/types';
import { byUsefulness, type ChangePlan, planChanges, rowsBelow } from './changes';
import { DocumentStage } from './documentStage';
import type { ProgressMeter } from './progress';
import type { DocumentSource, SplitterSource, Walked } from './rooms';
import { SkippedList, skippedDigest } from './skippedList';

export interface PassContext {
  readonly writer: FolderWriter;
  readonly source: DocumentSource;
  readonly splitters: SplitterSource;
  readonly meter: ProgressMeter;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Called between transactions: lets others have their turn, throws when work must end. */
  readonly betweenSteps: () => Promise<void>;
  /** Begins to watch where needed; true when a watch began only now. */
  readonly watch: () => Promise<boolean>;
  readonly expectsEmbeddings: () => boolean;
  readonly onDocuments: () => void;
  readonly onSkipped: (skipped: readonly Skipped[]) => void;
}

/** What a pass or a round of edits did. */
export interface PassResult {
  readonly changedPaths: readonly string[];
  readonly removedCount: number;
  /** True when paths alone do not tell what happened and the folder must be compared. */
  readonly needsCompare: boolean;
}

/** Up to so many files are cut by syntax at once. */
const FEW_FILES = 16;
/** Bytes of source a chunk covers, roughly, for the first guess of how many there will be. */
const BYTES_PER_CHUNK = 400;
const SPLITTER_META = 'splitter';
const SKIPPED_META = 'skippedDigest';

export class FolderPass {
  private readonly skipped = new SkippedList();
  private readonly stage: DocumentStage;
  /** Paths that are wanted first, by a person's interest. */
  wanted: ReadonlySet<string> = new Set();

  constructor(private readonly context: PassContext) {
    const { writer, source, splitters, log, betweenSteps, onDocuments: onCommit } = context;
    const { skipped } = this;
    this.stage = new DocumentStage({
      writer,
      source,
      splitter: () => splitters.splitter(),
      skipped,
      log,
      betweenSteps,
      onCommit,
    });
  }

  /** Ids of the documents at these paths, in their order. */
  documentIds(paths: readonly string[]): number[] {
    if (paths.some((path) => this.stage.rows.get(path)?.id === 0)) this.stage.reload();
    return paths.flatMap((path) => this.stage.rows.get(path)?.id ?? []);
  }

  /** Compares the whole folder and brings the index up to date. `onWork` is called when something is to be done. */
  async compare(onWork: () => void): Promise<PassResult> {
    const changedPaths = new Set<string>();
    let removedCount = 0;
    try {
      for (let isWatchNew = true; isWatchNew;) {
        const walked = await this.context.source.walk(this.context.signal);
        const plan = this.plan(walked);
        if (hasWork(plan)) onWork();
        this.stage.remove(plan.removed);
        removedCount += plan.removed.length;
        const changed = this.inOrder([...plan.added, ...plan.changed]);
        for (const file of changed) changedPaths.add(file.path);
        const tally = new Tally(this.context.meter, walked.files.length, changed, plan);
        this.expectChunks(plan);
        if (changed.length > FEW_FILES) {
          this.warmUp();
          await this.indexWords(changed, tally);
          this.storeSkipped();
          // Who waits for words need not wait for the watch.
          this.context.meter.update('static');
        }
        // What changed between this walk and the watch's beginning went unseen: look once more.
        isWatchNew = await this.context.watch();
        if (!isWatchNew) await this.indexSyntax(walked, changed, tally);
      }
      this.storeSkipped();
    } finally {
      this.stage.endPass();
    }
    return { changedPaths: [...changedPaths], removedCount, needsCompare: false };
  }

  /** Takes in single paths: files that came, changed or went. `onWork` is called when there is something to do. */
  async applyEdits(paths: readonly string[], onWork: () => void): Promise<PassResult> {
    this.stage.supersede(paths);
    const files: FoundFile[] = [];
    const gone: string[] = [];
    let needsCompare = false;
    for (const seen of await this.context.source.examine(paths)) {
      this.skipped.remove(seen.path);
      if (seen.kind === 'file') files.push(seen.file);
      else if (seen.kind === 'folder') needsCompare = true;
      else gone.push(...rowsBelow(seen.path, this.stage.rows));
      if (seen.kind === 'skipped') this.skipped.add(seen.skipped);
    }
    if (gone.length + files.length > 0) onWork();
    this.stage.remove(gone);
    // A splitter that has still to be loaded is not waited for: words come at once, syntax follows.
    if (files.length > 0 && this.context.splitters.isReady?.() === false) {
      this.warmUp();
      await this.stage.index(files, { tier: 'lines' });
    }
    await this.stage.index(files, { tier: 'syntax' });
    this.storeSkipped();
    const changedPaths = files.map((file) => file.path);
    return { changedPaths, removedCount: gone.length, needsCompare };
  }

  /** The changes; where the way of cutting changed, all files count as not finished. */
  private plan(walked: Walked): ChangePlan {
    this.stage.reload();
    this.skipped.replaceAll(walked.skipped);
    const plan = planChanges(walked.files, this.stage.rows);
    // What could not be read before and has not changed is not read again.
    return { ...plan, added: plan.added.filter((file) => !this.skipped.keepUnread(file)) };
  }

  /** Loads the splitter beside the first tier, so that the second need not wait. Its failure is met there. */
  private warmUp(): void {
    this.context.splitters.splitter().catch(() => undefined);
  }

  private async indexWords(files: readonly FoundFile[], tally: Tally): Promise<void> {
    await this.stage.index(files, { tier: 'lines', onStep: (count) => tally.addWords(count) });
  }

  private async indexSyntax(
    walked: Walked,
    changed: readonly FoundFile[],
    tally: Tally,
  ): Promise<void> {
    const { writer } = this.context;
    const version = await this.context.splitters.version();
    const rewrite = writer.getMeta(SPLITTER_META) !== version;
    const { rows } = this.stage;
    const isFew = changed.length <= FEW_FILES;
    const fresh = new Set(isFew ? changed.map((file) => file.path) : []);
    const files = walked.files.filter(
      (file) =>
        fresh.has(file.path) ||
        (rows.has(file.path) && (rewrite || rows.get(file.path)?.tier === 'lines')),
    );
    const onStep = (count: number): void => tally.addSyntax(count, isFew);
    await this.stage.index(this.inOrder(files), { tier: 'syntax', rewrite, onStep });
    if (rewrite) writer.setMeta(SPLITTER_META, version);
  }

  private inOrder(files: readonly FoundFile[]): FoundFile[] {
    const ordered = byUsefulness(files);
    const isWanted = (file: FoundFile): boolean => this.wanted.has(file.path);
    // Converting a document takes as long as reading a hundred files: it comes after them.
    const isSlow = (file: FoundFile): boolean => formatOf(file.path) !== undefined;
    const rest = ordered.filter((file) => !isWanted(file));
    return [
      ...ordered.filter(isWanted),
      ...rest.filter((file) => !isSlow(file)),
      ...rest.filter(isSlow),
    ];
  }

  private expectChunks(plan: ChangePlan): void {
    if (!this.context.expectsEmbeddings()) return;
    const files = [...plan.added, ...plan.changed, ...plan.unfinished];
    const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    this.context.meter.expectChunks(Math.round(bytes / BYTES_PER_CHUNK));
  }

  private storeSkipped(): void {
    const { writer, onSkipped } = this.context;
    const list = this.skipped.list();
    const digest = skippedDigest(list);
    if (writer.getMeta(SKIPPED_META) === digest) return;
    writer.transaction(() => {
      writer.setSkipped(list);
      writer.setMeta(SKIPPED_META, digest);
    });
    onSkipped(list);
  }
}

function hasWork(plan: ChangePlan): boolean {
  const { added, changed, removed, unfinished } = plan;
  return added.length + changed.length + removed.length + unfinished.length > 0;
}

/** Counts a pass's files down, into the progress meter. */
class Tally {
  private wordsLeft: number;
  private syntaxLeft: number;

  constructor(
    private readonly meter: ProgressMeter,
    private readonly documentCount: number,
    changed: readonly FoundFile[],
    plan: ChangePlan,
  ) {
    this.wordsLeft = changed.length;
    this.syntaxLeft = changed.length + plan.unfinished.length;
  }

  addWords(count: number): void {
    this.wordsLeft = Math.max(0, this.wordsLeft - count);
    this.show('words');
  }

  addSyntax(count: number, alsoWords: boolean): void {
    if (alsoWords) this.wordsLeft = Math.max(0, this.wordsLeft - count);
    this.syntaxLeft = Math.max(0, this.syntaxLeft - count);
    this.show('static');
  }

  private show(state: 'words' | 'static'): void {
    this.meter.update(state, {
      documentCount: this.documentCount,
      wordDocumentCount: this.documentCount - this.wordsLeft,
      staticDocumentCount: this.documentCount - this.syntaxLeft,
    });
  }
}
