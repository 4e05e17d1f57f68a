/** The report's sections about figures: what was learned from, before and after, the gate, the curve, tiers, versions. */
import type {
  GateCondition,
  LearningReport,
  TierOutcome,
  VersionInfo,
  VersionList,
} from '../../protocol/learning';
import { curvePicture, intervalPicture, intervalText, reachOf } from './charts';
import { count, difference, duration, metric, moment, size } from './figures';
import { html, type Markup } from './markup';
import { narrowTable, number, table, text } from './table';

const tierNames: Readonly<Record<TierOutcome['tier'], string>> = {
  fusion: 'Fusion weights',
  head: 'Head on stored embeddings',
  'cross-encoder': 'Cross-encoder',
  encoder: 'Layers of the bi-encoder',
};

export function learnedFrom({ learnedFrom: from }: LearningReport): Markup {
  const rows: readonly (readonly [string, number])[] = [
    ['Marks there are', from.markCount],
    ['of them used', from.usableCount],
    ['relevant', from.relevantCount],
    ['not relevant', from.notRelevantCount],
    ['on similar places', from.similarCount],
    ['opened hits, weak evidence', from.openedCount],
    ['stale: the code is gone', from.staleCount],
    ['Queries with marks', from.queryCount],
    ['Mined negatives', from.minedCount],
    ['Guard queries, made from the folder', from.guardCount],
  ];
  const cells = rows.map(([name, value]) => [name, count(value)]);
  return html`<section>
    <h2>What was learned from</h2>
    ${narrowTable([text(''), number('')], cells)}
  </section>`;
}

export function comparedFigures({ figures }: LearningReport): Markup {
  const heading = html`<h2>Before and after</h2>`;
  if (figures.length === 0)
    return html`<section>
      ${heading}
      <p>Nothing could be compared: no held-out query had an answer to judge.</p>
    </section>`;
  const reach = reachOf(figures);
  const columns = [
    ...[text('Figure'), text('of'), number('queries'), number('before'), number('after')],
    ...[number('change [95 %]'), text(`−${metric(reach)} to +${metric(reach)}`)],
  ];
  const rows = figures.map((figure) => [
    ...[figure.name, figure.of, count(figure.count), metric(figure.before), metric(figure.after)],
    ...[intervalText(figure), intervalPicture(figure, reach)],
  ]);
  return html`<section>
    ${heading}
    <p>
      On queries that were not learned from. The line is the 95 % interval of the change, the dot
      the change itself, the upright line no change.
    </p>
    ${table(columns, rows)}
  </section>`;
}

export function gate({ conditions }: LearningReport): Markup {
  const heading = html`<h2>The gate, condition by condition</h2>`;
  if (conditions.length === 0)
    return html`<section>
      ${heading}
      <p>The run ended before anything could be measured.</p>
    </section>`;
  const columns = [text('Condition'), text('holds'), text('what was seen'), number('count')];
  const rows = conditions.map((condition) => [
    condition.name,
    holds(condition),
    condition.sentence,
    count(condition.count),
  ]);
  return html`<section>${heading}${table(columns, rows)}</section>`;
}

/** Nothing to measure is no yes. */
function holds({ isMet, count: seen }: GateCondition): Markup {
  if (isMet && seen === 0) return html`<span class="sign">– not measured</span>`;
  return html`<span class="sign ${isMet ? 'better' : 'worse'}">${isMet ? '✓ yes' : '✗ no'}</span>`;
}

export function learningCurve({ curve, primary }: LearningReport): Markup | undefined {
  if (curve.length === 0) return undefined;
  const columns = [number('marks'), number(primary), number('from'), number('to')];
  const rows = curve.map(({ markCount, value, low, high }) => [
    count(markCount),
    ...[value, low, high].map(metric),
  ]);
  return html`<section>
    <h2>Learning curve</h2>
    <figure>
      ${curvePicture(curve, primary)}
      <figcaption>
        ${primary} on held-out queries, by marks learned from, with the 95 % interval.
      </figcaption>
    </figure>
    ${narrowTable(columns, rows)}
  </section>`;
}

export function tiers({ tiers: outcomes, primary }: LearningReport): Markup | undefined {
  if (outcomes.length === 0) return undefined;
  const columns = [
    ...[text('Part'), text('kept'), text('what came of it'), text('gain')],
    ...[number('time'), number('size'), number('embeddings made anew')],
  ];
  const rows = outcomes.map((outcome) => [
    tierNames[outcome.tier],
    html`<span class="sign ${outcome.isKept ? 'better' : 'open'}"
      >${outcome.isKept ? '✓ yes' : '– no'}</span
    >`,
    outcome.sentence,
    gainOf(outcome, primary),
    ...[duration(outcome.seconds), size(outcome.bytes), count(outcome.recomputedVectorCount)],
  ]);
  return html`<section>
    <h2>What each part brought, and what it cost</h2>
    ${table(columns, rows)}
  </section>`;
}

function gainOf({ figures }: TierOutcome, primary: string): string {
  const figure = figures.find(({ name }) => name === primary) ?? figures[0];
  if (!figure) return 'not measured';
  return `${figure.name} ${difference(figure.difference)} on ${count(figure.count)}`;
}

/** What came of it each time that the version was measured on the folder as it had become. */
export function measuredAgain({ checks = [] }: LearningReport): Markup | undefined {
  if (checks.length === 0) return undefined;
  const columns = [text('When'), text('holds'), text('what came of it'), text('why')];
  const rows = checks.map(({ time, holds: isHeld, verdict, isUnasked }) => [
    moment(time),
    html`<span class="sign ${isHeld ? 'better' : 'worse'}">${isHeld ? '✓ yes' : '✗ no'}</span>`,
    verdict,
    isUnasked ? 'much of the folder had changed' : 'somebody asked',
  ]);
  return html`<section>
    <h2>Measured again</h2>
    ${table(columns, rows)}
  </section>`;
}

/** How a candidate fares in daily use; nothing where none is compared. */
export function comparisonSection({ comparison, current }: VersionList): Markup | undefined {
  if (!comparison) return undefined;
  const { candidate, silent, live, isLive, sentences } = comparison;
  const rows: readonly (readonly [string, number])[] = [
    ['Searches compared silently', silent.searches],
    ['of them with other first three hits', silent.different],
    ['Hits opened after those', silent.opened],
    ['that would have stood higher', silent.higher],
    ['that would have stood lower', silent.lower],
    ['Searches answered by a mixture', live.searches],
    ['Opened hits of the candidate', live.wins],
    ['of the version that answers', live.losses],
    ['of both at the same rank', live.ties],
  ];
  const cells = rows.map(([name, value]) => [name, count(value)]);
  return html`<section>
    <h2>In daily use beside ${current}: ${candidate}</h2>
    ${sentences.map((sentence) => html`<p>${sentence}.</p>`)}
    ${sentences.length === 0 && html`<p>Nothing was compared yet.</p>`}
    ${isLive && html`<p>Answers in the editor are mixed of both just now.</p>`}
    ${narrowTable([text(''), number('')], cells)}
  </section>`;
}

export function versionTable({ versions }: VersionList): Markup {
  const columns = [
    ...[text('Version'), text('made'), text('where it counts'), text('verdict')],
    ...[number('marks'), number('size')],
  ];
  const rows = versions.map((version) => [
    version.id,
    version.time ? moment(version.time) : '–',
    whereItCounts(version),
    version.problem ?? version.verdict ?? 'the model as it came',
    version.markCount === undefined ? '–' : count(version.markCount),
    size(version.sizeBytes),
  ]);
  return html`<section>
    <h2>Versions</h2>
    ${table(columns, rows)}
  </section>`;
}

function whereItCounts({ isCurrent, isPrevious, state, scope }: VersionInfo): string {
  const part = [scope?.path, scope?.language].filter(Boolean).join(', ');
  const where = isCurrent ? 'in use' : isPrevious ? 'previous' : (state ?? 'kept');
  return part === '' ? where : `${where}: ${part}`;
}
