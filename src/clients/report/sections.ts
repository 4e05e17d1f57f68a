/** The report's sections about figures: what was learned from, before and after, the gate, the curve, tiers, versions. */
import type { Translate } from '../../base/translate';
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
import type { Words } from './words';

export function learnedFrom({ learnedFrom: from }: LearningReport, { t }: Words): Markup {
  const rows: readonly (readonly [string, number])[] = [
    [t('Marks there are'), from.markCount],
    [t('of them used'), from.usableCount],
    [t('relevant'), from.relevantCount],
    [t('not relevant'), from.notRelevantCount],
    [t('on similar places'), from.similarCount],
    [t('opened hits, weak evidence'), from.openedCount],
    [t('left out: the code is gone'), from.staleCount],
    [t('left out: set aside until a person decides'), from.setAsideCount],
    [t('left out: a person said so'), from.droppedCount],
    [t('left out: a secret is in the query'), from.secretCount],
    [t('left out: another mark says the same'), from.repeatedCount],
    [t('Queries with marks'), from.queryCount],
    [t('Mined negatives'), from.minedCount],
    [t('Guard queries, made from the folder'), from.guardCount],
  ];
  const cells = rows.map(([name, value]) => [name, count(value)]);
  return html`<section>
    <h2>${t('What was learned from')}</h2>
    ${narrowTable([text(''), number('')], cells)}
  </section>`;
}

export function comparedFigures({ figures, primary }: LearningReport, { t, say }: Words): Markup {
  const name = t('Before and after');
  const heading = html`<h2>${name}</h2>`;
  if (figures.length === 0)
    return html`<section>
      ${heading}
      <p>${t('Nothing could be compared: no held-out query had an answer to judge.')}</p>
    </section>`;
  const reach = reachOf(figures);
  const columns = [
    ...[text(t('Figure')), text(t('of')), number(t('queries'))],
    ...[number(t('before')), number(t('after')), number(t('change [95 %]'))],
    text(t('−{0} to +{0}', metric(reach))),
  ];
  const rows = figures.map((figure) => [
    ...[say(figure.name), say(figure.of), count(figure.count)],
    ...[metric(figure.before), metric(figure.after)],
    ...[intervalText(figure), intervalPicture(figure, reach)],
  ]);
  return html`<section>
    ${heading}
    <p>
      ${t('On queries that were not learned from. The line is the 95 % interval of the change, the dot the change itself, the upright line no change.')}
    </p>
    ${
      primary === NEAR_MISS &&
      html`<p>
        ${t('Near-miss accuracy counts pairs of a right and a wrong hit that were marked. They stand close together and change places easily, so it moves further than the search as a whole: how high right answers stand is MRR@10.')}
      </p>`
    }
    ${table(name, columns, rows)}
  </section>`;
}

/** The figure that says least about the search as a whole. */
const NEAR_MISS = 'near-miss accuracy';

export function gate({ conditions }: LearningReport, { t, say }: Words): Markup {
  const name = t('The gate, condition by condition');
  const heading = html`<h2>${name}</h2>`;
  if (conditions.length === 0)
    return html`<section>
      ${heading}
      <p>${t('The run ended before anything could be measured.')}</p>
    </section>`;
  const columns = [
    ...[text(t('Condition')), text(t('holds')), text(t('what was seen'))],
    number(t('count')),
  ];
  const rows = conditions.map((condition) => [
    say(condition.name),
    holds(condition, t),
    say(condition.sentence),
    count(condition.count),
  ]);
  return html`<section>${heading}${table(name, columns, rows)}</section>`;
}

/** Nothing to measure is no yes. */
function holds({ isMet, count: seen }: GateCondition, t: Translate): Markup {
  if (isMet && seen === 0) return html`<span class="sign">– ${t('not measured')}</span>`;
  return yesOrNo(isMet, t);
}

function yesOrNo(isMet: boolean, t: Translate): Markup {
  return isMet
    ? html`<span class="sign better">✓ ${t('yes')}</span>`
    : html`<span class="sign worse">✗ ${t('no')}</span>`;
}

/** Of runs that were decided by the same figure as the last: others cannot be drawn on one scale. */
export function learningCurve(
  { curve: all }: LearningReport,
  { t, say }: Words,
): Markup | undefined {
  const last = all.at(-1);
  if (!last) return undefined;
  const curve = all.filter(({ name }) => name === last.name);
  const primary = say(last.name);
  const columns = [
    text(t('run of')),
    ...[t('marks'), t('queries'), primary, t('from'), t('to')].map(number),
  ];
  const rows = curve.map(({ time, markCount, count: measured, value, low, high }) => [
    ...[moment(time), count(markCount), count(measured)],
    ...[value, low, high].map(metric),
  ]);
  const name = t('Learning curve');
  return html`<section>
    <h2>${name}</h2>
    <figure>
      ${curvePicture(curve, primary, t)}
      <figcaption>
        ${t('{0} on held-out queries, by marks learned from, with the 95 % interval of the change.', primary)}
      </figcaption>
    </figure>
    ${table(name, columns, rows)}
  </section>`;
}

export function tiers(
  { tiers: outcomes, primary }: LearningReport,
  words: Words,
): Markup | undefined {
  const { t, say } = words;
  if (outcomes.length === 0) return undefined;
  const columns = [
    ...[text(t('Part')), text(t('is kept')), text(t('what came of it')), text(t('gain'))],
    ...[number(t('time')), number(t('size')), number(t('embeddings made anew'))],
  ];
  const rows = outcomes.map((outcome) => [
    tierName(outcome.tier, t),
    html`<span class="sign ${outcome.isKept ? 'better' : 'open'}"
      >${outcome.isKept ? `✓ ${t('yes')}` : `– ${t('no')}`}</span
    >`,
    say(outcome.sentence),
    gainOf(outcome, primary, words),
    ...[duration(outcome.seconds, t), size(outcome.bytes), count(outcome.recomputedVectorCount)],
  ]);
  const name = t('What each part brought, and what it cost');
  return html`<section>
    <h2>${name}</h2>
    ${table(name, columns, rows)}
  </section>`;
}

/** What learns, as people read it. */
export function tierName(tier: TierOutcome['tier'], t: Translate): string {
  const names: Readonly<Record<TierOutcome['tier'], string>> = {
    words: t('Words of yours'),
    fusion: t('Fusion weights'),
    head: t('Head on stored embeddings'),
    'cross-encoder': t('Cross-encoder'),
    encoder: t('Layers of the bi-encoder'),
  };
  return names[tier];
}

/** What the people who ask say, and what it is read as. */
export function learnedWords({ words }: LearningReport, { t }: Words): Markup | undefined {
  if (!words || words.length === 0) return undefined;
  const columns = [text(t('Your word')), text(t('read as')), number(t('answers that say so'))];
  const rows = words.map(({ word, as, count: agreed, of }) => [
    ...[word, as],
    t('{0} of {1}', count(agreed), count(of)),
  ]);
  return html`<section>
    <h2>${t('Words that were learned')}</h2>
    <p>${t('The folder does not have them; the word of their answers is read in their place.')}</p>
    ${narrowTable(columns, rows)}
  </section>`;
}

function gainOf({ figures }: TierOutcome, primary: string, { t, say }: Words): string {
  const figure = figures.find(({ name }) => name === primary) ?? figures[0];
  if (!figure) return t('not measured');
  const { name, difference: change, count: seen } = figure;
  return t('{0} {1} on {2}', say(name), difference(change), count(seen));
}

/** What came of it each time that the version was measured on the folder as it had become. */
export function measuredAgain(
  { checks = [] }: LearningReport,
  { t, say }: Words,
): Markup | undefined {
  if (checks.length === 0) return undefined;
  const columns = [t('When'), t('holds'), t('what came of it'), t('why')].map(text);
  const rows = checks.map(({ time, holds: isHeld, verdict, isUnasked }) => [
    moment(time),
    yesOrNo(isHeld, t),
    say(verdict),
    isUnasked ? t('much of the folder had changed') : t('somebody asked'),
  ]);
  const name = t('Measured again');
  return html`<section>
    <h2>${name}</h2>
    ${table(name, columns, rows)}
  </section>`;
}

/** How a candidate fares in daily use; nothing where none is compared. */
export function comparisonSection(
  { comparison, current }: VersionList,
  { t, say }: Words,
): Markup | undefined {
  if (!comparison) return undefined;
  const { candidate, silent, live, isLive, sentences } = comparison;
  const rows: readonly (readonly [string, number])[] = [
    [t('Searches compared silently'), silent.searches],
    [t('of them with other first three hits'), silent.different],
    [t('Hits opened after those'), silent.opened],
    [t('that would have stood higher'), silent.higher],
    [t('that would have stood lower'), silent.lower],
    [t('Searches answered by a mixture'), live.searches],
    [t('Opened hits of the candidate'), live.wins],
    [t('of the version that answers'), live.losses],
    [t('of both at the same rank'), live.ties],
  ];
  const cells = rows.map(([name, value]) => [name, count(value)]);
  return html`<section>
    <h2>${t('In daily use beside {0}: {1}', current, candidate)}</h2>
    ${sentences.map((sentence) => html`<p>${t('{0}.', say(sentence))}</p>`)}
    ${sentences.length === 0 && html`<p>${t('Nothing was compared yet.')}</p>`}
    ${isLive && html`<p>${t('Answers in the editor are mixed of both just now.')}</p>`}
    ${narrowTable([text(''), number('')], cells)}
  </section>`;
}

export function versionTable({ versions }: VersionList, { t, say }: Words): Markup {
  const columns = [
    ...[text(t('Version')), text(t('made')), text(t('where it counts')), text(t('verdict'))],
    ...[number(t('marks')), number(t('size'))],
  ];
  const rows = versions.map((version) => [
    version.id,
    version.time ? moment(version.time) : '–',
    whereItCounts(version, t),
    say(version.problem ?? version.verdict ?? '') || t('the model as it came'),
    version.markCount === undefined ? '–' : count(version.markCount),
    size(version.sizeBytes),
  ]);
  const name = t('Versions');
  return html`<section>
    <h2>${name}</h2>
    ${table(name, columns, rows)}
  </section>`;
}

function whereItCounts({ isCurrent, isPrevious, state, scope }: VersionInfo, t: Translate): string {
  const states: Readonly<Record<NonNullable<VersionInfo['state']>, string>> = {
    shadow: t('shadow'),
    pilot: t('pilot'),
    all: t('everywhere'),
  };
  const part = [scope?.path, scope?.language].filter(Boolean).join(', ');
  const kept = state ? states[state] : t('kept');
  const where = isCurrent ? t('in use') : isPrevious ? t('previous') : kept;
  return part === '' ? where : `${where}: ${part}`;
}
