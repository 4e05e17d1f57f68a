/**
 * What a person decided about marks that were set aside, and which ones the last run set aside: `review.json` beside the
 * versions. A decision belongs to a mark and goes with it.
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { NearmissError, systemCode } from '../../base/errors';
import { writeWhole } from '../training/runFiles';
import type { Decisions } from './markData';
import type { ReviewDecision, ReviewItem } from './report';

interface Stored {
  readonly v: 1;
  readonly items: readonly ReviewItem[];
}

/** What was set aside last, each with what was decided about it. */
export async function readReview(root: string): Promise<readonly ReviewItem[]> {
  const file = path.join(root, 'review.json');
  let text: string;
  try {
    text = await fs.readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  try {
    const stored = JSON.parse(text) as Stored;
    if (stored.v === 1 && Array.isArray(stored.items)) return stored.items;
  } catch {
    // Said below.
  }
  throw new NearmissError('index', `${file} is damaged`, 'Remove it; the marks are not in it');
}

export function decisionsOf(items: readonly ReviewItem[]): Decisions {
  return new Map(
    items.flatMap(({ id, decision }): [string, ReviewDecision][] =>
      decision ? [[id, decision]] : [],
    ),
  );
}

/** Notes what was set aside now; what was decided before stays. */
export async function keepReview(root: string, found: readonly ReviewItem[]): Promise<void> {
  const before = await readReview(root);
  const decided = before.filter(({ decision }) => decision);
  const known = new Set(decided.map(({ id }) => id));
  await write(root, [...decided, ...found.filter(({ id }) => !known.has(id))]);
}

/** Decides on one mark of the queue, or takes the decision back. Throws a NearmissError('notFound') where it is not set aside. */
export async function decideReview(
  root: string,
  id: string,
  decision: ReviewDecision | null,
  items: readonly ReviewItem[],
): Promise<readonly ReviewItem[]> {
  const known = items.some((item) => item.id === id) ? items : withParent(items, id);
  if (!known)
    throw new NearmissError('notFound', `No mark ${id} is set aside`, 'Look at the queue again');
  const decided = known
    .map((item): ReviewItem => {
      if (item.id !== id) return item;
      const { decision: _before, ...bare } = item;
      return decision === null ? bare : { ...bare, decision };
    })
    // What lacks a parent is mixed no more.
    .filter(
      (item) =>
        decision === null ||
        decision === 'keep' ||
        item.decision !== undefined ||
        item.parents?.every((parent) => parent.id !== id) !== false,
    );
  await write(root, decided);
  return decided;
}

/** The queue with an item for a chunk that others were mixed of; undefined where there is none. */
function withParent(items: readonly ReviewItem[], id: string): readonly ReviewItem[] | undefined {
  for (const { parents = [], query, answer } of items) {
    const parent = parents.find((one) => one.id === id);
    if (!parent) continue;
    const { place: suspect, isMarked } = parent;
    const sentence = isMarked ? MARKED_PARENT : MINED_PARENT;
    return [...items, { id, reason: 'mined', sentence, query, answer, suspect }];
  }
  return undefined;
}

const MARKED_PARENT = 'It was marked as not relevant, and others were mixed of it';
const MINED_PARENT = 'Nobody marked it; learning took it for wrong, and mixed others of it';

async function write(root: string, items: readonly ReviewItem[]): Promise<void> {
  await fs.mkdir(root, { recursive: true, mode: 0o700 });
  const stored: Stored = { v: 1, items };
  await writeWhole(path.join(root, 'review.json'), `${JSON.stringify(stored, null, 2)}\n`);
}
