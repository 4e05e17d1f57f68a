/**
 * What clients do with marks: set, take back, list, share, forget. Keeps the journal of each folder open,
 * finds the chunk that is meant in the index, and turns marks into what crosses the wire. Marks of files that
 * have become ignored or secret go as soon as that is known.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { messageOf, NearmissError } from '../base/errors';
import { Emitter } from '../base/event';
import type { Disposable } from '../base/lifecycle';
import type { Logger } from '../base/log';
import { debounce } from '../base/queue';
import type { MarkParams } from '../protocol/methods';
import type { MarkInfo } from '../protocol/types';
import { type FolderRecord, idOfFolder, markFolder, markNames, realFolder } from './dataFolder';
import type { WalkOptions } from './documents/walk';
import { readMarks, writeMarks } from './feedback/exchange';
import { neighbours } from './feedback/follow';
import type { MarkMove } from './feedback/journal';
import { type Mark, placeOf } from './feedback/mark';
import { FolderMarks, type KeptMark } from './feedback/marks';
import { type MarkEmbedder, MarkInfluences } from './markInfluence';
import {
  changedSince,
  currentInfo,
  markedChunk,
  markedSource,
  moveOf,
  pathsOf,
  toInfo,
} from './markPlaces';
import { isForbidden, reasonAgainst, skippedReasons } from './markRules';
import type { LentSnapshot } from './readers';
import type { SearchMark } from './search/marks';
import type { Snapshot } from './store/types';

/** What is undone leaves the disk when nothing more was undone for so long. */
const compactAfterMs = 1000;

export interface MarkingParts {
  readonly dataFolder: string;
  readonly log: Logger;
  /** A view of a folder's index; an empty one where there is none. */
  readonly lend: (id: string) => LentSnapshot;
  /** By which rules a folder is indexed. */
  readonly rulesOf: (id: string) => WalkOptions;
  /** Fingerprint of the model that answers. */
  readonly checkpoint: () => string;
}

export interface FolderChange {
  readonly folder: string;
  readonly folderId: string;
}

interface OpenFolder {
  readonly folder: string;
  readonly marks: FolderMarks;
  readonly influences: MarkInfluences;
  readonly compactSoon: { trigger(): void } & Disposable;
  /** Marked paths as they were when marks were followed last: the hash of the file, or that it was not there. */
  readonly seen: Map<string, string>;
}

export class Marking implements Disposable {
  private readonly folders = new Map<string, Promise<OpenFolder>>();
  private readonly troubles = new Map<string, readonly string[]>();
  private readonly changes = new Emitter<FolderChange>();

  constructor(private readonly parts: MarkingParts) {}

  onChange(listener: (change: FolderChange) => void): Disposable {
    return this.changes.on(listener);
  }

  /** Sentences about journals that cannot be read, or not wholly. */
  get problems(): readonly string[] {
    return [...this.troubles.values()].flat();
  }

  /** Keeps a verdict on the chunk of the snapshot that the lines mean. Resolves when it is on the disk. */
  async add(params: MarkParams, snapshot: Snapshot): Promise<MarkInfo> {
    const { query, source, verdict, rank } = params;
    if ((query === undefined) === (source === undefined))
      throw new NearmissError(
        'usage',
        'A mark is for a query or for a source span, one of the two',
      );
    if (query?.trim() === '') throw new NearmissError('usage', 'A mark needs a query with words');
    const chunk = markedChunk(snapshot, params);
    const given = {
      query,
      source: source && markedSource(snapshot, source),
      ...placeOf(chunk, chunk.path),
      verdict,
      time: new Date().toISOString(),
      rank,
      checkpoint: this.parts.checkpoint(),
      weak: params.isWeak || undefined,
    };
    const near = neighbours(snapshot, chunk);
    const open = await this.open(params.folder);
    const mark = await open.marks.add(given, near);
    this.tell(open);
    return toInfo(mark, 'active');
  }

  async undo(folder: string, id?: string): Promise<MarkInfo | undefined> {
    const open = await this.open(folder);
    const mark = await open.marks.undo(id);
    if (!mark) return undefined;
    open.compactSoon.trigger();
    this.tell(open);
    return toInfo(mark, 'active');
  }

  async list(folder: string): Promise<{ marks: MarkInfo[]; problems: readonly string[] }> {
    const { marks } = await this.open(folder);
    const infos = this.withIndex(folder, (snapshot) =>
      marks.list().map((kept) => currentInfo(snapshot, kept)),
    );
    return { marks: infos, problems: marks.problems };
  }

  /** The marks as they are kept, oldest first: what learning starts from. */
  async kept(folder: string): Promise<readonly KeptMark[]> {
    return (await this.open(folder)).marks.list();
  }

  /** False where lines of the journal cannot be read. */
  async isWhole(folder: string): Promise<boolean> {
    return (await this.open(folder)).marks.problems.length === 0;
  }

  /** Marks that came with the repository are these from now on, but none about files that may not keep a mark. */
  async takeOthers(
    folder: string,
    marks: readonly Mark[],
  ): Promise<{ readonly added: number; readonly removed: number }> {
    const open = await this.open(folder);
    const { allowed } = this.allowedOf(open, folder, marks);
    const changed = await open.marks.takeOthers(allowed);
    if (changed.removed > 0) open.compactSoon.trigger();
    if (changed.added + changed.removed > 0) this.tell(open);
    return changed;
  }

  /** Writes every judged and opened mark of this user to a file; returns their number. */
  async exportTo(folder: string, file: string): Promise<number> {
    const { marks } = await this.open(folder);
    const all = marks.list().flatMap(({ mark }) => (mark.author === undefined ? mark : []));
    await writeMarks(file, all);
    return all.length;
  }

  /** Takes in what the file has and the folder has not, but nothing about files that may not keep a mark. */
  async importFrom(folder: string, file: string): Promise<{ added: number; problems: string[] }> {
    const open = await this.open(folder);
    const { marks, problems } = await readMarks(file);
    const { allowed, reasons } = this.allowedOf(open, folder, marks);
    // Whoever takes a file in by hand makes its marks the own ones.
    const added = await open.marks.merge(allowed.map(({ author: _author, ...mark }) => mark));
    if (added > 0) this.tell(open);
    return { added, problems: [...new Set([...problems, ...reasons])] };
  }

  /** Marks about files that may keep one, and a sentence for each other. */
  private allowedOf(
    { folder: root }: OpenFolder,
    folder: string,
    marks: readonly Mark[],
  ): { readonly allowed: readonly Mark[]; readonly reasons: readonly string[] } {
    const rules = this.parts.rulesOf(idOfFolder(folder));
    const skipped = this.withIndex(folder, skippedReasons);
    const known = new Map<string, string | undefined>();
    const reasonOf = (name: string): string | undefined => {
      if (!known.has(name)) known.set(name, reasonAgainst(root, name, rules, skipped));
      return known.get(name);
    };
    const allowed: Mark[] = [];
    const reasons: string[] = [];
    for (const mark of marks) {
      const why = pathsOf(mark)
        .map(reasonOf)
        .find((reason) => reason !== undefined);
      if (why === undefined) allowed.push(mark);
      else reasons.push(why);
    }
    return { allowed, reasons };
  }

  /**
   * The folder's marks for a search; undefined where there are none. Queries of marks that have no embedding
   * yet get one first when `isPatient`, else meanwhile: the models are in use until `filling` resolves. Marks
   * that cannot be read are left out of the answer; status tells it.
   */
  async forSearch(
    { id, folder }: Pick<FolderRecord, 'id' | 'folder'>,
    models: MarkEmbedder,
    isPatient: boolean,
  ): Promise<{ readonly marks?: readonly SearchMark[]; readonly filling: Promise<void> }> {
    try {
      const { marks, influences } = await this.openById(id, folder);
      if (marks.count === 0) return { filling: Promise.resolve() };
      const filling = influences.fill(models).catch((error: unknown) => this.log(error));
      if (isPatient) await filling;
      return { marks: await influences.current(models), filling };
    } catch (error) {
      this.parts.log.debug('a search goes without marks', { reason: messageOf(error) });
      return { filling: Promise.resolve() };
    }
  }

  /**
   * The folder was compared with its index: notes where marks have gone, forgets those of forbidden files.
   * Looks only at marks in files that have changed since the last time, and lets others run between.
   */
  async follow(id: string): Promise<void> {
    const open = await this.folders.get(id);
    if (!open || open.marks.count === 0) return;
    const { gone, moves } = await this.lookAround(id, open);
    const isGone = ({ mark, origin }: KeptMark): boolean =>
      [...pathsOf(mark), ...pathsOf(origin)].some((name) => gone.has(name));
    const goneCount = gone.size === 0 ? 0 : await open.marks.forget(isGone);
    if (goneCount > 0) await open.influences.clear();
    await open.marks.move(moves);
    if (goneCount + moves.length > 0) this.tell(open);
  }

  /** Paths that may not keep a mark, and what has moved. */
  private async lookAround(
    id: string,
    { folder, marks, seen }: OpenFolder,
  ): Promise<{ gone: ReadonlySet<string>; moves: readonly MarkMove[] }> {
    const lent = this.parts.lend(id);
    const { snapshot } = lent;
    try {
      const changed = changedSince(snapshot, marks.list(), seen);
      const hidden = [...changed].filter((name) => snapshot.document(name) === undefined);
      const rules = this.parts.rulesOf(id);
      const skipped = hidden.length === 0 ? new Map() : skippedReasons(snapshot);
      const gone = hidden.filter((name) => isForbidden(folder, name, rules, skipped));
      const moves: MarkMove[] = [];
      for (const kept of marks.list()) {
        if (!pathsOf(kept.mark).some((name) => changed.has(name))) continue;
        await new Promise((resolve) => setImmediate(resolve));
        const move = moveOf(snapshot, kept);
        if (move) moves.push(move);
      }
      return { gone: new Set(gone), moves };
    } finally {
      lent.dispose();
    }
  }

  /** Closes a folder's marks and removes every file of them. */
  async forget(id: string): Promise<void> {
    const opening = this.folders.get(id);
    this.folders.delete(id);
    this.troubles.delete(id);
    const open = await opening?.catch(() => undefined);
    open?.compactSoon.dispose();
    await open?.marks.settled();
    await open?.influences.clear();
    const target = markFolder(this.parts.dataFolder, id);
    fs.rmSync(target, { recursive: true, force: true, maxRetries: 3 });
    if (open) this.tell(open);
  }

  /** Opens the marks of every folder that has some, so that what is wrong with them is known. */
  async openAll(folderOf: (id: string) => string | undefined): Promise<void> {
    for (const id of markNames(this.parts.dataFolder)) {
      const folder = folderOf(id);
      if (folder !== undefined) await this.openById(id, folder).catch(() => undefined);
    }
  }

  /** Writes what is pending. */
  async end(): Promise<void> {
    for (const opening of this.folders.values()) {
      const open = await opening.catch(() => undefined);
      open?.compactSoon.dispose();
      if (open)
        await this.compact(open.marks, open.influences).catch((error: unknown) => this.log(error));
    }
  }

  dispose(): void {
    this.changes.dispose();
  }

  private open(folder: string): Promise<OpenFolder> {
    const real = fs.existsSync(folder) ? realFolder(folder) : path.resolve(folder);
    return this.openById(idOfFolder(folder), real);
  }

  private openById(id: string, folder: string): Promise<OpenFolder> {
    const known = this.folders.get(id);
    if (known) return known;
    const opening = this.read(id, folder);
    this.folders.set(id, opening);
    // What could not be read now may be readable later.
    opening.catch(() => this.folders.delete(id));
    return opening;
  }

  private async read(id: string, folder: string): Promise<OpenFolder> {
    const own = markFolder(this.parts.dataFolder, id);
    try {
      const marks = await FolderMarks.open(path.join(own, 'journal.jsonl'), folder);
      this.troubles.set(id, marks.problems);
      await marks.compact().catch((error: unknown) => this.log(error));
      const influences = new MarkInfluences(marks, own);
      const compact = (): void =>
        void this.compact(marks, influences).catch((error: unknown) => this.log(error));
      const compactSoon = debounce(compact, compactAfterMs);
      return { folder, marks, influences, compactSoon, seen: new Map() };
    } catch (error) {
      this.troubles.set(id, [messageOf(error)]);
      throw error;
    }
  }

  private async compact(marks: FolderMarks, influences: MarkInfluences): Promise<void> {
    if (await marks.compact()) await influences.clear();
  }

  private withIndex<T>(folder: string, body: (snapshot: Snapshot) => T): T {
    const lent = this.parts.lend(idOfFolder(folder));
    try {
      return body(lent.snapshot);
    } finally {
      lent.dispose();
    }
  }

  private tell({ folder }: OpenFolder): void {
    this.changes.fire({ folder, folderId: idOfFolder(folder) });
  }

  private log(error: unknown): void {
    this.parts.log.error('marks', error);
  }
}
