/**
 * Sharing marks by a repository: this user's marks into `.nearmiss/marks.jsonl`, others' out of it, each only after a
 * person said yes to it in this folder. What was agreed to lies beside the folder's marks and is forgotten with them.
 * The file is written whenever an own mark changes; it is read only for a caller that trusts the folder.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as z from 'zod';
import { messageOf, NearmissError, systemCode } from '../base/errors';
import type { Logger } from '../base/log';
import { Sequencer } from '../base/queue';
import type { SetSharingParams, SharingInfo, SyncedSharing } from '../protocol/sharing';
import { idOfFolder, markFolder, realFolder } from './dataFolder';
import type { Mark } from './feedback/mark';
import { readShared, SHARED_FOLDER, writeShared } from './feedback/repositoryFolder';
import {
  asShared,
  cleanAuthor,
  LARGEST_SHARED_BYTES,
  NOTHING_SHARED,
  parseShared,
  renderShared,
  type SharedMarks,
  withOwn,
} from './feedback/sharedMarks';
import type { Marking } from './marking';

const STATE_FILE = 'sharing.json';
const FILE = 'marks.jsonl';
/** Branches that both change the file are joined by keeping the lines of both. */
const ATTRIBUTES = `${FILE} text eol=lf merge=union\n`;
/** The newest marks of others that count; more would outvote the user's own. */
const MOST_TAKEN = 5000;

const stateSchema = z.object({
  v: z.literal(1),
  gives: z.boolean(),
  takes: z.boolean(),
  author: z.string(),
  /** Own marks that were written to the file by this machine. */
  givenIds: z.array(z.string()),
  /** Marks of others that the user took back. */
  refusedIds: z.array(z.string()),
});
type State = z.infer<typeof stateSchema>;

export interface SharingParts {
  readonly dataFolder: string;
  readonly log: Logger;
  readonly marking: Marking;
}

export class Sharing {
  private readonly inOrder = new Sequencer();

  constructor(private readonly parts: SharingParts) {}

  info(given: string): Promise<SharingInfo> {
    return this.inOrder.run(async () => {
      const folder = realFolder(given);
      return this.infoOf(folder, await this.readState(folder));
    });
  }

  /** Begins or ends giving and taking; what ends is undone at once. */
  set(params: SetSharingParams): Promise<SyncedSharing> {
    return this.inOrder.run(async () => {
      const { gives, takes, author, withdraws, isTrusted } = params;
      const folder = realFolder(params.folder);
      if ((gives || takes) && !isTrusted) throw untrusted(folder);
      const before = await this.readState(folder);
      const state: State = {
        ...before,
        gives: gives ?? before.gives,
        takes: takes ?? before.takes,
        author: author === undefined ? before.author : cleanAuthor(author),
      };
      if (JSON.stringify(state) !== JSON.stringify(before)) await this.saveState(folder, state);
      const isLeaving = before.gives && !state.gives && withdraws === true;
      const given = isLeaving ? await this.write(folder, state, []) : state;
      return this.compare(folder, given, isTrusted);
    });
  }

  /** Writes own marks, and takes in what others have written, as far as each was agreed to. */
  sync(given: string, isTrusted: boolean): Promise<SyncedSharing> {
    return this.inOrder.run(async () => {
      const folder = realFolder(given);
      return this.compare(folder, await this.readState(folder), isTrusted);
    });
  }

  /** The name of this user in a folder. */
  async nameIn(folder: string): Promise<string> {
    return (await this.readState(folder)).author;
  }

  /** A mark of somebody else was taken back by this user: it does not come again. */
  refuse(given: string, id: string): Promise<void> {
    return this.inOrder.run(async () => {
      const folder = realFolder(given);
      const state = await this.readState(folder);
      if (state.refusedIds.includes(id)) return;
      await this.saveState(folder, { ...state, refusedIds: [...state.refusedIds, id] });
    });
  }

  /** Own marks have changed: the file follows. A failure is for the log; status tells it when it is asked. */
  follow(folder: string): void {
    void this.inOrder
      .run(async () => {
        const state = await this.readState(folder);
        if (state.gives) await this.writeOwn(folder, state);
      })
      .catch((error: unknown) => this.parts.log.warn('sharing', { reason: messageOf(error) }));
  }

  /** Resolves when the file says all that was marked and taken back until now. */
  written(): Promise<void> {
    return this.inOrder.run(() => undefined);
  }

  /** Does something while nothing is being compared. */
  between(work: () => Promise<void>): Promise<void> {
    return this.inOrder.run(work);
  }

  private async compare(folder: string, given: State, isTrusted: boolean): Promise<SyncedSharing> {
    if (given.takes && !isTrusted) throw untrusted(folder);
    const state = given.gives ? await this.writeOwn(folder, given) : given;
    const changed = await this.take(folder, state);
    return { ...(await this.infoOf(folder, state)), ...changed };
  }

  private async take(
    folder: string,
    state: State,
  ): Promise<{ readonly added: number; readonly removed: number }> {
    const { marking } = this.parts;
    if (!state.takes) return marking.takeOthers(folder, []);
    const not = new Set([...state.givenIds, ...state.refusedIds]);
    const { marks } = await this.readFile(folder);
    const others = marks
      .filter(({ id }) => !not.has(id))
      .sort((a, b) => (a.time < b.time ? 1 : -1));
    return marking.takeOthers(folder, others.slice(0, MOST_TAKEN));
  }

  private async writeOwn(folder: string, state: State): Promise<State> {
    const kept = await this.parts.marking.kept(folder);
    const own = kept.flatMap(({ origin }) => asShared(origin, state.author) ?? []);
    return this.write(folder, state, own);
  }

  /** Makes these the marks of this user in the file, and notes which they are. */
  private async write(folder: string, state: State, own: readonly Mark[]): Promise<State> {
    const ids = new Set(own.map(({ id }) => id));
    // What cannot be read was not taken back.
    const isWhole = await this.parts.marking.isWhole(folder);
    const takenBack = isWhole ? state.givenIds.filter((id) => !ids.has(id)) : [];
    const file = await this.readFile(folder);
    const before = renderShared(file);
    // What was taken back and set again is there again.
    const undone = file.undone.filter((id) => !ids.has(id));
    const after = renderShared(withOwn({ ...file, undone }, own, takenBack));
    if (after !== before) {
      if ((await readShared(folder, '.gitattributes', 10_000)) === undefined)
        await writeShared(folder, '.gitattributes', ATTRIBUTES);
      await writeShared(folder, FILE, after);
    }
    const kept = state.givenIds.filter((id) => !takenBack.includes(id));
    const now = { ...state, givenIds: [...new Set([...kept, ...ids])] };
    if (now.givenIds.join() !== state.givenIds.join()) await this.saveState(folder, now);
    return now;
  }

  private async readFile(folder: string): Promise<SharedMarks> {
    const bytes = await readShared(folder, FILE, LARGEST_SHARED_BYTES);
    return bytes ? parseShared(bytes.toString('utf8'), Date.now()) : NOTHING_SHARED;
  }

  private async infoOf(folder: string, state: State): Promise<SharingInfo> {
    const kept = await this.parts.marking.kept(folder);
    const about = {
      folder,
      file: path.join(folder, SHARED_FOLDER, FILE),
      isGiving: state.gives,
      ...(state.gives && { author: state.author }),
      isTaking: state.takes,
      takenCount: kept.filter(({ mark }) => mark.author !== undefined).length,
    };
    try {
      const { marks, problems } = await this.readFile(folder);
      return { ...about, authors: countAuthors(marks), problems };
    } catch (error) {
      return { ...about, authors: [], problems: [messageOf(error)] };
    }
  }

  private stateFile(folder: string): string {
    return path.join(markFolder(this.parts.dataFolder, idOfFolder(folder)), STATE_FILE);
  }

  private async readState(folder: string): Promise<State> {
    const off: State = {
      ...{ v: 1, gives: false, takes: false, author: userName(), givenIds: [], refusedIds: [] },
    };
    try {
      const text = await fs.readFile(this.stateFile(folder), 'utf8');
      const { success, data } = stateSchema.safeParse(JSON.parse(text));
      // Consent that cannot be read was not given.
      return success ? data : off;
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return off;
      throw error;
    }
  }

  private async saveState(folder: string, state: State): Promise<void> {
    const file = this.stateFile(folder);
    const draft = `${file}.${randomBytes(4).toString('hex')}`;
    await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await fs.writeFile(draft, JSON.stringify(state), { mode: 0o600 });
    await fs.rename(draft, file);
  }
}

/** Ids of own marks that the repository was given; `own` is where a folder's marks lie. */
export function givenIdsIn(own: string): readonly string[] {
  try {
    const text = readFileSync(path.join(own, STATE_FILE), 'utf8');
    return stateSchema.parse(JSON.parse(text)).givenIds;
  } catch {
    // Nothing was ever agreed to.
    return [];
  }
}

function countAuthors(marks: SharedMarks['marks']): SharingInfo['authors'] {
  const counts = new Map<string, number>();
  for (const { author = '' } of marks) counts.set(author, (counts.get(author) ?? 0) + 1);
  return [...counts]
    .map(([author, markCount]) => ({ author, markCount }))
    .sort((a, b) => b.markCount - a.markCount || (a.author < b.author ? -1 : 1));
}

function userName(): string {
  try {
    return cleanAuthor(os.userInfo().username);
  } catch {
    // A user without an entry, as in some containers.
    return 'somebody';
  }
}

/** The refusal of everything that comes with a folder, or goes out by it, without trust. */
export function untrusted(folder: string): NearmissError {
  return new NearmissError(
    'permission',
    `${folder} is not trusted, so nothing that comes with it counts and nothing is shared`,
    'Trust the folder first',
  );
}
