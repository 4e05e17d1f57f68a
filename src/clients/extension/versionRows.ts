/** Versions and their comparison as rows of a list. Plain data in and out. */
import type { ComparisonInfo, VersionInfo, VersionList } from '../../protocol/learning';
import { localised } from './engineSentences';
import { plain, visible } from './hitText';
import type { Translate } from '../../base/translate';

export interface VersionRow {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  readonly version: string;
}

/** A choice of `Compare Versions`; a row without an order only tells. Null ends the comparison. */
export interface ComparisonRow {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  readonly order?: { readonly version: string | null; readonly isLive: boolean };
}

/** Versions that can be measured and shared: all but the base and what is damaged. The one that answers comes first. */
export function usableVersions({ versions }: VersionList): readonly VersionInfo[] {
  const usable = versions.filter(({ id, problem }) => id !== 'base' && problem === undefined);
  return usable.toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
}

export function versionRow(version: VersionInfo, t: Translate): VersionRow {
  const { id, isCurrent, verdict = '' } = version;
  return {
    label: `$(${isCurrent ? 'check' : 'versions'}) ${plain(visible(id))}`,
    description: aboutOf(version, t),
    detail: plain(visible(localised(verdict, t))),
    version: id,
  };
}

/** More than that a message of the editor may cut off. */
const TOAST_LENGTH = 120;

/** What came of a run, as the engine says it, in one clause; figures, and conditions where there are many, stand in the report. */
export function briefVerdict(verdict: string): string {
  const [clause = '', ...rest] = verdict.split(/; (?![^(]*\))/u);
  // Pairs alone promise more than a person will see.
  const [rank] = rest.flatMap((one) => /^the right answer stands [^:]*/u.exec(one) ?? []);
  if (rank !== undefined && clause.startsWith('Promoted')) return `${clause}; ${rank}`;
  return clause.length <= TOAST_LENGTH ? clause : clause.replace(/ \([^()]*\)/u, '');
}

/**
 * What came of a comparison so far, how to go on with it or end it, and who else can be compared with the one that answers.
 * `isCounting`: whether the editor counts opened hits at all.
 */
export function comparisonRows(
  list: VersionList,
  isCounting: boolean,
  t: Translate,
): readonly ComparisonRow[] {
  const { comparison } = list;
  const others = usableVersions(list).filter(
    ({ id, isCurrent }) => !isCurrent && id !== comparison?.candidate,
  );
  return [
    ...(comparison ? runningRows(comparison, t) : []),
    ...(comparison && !isCounting ? [{ label: `$(warning) ${notCounting(t)}` }] : []),
    ...others.flatMap((version) => [
      {
        label: `$(eye-closed) ${t('Compare silently: {0}', plain(visible(version.id)))}`,
        description: aboutOf(version, t),
        detail: t('Searches stay as they are; counted is what would have stood higher or lower'),
        order: { version: version.id, isLive: false },
      },
      {
        label: `$(split-horizontal) ${t('Compare live: {0}', plain(visible(version.id)))}`,
        description: aboutOf(version, t),
        detail: t('Answers are mixed of both; hits opened by Enter or double click decide'),
        order: { version: version.id, isLive: true },
      },
    ]),
  ];
}

/** Versions are compared, and nothing can come of it. */
export function notCounting(t: Translate): string {
  return t('Opened hits are not counted: {0} is off', 'nearmiss.usage.enabled');
}

function runningRows(comparison: ComparisonInfo, t: Translate): readonly ComparisonRow[] {
  const { candidate: version, isLive, since } = comparison;
  const day = since.slice(0, 10);
  const name = plain(visible(version));
  const silently = { label: `$(eye-closed) ${t('Go on silently')}`, isLive: false };
  const live = { label: `$(split-horizontal) ${t('Go on live, answers mixed')}`, isLive: true };
  const other = isLive ? silently : live;
  return [
    {
      label: `$(beaker) ${isLive ? t('Live with {0}', name) : t('Silently with {0}', name)}`,
      description: t('since {0}', day),
    },
    ...countRows(comparison, t),
    { label: other.label, order: { version, isLive: other.isLive } },
    {
      label: `$(debug-stop) ${t('Stop comparing')}`,
      order: { version: null, isLive: false },
    },
  ];
}

/** Counts of both ways, in short: a row is cut off where the list ends. */
function countRows({ silent, live }: ComparisonInfo, t: Translate): readonly ComparisonRow[] {
  if (silent.searches + live.searches === 0)
    return [{ label: `$(graph) ${t('Nothing was searched yet')}` }];
  const rows: ComparisonRow[] = [];
  if (silent.searches > 0)
    rows.push({
      label: `$(graph) ${t('Searches compared silently: {0}; with other first three hits: {1}', silent.searches, silent.different)}`,
      detail:
        silent.opened === 0
          ? t('No hit was opened after those')
          : t(
              'Opened hits that would have stood higher: {0} of {1}, lower: {2}',
              silent.higher,
              silent.opened,
              silent.lower,
            ),
    });
  if (live.searches > 0) rows.push(liveRow(live, t));
  return rows;
}

function liveRow(live: ComparisonInfo['live'], t: Translate): ComparisonRow {
  const { searches, wins, losses, ties, low, high } = live;
  const decided = wins + losses;
  if (decided === 0)
    return {
      label: `$(graph) ${t('Searches mixed live: {0}; no opened hit has decided yet', searches)}`,
      detail: t('Opened hits at the same rank in both, which decide nothing: {0}', ties),
    };
  return {
    label: `$(graph) ${t('Searches mixed live: {0}; hits that decide, of the candidate: {1} of {2}', searches, wins, decided)}`,
    detail: t(
      '95 % interval {0} to {1} %; opened hits at the same rank in both: {2}',
      Math.round(100 * low),
      Math.round(100 * high),
      ties,
    ),
  };
}

/** That a comparison is running, for a list of what is going on. */
export function comparisonLabel({ candidate, isLive }: ComparisonInfo, t: Translate): string {
  const name = plain(visible(candidate));
  return isLive
    ? `$(split-horizontal) ${t('Answers are mixed live with {0}', name)}`
    : `$(eye-closed) ${t('Searches are compared silently with {0}', name)}`;
}

function aboutOf({ isCurrent, isPrevious, time, author }: VersionInfo, t: Translate): string {
  return [
    isCurrent ? t('answers now') : isPrevious ? t('answered before') : '',
    time?.slice(0, 16).replace('T', ' ') ?? '',
    author === undefined ? '' : t('by {0}', plain(visible(author))),
  ]
    .filter(Boolean)
    .join(', ');
}
