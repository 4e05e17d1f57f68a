/** The report's sections about figures: what was learned from, before and after, the gate, the curve, tiers, versions. */
import type {
  GateCondition,
  LearningReport,
  TierOutcome,
  VersionList,
} from '../../protocol/learning';
import { curvePicture, intervalPicture, intervalText, reachOf } from './charts';
import { count, difference, duration, size, metric, moment } from './figures';
import { html, type Markup } from './markup';

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
  return html`<section>
    <h2>What was learned from</h2>
    <table class="narrow">
      <tbody>
        ${rows.map(
          ([name, value]) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td class="number">${count(value)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

export function comparedFigures({ figures }: LearningReport): Markup {
  if (figures.length === 0)
    return html`<section>
      <h2>Before and after</h2>
      <p>Nothing could be compared: no held-out query had an answer to judge.</p>
    </section>`;
  const reach = reachOf(figures);
  return html`<section>
    <h2>Before and after</h2>
    <p>
      On queries that were not learned from. The line is the 95 % interval of the change, the dot
      the change itself, the upright line no change.
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Figure</th>
            <th scope="col">of</th>
            <th scope="col" class="number">queries</th>
            <th scope="col" class="number">before</th>
            <th scope="col" class="number">after</th>
            <th scope="col" class="number">change [95 %]</th>
            <th scope="col">−${metric(reach)} to +${metric(reach)}</th>
          </tr>
        </thead>
        <tbody>
          ${figures.map(
            (figure) =>
              html`<tr>
                <th scope="row">${figure.name}</th>
                <td>${figure.of}</td>
                <td class="number">${count(figure.count)}</td>
                <td class="number">${metric(figure.before)}</td>
                <td class="number">${metric(figure.after)}</td>
                <td class="number">${intervalText(figure)}</td>
                <td>${intervalPicture(figure, reach)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

export function gate({ conditions }: LearningReport): Markup {
  return html`<section>
    <h2>The gate, condition by condition</h2>
    ${conditionTable(conditions)}
  </section>`;
}

function conditionTable(conditions: readonly GateCondition[]): Markup {
  if (conditions.length === 0) return html`<p>The run ended before anything could be measured.</p>`;
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th scope="col">Condition</th>
          <th scope="col">holds</th>
          <th scope="col">what was seen</th>
          <th scope="col" class="number">count</th>
        </tr>
      </thead>
      <tbody>
        ${conditions.map(
          ({ name, isMet, sentence, count: seen }) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td class="sign ${isMet ? 'better' : 'worse'}">${isMet ? '✓ yes' : '✗ no'}</td>
              <td>${sentence}</td>
              <td class="number">${count(seen)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

export function learningCurve({ curve, primary }: LearningReport): Markup | undefined {
  if (curve.length === 0) return undefined;
  return html`<section>
    <h2>Learning curve</h2>
    <figure>
      ${curvePicture(curve, primary)}
      <figcaption>
        ${primary} on held-out queries, by marks learned from, with the 95 % interval.
      </figcaption>
    </figure>
    <table class="narrow">
      <thead>
        <tr>
          <th scope="col" class="number">marks</th>
          <th scope="col" class="number">${primary}</th>
          <th scope="col" class="number">from</th>
          <th scope="col" class="number">to</th>
        </tr>
      </thead>
      <tbody>
        ${curve.map(
          (point) =>
            html`<tr>
              <td class="number">${count(point.markCount)}</td>
              <td class="number">${metric(point.value)}</td>
              <td class="number">${metric(point.low)}</td>
              <td class="number">${metric(point.high)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

export function tiers({ tiers: outcomes, primary }: LearningReport): Markup | undefined {
  if (outcomes.length === 0) return undefined;
  const gain = (outcome: TierOutcome): string => {
    const figure = outcome.figures.find(({ name }) => name === primary) ?? outcome.figures[0];
    return figure
      ? `${figure.name} ${difference(figure.difference)} on ${count(figure.count)}`
      : 'not measured';
  };
  return html`<section>
    <h2>What each part brought, and what it cost</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col">kept</th>
            <th scope="col">what came of it</th>
            <th scope="col">gain</th>
            <th scope="col" class="number">time</th>
            <th scope="col" class="number">size</th>
            <th scope="col" class="number">embeddings made anew</th>
          </tr>
        </thead>
        <tbody>
          ${outcomes.map(
            (outcome) =>
              html`<tr>
                <th scope="row">${tierNames[outcome.tier]}</th>
                <td class="sign ${outcome.isKept ? 'better' : 'open'}">
                  ${outcome.isKept ? '✓ yes' : '– no'}
                </td>
                <td>${outcome.sentence}</td>
                <td>${gain(outcome)}</td>
                <td class="number">${duration(outcome.seconds)}</td>
                <td class="number">${size(outcome.bytes)}</td>
                <td class="number">${count(outcome.recomputedVectorCount)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

export function versionTable({ versions }: VersionList): Markup {
  return html`<section>
    <h2>Versions</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">made</th>
            <th scope="col">where it counts</th>
            <th scope="col">verdict</th>
            <th scope="col" class="number">marks</th>
            <th scope="col" class="number">size</th>
          </tr>
        </thead>
        <tbody>
          ${versions.map((version) => {
            const part = [version.scope?.path, version.scope?.language].filter(Boolean).join(', ');
            const where = version.isCurrent
              ? 'in use'
              : version.isPrevious
                ? 'previous'
                : (version.state ?? 'kept');
            return html`<tr>
              <th scope="row">${version.id}</th>
              <td>${version.time ? moment(version.time) : '–'}</td>
              <td>${where}${part && `: ${part}`}</td>
              <td>${version.problem ?? version.verdict ?? 'the model as it came'}</td>
              <td class="number">
                ${version.markCount === undefined ? '–' : count(version.markCount)}
              </td>
              <td class="number">${size(version.sizeBytes)}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
  </section>`;
}
