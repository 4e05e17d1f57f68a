/** The report's section on how searching went: episodes by week, time to the hit that was opened, ranks, the pulse. */
import type { Translate } from '../../base/translate';
import type { LearningReport, VersionList } from '../../protocol/learning';
import type { PulseAnswer, UsageReport, UsageWeek } from '../../protocol/usage';
import { barsPicture } from './charts';
import { count, duration } from './figures';
import { html, type Markup } from './markup';
import { narrowTable, number, table, text } from './table';

export const WEEKS_SHOWN = 26;
/** A median of fewer says nothing about time saved. */
const LEAST_EPISODES = 20;
export const RANKS = ['1', '2', '3', '4-10', 'later'] as const;

interface UsageParts {
  readonly usage: UsageReport;
  readonly report: LearningReport;
  readonly versions?: VersionList;
}

export function usageSection(parts: UsageParts, t: Translate): Markup {
  const { usage } = parts;
  const weeks = usage.weeks.slice(-WEEKS_SHOWN);
  if (weeks.every(({ searchCount }) => searchCount === 0))
    return html`<section>
      <h2>${t('Use')}</h2>
      <p>${t('No search was counted yet in an editor.')}</p>
    </section>`;
  return html`<section>
    <h2>${t('Use')}</h2>
    <p>
      ${t('Counted on this machine alone, without queries and paths. A search is a question that stood for a second; it ends with a hit opened or is given up.')}
    </p>
    ${weekFigures(weeks, t)}${rankFigures(weeks, t)}${savings(parts, t)}${pulses(usage, t)}
  </section>`;
}

function weekFigures(weeks: readonly UsageWeek[], t: Translate): Markup {
  const name = t('Searches a week');
  const bars = weeks.map(({ monday, searchCount }) => ({
    label: monday.slice(5),
    value: searchCount,
  }));
  const columns = [
    ...[text(t('week of')), number(t('searches')), number(t('a hit opened'))],
    ...[number(t('given up')), number(t('other words within a minute')), number(t('marks'))],
    number(t('median time to the hit (count)')),
  ];
  const rows = weeks.map((week) => [
    ...[week.monday, count(week.searchCount), count(week.openedCount)],
    share(week.unresolvedCount, week.searchCount),
    ...[count(week.reformulationCount), count(week.markCount), medianText(week.seconds, t)],
  ]);
  return html`<figure>
      ${barsPicture(bars, name, t)}
      <figcaption>${t('Searches a week, by its Monday.')}</figcaption>
    </figure>
    ${table(name, columns, rows)}`;
}

function rankFigures(weeks: readonly UsageWeek[], t: Translate): Markup | undefined {
  const ranks = weeks.flatMap((week) => week.ranks);
  if (ranks.length === 0) return undefined;
  const bars = RANKS.map((group) => ({
    label: group === 'later' ? t('11 and later') : group,
    value: ranks.filter((rank) => rankGroup(rank) === group).length,
  }));
  const rows = bars.map(({ label, value }) => [label, share(value, ranks.length)]);
  return html`<h3>${t('Rank of the hit that was opened')}</h3>
    <figure>${barsPicture(bars, t('Opened hits by rank'), t)}</figure>
    ${narrowTable([text(t('rank')), number(t('opened'))], rows)}`;
}

/** Median time before and since the version in use, times the searches since: an estimate, and said to be one. */
function savings({ usage, report, versions }: UsageParts, t: Translate): Markup {
  const since = versions?.versions.find(({ isCurrent }) => isCurrent)?.time?.slice(0, 10);
  const spent = t('Spent: {0} of the machine for this run.', duration(report.seconds, t));
  // The week in which it came belongs to neither side.
  const before = usage.weeks.filter(
    ({ monday }) => since !== undefined && addDays(monday, 7) <= since,
  );
  const after = usage.weeks.filter(({ monday }) => since !== undefined && monday >= since);
  const [was, is] = [before, after].map((weeks) => weeks.flatMap(({ seconds }) => seconds));
  const heading = html`<h3>${t('Minutes saved against minutes spent')}</h3>`;
  if (!was || !is || was.length < LEAST_EPISODES || is.length < LEAST_EPISODES)
    return html`${heading}
      <p>
        ${spent}
        ${t('Saved: not known yet; {0} opened hits before the version in use and {0} since are needed, there are {1} and {2}.', LEAST_EPISODES, count(was?.length ?? 0), count(is?.length ?? 0))}
      </p>`;
  const saved = (median(was) - median(is)) * is.length;
  const about = duration(Math.abs(saved), t);
  return html`${heading}
    <p>
      ${spent}
      ${saved >= 0 ? t('Saved: about {0} of people, an estimate:', about) : t('Lost: about {0} of people, an estimate:', about)}
      ${t('median time to the hit {0} over {1} searches before, {2} over {3} searches since, times the searches since.', duration(median(was), t), count(was.length), duration(median(is), t), count(is.length))}
    </p>`;
}

function pulses({ pulses: answers }: UsageReport, t: Translate): Markup | undefined {
  if (answers.length === 0) return undefined;
  const rows = answers.map(({ month, answer }) => [month, pulseName(answer, t)]);
  return html`<h3>${t('Did Nearmiss find what you needed this month?')}</h3>
    ${narrowTable([text(''), text('')], rows)}`;
}

function pulseName(answer: PulseAnswer, t: Translate): string {
  const names: Readonly<Record<PulseAnswer, string>> = {
    mostly: t('Mostly'),
    sometimes: t('Sometimes'),
    rarely: t('Rarely'),
  };
  return names[answer];
}

export function rankGroup(rank: number): (typeof RANKS)[number] {
  if (rank <= 3) return RANKS[rank - 1]!;
  return rank <= 10 ? '4-10' : 'later';
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${count(part)} (${Math.round((100 * part) / whole)} %)`;
}

function medianText(seconds: readonly number[], t: Translate): string {
  if (seconds.length === 0) return '–';
  return `${duration(median(seconds), t)} (${count(seconds.length)})`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
}
