/** The learning report as the editor shows it in Japanese: nothing stays English but what people and programs are called. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import type { Translate } from '../../../src/base/translate';
import { installationRoot } from '../../../src/base/installation';
import { localised } from '../../../src/clients/extension/engineSentences';
import { reportPage, type ReportPage } from '../../../src/clients/report/page';
import { sampleReport, sampleUsage, sampleVersions } from '../report/sample';

const root = installationRoot();
const japanese = JSON.parse(
  fs.readFileSync(path.join(root, 'l10n/bundle.l10n.ja.json'), 'utf8'),
) as Record<string, string>;
const t: Translate = (message, ...args) =>
  japanese[message]!.replaceAll(/\{(\d+)\}/g, (_, at: string) => String(args[Number(at)]));
const words = { t, say: (sentence: string) => localised(sentence, t), language: 'ja' };

/** Names of figures, units, paths, symbols and queries of the sample, and hostile names. */
const NAMES =
  /where do we retry failed uploads|parse the configuration|it was about|(?:\/?[\w.-]+\/)+[\w.-]+|[\w-]*(?:script|style|broken|onload)[\w-]*|\b(?:Nearmiss|MRR|nDCG|UTC|HNCSE|BSC|SimCSE|CoDiEmb|src|retry|Queue|parse|typescript|base|a1b2c3|window|true)\b|U\+\w+/gu;

function englishIn(page: Omit<ReportPage, 'words'>): string[] {
  const markup = reportPage({ ...page, words });
  const texts = markup
    .replaceAll(/<style>.*?<\/style>/gsu, '')
    .replaceAll(/&(?:\w+|#\d+);/gu, ' ')
    .split(/<[^>]*>/u);
  const labels = [...markup.matchAll(/aria-label="([^"]*)"/gu)].map(([, label]) => label!);
  return [...texts, ...labels].filter((text) => /[A-Za-z]{3}/.test(text.replaceAll(NAMES, '')));
}

const live = { searches: 30, wins: 8, losses: 4, ties: 6, low: 0.39, high: 0.86 };
const silent = { searches: 40, different: 12, opened: 9, higher: 5, lower: 2 };
const comparison = {
  ...{ candidate: 'a1b2c3', isLive: true, since: '2026-11-25T12:00:00Z', silent, live },
  sentences: [
    'Shown mixed in 30 searches since 2026-11-25: no opened hit has decided yet',
    'Compared silently in 40 searches since 2026-11-25: the first three hits would differ in 12; no hit was opened meanwhile',
  ],
};
const mark = sampleReport.quarantined[0]!;
const sentence = 'The same was said before, so it counts once';
const report = {
  ...sampleReport,
  quarantined: [
    { ...mark, sentence },
    { ...mark, sentence, reason: 'mined' as const, decision: 'both' as const },
  ],
};

test('is Japanese throughout', () => {
  const versions = { ...sampleVersions, comparison };
  assert.deepEqual(englishIn({ report, versions, usage: sampleUsage }), []);
  assert.match(reportPage({ report, words }), /<html lang="ja">/);
});

test('is Japanese where something is missing, and for each kind of run', () => {
  const bare = {
    ...{ figures: [], conditions: [], tiers: [], methods: [] },
    ...{ queries: [], quarantined: [], curve: [] },
  };
  for (const kind of ['marks', 'adapt', 'check'] as const) {
    const usage = { ...sampleUsage, weeks: [], pulses: [] };
    assert.deepEqual(englishIn({ report: { ...report, ...bare, kind }, usage }), []);
  }
});

test('names every method in Japanese', () => {
  const names = [
    ...[
      'markedNegatives',
      'minedNegatives',
      'syntheticNegatives',
      'columns',
      'shuffledGroups',
      'duplicateMask',
    ],
    ...['anchor', 'dropout', 'mixedPositives', 'dimensionWise', 'offDropout', 'loneNegatives'],
    ...['filler', 'pairs', 'merging', 'basePull', 'defaultsPull'],
  ] as const;
  const [first] = sampleReport.methods!;
  const methods = names.map((method) => ({ ...first!, method }));
  assert.deepEqual(englishIn({ report: { ...report, methods } }), []);
});
