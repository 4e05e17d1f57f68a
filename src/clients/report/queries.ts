/** The report's sections query by query: both orders side by side and what pulled them; marks that were set aside. */
import type { Translate } from '../../base/translate';
import type { LearningReport, QueryChange, RankedPlace, ReviewItem } from '../../protocol/learning';
import { sharesPicture } from './charts';
import { count, counted } from './figures';
import { html, type Markup } from './markup';
import { table, text } from './table';
import type { Words } from './words';

const tones = { loss: 'worse', win: 'better', tie: 'open' } as const;

function setName(set: QueryChange['set'], t: Translate): string {
  const names: Readonly<Record<QueryChange['set'], string>> = {
    heldOut: t('Held-out queries: marked, but not learned from'),
    guard: t('Guard queries: nobody marked them, they must not suffer'),
    past: t('Past queries whose first three hits would change'),
  };
  return names[set];
}

function outcomeName(outcome: QueryChange['outcome'], t: Translate): string {
  return { loss: t('worse'), win: t('better'), tie: t('same') }[outcome];
}

function outcomeCount(outcome: QueryChange['outcome'], value: number, t: Translate): string {
  const counts: Readonly<Record<QueryChange['outcome'], string>> = {
    loss: t('{0} worse', count(value)),
    win: t('{0} better', count(value)),
    tie: t('{0} unchanged', count(value)),
  };
  return counts[outcome];
}

function reasonName(reason: ReviewItem['reason'], t: Translate): string {
  const names: Readonly<Record<ReviewItem['reason'], string>> = {
    contradiction: t('contradiction'),
    copy: t('copy of the answer'),
    closeToAnswer: t('close to the answer'),
    duplicate: t('duplicate'),
    mined: t('mined negative'),
    mixed: t('mixed negative'),
  };
  return names[reason];
}

function decisionName(decision: ReviewItem['decision'], t: Translate): string {
  if (decision === undefined) return t('not yet');
  return { keep: t('kept'), drop: t('left out'), both: t('both are right') }[decision];
}

export function queryChanges({ queries }: LearningReport, words: Words): Markup {
  const parts = (['heldOut', 'guard', 'past'] as const).map((set) =>
    querySet(
      set,
      queries.filter((change) => change.set === set),
      words,
    ),
  );
  return html`<section>
    <h2>${words.t('Query by query')}</h2>
    ${queries.length === 0 ? html`<p>${words.t('No query was compared.')}</p>` : parts}
  </section>`;
}

/** Losses first: they are what a reader must see. */
function querySet(
  set: QueryChange['set'],
  changes: readonly QueryChange[],
  words: Words,
): Markup | undefined {
  const { t } = words;
  if (changes.length === 0) return undefined;
  const order = ['loss', 'win', 'tie'] as const;
  const groups = order.map((outcome) => changes.filter((change) => change.outcome === outcome));
  const shares = (['win', 'tie', 'loss'] as const).map((outcome) => ({
    outcome,
    tone: tones[outcome],
    count: changes.filter((change) => change.outcome === outcome).length,
  }));
  return html`<h3>${setName(set, t)}</h3>
    ${sharesPicture(shares)}
    <p>
      ${counted(changes.length, t('1 query'), (many) => t('{0} queries', many))}:
      ${shares.map((share, index) => html`${index > 0 && t(', ')}<span class="${share.tone}">${outcomeCount(share.outcome, share.count, t)}</span>`)}
    </p>
    ${groups.flat().map((change) => queryDetails(change, words))}`;
}

function queryDetails(change: QueryChange, { t, say }: Words): Markup {
  const word = outcomeName(change.outcome, t);
  const tone = tones[change.outcome];
  return html`<details${change.outcome === 'loss' ? html` open` : ''}><summary><span class="outcome ${tone}">${word}</span> ${change.query} <span class="quiet">${rankChange(change, t)}</span></summary>
<div class="orders"><div><strong>${t('Before')}</strong>${places(change.before, t)}</div><div><strong>${t('After')}</strong>${places(change.after, t)}</div></div>
${
  change.why.length > 0 &&
  html`<ul>
    ${change.why.map((line) => html`<li>${say(line)}</li>`)}
  </ul>`
}</details>`;
}

function rankChange({ rankBefore, rankAfter, set }: QueryChange, t: Translate): string {
  if (set === 'past' || (rankBefore === undefined && rankAfter === undefined)) return '';
  const word = (rank: number | undefined): string =>
    rank === undefined ? t('not found') : t('rank {0}', rank);
  return t('first right hit: {0} → {1}', word(rankBefore), word(rankAfter));
}

function places(hits: readonly RankedPlace[], t: Translate): Markup {
  if (hits.length === 0) return html`<p class="quiet">${t('no hits')}</p>`;
  return html`<ol>
    ${hits.map((hit) => html`<li>${place(hit, t)}</li>`)}
  </ol>`;
}

/** "src/queue.ts:10-40 retryUpload ✓": lines from 1, inclusive. */
function place({ path, start, end, symbol, verdict }: RankedPlace, t: Translate): Markup {
  const sign =
    verdict === 'relevant'
      ? html` <span class="sign better">✓ ${t('relevant')}</span>`
      : verdict === 'notRelevant' && html` <span class="sign worse">✗ ${t('not relevant')}</span>`;
  return html`<span class="place">${path}:${start + 1}-${end}</span
    >${symbol && ` ${symbol}`}${sign}`;
}

export function quarantine({ quarantined }: LearningReport, { t, say }: Words): Markup {
  if (quarantined.length === 0)
    return html`<section>
      <h2>${t('Set aside')}</h2>
      <p>${t('No mark was set aside.')}</p>
    </section>`;
  const columns = [
    ...[t('Query'), t('why'), t('marked as an answer')],
    ...[t('in doubt'), t('decided')],
  ].map(text);
  const rows = quarantined.map((item) => [
    item.query,
    `${reasonName(item.reason, t)}: ${say(item.sentence)}`,
    item.answer ? place(item.answer, t) : '–',
    place(item.suspect, t),
    decisionName(item.decision, t),
  ]);
  // What was said twice counts once, and needs no decision.
  const doubted = quarantined.filter(({ reason }) => reason !== 'duplicate');
  const name = counted(
    doubted.length,
    t('Set aside: 1 mark, not learned from until a person decides'),
    (many) => t('Set aside: {0} marks, not learned from until a person decides', many),
  );
  return html`<section>
    <h2>${name}</h2>
    ${table(name, columns, rows)}
  </section>`;
}
