/**
 * How far a folder is, in numbers that never fall within a run. Totals move while files are found, edited
 * and deleted: each count of done things is shown at its highest so far, and the fraction always goes on from
 * where it is, by the share that a step was of the work then left. So a wrong guess of the total neither
 * throws it back nor holds it up. Reports come at most ten times a second. A run ends at 1.
 */
import { Emitter } from '../../base/event';
import type { Disposable } from '../../base/lifecycle';
import type { FolderProgress, IndexerState } from './messages';

/** The counts that the meter keeps; `run` and `fraction` are its own. */
export type ProgressCounts = Omit<FolderProgress, 'run' | 'fraction' | 'state' | 'reason'>;

const REPORT_EVERY_MS = 100;
/** Relative cost of a unit: a file's words, a file's syntax and static embeddings, a chunk's embedding. */
const WORDS_WEIGHT = 1;
const STATIC_WEIGHT = 3;
const EMBEDDING_WEIGHT = 10;
const MOST_FRACTION = 0.999;

const nothing: ProgressCounts = {
  documentCount: 0,
  wordDocumentCount: 0,
  staticDocumentCount: 0,
  embeddableCount: 0,
  embeddedCount: 0,
  skippedCount: 0,
};

export class ProgressMeter implements Disposable {
  private readonly reports = new Emitter<FolderProgress>();
  readonly onReport = this.reports.on.bind(this.reports);
  private shown: FolderProgress = { ...nothing, run: 0, state: 'idle', fraction: 1 };
  private last = -Infinity;
  private timer: NodeJS.Timeout | undefined;

  private expectedChunkCount = 0;

  get current(): FolderProgress {
    return this.shown;
  }

  /** A guess at the chunks to embed, for the fraction alone, until files are split; 0 when none will be. */
  expectChunks(count: number): void {
    this.expectedChunkCount = count;
  }

  /** Begins a run unless one is under way. */
  begin(): void {
    if (this.shown.fraction < 1) return;
    this.show({ ...nothing, run: this.shown.run + 1, state: 'scanning', fraction: 0 });
  }

  /** Sets what is known now; other counts stay. */
  update(state: IndexerState, counts: Partial<ProgressCounts> = {}, reason?: string): void {
    this.show(this.advance(state, counts, reason));
  }

  /** Ends the run: fraction 1, counts as they are. Always reported. */
  end(counts: ProgressCounts): void {
    this.expectedChunkCount = 0;
    // A file counted while it was looked at may have been left out: what is stored is what counts in the end.
    const { documentCount, wordDocumentCount, staticDocumentCount } = counts;
    const documents = { documentCount, wordDocumentCount, staticDocumentCount };
    this.show({ ...this.advance('idle', counts, undefined), ...documents, fraction: 1 });
    this.flush();
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.reports.dispose();
  }

  private advance(
    state: IndexerState,
    counts: Partial<ProgressCounts>,
    reason: string | undefined,
  ): FolderProgress {
    const before = this.shown;
    const said = { ...before, ...counts };
    const wordDocumentCount = Math.max(before.wordDocumentCount, said.wordDocumentCount);
    const staticDocumentCount = Math.max(before.staticDocumentCount, said.staticDocumentCount);
    const embeddedCount = Math.max(before.embeddedCount, said.embeddedCount);
    const next = {
      run: before.run,
      state,
      ...(reason === undefined ? {} : { reason }),
      documentCount: Math.max(said.documentCount, wordDocumentCount, staticDocumentCount),
      wordDocumentCount,
      staticDocumentCount,
      embeddableCount: Math.max(said.embeddableCount, embeddedCount),
      embeddedCount,
      skippedCount: said.skippedCount,
    };
    const done = doneWork(next) - doneWork(before);
    const left = Math.max(0, wholeWork(next, this.expectedChunkCount) - doneWork(next));
    return { ...next, fraction: fractionAfter(before.fraction, done, left) };
  }

  private show(next: FolderProgress): void {
    const isSameState = next.state === this.shown.state;
    this.shown = next;
    const waitMs = this.last + REPORT_EVERY_MS - performance.now();
    if (waitMs <= 0 || !isSameState) return this.flush();
    this.timer ??= setTimeout(() => this.flush(), waitMs);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.last = performance.now();
    this.reports.fire(this.shown);
  }
}

/**
 * The fraction after a step of `done` work that leaves `left`: with a total that stays as it is, done work by
 * all work. Below 1 until the run is ended, so that a bar that is full means that nothing is left.
 */
function fractionAfter(before: number, done: number, left: number): number {
  if (done <= 0) return before;
  return Math.max(before, Math.min(before + ((1 - before) * done) / (done + left), MOST_FRACTION));
}

function doneWork({
  wordDocumentCount,
  staticDocumentCount,
  embeddedCount,
}: ProgressCounts): number {
  return (
    wordDocumentCount * WORDS_WEIGHT +
    staticDocumentCount * STATIC_WEIGHT +
    embeddedCount * EMBEDDING_WEIGHT
  );
}

function wholeWork(
  { documentCount, embeddableCount }: ProgressCounts,
  expectedChunkCount: number,
): number {
  const chunkCount = Math.max(embeddableCount, expectedChunkCount);
  return documentCount * (WORDS_WEIGHT + STATIC_WEIGHT) + chunkCount * EMBEDDING_WEIGHT;
}
