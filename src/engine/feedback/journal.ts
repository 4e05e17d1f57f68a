/**
 * The append-only log that marks are rebuilt from: one JSON object a line, each with a checksum of itself.
 * An entry is on the disk when `append` resolves. What a full disk took only half of is cut off again. A line
 * that cannot be read is kept aside and told, the rest counts. A line of a newer version closes the whole
 * journal to us: nothing is written, so that the newer program finds its marks as they were.
 */
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { messageOf, NearmissError, systemCode } from '../../base/errors';
import {
  MARK_VERSION,
  type Mark,
  type MarkedPlace,
  type MarkedSource,
  markSchema,
  ordered,
  placeSchema,
  sourceSchema,
} from './mark';

/** What one line says. */
export type JournalEntry =
  | { readonly type: 'folder'; readonly folder: string }
  | { readonly type: 'mark'; readonly mark: Mark }
  | { readonly type: 'undo'; readonly id: string }
  | { readonly type: 'move'; readonly move: MarkMove };

/** The code of a mark is somewhere else, or says something else, by now. */
export interface MarkMove {
  readonly id: string;
  readonly place?: MarkedPlace;
  readonly source?: MarkedSource;
  /** Hashes of the chunks around it, which it is not. */
  readonly near?: readonly string[];
}

export interface JournalContents {
  readonly entries: readonly JournalEntry[];
  /** Lines that cannot be read, as they stand in the file. */
  readonly damaged: readonly DamagedLine[];
}

export interface DamagedLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** Everything a journal holds; nothing where there is no file. Throws `version` for a newer one. */
export async function readJournal(file: string): Promise<JournalContents> {
  const text = await readText(file);
  const entries: JournalEntry[] = [];
  const damaged: DamagedLine[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const entry = parseLine(line, file);
    if (entry) entries.push(entry);
    else damaged.push({ line: index + 1, text: line });
  }
  return { entries, damaged };
}

/** Adds lines and waits until the disk has them; all of them or none. */
export async function appendJournal(file: string, entries: readonly JournalEntry[]): Promise<void> {
  await guard(file, async () => {
    await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const handle = await fs.open(file, 'a+', 0o600);
    try {
      const { size } = await handle.stat();
      const text = `${await lineEnd(handle, size)}${entries.map(lineOf).join('')}`;
      try {
        await handle.appendFile(text);
        await handle.sync();
        if (size === 0) await syncFolder(path.dirname(file));
      } catch (error) {
        // Taking space away works on a full disk. Where it does not, the next line begins on a line of its own.
        await handle.truncate(size).catch(() => undefined);
        throw error;
      }
    } finally {
      await handle.close();
    }
  });
}

/** Writes the journal anew, so that nothing remains of what is not in `entries` or `kept`. */
export async function rewriteJournal(
  file: string,
  entries: readonly JournalEntry[],
  kept: readonly DamagedLine[],
): Promise<void> {
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  await guard(file, async () => {
    try {
      await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
      const lines = [...entries.map(lineOf), ...kept.map(({ text }) => `${text}\n`)];
      await fs.writeFile(draft, lines.join(''), { mode: 0o600, flush: true });
      await fs.rename(draft, file);
      await syncFolder(path.dirname(file));
    } finally {
      await fs.rm(draft, { force: true });
    }
  });
}

function parseLine(line: string, file: string): JournalEntry | undefined {
  const match = SUMMED.exec(line);
  if (!match) {
    refuseNewer(line, file);
    return undefined;
  }
  if (checksum(`${match[1]}}`) !== match[2]) return undefined;
  refuseNewer(line, file);
  try {
    const parsed = entrySchema.safeParse(JSON.parse(line));
    return parsed.success ? toEntry(parsed.data) : undefined;
  } catch {
    // Not JSON although its checksum is right: nobody of ours wrote it.
    return undefined;
  }
}

/** The line up to its checksum, and the checksum. */
const SUMMED = /^(\{.*),"sum":"([0-9a-f]{8})"\}$/;

function lineOf(entry: JournalEntry): string {
  const text = JSON.stringify(toLine(entry));
  return `${text.slice(0, -1)},"sum":"${checksum(text)}"}\n`;
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function toLine(entry: JournalEntry): object {
  const v = MARK_VERSION;
  if (entry.type === 'mark') return ordered(entry.mark);
  if (entry.type === 'folder') return { v, folder: entry.folder };
  if (entry.type === 'undo') return { v, undo: entry.id };
  const { id, place, source, near } = entry.move;
  return { v, move: id, place, source, near };
}

const entrySchema = z.union([
  markSchema.transform((mark) => ({ mark })),
  z.object({ folder: z.string().min(1) }),
  z.object({ undo: z.string().min(1) }),
  z.object({
    move: z.string().min(1),
    place: placeSchema.optional(),
    source: sourceSchema.optional(),
    near: z.array(z.string()).optional(),
  }),
]);

function toEntry(line: z.infer<typeof entrySchema>): JournalEntry {
  if ('mark' in line) return { type: 'mark', mark: ordered(line.mark) };
  if ('undo' in line) return { type: 'undo', id: line.undo };
  if ('folder' in line) return { type: 'folder', folder: line.folder };
  const { move: id, place, source, near } = line;
  return { type: 'move', move: { id, place, source, near } };
}

/** Only a number right at the front counts: that is where every version of ours writes it. */
function refuseNewer(line: string, file: string): void {
  const version = Number(/^\{"v":(\d+),/.exec(line)?.[1] ?? 0);
  if (version <= MARK_VERSION) return;
  throw new NearmissError(
    'version',
    `The marks in ${file} were written by a newer Nearmiss (version ${version}, this one knows ${MARK_VERSION})`,
    'Update Nearmiss; the marks are left as they are',
  );
}

async function readText(file: string): Promise<string> {
  return guard(file, async () => {
    try {
      return await fs.readFile(file, 'utf8');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return '';
      throw error;
    }
  });
}

/** What must come first so that a line cut short by a crash does not swallow the next one. */
async function lineEnd(handle: fs.FileHandle, size: number): Promise<string> {
  if (size === 0) return '';
  const last = Buffer.alloc(1);
  await handle.read(last, 0, 1, size - 1);
  return last[0] === 0x0a ? '' : '\n';
}

/** A name that is new in its folder lasts only when the folder is on the disk too; Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await fs.open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function guard<T>(file: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw explain(file, error);
  }
}

const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG'];

function explain(file: string, error: unknown): unknown {
  const code = systemCode(error);
  if (error instanceof NearmissError || code === undefined) return error;
  const options = { cause: error };
  if (FULL.includes(code))
    return new NearmissError(
      'diskFull',
      'The disk is full, so the marks stay as they were',
      'Make room and try again',
      options,
    );
  return new NearmissError(
    'permission',
    `The marks in ${file} cannot be used (${messageOf(error)})`,
    'See who may read and write that file',
    options,
  );
}
