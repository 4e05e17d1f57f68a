/**
 * Which learned version answers in which folder. A version is read, verified and opened before it is let in, then one
 * file is replaced, then the searches that come get it; those under way keep what they began with. A version that cannot
 * be used is said in a sentence, and the base answers.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { messageOf, NearmissError } from '../base/errors';
import { Emitter } from '../base/event';
import type { Disposable } from '../base/lifecycle';
import { Sequencer } from '../base/queue';
import type { UseVersionParams } from '../protocol/methods';
import type { LearnedStatus } from '../protocol/types';
import type { CheckedAgain, VersionInfo, VersionList } from '../protocol/learning';
import { learningFolder } from './dataFolder';
import { BASE, type VersionPointer, VersionStore, type VersionUse } from './learning/versionStore';
import { giveVersion, takeVersion } from './learning/sharedAdapter';
import {
  changedShare,
  MUCH_CHANGED,
  readSketch,
  sketchOf,
  keepSketch,
  type WorkspaceSketch,
} from './learning/workspaceSketch';
import {
  answering,
  catchingUp,
  type Entry,
  isUsable,
  type LentVersion,
  type Active,
  OpenVersions,
  type OpenVersionsParts,
  retire,
  roleOfAnswer,
  type VersionNeeds,
} from './openVersions';
import type { Snapshot } from './store/types';
import {
  BASE_USE,
  cleanScope,
  comparisonOf,
  resolveUse,
  sentenceOfLeft,
  toInfo,
} from './versionNames';

export interface VersionsParts extends OpenVersionsParts {
  readonly dataFolder: string;
  /** Reads something of what a folder's index holds. */
  readonly look: <T>(id: string, read: (snapshot: Snapshot) => T) => T;
}

const AGAIN = 'was measured; `nearmiss learn --recheck` measures it again';

export class Versions implements Disposable {
  private readonly entries = new Map<string, Entry>();
  private readonly inOrder = new Sequencer();
  private readonly changes = new Emitter<string>();
  private readonly news: Disposable;
  private readonly open: OpenVersions;

  constructor(private readonly parts: VersionsParts) {
    this.open = new OpenVersions(parts);
    this.news = parts.vectors.onNews((id) => this.followVectors(id));
  }

  /** With a folder's id, whenever another version answers there or there are others. */
  onChange(listener: (id: string) => void): Disposable {
    return this.changes.on(listener);
  }

  /** Sentences about versions that cannot be used. */
  get problems(): readonly string[] {
    return [...this.entries.values()].flatMap((entry) => [
      ...(entry.problem === undefined ? [] : [entry.problem]),
      ...catchingUp(entry),
    ]);
  }

  storeOf(id: string): VersionStore {
    return new VersionStore(learningFolder(this.parts.dataFolder, id));
  }

  /** The version that answers in a folder; undefined where the base does, or while it is not read yet. */
  async forSearch(id: string, needs: VersionNeeds): Promise<LentVersion | undefined> {
    const entry = this.entryOf(id);
    if (needs !== 'available') {
      await entry.opened;
      await entry.active?.own?.opened.catch(() => undefined);
    }
    const role = roleOfAnswer(entry);
    return role && this.open.lend(entry, role, needs);
  }

  /** The version that is compared with the one that answers; undefined where none is. */
  async forComparison(id: string): Promise<LentVersion | undefined> {
    const entry = this.entryOf(id);
    await entry.opened;
    await entry.candidate?.own?.opened.catch(() => undefined);
    return this.open.lend(entry, 'candidate', 'whole');
  }

  /** Who is compared in a folder, and whether answers are mixed; undefined, at once, where nobody is. */
  compared(
    id: string,
  ):
    { readonly current: string; readonly candidate: string; readonly isLive: boolean } | undefined {
    const entry = this.entries.get(id);
    const { candidate, isLive = false } = entry ?? {};
    if (!entry || !candidate) return undefined;
    const current = answering(entry)?.version.id ?? BASE;
    return { current, candidate: candidate.version.id, isLive };
  }

  /** Lets a version be compared with the one that answers, or none. Throws where it cannot be used. */
  compare(id: string, asked: string | null, isLive: boolean): Promise<void> {
    return this.inOrder.run(async () => {
      const store = this.storeOf(id);
      const { pointer } = await store.pointer();
      if (asked === null) await this.setCandidate(id, store, pointer, undefined, false);
      else {
        const wanted = await resolveUse(store, pointer, asked);
        const { id: version } = wanted;
        if (version === pointer.current.id)
          throw new NearmissError('usage', `${version} answers already`, 'Name another version');
        if (version === BASE)
          throw new NearmissError(
            'usage',
            'The base model is what versions are compared with',
            'Let it answer by `nearmiss revert base`, and name a version',
          );
        const use: VersionUse = { ...wanted, state: 'shadow' };
        await this.setCandidate(id, store, pointer, use, isLive);
      }
      this.changes.fire(id);
    });
  }

  /** Never in the middle of a swap: what is said of the file and of what answers belongs together. */
  list(id: string, folder: string): Promise<VersionList> {
    return this.inOrder.run(() => this.listNow(id, folder));
  }

  /** Lets a version answer, or the base, or what answered before. Throws where it cannot be used; then nothing changed. */
  use(id: string, { version: asked, state, scope }: UseVersionParams): Promise<void> {
    return this.inOrder.run(async () => {
      const store = this.storeOf(id);
      const { pointer } = await store.pointer();
      const wanted = await resolveUse(store, pointer, asked);
      const use: VersionUse = {
        ...wanted,
        ...(state && { state }),
        ...(scope && { scope: cleanScope(scope) }),
      };
      if (use.state === 'pilot' && !use.scope)
        throw new NearmissError(
          'usage',
          'A pilot counts in a part of the folder alone',
          'Say which, by a path or a language',
        );
      if (use.state === 'shadow' && use.id !== BASE)
        await this.setCandidate(id, store, pointer, use, false);
      else await this.swap(id, store, pointer, use);
      this.changes.fire(id);
    });
  }

  /** The whole name of a version; without one, that of the version that answers. Throws where it is the base. */
  async named(id: string, asked?: string): Promise<string> {
    const store = this.storeOf(id);
    const { pointer } = await store.pointer();
    const { id: found } =
      asked === undefined ? pointer.current : await resolveUse(store, pointer, asked);
    if (found !== BASE) return found;
    throw new NearmissError(
      'usage',
      'The base model answers, and there is nothing to measure it against',
      'Name a version; `nearmiss versions` lists them',
    );
  }

  /** Writes a version to the repository's folder, without one that which answers; returns its name and where it lies. */
  async give(
    id: string,
    folder: string,
    asked: string | undefined,
    author: string,
  ): Promise<{ readonly version: string; readonly file: string }> {
    const version = await this.named(id, asked);
    return { version, file: await giveVersion(folder, this.storeOf(id), version, author) };
  }

  /** Makes a version of what the repository shares, and returns its name; nothing answers by it yet. */
  async take(id: string, folder: string): Promise<string> {
    const base = await this.parts.baseModels();
    if (!base) throw new NearmissError('model', 'No model embeds, so no version can be taken');
    return takeVersion(folder, this.storeOf(id), base);
  }

  /** What answers in a folder and how old it is; undefined where nothing was ever learned. */
  async learnedIn(id: string): Promise<Omit<LearnedStatus, 'folder'> | undefined> {
    if (!this.hasLearned(id)) return undefined;
    const { pointer } = await this.storeOf(id).pointer();
    return this.ageOf(id, pointer, pointer.current.id);
  }

  /** A version was measured again and does not hold: goes back to the base where it answers, and notes why. */
  leave(id: string, version: string, check: CheckedAgain): Promise<void> {
    return this.inOrder.run(async () => {
      const store = this.storeOf(id);
      const { pointer } = await store.pointer();
      if (pointer.current.id === version) {
        await this.swap(id, store, pointer, BASE_USE, { version, ...check });
        this.changes.fire(id);
      }
      // After the swap: who is ended between the two measures once more.
      await keepSketch(store.root, version, this.parts.look(id, sketchOf));
    });
  }

  /** Models are others now: what is in memory is read anew. */
  renew(): void {
    for (const known of [...this.entries.keys()]) {
      this.release(known);
      this.changes.fire(known);
    }
  }

  /** Lets go of what is in memory of a folder; its files can go then. Searches under way keep theirs. */
  release(id: string): void {
    const entry = this.entries.get(id);
    this.entries.delete(id);
    retire(entry?.active);
    retire(entry?.standIn);
    retire(entry?.candidate);
    if (entry) entry.active = entry.standIn = entry.candidate = undefined;
  }

  dispose(): void {
    this.news.dispose();
    for (const id of [...this.entries.keys()]) this.release(id);
  }

  private async swap(
    id: string,
    store: VersionStore,
    pointer: VersionPointer,
    use: VersionUse,
    left?: VersionPointer['left'],
  ): Promise<void> {
    const active = use.id === BASE ? undefined : await this.open.loadOpen(id, store, use);
    const { current, isLive } = pointer;
    const isSame = current.id === use.id;
    const previous = isSame ? pointer.previous : current;
    const shadow = pointer.shadow?.id === use.id ? undefined : pointer.shadow;
    const candidate = shadow && (await this.open.load(id, store, shadow).catch(() => undefined));
    await store.use({ current: use, previous, shadow, isLive: shadow && isLive, left });
    const standIn = isUsable(active) ? undefined : this.takeAnswering(id);
    this.release(id);
    const isWaiting = !isUsable(active);
    const opened = Promise.resolve();
    this.entries.set(id, { opened, active, standIn, isWaiting, candidate, isLive });
  }

  /** The version that answers, taken out of its entry, so that it goes on answering when that is released. */
  private takeAnswering(id: string): Active | undefined {
    const entry = this.entries.get(id);
    if (!entry) return undefined;
    const role = roleOfAnswer(entry);
    const found = role && entry[role];
    if (role) entry[role] = undefined;
    return found;
  }

  /** More vectors may be there: what waited for them answers from the next search on. */
  private followVectors(id: string): void {
    const entry = this.entries.get(id);
    if (!entry?.isWaiting || !isUsable(entry.active)) return;
    entry.isWaiting = false;
    retire(entry.standIn);
    entry.standIn = undefined;
    this.changes.fire(id);
  }

  private async listNow(id: string, folder: string): Promise<VersionList> {
    const store = this.storeOf(id);
    const { pointer, problem } = await store.pointer();
    const stored = await store.list();
    const entry = this.entryOf(id);
    await entry.opened;
    const current = answering(entry)?.version.id ?? BASE;
    const versions = await Promise.all(
      stored.map(async (one) =>
        toInfo(store, one, { pointer, current, check: await store.lastCheck(one.id) }),
      ),
    );
    const base: VersionInfo = {
      ...{ id: BASE, isCurrent: current === BASE, isPromoted: true, parts: [], sizeBytes: 0 },
      isPrevious: pointer.previous?.id === BASE,
    };
    const { left } = pointer;
    const { notices } = await this.ageOf(id, pointer, current);
    const problems = [problem, entry.problem, ...catchingUp(entry), ...notices].filter(
      (text) => text !== undefined,
    );
    const list = { folder, current, versions: [base, ...versions], ...(left && { left }) };
    const pair = this.compared(id);
    const comparison = pair && (await comparisonOf(store, { ...pair, current }, pair.isLive));
    return { ...list, ...(comparison && { comparison }), problems: [...new Set(problems)] };
  }

  private hasLearned(id: string): boolean {
    return fs.existsSync(path.join(learningFolder(this.parts.dataFolder, id), 'current.json'));
  }

  /** How far the folder is from what it was when the version was measured, and what to say of that. */
  private async ageOf(
    id: string,
    { left }: VersionPointer,
    version: string,
  ): Promise<Omit<LearnedStatus, 'folder'>> {
    const { root } = this.storeOf(id);
    const sketch = version === BASE ? undefined : await readSketch(root, version);
    const changed = sketch && this.shareOf(id, sketch);
    const isDue = changed !== undefined && changed >= MUCH_CHANGED;
    const old = `${Math.round(100 * (changed ?? 0))} % of the folder's text has changed since ${version} ${AGAIN}`;
    const notices = [...(isDue ? [old] : []), ...(left ? [sentenceOfLeft(left)] : [])];
    return { version, changedShare: changed, isDue, notices };
  }

  private shareOf(id: string, sketch: WorkspaceSketch): number | undefined {
    try {
      return this.parts.look(id, (snapshot) => changedShare(sketch, snapshot));
    } catch (error) {
      // Without an index there is nothing to measure on.
      this.parts.log.debug('age of a version', { reason: messageOf(error) });
      return undefined;
    }
  }

  private async setCandidate(
    id: string,
    store: VersionStore,
    { v: _v, ...pointer }: VersionPointer,
    use: VersionUse | undefined,
    isLive: boolean,
  ): Promise<void> {
    const candidate = use && use.id !== BASE ? await this.open.loadOpen(id, store, use) : undefined;
    const entry = this.entryOf(id);
    await entry.opened;
    await store.use({ ...pointer, shadow: use, isLive: use && isLive });
    retire(entry.candidate);
    entry.candidate = candidate;
    entry.isLive = isLive;
  }

  private entryOf(id: string): Entry {
    const known = this.entries.get(id);
    if (known) return known;
    const entry: Entry = { opened: Promise.resolve().then(() => this.fill(id, entry)) };
    this.entries.set(id, entry);
    return entry;
  }

  private async fill(id: string, entry: Entry): Promise<void> {
    try {
      // Most folders have learned nothing, and searches there must not wait for a file.
      if (!this.hasLearned(id)) return;
      const store = this.storeOf(id);
      const { pointer, problem } = await store.pointer();
      entry.problem = problem;
      if (pointer.shadow) {
        entry.candidate = await this.open.load(id, store, pointer.shadow).catch(() => undefined);
        entry.isLive = pointer.isLive;
      }
      if (pointer.current.id === BASE) return;
      const active = await this.open.loadOpen(id, store, pointer.current);
      if (this.entries.get(id) !== entry) return retire(active);
      entry.active = active;
      entry.isWaiting = !isUsable(active);
      if (!entry.isWaiting || !pointer.previous || pointer.previous.id === BASE) return;
      entry.standIn = await this.open.loadOpen(id, store, pointer.previous).catch(() => undefined);
    } catch (error) {
      entry.problem = `${messageOf(error)}; the base model answers`;
      this.parts.log.warn('a learned version is left out', { reason: messageOf(error) });
    }
  }
}
