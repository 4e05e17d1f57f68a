/**
 * The marks of one folder: a table rebuilt from the journal, changed only after the journal has the change.
 * Calls are put in order, so two clients that undo the same mark at once undo it once.
 */
import * as fs from 'node:fs';
import { Sequencer } from '../../base/queue';
import { foldText } from '../../base/text';
import {
  appendJournal,
  type DamagedLine,
  type JournalEntry,
  type MarkMove,
  readJournal,
  rewriteJournal,
} from './journal';
import { type Mark, type MarkedPlace, ordered, withId } from './mark';

/** A mark, where its code is by now, and what helps to find it again. */
export interface KeptMark {
  readonly mark: Mark;
  /** As it was set; `mark` has the place it was last found at. */
  readonly origin: Mark;
  /** Hashes of the chunks around it, which it is not. */
  readonly near: readonly string[];
}

export class FolderMarks {
  private table = new Map<string, KeptMark>();
  private damaged: readonly DamagedLine[] = [];
  private readonly inOrder = new Sequencer();
  /** Lines of the journal that say nothing any more. */
  private deadCount = 0;
  private changeCount = 0;

  private constructor(
    private readonly file: string,
    /** Real path of the folder; the journal's own word for it counts. */
    private folder: string,
  ) {}

  /** Reads the journal; where there is none, it is made with the first mark. */
  static async open(file: string, folder: string): Promise<FolderMarks> {
    const marks = new FolderMarks(file, folder);
    const { entries, damaged } = await readJournal(file);
    for (const entry of entries) marks.apply(entry);
    marks.damaged = damaged;
    return marks;
  }

  get count(): number {
    return this.table.size;
  }

  /** Another number after every change. */
  get version(): number {
    return this.changeCount;
  }

  /** Sentences about marks that could not be read. */
  get problems(): readonly string[] {
    if (this.damaged.length === 0) return [];
    const lines = this.damaged.map(({ line }) => line);
    const which = lines.length === 1 ? `line ${lines[0]} is` : `lines ${lines.join(', ')} are`;
    return [
      `The journal of marks is damaged: ${which} left out, the other marks count (${this.file})`,
    ];
  }

  /** Oldest first. */
  list(): readonly KeptMark[] {
    return [...this.table.values()];
  }

  /**
   * Keeps a mark. A verdict on the same chunk for the same query is replaced; an opened hit never replaces a
   * judged one. Returns the mark that now stands.
   */
  add(given: Omit<Mark, 'id' | 'v'>, near: readonly string[] = []): Promise<Mark> {
    return this.inOrder.run(async () => {
      const mark = withId(given);
      const known = this.list().filter((kept) => isSameAim(kept.mark, mark));
      const judged = known.find((kept) => !kept.mark.weak);
      if (judged && mark.weak) return judged.mark;
      const entries: JournalEntry[] = known.map(({ mark: { id } }) => ({ type: 'undo', id }));
      entries.push({ type: 'mark', mark });
      if (near.length > 0) entries.push({ type: 'move', move: { id: mark.id, near } });
      await this.write(entries);
      return mark;
    });
  }

  /** Takes back a mark, or the last one that was judged; undefined when it is not there. */
  undo(id?: string): Promise<Mark | undefined> {
    return this.inOrder.run(async () => {
      const judged = this.list().filter(({ mark }) => !mark.weak && mark.author === undefined);
      const kept = id === undefined ? judged.at(-1) : this.table.get(id);
      if (!kept) return undefined;
      await this.write([{ type: 'undo', id: kept.mark.id }]);
      return kept.mark;
    });
  }

  /** Notes where marks have gone; what is not there any more by now is passed over. */
  move(moves: readonly MarkMove[]): Promise<void> {
    return this.inOrder.run(async () => {
      const known = moves.filter(({ id }) => this.table.has(id));
      if (known.length > 0) await this.write(known.map((move) => ({ type: 'move', move })));
    });
  }

  /** Takes marks of another journal in; those that are here already are left as they are. */
  merge(marks: readonly Mark[]): Promise<number> {
    return this.inOrder.run(async () => {
      const unknown = marks.filter(({ id }) => !this.table.has(id));
      const fresh = [...new Map(unknown.map((mark) => [mark.id, mark])).values()];
      if (fresh.length > 0) await this.write(fresh.map((mark) => ({ type: 'mark', mark })));
      return fresh.length;
    });
  }

  /**
   * Makes marks of others exactly these. Own marks stay, and where one speaks of the same hit it alone counts.
   */
  takeOthers(
    marks: readonly Mark[],
  ): Promise<{ readonly added: number; readonly removed: number }> {
    return this.inOrder.run(async () => {
      const wanted = new Map(marks.map((mark) => [mark.id, mark]));
      const own = this.list().filter(({ mark }) => mark.author === undefined && !mark.weak);
      const gone = this.list().filter(
        ({ mark }) => mark.author !== undefined && !wanted.has(mark.id),
      );
      const fresh = [...wanted.values()].filter(
        (mark) => !this.table.has(mark.id) && !own.some((kept) => isSameAim(kept.mark, mark)),
      );
      const entries: JournalEntry[] = [
        ...gone.map(({ mark: { id } }): JournalEntry => ({ type: 'undo', id })),
        ...fresh.map((mark): JournalEntry => ({ type: 'mark', mark })),
      ];
      if (entries.length > 0) await this.write(entries);
      return { added: fresh.length, removed: gone.length };
    });
  }

  /**
   * Forgets marks for good: nothing of them, nor of what is damaged, remains in the file. Returns how many
   * there were.
   */
  forget(isForgotten: (mark: KeptMark) => boolean): Promise<number> {
    return this.inOrder.run(async () => {
      const gone = this.list().filter(isForgotten);
      if (gone.length === 0) return 0;
      const left = new Map(this.table);
      for (const { mark } of gone) left.delete(mark.id);
      await rewriteJournal(this.file, this.entriesOf(left.values()), []);
      this.table = left;
      this.changeCount++;
      this.damaged = [];
      this.deadCount = 0;
      return gone.length;
    });
  }

  /**
   * Writes the journal anew without what was undone, so that its text is gone; false where there was nothing
   * of the kind. Damaged lines stay as they are.
   */
  compact(): Promise<boolean> {
    return this.inOrder.run(async () => {
      if (this.deadCount === 0) return false;
      await rewriteJournal(this.file, this.entriesOf(this.table.values()), this.damaged);
      this.deadCount = 0;
      // Their numbers are others now.
      this.damaged = (await readJournal(this.file)).damaged;
      return true;
    });
  }

  /** Throws away what cannot be read. */
  dropDamaged(): Promise<void> {
    return this.inOrder.run(async () => {
      await rewriteJournal(this.file, this.entriesOf(this.table.values()), []);
      this.damaged = [];
      this.deadCount = 0;
    });
  }

  /** Resolves when every change asked for so far is on the disk. */
  settled(): Promise<void> {
    return this.inOrder.run(() => undefined);
  }

  private async write(entries: readonly JournalEntry[]): Promise<void> {
    const isNew = !fs.existsSync(this.file);
    const head: JournalEntry[] = isNew ? [{ type: 'folder', folder: this.folder }] : [];
    await appendJournal(this.file, [...head, ...entries]);
    for (const entry of entries) this.apply(entry);
  }

  private apply(entry: JournalEntry): void {
    this.changeCount++;
    if (entry.type === 'folder') this.folder = entry.folder;
    else if (entry.type === 'mark') {
      const { mark } = entry;
      this.table.set(mark.id, { mark, origin: mark, near: [] });
    } else if (entry.type === 'undo') {
      this.deadCount += 2;
      this.table.delete(entry.id);
    } else if (entry.type === 'move') this.applyMove(entry.move);
  }

  private applyMove({ id, place, source, near }: MarkMove): void {
    const kept = this.table.get(id);
    if (!kept) return;
    if (kept.mark !== kept.origin) this.deadCount++;
    const mark = ordered({ ...kept.mark, ...place, source: source ?? kept.mark.source });
    this.table.set(id, { ...kept, mark, near: near ?? kept.near });
  }

  private entriesOf(marks: Iterable<KeptMark>): JournalEntry[] {
    const entries: JournalEntry[] = [{ type: 'folder', folder: this.folder }];
    for (const { mark, origin, near } of marks) {
      entries.push({ type: 'mark', mark: origin });
      const place = mark === origin ? undefined : placeIn(mark);
      if (place || near.length > 0)
        entries.push({ type: 'move', move: { id: mark.id, place, source: mark.source, near } });
    }
    return entries;
  }
}

function placeIn({ path, start, end, symbol, hash }: Mark): MarkedPlace {
  return { path, start, end, symbol, hash };
}

/** The same chunk, judged for the same query or source. */
function isSameAim(a: Mark, b: Mark): boolean {
  return a.path === b.path && a.hash === b.hash && a.start === b.start && isSameQuestion(a, b);
}

function isSameQuestion(a: Mark, b: Mark): boolean {
  if (a.query !== undefined && b.query !== undefined)
    return foldText(a.query) === foldText(b.query);
  return (
    a.source !== undefined &&
    b.source !== undefined &&
    a.source.path === b.source.path &&
    a.source.hash === b.source.hash &&
    a.source.start === b.source.start
  );
}
