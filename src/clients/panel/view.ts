/** State to DOM. */
import { html, type TemplateResult } from 'lit';
import type { PanelEvent, PanelState } from './model';
import { stringsOf } from './words';

export type Send = (event: PanelEvent) => void;

export function panelView(state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  return html`<input
      id="box"
      type="search"
      aria-label=${strings.searchLabel}
      placeholder=${strings.searchPlaceholder}
      .value=${state.query}
      @input=${(event: Event) =>
        send({ type: 'typed', query: (event.target as HTMLInputElement).value })}
    />
    <div role="status">${state.announcement}</div>
    <ul role="list" aria-label=${strings.hits}>
      ${state.hits.map(
        (hit) =>
          html`<li
            role="listitem"
            aria-label="${hit.path}:${hit.start + 1}"
            tabindex="0"
            @dblclick=${() => send({ type: 'opened', key: hit.key, mode: 'open' })}
            @click=${() => send({ type: 'opened', key: hit.key, mode: 'preview' })}
          >
            <strong>${hit.path}:${hit.start + 1}</strong>
            <pre>${hit.snippet}</pre>
            <button @click=${() => send({ type: 'judged', key: hit.key, verdict: 'notRelevant' })}>
              ${strings.notRelevant}
            </button>
            <button @click=${() => send({ type: 'undone', key: hit.key })}>${strings.undo}</button>
          </li>`,
      )}
    </ul>`;
}
