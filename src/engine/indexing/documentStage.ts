/**
 * Tiers 1 and 2: files are read a few at a time, cut, and written in transactions short enough that the
 * first words can be found after a moment and a stop never waits. Each file is whole in one transaction, so
 * a crash leaves either its old chunks or its new ones.
 */
import { isAbort, messageOf } from '../../base/errors';
import type { Logger } from '../../base/log';
import type { Document } from '../documents/document';
import { splitByLines } from '../documents/lineSplitter';
import { isSkipped } from '../documents/read';
import type { DocumentRow, DocumentTier, FolderWriter, NewChunk } from '../store/types';
import { storedTime, type FileTimes } from './changes';
import { makeChunks, withEmbeddings } from './chunks';
import { readAhead } from './readAhead';
import type { DocumentSource, Splitters } from './rooms';
import type { SkippedList } from './skippedList';

export interface StageContext<F extends FileTimes> {
  readonly writer: FolderWriter;
  readonly source: DocumentSource<F>;
  readonly splitters: () => Promise<Splitters>;
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

const READ_WIDTH = 8;
const STEP_FILES = 64;
const STEP_MS = 60;
/** Text kept from tier 1 for tier 2, so that most files are read once, in UTF-16 units. */
const MAX_CARRIED_LENGTH = 24_000_000;

interface Step {
  readonly startedAt: number;
  fileCount: number;
  readonly puts: { document: Document; chunks: NewChunk[] }[];
  readonly touches: FileTimes[];
  readonly removed: string[];
}

export class DocumentStage<F extends FileTimes> {
  private known: Map<string, DocumentRow>;
  private readonly carried = new Map<string, Document>();
  private carriedLength = 0;
  /** Counts rounds of edits; what was read before a path's last edit is stale. */
  private round = 0;
  private readonly editRounds = new Map<string, number>();

  constructor(private readonly context: StageContext<F>) {
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
  async index(files: readonly F[], options: StageOptions): Promise<void> {
    let step = emptyStep();
    const reads = readAhead(files, READ_WIDTH, (file) => this.read(file, options.tier));
    for await (const { item, result } of reads) {
      const isStale = (this.editRounds.get(item.path) ?? -1) > result.round;
      if (isStale) step.fileCount++;
      else await this.prepare(step, item, result.value, options);
      if (!isFull(step)) continue;
      this.commit(step, options);
      await this.context.betweenSteps();
      step = emptyStep();
    }
    this.commit(step, options);
  }

  /** Removes rows; one transaction. */
  remove(paths: readonly string[]): void {
    const step = emptyStep();
    step.removed.push(...paths.filter((path) => this.rows.has(path)));
    for (const path of paths) this.drop(path);
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

  private async read(
    file: F,
    tier: DocumentTier,
  ): Promise<{ round: number; value: Awaited<ReturnType<DocumentSource<F>['read']>> }> {
    const { round } = this;
    const known = tier === 'syntax' ? this.carried.get(file.path) : undefined;
    if (known === undefined) return { round, value: await this.context.source.read(file) };
    this.drop(file.path);
    return { round, value: known };
  }

  private async prepare(
    step: Step,
    file: F,
    result: Awaited<ReturnType<DocumentSource<F>['read']>>,
    options: StageOptions,
  ): Promise<void> {
    step.fileCount++;
    const row = this.rows.get(file.path);
    if (isSkipped(result)) {
      this.context.skipped.addUnread(file, result);
      if (row) step.removed.push(file.path);
      return;
    }
    this.context.skipped.remove(file.path);
    const document = { ...result, mtimeMs: storedTime(result.mtimeMs, Date.now()) };
    if (row && isUpToDate(row, document, options)) {
      if (row.mtimeMs !== document.mtimeMs) step.touches.push(document);
      return;
    }
    if (options.tier === 'lines') this.carry(result);
    step.puts.push({ document, chunks: await this.cut(document, options.tier) });
  }

  private async cut(document: Document, tier: DocumentTier): Promise<NewChunk[]> {
    if (tier === 'lines') return splitByLines(document);
    const splitters = await this.context.splitters();
    try {
      return await makeChunks(document, splitters);
    } catch (error) {
      if (isAbort(error)) throw error;
      // A splitter that fails on one file must not lose it: line windows take its place.
      const reason = messageOf(error);
      this.context.log.warn('Cut by lines, the splitter failed', { path: document.path, reason });
      return withEmbeddings(document.path, splitByLines(document), splitters.staticEncoder);
    }
  }

  private commit(step: Step, { tier, onStep }: StageOptions): void {
    const { writer } = this.context;
    const didWrite = step.puts.length + step.touches.length + step.removed.length > 0;
    if (didWrite) {
      writer.transaction(() => {
        if (step.removed.length > 0) writer.removeDocuments(step.removed);
        for (const file of step.touches) {
          writer.touchDocument(file.path, file.mtimeMs, file.sizeBytes);
        }
        for (const { document, chunks } of step.puts) writer.putDocument(document, tier, chunks);
      });
      this.noteRows(step, tier);
      this.context.onCommit();
    }
    if (step.fileCount > 0) onStep?.(step.fileCount);
  }

  private noteRows(step: Step, tier: DocumentTier): void {
    for (const path of step.removed) this.known.delete(path);
    for (const { path, mtimeMs, sizeBytes } of step.touches) {
      const row = this.rows.get(path);
      if (row) this.known.set(path, { ...row, mtimeMs, sizeBytes });
    }
    for (const { document } of step.puts) {
      const { path, language, sizeBytes, mtimeMs, hash } = document;
      const id = this.rows.get(path)?.id ?? 0;
      this.known.set(path, { id, path, language, sizeBytes, mtimeMs, hash, tier });
    }
  }

  private carry(document: Document): void {
    if (this.carriedLength + document.text.length > MAX_CARRIED_LENGTH) return;
    this.carried.set(document.path, document);
    this.carriedLength += document.text.length;
  }

  private drop(path: string): void {
    this.carriedLength -= this.carried.get(path)?.text.length ?? 0;
    this.carried.delete(path);
  }
}

function emptyStep(): Step {
  return { startedAt: performance.now(), fileCount: 0, puts: [], touches: [], removed: [] };
}

function isFull(step: Step): boolean {
  return step.fileCount >= STEP_FILES || performance.now() - step.startedAt >= STEP_MS;
}

function isUpToDate(row: DocumentRow, document: Document, options: StageOptions): boolean {
  if (options.rewrite || row.hash !== document.hash) return false;
  return options.tier === 'lines' || row.tier === 'syntax';
}
