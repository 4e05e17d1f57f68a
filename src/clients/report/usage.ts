/** The report's section on how searching went: episodes by week, time to the hit that was opened, ranks, the pulse. */
import type { LearningReport, VersionList } from '../../protocol/learning';
import type { UsageReport, UsageWeek } from '../../protocol/usage';
import { barsPicture } from './charts';
import { count, counted, duration } from './figures';
import { html, type Markup } from './markup';
import { narrowTable, number, table, text } from './table';

const WEEKS_SHOWN = 26;
/** A median of fewer says nothing about time saved. */
const LEAST_EPISODES = 20;
const RANKS = ['1', '2', '3', '4-10', '11 and later'] as const;

export function usageSection(
  usage: UsageReport,
  report: LearningReport,
  versions?: VersionList,
): Markup {
  const weeks = usage.weeks.slice(-WEEKS_SHOWN);
  if (weeks.every(({ searchCount }) => searchCount === 0))
    return html`<section>
      <h2>Use</h2>
      <p>No search was counted yet in an editor.</p>
    </section>`;
  return html`<section>
    <h2>Use</h2>
    <p>
      Counted on this machine alone, without queries and paths. A search is a question that stood
      for a second; it ends with a hit opened or is given up.
    </p>
    ${weekFigures(weeks)}${rankFigures(weeks)}${savings(usage, report, versions)}${pulses(usage)}
  </section>`;
}

function weekFigures(weeks: readonly UsageWeek[]): Markup {
  const bars = weeks.map(({ monday, searchCount }) => ({
    label: monday.slice(5),
    value: searchCount,
  }));
  const columns = [
    ...[text('week of'), number('searches'), number('a hit opened'), number('given up')],
    ...[number('other words within a minute'), number('marks')],
    number('median time to the hit (count)'),
  ];
  const rows = weeks.map((week) => [
    ...[week.monday, count(week.searchCount), count(week.openedCount)],
    share(week.unresolvedCount, week.searchCount),
    ...[count(week.reformulationCount), count(week.markCount), medianText(week.seconds)],
  ]);
  return html`<figure>
      ${barsPicture(bars, 'Searches a week')}
      <figcaption>Searches a week, by its Monday.</figcaption>
    </figure>
    ${table(columns, rows)}`;
}

function rankFigures(weeks: readonly UsageWeek[]): Markup | undefined {
  const ranks = weeks.flatMap((week) => week.ranks);
  if (ranks.length === 0) return undefined;
  const bars = RANKS.map((label) => ({
    label,
    value: ranks.filter((rank) => rankGroup(rank) === label).length,
  }));
  const rows = bars.map(({ label, value }) => [label, share(value, ranks.length)]);
  return html`<h3>Rank of the hit that was opened</h3>
    <figure>${barsPicture(bars, 'Opened hits by rank')}</figure>
    ${narrowTable([text('rank'), number('opened')], rows)}`;
}

/** Median time before and since the version in use, times the searches since: an estimate, and said to be one. */
function savings(usage: UsageReport, report: LearningReport, versions?: VersionList): Markup {
  const since = versions?.versions.find(({ isCurrent }) => isCurrent)?.time?.slice(0, 10);
  const spent = duration(report.seconds);
  // The week in which it came belongs to neither side.
  const before = usage.weeks.filter(
    ({ monday }) => since !== undefined && addDays(monday, 7) <= since,
  );
  const after = usage.weeks.filter(({ monday }) => since !== undefined && monday >= since);
  const [was, is] = [before, after].map((weeks) => weeks.flatMap(({ seconds }) => seconds));
  const heading = html`<h3>Minutes saved against minutes spent</h3>`;
  if (!was || !is || was.length < LEAST_EPISODES || is.length < LEAST_EPISODES)
    return html`${heading}
      <p>
        Spent: ${spent} of the machine for this run. Saved: not known yet; ${LEAST_EPISODES} opened
        hits before the version in use and ${LEAST_EPISODES} since are needed, there are
        ${count(was?.length ?? 0)} and ${count(is?.length ?? 0)}.
      </p>`;
  const saved = (median(was) - median(is)) * is.length;
  return html`${heading}
    <p>
      Spent: ${spent} of the machine for this run. ${saved >= 0 ? 'Saved' : 'Lost'}: about
      ${duration(Math.abs(saved))} of people, an estimate: median time to the hit
      ${duration(median(was))} over ${counted(was.length, 'search', 'searches')} before,
      ${duration(median(is))} over ${counted(is.length, 'search', 'searches')} since, times the
      searches since.
    </p>`;
}

function pulses({ pulses: answers }: UsageReport): Markup | undefined {
  if (answers.length === 0) return undefined;
  const rows = answers.map(({ month, answer }) => [month, answer]);
  return html`<h3>"Did Nearmiss find what you needed this month?"</h3>
    ${narrowTable([text(''), text('')], rows)}`;
}

function rankGroup(rank: number): (typeof RANKS)[number] {
  if (rank <= 3) return RANKS[rank - 1]!;
  return rank <= 10 ? '4-10' : '11 and later';
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${count(part)} (${Math.round((100 * part) / whole)} %)`;
}

function medianText(seconds: readonly number[]): string {
  return seconds.length === 0 ? '–' : `${duration(median(seconds))} (${count(seconds.length)})`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
}
