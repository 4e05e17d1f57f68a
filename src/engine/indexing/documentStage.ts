/**
 * Tiers 1 and 2: files are read a few at a time, cut, and written in transactions short enough that the
 * first words can be found after a moment and a stop never waits. Each file is whole in one transaction, so
 * a crash leaves either its old chunks or its new ones.
 */
import { isAbort, messageOf } from '../../base/errors';
import type { Logger } from '../../base/log';
import type { Document, Skipped } from '../documents/document';
import { splitByLines } from '../documents/lineSplitter';
import { isSkipped } from '../documents/read';
import type { FoundFile } from '../documents/walk';
import type { DocumentRow, DocumentTier, FolderWriter, NewChunk } from '../store/types';
import { storedTime } from './changes';
import { withEmbeddings } from './chunks';
import { readAhead, type ReadLimits } from './readAhead';
import type { DocumentSource, Splitter } from './rooms';
import type { SkippedList } from './skippedList';

export interface StageContext {
  readonly writer: FolderWriter;
  readonly source: DocumentSource;
  readonly splitter: () => Promise<Splitter>;
  readonly skipped: SkippedList;
  readonly log: Logger;
  /** Called between transactions: waits where work must wait, throws when it must end. */
  readonly betweenSteps: () => Promise<void>;
  /** Called after each transaction. */
  readonly onCommit: () => void;
}

export interface StageOptions {
  readonly tier: DocumentTier;
  /** Writes even what has the same bytes: the way of cutting changed. */
  readonly rewrite?: boolean;
  /** Called after each step with the number of files dealt with: written, unchanged or unreadable. */
  readonly onStep?: (fileCount: number) => void;
}

/** Read and cut ahead of the writer: as much as is cut while a transaction is written, within a bound on memory. */
const AHEAD: ReadLimits<FoundFile> = {
  count: 48,
  bytes: 4 << 20,
  bytesOf: (file) => file.sizeBytes,
};
/** A transaction holds so many files, or what was made ready in this time. Large ones are cheaper by the file. */
const STEP_FILES = 64;
const STEP_MS = 160;
/** The first ones are small: somebody may be waiting for the first words. */
const FIRST_STEP_MS = 40;
/** How long work goes on before others get a turn. */
const TURN_MS = 40;
/** Text kept from tier 1 for tier 2, so that most files are read once, in UTF-16 units. */
const MAX_CARRIED_LENGTH = 24_000_000;

/** A file that was read, and the round of edits at which the reading began. */
type Prepared = { readonly round: number } & (
  | { readonly kind: 'skipped'; readonly entry: Skipped }
  | { readonly kind: 'known'; readonly document: Document; readonly isTouched: boolean }
  | NewDocument
);

interface NewDocument {
  readonly kind: 'new';
  readonly document: Document;
  readonly chunks: NewChunk[];
}

/** What one transaction will hold. */
interface Step {
  readonly startedAt: number;
  fileCount: number;
  readonly puts: (NewDocument & { readonly round: number })[];
  readonly touches: Document[];
  readonly removed: string[];
}

export class DocumentStage {
  private known: Map<string, DocumentRow>;
  private readonly carried = new Map<string, Document>();
  private carriedLength = 0;
  /** Counts rounds of edits; what was read before a path's last edit is stale. */
  private round = 0;
  private readonly editRounds = new Map<string, number>();

  constructor(private readonly context: StageContext) {
    this.known = context.writer.documents();
  }

  /** What the index holds, kept equal to the database; the ids of new rows are 0 until `reload`. */
  get rows(): ReadonlyMap<string, DocumentRow> {
    return this.known;
  }

  reload(): void {
    this.known = this.context.writer.documents();
  }

  /** Reads, cuts and writes files in the order given; unreadable ones leave the index and are listed as skipped. */
  async index(files: readonly FoundFile[], options: StageOptions): Promise<void> {
    let step = emptyStep();
    let budgetMs = FIRST_STEP_MS;
    let turnAt = performance.now() + TURN_MS;
    const ready = readAhead(files, AHEAD, (file) => this.prepare(file, options));
    for await (const { item, result } of ready) {
      step.fileCount++;
      this.add(step, item, result);
      if (step.fileCount >= STEP_FILES || performance.now() - step.startedAt >= budgetMs) {
        this.commit(step, options);
        step = emptyStep();
        budgetMs = Math.min(budgetMs * 2, STEP_MS);
        turnAt = 0;
      }
      if (performance.now() < turnAt) continue;
      await this.context.betweenSteps();
      turnAt = performance.now() + TURN_MS;
    }
    this.commit(step, options);
  }

  /** Removes rows; one transaction. */
  remove(paths: readonly string[]): void {
    const step = emptyStep();
    for (const path of paths) {
      this.drop(path);
      if (this.rows.has(path)) step.removed.push(path);
    }
    this.commit(step, { tier: 'lines' });
  }

  /** Declares what was read of these paths before now stale. */
  supersede(paths: readonly string[]): void {
    this.round++;
    for (const path of paths) {
      this.editRounds.set(path, this.round);
      this.drop(path);
    }
  }

  /** Forgets what only one pass needs. */
  endPass(): void {
    this.carried.clear();
    this.carriedLength = 0;
    this.editRounds.clear();
  }

  /** Reads a file and cuts it, unless the index has it already. */
  private async prepare(file: FoundFile, options: StageOptions): Promise<Prepared> {
    const { round } = this;
    const value = this.takeCarried(file) ?? (await this.context.source.read(file));
    if (isSkipped(value)) return { kind: 'skipped', round, entry: value };
    const document = { ...value, mtimeMs: storedTime(value.mtimeMs, Date.now()) };
    const row = this.rows.get(file.path);
    if (row && isUpToDate(row, document, options)) {
      return { kind: 'known', round, document, isTouched: row.mtimeMs !== document.mtimeMs };
    }
    if (options.tier === 'lines' && !this.isStale(file.path, round)) this.carry(value);
    return { kind: 'new', round, document, chunks: await this.cut(document, options.tier) };
  }

  private add(step: Step, file: FoundFile, prepared: Prepared): void {
    if (this.isStale(file.path, prepared.round)) return;
    if (prepared.kind === 'skipped') {
      this.context.skipped.addUnread(file, prepared.entry);
      if (this.rows.has(file.path)) step.removed.push(file.path);
      return;
    }
    this.context.skipped.remove(file.path);
    if (prepared.kind === 'new') step.puts.push(prepared);
    else if (prepared.isTouched) step.touches.push(prepared.document);
  }

  /** What an edit overtook after it was read must not be written. */
  private isStale(path: string, round: number): boolean {
    return (this.editRounds.get(path) ?? -1) > round;
  }

  private async cut(document: Document, tier: DocumentTier): Promise<NewChunk[]> {
    if (tier === 'lines') return splitByLines(document);
    const split = async (): Promise<NewChunk[]> => (await this.context.splitter()).split(document);
    try {
      // A second time, because the splitter may have failed over another document.
      return await split().catch(split);
    } catch (error) {
      if (isAbort(error)) throw error;
      // A file that no splitter takes must not be lost: line windows stand in.
      const reason = messageOf(error);
      this.context.log.warn('Cut by lines, the splitter failed', { path: document.path, reason });
      return withEmbeddings(document, splitByLines(document), undefined);
    }
  }

  private commit(step: Step, { tier, onStep }: StageOptions): void {
    const { writer } = this.context;
    // An edit may have been taken in after the file was read for this step.
    const puts = step.puts.filter(({ document, round }) => !this.isStale(document.path, round));
    if (puts.length + step.touches.length + step.removed.length > 0) {
      writer.transaction(() => {
        // All deletions first: FTS5 writes out what it has gathered whenever an id is lower than the last.
        const replaced = puts.map(({ document }) => document.path);
        writer.removeDocuments([
          ...step.removed,
          ...replaced.filter((path) => this.rows.has(path)),
        ]);
        for (const file of step.touches) {
          writer.touchDocument(file.path, file.mtimeMs, file.sizeBytes);
        }
        for (const { document, chunks } of puts) writer.putDocument(document, tier, chunks);
      });
      this.noteRows({ ...step, puts }, tier);
      this.context.onCommit();
    }
    if (step.fileCount > 0) onStep?.(step.fileCount);
  }

  private noteRows(step: Step, tier: DocumentTier): void {
    for (const path of step.removed) this.known.delete(path);
    for (const { path, mtimeMs, sizeBytes } of step.touches) {
      const row = this.known.get(path);
      if (row) this.known.set(path, { ...row, mtimeMs, sizeBytes });
    }
    for (const { document } of step.puts) {
      const { path, language, sizeBytes, mtimeMs, hash } = document;
      this.known.set(path, { id: 0, path, language, sizeBytes, mtimeMs, hash, tier });
    }
  }

  private carry(document: Document): void {
    if (this.carriedLength + document.text.length > MAX_CARRIED_LENGTH) return;
    this.carried.set(document.path, document);
    this.carriedLength += document.text.length;
  }

  private takeCarried({ path }: FoundFile): Document | undefined {
    const document = this.carried.get(path);
    this.drop(path);
    return document;
  }

  private drop(path: string): void {
    this.carriedLength -= this.carried.get(path)?.text.length ?? 0;
    this.carried.delete(path);
  }
}

function emptyStep(): Step {
  const startedAt = performance.now();
  return { startedAt, fileCount: 0, puts: [], touches: [], removed: [] };
}

function isUpToDate(row: DocumentRow, document: Document, options: StageOptions): boolean {
  if (options.rewrite || row.hash !== document.hash) return false;
  return options.tier === 'lines' || row.tier === 'syntax';
}
