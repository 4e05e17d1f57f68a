/**
 * Usage of each folder's search by week: counts, seconds and ranks in one small file a folder. No query and no path ever
 * comes here. A file that cannot be read starts anew: these are figures for a report, nothing is lost with them but
 * themselves.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { systemCode } from '../../base/errors';
import { Sequencer } from '../../base/queue';

/** Seconds and ranks kept of a week; a median of so many is as good as of more. */
const KEPT_A_WEEK = 500;
/** About two years. */
const KEPT_WEEKS = 104;

const weekSchema = z.object({
  monday: z.string(),
  searchCount: z.number(),
  openedCount: z.number(),
  unresolvedCount: z.number(),
  reformulationCount: z.number(),
  seconds: z.array(z.number()),
  ranks: z.array(z.number()),
});
const fileSchema = z.object({
  v: z.literal(1),
  weeks: z.array(weekSchema),
  pulses: z.array(
    z.object({ month: z.string(), answer: z.enum(['mostly', 'sometimes', 'rarely']) }),
  ),
});

type WeekOfUse = z.infer<typeof weekSchema>;
type Usage = z.infer<typeof fileSchema>;
type Answer = Usage['pulses'][number]['answer'];

interface Use {
  readonly kind: 'search' | 'reformulated' | 'opened' | 'unresolved';
  /** From 1. */
  readonly rank?: number;
  readonly seconds?: number;
}

export class UsageLog {
  private readonly writing = new Sequencer();

  /** `folder` holds a file for each id. */
  constructor(private readonly folder: string) {}

  /** Settles when it is on the disk. */
  note(id: string, uses: readonly Use[], now: Date): Promise<void> {
    return this.change(id, (usage) =>
      uses.reduce((sum, use) => withUse(sum, use, mondayOf(now)), usage),
    );
  }

  /** The answer of a month replaces an earlier one of it. */
  answer(id: string, answer: Answer, now: Date): Promise<void> {
    const month = now.toISOString().slice(0, 7);
    return this.change(id, (usage) => ({
      ...usage,
      pulses: [...usage.pulses.filter((pulse) => pulse.month !== month), { month, answer }],
    }));
  }

  async read(id: string): Promise<Usage> {
    try {
      const text = await fs.readFile(this.file(id), 'utf8');
      const { success, data } = fileSchema.safeParse(JSON.parse(text));
      return success ? data : empty;
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return empty;
      throw error;
    }
  }

  /** One folder's figures, or without an id those of every folder. */
  forget(id?: string): Promise<void> {
    return this.writing.run(() =>
      fs.rm(id === undefined ? this.folder : this.file(id), { recursive: true, force: true }),
    );
  }

  private change(id: string, changed: (usage: Usage) => Usage): Promise<void> {
    return this.writing.run(async () => {
      const { weeks, ...rest } = changed(await this.read(id));
      await fs.mkdir(this.folder, { recursive: true, mode: 0o700 });
      const draft = `${this.file(id)}.${randomBytes(4).toString('hex')}`;
      const text = JSON.stringify({ ...rest, weeks: weeks.slice(-KEPT_WEEKS) });
      await fs.writeFile(draft, text, { mode: 0o600 });
      await fs.rename(draft, this.file(id));
    });
  }

  private file(id: string): string {
    return path.join(this.folder, `${id}.json`);
  }
}

const empty: Usage = { v: 1, weeks: [], pulses: [] };

/** "2026-11-23" for every moment of that week, in UTC. */
export function mondayOf(time: Date): string {
  const day = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate()));
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
  return day.toISOString().slice(0, 10);
}

/** Weeks in which something was searched or marked, oldest first. Times of marks are ISO 8601. */
export function withMarks(
  weeks: readonly WeekOfUse[],
  marks: readonly { readonly time: string }[],
): (WeekOfUse & { readonly markCount: number })[] {
  const markCounts = new Map<string, number>();
  for (const { time } of marks) {
    const monday = mondayOf(new Date(time));
    markCounts.set(monday, (markCounts.get(monday) ?? 0) + 1);
  }
  const known = new Map(weeks.map((week) => [week.monday, week]));
  return [...new Set([...known.keys(), ...markCounts.keys()])].sort().map((monday) => ({
    ...(known.get(monday) ?? noUse(monday)),
    markCount: markCounts.get(monday) ?? 0,
  }));
}

function withUse(usage: Usage, { kind, rank, seconds }: Use, monday: string): Usage {
  const week = usage.weeks.find((each) => each.monday === monday) ?? noUse(monday);
  const add = (wanted: Use['kind']): number => (kind === wanted ? 1 : 0);
  const changed: WeekOfUse = {
    monday,
    searchCount: week.searchCount + add('search'),
    openedCount: week.openedCount + add('opened'),
    unresolvedCount: week.unresolvedCount + add('unresolved'),
    reformulationCount: week.reformulationCount + add('reformulated'),
    seconds: kept(week.seconds, seconds),
    ranks: kept(week.ranks, rank),
  };
  const others = usage.weeks.filter((each) => each.monday !== monday);
  const weeks = [...others, changed].sort((a, b) => (a.monday < b.monday ? -1 : 1));
  return { ...usage, weeks };
}

function noUse(monday: string): WeekOfUse {
  return {
    monday,
    searchCount: 0,
    openedCount: 0,
    unresolvedCount: 0,
    reformulationCount: 0,
    seconds: [],
    ranks: [],
  };
}

function kept(values: readonly number[], value: number | undefined): number[] {
  return value === undefined ? [...values] : [...values, value].slice(-KEPT_A_WEEK);
}
