/**
 * The learning report as one page that needs nothing else: its own content policy (no script, no connection, no image), all
 * text escaped, light and dark, fit for paper. It shows what the JSON holds, no figure without its count.
 */
import { createHash } from 'node:crypto';
import type { LearningReport, VersionList } from '../../protocol/learning';
import type { UsageReport } from '../../protocol/usage';
import { duration, size, moment } from './figures';
import { escapeHtml, html, type Markup } from './markup';
import { queryChanges, quarantine } from './queries';
import {
  comparedFigures,
  comparisonSection,
  gate,
  learnedFrom,
  learningCurve,
  measuredAgain,
  tiers,
  versionTable,
} from './sections';
import { style } from './style';
import { usageSection } from './usage';

export interface ReportPage {
  readonly report: LearningReport;
  readonly versions?: VersionList;
  readonly usage?: UsageReport;
  /** Class of the body, by which an editor's theme is known: "vscode-dark". */
  readonly bodyClass?: string;
}

export function reportPage({ report, versions, usage, bodyClass }: ReportPage): string {
  const title = `Learning report, ${moment(report.time)}`;
  const body = html`<main>
    ${head(report)} ${learnedFrom(report)} ${comparedFigures(report)} ${queryChanges(report)}
    ${gate(report)} ${learningCurve(report)} ${tiers(report)} ${quarantine(report)}
    ${measuredAgain(report)} ${versions && comparisonSection(versions)}
    ${versions && versionTable(versions)} ${usage && usageSection(usage, report, versions)}
    ${notes(report)}
  </main>`;
  return `<!doctype html>
<html lang="en">
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

const kinds: Readonly<Record<LearningReport['kind'], string>> = {
  marks: 'Learned from marks',
  adapt: 'Adapted to this folder without marks',
  check: 'Measured again, without learning',
};

function head(report: LearningReport): Markup {
  const tone = report.isPromoted ? 'better' : 'open';
  const kind = kinds[report.kind];
  return html`<header>
    <h1>Learning report</h1>
    <p class="quiet">
      ${kind} · <span class="place">${report.folder}</span> · ${moment(report.time)} · version
      ${report.version} · seed ${report.seed} · ${duration(report.seconds)} · ${size(report.bytes)}
      kept
    </p>
    <p class="verdict ${tone}" role="status">${report.verdict}</p>
    <p>
      The figure that decides was named before anything was trained:
      <strong>${report.primary}</strong>. ${report.split}
    </p>
  </header>`;
}

function notes({ notes: lines }: LearningReport): Markup | undefined {
  if (lines.length === 0) return undefined;
  return html`<section>
    <h2>Notes</h2>
    <ul>
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>
  </section>`;
}
