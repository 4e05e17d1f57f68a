/** Why a hit is here, in words and small bars; and two hits side by side, with what pulled each. */
import { html, nothing, type TemplateResult } from 'lit';
import type { PanelHit } from '../../protocol/panelMessages';
import type { PanelStringKey } from '../../protocol/panelStrings';
import { accountOf, type AccountLine, compareAccounts, type Head, scaleOf } from './account';
import type { PanelState } from './model';
import { bar, iconButton, type Send } from './parts';
import { visible } from './visible';
import { filled, type Strings, stringsOf } from './words';

const headNames: Readonly<Record<Head, PanelStringKey>> = {
  words: 'partWords',
  meaning: 'partMeaning',
  reranker: 'partReranker',
  rules: 'partRules',
  marks: 'partMarks',
};

export function accountView(state: PanelState, hit: PanelHit): TemplateResult {
  const strings = stringsOf(state);
  const lines = accountOf(hit);
  const scale = scaleOf(lines);
  return html`<div class="account" role="group" aria-label=${strings.whyHere}>
    <table>
      <tbody>
        ${lines.map(
          (line) =>
            html`<tr class=${line.sentences.length === 0 ? 'none' : ''}>
              <th scope="row">${strings[headNames[line.head]]}</th>
              <td class="barCell">${bar(line.contribution / scale)}</td>
              <td class="number">${signed(line.contribution)}</td>
              <td class="why">${sentences(line, strings)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Both hits' parts on one scale, the one that stands higher first. */
export function comparison(state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  const [first, second] = state.hits.filter((hit) => state.selected.includes(hit.key));
  if (!state.isComparing || !first || !second) return html``;
  const accounts = [accountOf(first), accountOf(second)] as const;
  const scale = scaleOf(...accounts);
  const { decisive } = compareAccounts(...accounts);
  return html`<section class="comparison" aria-label=${strings.comparison}>
    <div class="title">
      <h2>${strings.whyThisBeforeThat}</h2>
      ${iconButton({
        icon: 'close',
        label: strings.close,
        run: () => send({ type: 'toggled', what: 'comparison' }),
      })}
    </div>
    <table>
      <thead>
        <tr>
          <td></td>
          ${[first, second].map(
            (hit) =>
              html`<th scope="col" colspan="2" title=${visible(hit.path)}>
                <span class="of">
                  <span class="name">${visible(baseName(hit))}</span>
                  <span>:${hit.start + 1}</span>
                </span>
              </th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${accounts[0].map((line, index) =>
          comparedRow(line, accounts[1][index], { scale, decisive, strings }),
        )}
        <tr class="total">
          <th scope="row">${strings.total}</th>
          ${[first, second].map(
            (hit) =>
              html`<td class="barCell"></td>
                <td class="number">${signed(hit.score)}</td>`,
          )}
        </tr>
      </tbody>
    </table>
    ${decisive ? html`<p>${filled(strings.pulledMost, strings[headNames[decisive]])}</p>` : nothing}
  </section>`;
}

interface Comparing {
  readonly scale: number;
  readonly decisive: Head | undefined;
  readonly strings: Strings;
}

function comparedRow(
  line: AccountLine,
  other: AccountLine | undefined,
  { scale, decisive, strings }: Comparing,
): TemplateResult {
  return html`<tr class=${line.head === decisive ? 'decisive' : ''}>
    <th scope="row">${strings[headNames[line.head]]}</th>
    ${[line, other].map((each) => {
      const contribution = each?.contribution ?? 0;
      return html`<td class="barCell" title=${visible(each?.sentences.join('; ') ?? '')}>
          ${bar(contribution / scale)}
        </td>
        <td class="number">${signed(contribution)}</td>`;
    })}
  </tr>`;
}

function sentences(line: AccountLine, strings: Strings): string | readonly TemplateResult[] {
  if (line.sentences.length === 0) return strings.noPart;
  return line.sentences.map((sentence) => html`<span>${visible(sentence)}</span>`);
}

function signed(value: number): string {
  if (value === 0) return '0';
  const digits = Math.abs(value) < 1 ? 3 : 2;
  return `${value > 0 ? '+' : '−'}${Math.abs(value).toFixed(digits)}`;
}

function baseName({ path }: PanelHit): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
