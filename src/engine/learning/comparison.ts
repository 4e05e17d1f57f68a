/**
 * How a candidate fares beside the version that answers, in daily use: counts alone, in `comparison.json` beside the
 * versions. No query and no path comes here. Counts of another pair of versions are not gone on with.
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { systemCode } from '../../base/errors';
import { writeWhole } from '../training/runFiles';

const count = z.int().min(0);
const comparisonSchema = z.object({
  v: z.literal(1),
  current: z.string(),
  candidate: z.string(),
  /** ISO 8601. */
  since: z.string(),
  silent: z.object({
    searches: count,
    /** The first three hits would have been others, or in another order. */
    different: count,
    opened: count,
    /** The opened hit would have stood higher, or lower. */
    higher: count,
    lower: count,
  }),
  live: z.object({ searches: count, wins: count, losses: count, ties: count }),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** What to add to the counts. */
export interface ComparisonNews {
  readonly silent?: Partial<Comparison['silent']>;
  readonly live?: Partial<Comparison['live']>;
}

export interface ComparedPair {
  readonly current: string;
  readonly candidate: string;
}

/** Undefined where nothing was compared, or what was cannot be read. */
export async function readComparison(root: string): Promise<Comparison | undefined> {
  try {
    const text = await fs.readFile(fileIn(root), 'utf8');
    const { success, data } = comparisonSchema.safeParse(JSON.parse(text));
    return success ? data : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Adds to the counts of the pair and settles when they are on the disk. Calls are to be put in order by the caller. */
export async function noteComparison(
  root: string,
  pair: ComparedPair,
  news: ComparisonNews,
  now: Date,
): Promise<void> {
  const known = await readComparison(root);
  const isSame = known?.current === pair.current && known.candidate === pair.candidate;
  const before = isSame ? known : newComparison(pair, now);
  const after: Comparison = {
    ...before,
    silent: added(before.silent, news.silent),
    live: added(before.live, news.live),
  };
  await fs.mkdir(root, { recursive: true, mode: 0o700 });
  await writeWhole(fileIn(root), `${JSON.stringify(after)}\n`);
}

export function newComparison({ current, candidate }: ComparedPair, now: Date): Comparison {
  return {
    ...{ v: 1, current, candidate, since: now.toISOString() },
    silent: { searches: 0, different: 0, opened: 0, higher: 0, lower: 0 },
    live: { searches: 0, wins: 0, losses: 0, ties: 0 },
  };
}

/** What the counts say, a sentence each; nothing where nothing was counted. */
export function comparisonSentences({ since, silent, live }: Comparison): string[] {
  const day = since.slice(0, 10);
  const sentences: string[] = [];
  if (silent.searches > 0) {
    const opened =
      silent.opened === 0
        ? 'no hit was opened meanwhile'
        : `opened hits that would have stood higher: ${silent.higher} of ${silent.opened}, lower: ${silent.lower}`;
    sentences.push(
      `Compared silently in ${searches(silent.searches)} since ${day}: the first three hits would differ in ${silent.different}; ${opened}`,
    );
  }
  if (live.searches > 0) {
    const decided = live.wins + live.losses;
    const { low, high } = wilsonInterval(live.wins, decided);
    const said =
      decided === 0
        ? 'no opened hit has decided yet'
        : `opened hits that decide: ${live.wins} of ${decided} the candidate's (95 % interval ${percent(low)} to ${percent(high)}), that decide nothing: ${live.ties}`;
    sentences.push(`Shown mixed in ${searches(live.searches)} since ${day}: ${said}`);
  }
  return sentences;
}

function searches(count: number): string {
  return count === 1 ? '1 search' : `${count} searches`;
}

/** Of a share, by Wilson's score at 95 %; from 0 to 1 where nothing was counted. */
export function wilsonInterval(
  wins: number,
  of: number,
): { readonly low: number; readonly high: number } {
  if (of === 0) return { low: 0, high: 1 };
  const z2 = Z * Z;
  const share = wins / of;
  const centre = (share + z2 / (2 * of)) / (1 + z2 / of);
  const half = (Z / (1 + z2 / of)) * Math.sqrt((share * (1 - share)) / of + z2 / (4 * of * of));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Quantile of the normal distribution at 97.5 %. */
const Z = 1.959964;

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function fileIn(root: string): string {
  return path.join(root, 'comparison.json');
}

function added<T extends Readonly<Record<string, number>>>(counts: T, more: Partial<T> = {}): T {
  return Object.fromEntries(
    Object.entries(counts).map(([name, value]) => [name, value + (more[name] ?? 0)]),
  ) as T;
}
