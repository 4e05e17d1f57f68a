/** `nearmiss mark` and `nearmiss marks`. */
import * as path from 'node:path';
import { NearmissError } from '../../base/errors';
import type { Verdict } from '../../protocol/types';
import type { MarkInfo } from '../../protocol/types';
import { exitDone } from './failure';
import { harmless, plural } from './format';
import { parsePlace } from './searchCommand';
import {
  type CliSession,
  type FolderOption,
  existingFolder,
  fileOf,
  printJson,
  printLine,
  tell,
  withFolder,
  withSession,
} from './session';

/** Of the lines that an import leaves out, so many are named. */
const shownProblems = 5;

interface MarkOptions extends FolderOption {
  readonly relevant?: boolean;
  readonly notRelevant?: boolean;
}

export function mark(query: string, place: string, options: MarkOptions): Promise<number> {
  const verdict = verdictOf(options);
  const { file, start, end } = parsePlace(place);
  return withFolder(options, async ({ client }, folder) => {
    const params = { folder, query, path: fileOf(folder, file), start, end, verdict };
    const set = await client.call('addMark', params);
    if (options.json) printJson(markJson(set));
    else printLine(`Marked ${sentenceOf(set)} (${set.id})`);
    return exitDone;
  });
}

function verdictOf({ relevant, notRelevant }: MarkOptions): Verdict {
  if (relevant !== notRelevant) return relevant ? 'relevant' : 'notRelevant';
  throw new NearmissError('usage', 'Give --relevant or --not-relevant, one of the two');
}

export function listMarks(options: FolderOption): Promise<number> {
  return withSession(options, async ({ client }) => {
    const folder = path.resolve(options.folder);
    const { marks, problems } = await client.call('listMarks', { folder });
    if (options.json) printJson({ marks: marks.map(markJson), problems });
    else for (const each of marks) printLine(markLine(each));
    if (!options.json && marks.length === 0) printLine('No marks');
    for (const problem of problems) tell(problem);
    return exitDone;
  });
}

export function undoMark(given: string | undefined, options: FolderOption): Promise<number> {
  return withSession(options, async (session) => {
    const folder = path.resolve(options.folder);
    const id = given === undefined ? undefined : await wholeId(session, folder, given);
    const undone = await session.client.call('undoMark', { folder, id });
    if (options.json) printJson(undone && markJson(undone));
    else if (undone) printLine(`Taken back: ${sentenceOf(undone)}`);
    else if (given === undefined) printLine('There is no mark to take back');
    else
      printLine(`There is no mark ${harmless(given)} to take back; \`nearmiss marks\` lists them`);
    return exitDone;
  });
}

/** The id that begins with what was typed; what fits none is passed on, for it may have been undone before. */
async function wholeId({ client }: CliSession, folder: string, typed: string): Promise<string> {
  const { marks } = await client.call('listMarks', { folder });
  const fitting = marks.filter(({ id }) => id.startsWith(typed));
  if (fitting.length > 1)
    throw new NearmissError('usage', `${typed} begins ${fitting.length} ids`, 'Write more of it');
  return fitting[0]?.id ?? typed;
}

export function exportMarks(given: string, options: FolderOption): Promise<number> {
  return withSession(options, async ({ client }) => {
    const [folder, file] = [path.resolve(options.folder), path.resolve(given)];
    const { count } = await client.call('exportMarks', { folder, file });
    if (options.json) printJson({ count });
    else printLine(`${plural(count, 'mark')} written to ${harmless(given)}`);
    return exitDone;
  });
}

export function importMarks(given: string, options: FolderOption): Promise<number> {
  return withSession(options, async ({ client }) => {
    const [folder, file] = [existingFolder(options.folder), path.resolve(given)];
    const { added, problems } = await client.call('importMarks', { folder, file });
    if (options.json) printJson({ added, problems });
    else printLine(`${plural(added, 'mark')} added`);
    for (const problem of problems.slice(0, shownProblems)) tell(harmless(problem));
    const left = problems.length - shownProblems;
    if (left > 0) tell(`and ${plural(left, 'line')} more; is ${harmless(given)} a file of marks?`);
    return exitDone;
  });
}

/** As it is shared: lines from 1, ends inclusive. */
function markJson(mark: MarkInfo): object {
  const { id, query, source, path: file, start, end, symbol, verdict, time, rank } = mark;
  const { checkpoint, state, isWeak, author } = mark;
  const from = source && { ...source, start: source.start + 1 };
  const said = { id, query, source: from, path: file, start: start + 1, end, symbol, verdict };
  return { ...said, time, rank, checkpoint, state, isWeak, author };
}

function markLine(mark: MarkInfo): string {
  const state = mark.state === 'stale' ? '  (stale: its code is gone)' : '';
  return `${mark.id}  ${mark.time.slice(0, 10)}  ${sentenceOf(mark)}${state}`;
}

function sentenceOf(mark: MarkInfo): string {
  const { path: file, start, end, verdict, query, source, isWeak, author } = mark;
  const judged = isWeak ? 'opened' : verdict === 'relevant' ? 'relevant' : 'not relevant';
  const aim =
    source === undefined
      ? `for "${query}"`
      : `as like ${source.path}:${source.start + 1}-${source.end}`;
  const by = author === undefined ? '' : ` (by ${author})`;
  return harmless(`${file}:${start + 1}-${end} ${judged} ${aim}${by}`);
}
