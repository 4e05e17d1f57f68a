/** What the lists of versions offer, and what they say of a comparison. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { english } from '../../../src/base/translate';
import {
  briefVerdict,
  comparisonLabel,
  comparisonRows,
  usableVersions,
  versionRow,
} from '../../../src/clients/extension/versionRows';
import type { ComparisonInfo, VersionInfo, VersionList } from '../../../src/protocol/learning';

function version(id: string, changes: Partial<VersionInfo> = {}): VersionInfo {
  return {
    ...{ id, isCurrent: false, isPrevious: false, isPromoted: true, parts: [], sizeBytes: 1 },
    ...changes,
  };
}

const one = version('v1', { time: '2026-11-24T09:30:00Z', author: 'Ada$(x)' });
const two = version('v2', { isCurrent: true, verdict: 'Holds: all' });
const list: VersionList = {
  folder: '/w',
  current: 'v2',
  versions: [version('base'), one, two, version('v3', { problem: 'It is damaged' })],
  problems: [],
};
const comparison: ComparisonInfo = {
  ...{ candidate: 'v1', isLive: false, since: '2026-11-25T12:00:00Z', sentences: [] },
  silent: { searches: 40, different: 12, opened: 9, higher: 5, lower: 2 },
  live: { searches: 0, wins: 0, losses: 0, ties: 0, low: 0, high: 1 },
};

test('offers neither the base nor what is damaged, and first what answers', () => {
  assert.deepEqual(
    usableVersions(list).map(({ id }) => id),
    ['v2', 'v1'],
  );
});

test('names a version by when it came, who made it and what was found', () => {
  assert.deepEqual(versionRow(two, english), {
    label: '$(check) v2',
    ...{ description: 'answers now', detail: 'Holds: all', version: 'v2' },
  });
  // A name cannot draw an icon.
  assert.deepEqual(versionRow(one, english), {
    label: '$(versions) v1',
    ...{ description: '2026-11-24 09:30, by Ada$\u2060(x)', detail: '', version: 'v1' },
  });
});

test('offers to compare each other version silently or live, and nothing where there is none', () => {
  assert.deepEqual(
    comparisonRows(list, true, english).map(({ label, order }) => [label, order]),
    [
      ['$(eye-closed) Compare silently: v1', { version: 'v1', isLive: false }],
      ['$(split-horizontal) Compare live: v1', { version: 'v1', isLive: true }],
    ],
  );
  assert.deepEqual(
    comparisonRows({ ...list, versions: [version('base'), two] }, true, english),
    [],
  );
});

test('says what came of a comparison, and how to go on or end it', () => {
  const rows = comparisonRows({ ...list, comparison }, true, english);
  assert.deepEqual(rows, [
    { label: '$(beaker) Silently with v1', description: 'since 2026-11-25' },
    {
      label: '$(graph) Searches compared silently: 40; with other first three hits: 12',
      detail: 'Opened hits that would have stood higher: 5 of 9, lower: 2',
    },
    {
      label: '$(split-horizontal) Go on live, answers mixed',
      order: { version: 'v1', isLive: true },
    },
    { label: '$(debug-stop) Stop comparing', order: { version: null, isLive: false } },
  ]);
});

test('gives a live comparison its count and interval, and a new one none', () => {
  const live = { searches: 30, wins: 8, losses: 4, ties: 6, low: 0.391, high: 0.862 };
  const silent = { searches: 0, different: 0, opened: 0, higher: 0, lower: 0 };
  const textOf = (info: ComparisonInfo): unknown[] =>
    comparisonRows({ ...list, comparison: info }, true, english)
      .slice(0, 3)
      .map(({ label, detail }) => [label, detail]);
  assert.deepEqual(textOf({ ...comparison, isLive: true, silent, live }), [
    ['$(beaker) Live with v1', undefined],
    [
      '$(graph) Searches mixed live: 30; hits that decide, of the candidate: 8 of 12',
      '95 % interval 39 to 86 %; opened hits at the same rank in both: 6',
    ],
    ['$(eye-closed) Go on silently', undefined],
  ]);
  assert.deepEqual(textOf({ ...comparison, silent })[1], [
    '$(graph) Nothing was searched yet',
    undefined,
  ]);
});

test('says no interval while no opened hit has decided, and no shares of no hit', () => {
  const live = { searches: 3, wins: 0, losses: 0, ties: 2, low: 0, high: 1 };
  const silent = { searches: 1, different: 1, opened: 0, higher: 0, lower: 0 };
  const rows = comparisonRows(
    { ...list, comparison: { ...comparison, silent, live } },
    true,
    english,
  );
  assert.deepEqual(
    rows.slice(1, 3).map(({ label, detail }) => [label, detail]),
    [
      [
        '$(graph) Searches compared silently: 1; with other first three hits: 1',
        'No hit was opened after those',
      ],
      [
        '$(graph) Searches mixed live: 3; no opened hit has decided yet',
        'Opened hits at the same rank in both, which decide nothing: 2',
      ],
    ],
  );
});

test('names a running comparison where one sees what is going on', () => {
  const label = '$(eye-closed) Searches are compared silently with v1';
  assert.equal(comparisonLabel(comparison, english), label);
  assert.equal(
    comparisonLabel({ ...comparison, isLive: true }, english),
    '$(split-horizontal) Answers are mixed live with v1',
  );
});

test('says that nothing can come of a comparison whose opened hits are not counted', () => {
  const warning = '$(warning) Opened hits are not counted: nearmiss.usage.enabled is off';
  const labels = (of: VersionList): string[] =>
    comparisonRows(of, false, english).map(({ label }) => label);
  assert.equal(labels({ ...list, comparison }).at(-1), warning);
  assert.ok(!labels(list).includes(warning));
});

test('says a verdict in one clause that a message has room for', () => {
  const figures = 'near-miss accuracy .2 → .6, 95 % interval +.1 to +.5';
  const rank = 'the right answer stands higher for 3 of 14, lower for 1';
  const counts = '9 of 12 unseen queries improved, 0 got worse';
  const many =
    'enough queries, gain on held-out queries, more gained than lost, held-out MRR@10, guard queries';
  const brief = {
    [`Promoted: ${counts}; ${figures}`]: `Promoted: ${counts}`,
    [`Promoted: ${counts}; ${figures}; ${rank}: MRR@10 .520 → .523, 95 % interval −.1 to +.2`]: `Promoted: ${counts}; ${rank}`,
    [`Not promoted (guard queries): ${counts}; ${figures}; ${rank}: MRR@10 .5 → .5`]: `Not promoted (guard queries): ${counts}`,
    [`Not promoted (guard queries): ${counts}; ${figures}`]: `Not promoted (guard queries): ${counts}`,
    [`Not promoted (${many}): ${counts}; ${figures}`]: `Not promoted: ${counts}`,
    [`Not promoted: no part could be trained (${counts}; ${counts}; ${counts})`]:
      'Not promoted: no part could be trained',
    'Holds: there was no query to measure it on': 'Holds: there was no query to measure it on',
  };
  for (const [verdict, expected] of Object.entries(brief))
    assert.equal(briefVerdict(verdict), expected);
});
