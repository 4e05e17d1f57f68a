/**
 * Marks shared by a repository, a line each, sorted by id: branches that add marks change different lines, and where both
 * change the same place, keeping all lines is right. A mark that was taken back leaves its id alone behind, so that no
 * older branch brings it back. What the file says is checked like anything from strangers: an id is the hash of what its
 * mark says, so nobody can put other words under a known id.
 */
import { redactSecrets } from '../documents/secrets';
import { MARK_VERSION, type Mark, markSchema, ordered, withId } from './mark';

/** Of the file; more lines are not read. */
export const LARGEST_SHARED_BYTES = 8 << 20;
const MOST_LINES = 20_000;
const LONGEST_QUERY = 2000;
const LONGEST_AUTHOR = 100;
/** Clocks differ; a mark from the future would outdo every other. */
const LATEST_MS = 24 * 3600_000;
const TOLD_PROBLEMS = 20;

export interface SharedMarks {
  /** Each with its author, by id. */
  readonly marks: readonly Mark[];
  /** Ids that were taken back. */
  readonly undone: readonly string[];
  /** Lines of a newer version, which stay as they are. */
  readonly foreign: readonly string[];
  /** Sentences about lines that are left out. */
  readonly problems: readonly string[];
}

export const NOTHING_SHARED: SharedMarks = { marks: [], undone: [], foreign: [], problems: [] };

/** Reads the file's text; `nowMs` is the time. Lines may come in any order and more than once. */
export function parseShared(text: string, nowMs: number): SharedMarks {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const marks = new Map<string, Mark>();
  const [undone, foreign] = [new Set<string>(), new Set<string>()];
  const problems: string[] = [];
  lines.slice(0, MOST_LINES).forEach((line, index) => {
    if (line.trim() === '') return;
    const read = readLine(line, nowMs);
    if ('problem' in read) problems.push(`Line ${index + 1} is left out: ${read.problem}`);
    else if ('foreign' in read) foreign.add(line);
    else if ('undo' in read) undone.add(read.undo);
    else marks.set(read.mark.id, read.mark);
  });
  if (lines.length > MOST_LINES)
    problems.unshift(`Only the first ${MOST_LINES} lines are read, of ${lines.length}`);
  if (foreign.size > 0)
    problems.unshift(`Lines written by a newer Nearmiss are left as they are: ${foreign.size}`);
  for (const id of undone) marks.delete(id);
  return {
    marks: [...marks.values()],
    undone: [...undone],
    foreign: [...foreign],
    problems: cut(problems),
  };
}

/** The text of the file: equal contents are equal bytes. */
export function renderShared({ marks, undone, foreign }: SharedMarks): string {
  const gone = new Set(undone);
  const lines = [
    ...marks
      .filter(({ id }) => !gone.has(id))
      .map((mark): [string, string] => [mark.id, lineOf(mark)]),
    ...undone.map((id): [string, string] => [id, JSON.stringify({ v: MARK_VERSION, undo: id })]),
  ];
  const sorted = [...new Map(lines)].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...sorted.map(([, line]) => line), ...foreign].map((line) => `${line}\n`).join('');
}

/** A file's contents with this user's marks in it, and without those that were taken back. */
export function withOwn(
  file: SharedMarks,
  own: readonly Mark[],
  takenBack: readonly string[],
): SharedMarks {
  const undone = [...new Set([...file.undone, ...takenBack])];
  const marks = [...new Map([...file.marks, ...own].map((mark) => [mark.id, mark])).values()];
  return { ...file, marks, undone };
}

/** The mark as it is shared, or undefined: what was only opened, speaks of a secret, or has another's id, stays here. */
export function asShared(mark: Mark, author: string): Mark | undefined {
  if (mark.weak || mark.author !== undefined || mark.id !== withId(mark).id) return undefined;
  if (mark.query !== undefined && redactSecrets(mark.query).count > 0) return undefined;
  const shared = { ...mark, author };
  return reasonAgainstMark(shared, Number.POSITIVE_INFINITY) === undefined
    ? ordered(shared)
    : undefined;
}

/** A name as it may stand in the file: one line of visible characters. */
export function cleanAuthor(given: string): string {
  const clean = given.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return clean.slice(0, LONGEST_AUTHOR) || 'somebody';
}

type Line =
  | { readonly mark: Mark }
  | { readonly undo: string }
  | { readonly foreign: true }
  | { readonly problem: string };

function readLine(line: string, nowMs: number): Line {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { problem: 'it is not JSON' };
  }
  const { v, undo } = (value ?? {}) as { readonly v?: unknown; readonly undo?: unknown };
  if (typeof v === 'number' && v > MARK_VERSION) return { foreign: true };
  if (v === MARK_VERSION && typeof undo === 'string' && /^\w{1,200}$/.test(undo)) return { undo };
  const parsed = markSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { problem: `${issue?.path.join('.') || 'it'} is not valid` };
  }
  const mark = ordered(parsed.data);
  const problem = reasonAgainstMark(mark, nowMs);
  if (problem !== undefined) return { problem };
  return { mark: { ...mark, author: cleanAuthor(mark.author ?? '') } };
}

function reasonAgainstMark(mark: Mark, nowMs: number): string | undefined {
  if (mark.weak) return 'nobody judged, the hit was only opened';
  if (mark.id !== withId(mark).id) return 'its id does not fit what it says';
  if ((mark.query?.length ?? 0) > LONGEST_QUERY) return 'its query is too long';
  if (Date.parse(mark.time) > nowMs + LATEST_MS) return 'its time is yet to come';
  return undefined;
}

/** An author stands second, where a person looks for it. */
function lineOf(mark: Mark): string {
  const { v, id, author, ...rest } = ordered(mark);
  return JSON.stringify({ v, id, author, ...rest });
}

function cut(problems: readonly string[]): string[] {
  const more = problems.length - TOLD_PROBLEMS;
  return more > 0
    ? [...problems.slice(0, TOLD_PROBLEMS), `${more} more lines are left out`]
    : [...problems];
}
