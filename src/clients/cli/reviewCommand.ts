/** `nearmiss marks review`: what learning has set aside, takes for wrong or has mixed, and a person's word on it. */
import { NearmissError } from '../../base/errors';
import type { RankedPlace, ReviewDecision, ReviewItem } from '../../protocol/learning';
import { exitDone } from './failure';
import { harmless } from './format';
import { type FolderOption, printJson, printLine, withFolder } from './session';

interface ReviewOptions extends FolderOption {
  readonly keep?: boolean;
  readonly drop?: boolean;
  readonly both?: boolean;
  readonly undo?: boolean;
}

/** Lists the queue, or decides on what begins with `given`. */
export function review(given: string | undefined, options: ReviewOptions): Promise<number> {
  const decision = decisionOf(options);
  if ((given === undefined) !== (decision === undefined))
    throw new NearmissError(
      'usage',
      'A decision needs the id of what it is about, and an id a decision',
      'Give ID with --keep, --drop, --both or --undo; without any of them the queue is listed',
    );
  return withFolder(options, async ({ client }, folder) => {
    let queue = await client.call('reviewQueue', { folder });
    if (given !== undefined && decision !== undefined) {
      const id = wholeId(queue, given);
      queue = await client.call('resolveReview', { folder, id, decision });
    }
    if (options.json) printJson(queue);
    else for (const line of queueLines(queue)) printLine(harmless(line));
    return exitDone;
  });
}

/** Null takes a decision back; undefined where none is given. */
function decisionOf(options: ReviewOptions): ReviewDecision | null | undefined {
  const given = (['keep', 'drop', 'both', 'undo'] as const).filter((name) => options[name]);
  if (given.length > 1)
    throw new NearmissError('usage', `Give one of --${given.join(' and --')}, not several`);
  const [only] = given;
  return only === 'undo' ? null : only;
}

/** Of an item, or of one that it was mixed of; what fits none is passed on, so that the engine says so. */
function wholeId(queue: readonly ReviewItem[], typed: string): string {
  const ids = queue.flatMap(({ id, parents = [] }) => [id, ...parents.map((one) => one.id)]);
  const fitting = [...new Set(ids)].filter((id) => id.startsWith(typed));
  if (fitting.length > 1 && !fitting.includes(typed))
    throw new NearmissError('usage', `${typed} begins ${fitting.length} ids`, 'Write more of it');
  return fitting.includes(typed) ? typed : (fitting[0] ?? typed);
}

const decisions: Readonly<Record<ReviewDecision, string>> = {
  keep: 'kept',
  drop: 'left out',
  both: 'both are right',
};

function queueLines(queue: readonly ReviewItem[]): string[] {
  if (queue.length === 0) return ['Nothing needs a second look'];
  return queue.flatMap(({ id, query, answer, suspect, parents, sentence, decision }) => [
    `${id}  "${query}"${decision ? `  (${decisions[decision]})` : ''}`,
    `    ${sentence}`,
    ...(answer ? [`    answer   ${placeOf(answer)}`] : []),
    ...(parents ?? []).map((parent) => `    mixed of ${placeOf(parent.place)}  ${parent.id}`),
    `    ${parents ? 'nearest ' : 'in doubt'} ${placeOf(suspect)}`,
  ]);
}

function placeOf({ path, start, end, symbol }: RankedPlace): string {
  return `${path}:${start + 1}-${end}${symbol && `  ${symbol}`}`;
}
