/**
 * The learning report as one page that needs nothing else: its own content policy (no script, no connection, no image), all
 * text escaped, light and dark, fit for paper. It shows what the JSON holds, no figure without its count.
 */
import { createHash } from 'node:crypto';
import type { Translate } from '../../base/translate';
import type { LearningReport, VersionList } from '../../protocol/learning';
import type { UsageReport } from '../../protocol/usage';
import { duration, size, moment } from './figures';
import { escapeHtml, html, type Markup } from './markup';
import { methodSection } from './methods';
import { queryChanges, quarantine } from './queries';
import {
  comparedFigures,
  comparisonSection,
  gate,
  learnedFrom,
  learnedWords,
  learningCurve,
  measuredAgain,
  tiers,
  versionTable,
} from './sections';
import { style } from './style';
import { usageSection } from './usage';
import { englishWords, type Words } from './words';

export interface ReportPage {
  readonly report: LearningReport;
  readonly versions?: VersionList;
  readonly usage?: UsageReport;
  /** English where nothing else is asked for. */
  readonly words?: Words;
  /** Class of the body, by which an editor's theme is known: "vscode-dark". */
  readonly bodyClass?: string;
}

export function reportPage(page: ReportPage): string {
  const { report, versions, usage, bodyClass, words = englishWords } = page;
  const title = words.t('Learning report, {0}', moment(report.time));
  const body = html`<main>
    ${head(report, words)} ${learnedFrom(report, words)} ${comparedFigures(report, words)}
    ${queryChanges(report, words)} ${gate(report, words)} ${learningCurve(report, words)}
    ${tiers(report, words)} ${methodSection(report, words)} ${learnedWords(report, words)}
    ${quarantine(report, words)} ${measuredAgain(report, words)}
    ${versions && comparisonSection(versions, words)} ${versions && versionTable(versions, words)}
    ${usage && usageSection({ usage, report, versions }, words.t)} ${notes(report, words)}
  </main>`;
  return `<!doctype html>
<html lang="${escapeHtml(words.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body${bodyClass ? ` class="${escapeHtml(bodyClass)}"` : ''}>
${body.markup}
</body>
</html>
`;
}

/** Nothing may run, load or be sent; the one style sheet is known by its hash. */
function policy(): string {
  const hash = createHash('sha256').update(style).digest('base64');
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
}

function kindOf({ kind }: LearningReport, t: Translate): string {
  const kinds: Readonly<Record<LearningReport['kind'], string>> = {
    marks: t('Learned from marks'),
    adapt: t('Adapted to this folder without marks'),
    check: t('Measured again, without learning'),
  };
  return kinds[kind];
}

function head(report: LearningReport, { t, say }: Words): Markup {
  const tone = report.isPromoted ? 'better' : 'open';
  return html`<header>
    <h1>${t('Learning report')}</h1>
    <p class="quiet">
      ${kindOf(report, t)} · <span class="place">${report.folder}</span> · ${moment(report.time)} ·
      ${t('version {0}', report.version)} · ${t('seed {0}', report.seed)} ·
      ${duration(report.seconds, t)} · ${t('{0} kept', size(report.bytes))}
    </p>
    <p class="verdict ${tone}" role="status">${say(report.verdict)}</p>
    <p>
      ${t('The figure that decides was named before anything was trained:')}
      <strong>${say(report.primary)}</strong>
    </p>
    <p>${t('{0}.', say(report.split))}</p>
  </header>`;
}

function notes({ notes: lines }: LearningReport, { t, say }: Words): Markup | undefined {
  if (lines.length === 0) return undefined;
  return html`<section>
    <h2>${t('Notes')}</h2>
    <ul>
      ${lines.map((line) => html`<li>${say(line)}</li>`)}
    </ul>
  </section>`;
}
