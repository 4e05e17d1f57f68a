/** How searching went, in a few lines for a terminal: the figures of the report's section on use, summed over its weeks. */
import { english } from '../../base/translate';
import type { UsageReport } from '../../protocol/usage';
import { count, duration } from '../report/figures';
import { median, rankGroup, RANKS, WEEKS_SHOWN } from '../report/usage';
import { plural } from './format';

const PULSES_SHOWN = 6;

export function usageLines({ weeks: all, pulses }: UsageReport): string[] {
  const weeks = all.slice(-WEEKS_SHOWN);
  const sum = (of: (week: (typeof weeks)[number]) => number): number =>
    weeks.reduce((total, week) => total + of(week), 0);
  const searchCount = sum((week) => week.searchCount);
  const [first] = weeks;
  if (!first || searchCount === 0) return ['Use: no search was counted yet in an editor'];
  const seconds = weeks.flatMap((week) => week.seconds);
  const ranks = weeks.flatMap((week) => week.ranks);
  const markCount = sum((week) => week.markCount);
  const time =
    seconds.length === 0
      ? 'not known yet'
      : `median ${duration(median(seconds), english)}, over ${plural(seconds.length, 'opened hit')}`;
  const lines: readonly (readonly [string, string])[] = [
    [
      'searches',
      `${count(searchCount)} in ${plural(weeks.length, 'week')} from ${first.monday} on`,
    ],
    [
      'a hit opened',
      shareOf(
        sum((week) => week.openedCount),
        searchCount,
      ),
    ],
    [
      'given up',
      shareOf(
        sum((week) => week.unresolvedCount),
        searchCount,
      ),
    ],
    [
      'other words in a minute',
      shareOf(
        sum((week) => week.reformulationCount),
        searchCount,
      ),
    ],
    ['time to the hit', time],
    ['rank of the opened hit', ranksOf(ranks)],
    ['marks', `${count(markCount)}, ${(markCount / weeks.length).toFixed(1)} a week`],
    ...pulses
      .slice(-PULSES_SHOWN)
      .map(({ month, answer }) => ['found what was needed', `${answer} (${month})`] as const),
  ];
  return [
    'Use, counted in editors on this machine',
    ...lines.map(([name, value]) => `  ${name.padEnd(24)} ${value}`),
  ];
}

function ranksOf(ranks: readonly number[]): string {
  if (ranks.length === 0) return 'not known yet';
  const groups = RANKS.map((group) => {
    const own = ranks.filter((rank) => rankGroup(rank) === group).length;
    return `${group}: ${count(own)}`;
  });
  return `${groups.join(', ')} (of ${count(ranks.length)})`;
}

function shareOf(part: number, whole: number): string {
  return `${count(part)} of ${count(whole)} (${Math.round((100 * part) / whole)} %)`;
}
