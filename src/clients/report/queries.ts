/** The report's sections query by query: both orders side by side and what pulled them; marks that were set aside. */
import type { LearningReport, QueryChange, RankedPlace, ReviewItem } from '../../protocol/learning';
import { sharesPicture } from './charts';
import { count, counted } from './figures';
import { html, type Markup } from './markup';
import { table, text } from './table';

const sets: Readonly<Record<QueryChange['set'], string>> = {
  heldOut: 'Held-out queries: marked, but not learned from',
  guard: 'Guard queries: nobody marked them, they must not suffer',
  past: 'Past queries whose first three hits would change',
};
const outcomes = {
  loss: { word: 'worse', plural: 'worse', tone: 'worse' },
  win: { word: 'better', plural: 'better', tone: 'better' },
  tie: { word: 'same', plural: 'unchanged', tone: 'open' },
} as const;
const reasons: Readonly<Record<ReviewItem['reason'], string>> = {
  contradiction: 'contradiction',
  copy: 'copy of the answer',
  closeToAnswer: 'close to the answer',
  duplicate: 'duplicate',
  mined: 'mined negative',
};
const decisions = { keep: 'kept', drop: 'left out', both: 'both are right' } as const;

export function queryChanges({ queries }: LearningReport): Markup {
  const parts = (['heldOut', 'guard', 'past'] as const).map((set) =>
    querySet(
      set,
      queries.filter((change) => change.set === set),
    ),
  );
  return html`<section>
    <h2>Query by query</h2>
    ${queries.length === 0 ? html`<p>No query was compared.</p>` : parts}
  </section>`;
}

/** Losses first: they are what a reader must see. */
function querySet(set: QueryChange['set'], changes: readonly QueryChange[]): Markup | undefined {
  if (changes.length === 0) return undefined;
  const order = ['loss', 'win', 'tie'] as const;
  const groups = order.map((outcome) => changes.filter((change) => change.outcome === outcome));
  const shares = (['win', 'tie', 'loss'] as const).map((outcome) => ({
    label: outcomes[outcome].plural,
    tone: outcomes[outcome].tone,
    count: changes.filter((change) => change.outcome === outcome).length,
  }));
  return html`<h3>${sets[set]}</h3>
    ${sharesPicture(shares)}
    <p>
      ${counted(changes.length, 'query', 'queries')}:
      ${shares.map((share, index) => html`${index > 0 && ', '}<span class="${share.tone}">${count(share.count)} ${share.label}</span>`)}.
    </p>
    ${groups.flat().map(queryDetails)}`;
}

function queryDetails(change: QueryChange): Markup {
  const { word, tone } = outcomes[change.outcome];
  return html`<details${change.outcome === 'loss' ? html` open` : ''}><summary><span class="outcome ${tone}">${word}</span> ${change.query} <span class="quiet">${rankChange(change)}</span></summary>
<div class="orders"><div><strong>Before</strong>${places(change.before)}</div><div><strong>After</strong>${places(change.after)}</div></div>
${
  change.why.length > 0 &&
  html`<ul>
    ${change.why.map((line) => html`<li>${line}</li>`)}
  </ul>`
}</details>`;
}

function rankChange({ rankBefore, rankAfter, set }: QueryChange): string {
  if (set === 'past' || (rankBefore === undefined && rankAfter === undefined)) return '';
  const word = (rank: number | undefined): string =>
    rank === undefined ? 'not found' : `rank ${rank}`;
  return `first right hit: ${word(rankBefore)} → ${word(rankAfter)}`;
}

function places(hits: readonly RankedPlace[]): Markup {
  if (hits.length === 0) return html`<p class="quiet">no hits</p>`;
  return html`<ol>
    ${hits.map((hit) => html`<li>${place(hit)}</li>`)}
  </ol>`;
}

/** "src/queue.ts:10-40 retryUpload ✓": lines from 1, inclusive. */
function place({ path, start, end, symbol, verdict }: RankedPlace): Markup {
  const sign =
    verdict === 'relevant'
      ? html` <span class="sign better">✓ relevant</span>`
      : verdict === 'notRelevant' && html` <span class="sign worse">✗ not relevant</span>`;
  return html`<span class="place">${path}:${start + 1}-${end}</span
    >${symbol && ` ${symbol}`}${sign}`;
}

export function quarantine({ quarantined }: LearningReport): Markup {
  if (quarantined.length === 0)
    return html`<section>
      <h2>Set aside</h2>
      <p>No mark was set aside.</p>
    </section>`;
  const columns = ['Query', 'why', 'marked as an answer', 'in doubt', 'decided'].map(text);
  const rows = quarantined.map((item) => [
    item.query,
    `${reasons[item.reason]}: ${item.sentence}`,
    item.answer ? place(item.answer) : '–',
    place(item.suspect),
    item.decision ? decisions[item.decision] : 'not yet',
  ]);
  return html`<section>
    <h2>
      Set aside: ${counted(quarantined.length, 'mark')} not learned from until a person decides
    </h2>
    ${table(columns, rows)}
  </section>`;
}
