/** The list: its rows, what pointer and keys do in it, the line about chosen hits, and what comes after the last hit. */
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { comparison } from './accountView';
import { shownRows } from './choosing';
import { fileRow, hitRow, type RowContext } from './hitRow';
import type { Row } from './hits';
import { actOf } from './keys';
import { queryWords } from './matches';
import type { PanelState } from './model';
import { icon, iconButton, linkButton, type Send, textButton } from './parts';
import { visible } from './visible';
import { filled, markText, numberText, stringsOf } from './words';

export function resultList(state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  const context: RowContext = { state, send, words: queryWords(state.query) };
  return html`${chosenLine(state, send)} ${comparison(state, send)}
    ${
      state.noGoodMatch && state.hits.length > 0
        ? html`<div class="notice weak">${icon('info')}<span>${strings.noGoodMatch}</span></div>`
        : nothing
    }
    ${state.notes.map(
      (note) => html`<div class="notice">${icon('info')}<span>${visible(note)}</span></div>`,
    )}
    <div class="spacer above"></div>
    <ul
      id="hits"
      role="list"
      aria-label=${strings.hits}
      @keydown=${(event: KeyboardEvent) => listKey(event, state, send)}
      @focusin=${(event: FocusEvent) => listFocus(event, send)}
      @focusout=${(event: FocusEvent) => listBlur(event, send)}
      @pointermove=${(event: PointerEvent) => listPointer(event, state, send)}
      @pointerleave=${() => send({ type: 'pointed' })}
      @click=${(event: MouseEvent) => listClick(event, state, send)}
      @dblclick=${(event: MouseEvent) => listDoubleClick(event, send)}
    >
      ${repeat(
        shownRows(state),
        (row) => row.key,
        (row) => rowView(row, context),
      )}
    </ul>
    ${moreButton(state, send)}
    <div class="spacer below"></div>`;
}

function moreButton(state: PanelState, send: Send): TemplateResult | typeof nothing {
  if (!state.mayHaveMore) return nothing;
  const label = stringsOf(state).loadMore;
  return html`<div class="more">
    ${textButton(label, () => send({ type: 'moreAsked' }), true)}
  </div>`;
}

function rowView(row: Row, context: RowContext): TemplateResult {
  return row.type === 'file' ? fileRow(row, context) : hitRow(row, context);
}

function chosenLine(state: PanelState, send: Send): TemplateResult | typeof nothing {
  const count = state.selected.length;
  if (count === 0) return nothing;
  const strings = stringsOf(state);
  return html`<div class="chosen">
    <span>${filled(strings.selectedCount, numberText(state, count))}</span>
    ${
      count === 2
        ? linkButton(strings.whyThisBeforeThat, () => send({ type: 'toggled', what: 'comparison' }))
        : nothing
    }
    ${count === 1 ? html`<span class="hint">${strings.chooseTwo}</span>` : nothing}
    <span class="tools">
      ${iconButton({
        icon: 'copy',
        label: strings.copyPath,
        run: () => send({ type: 'copied', format: 'pathLine' }),
      })}
      ${iconButton({
        icon: 'markdown',
        label: strings.copyMarkdown,
        run: () => send({ type: 'copied', format: 'markdown' }),
      })}
    </span>
  </div>`;
}

/** The last mark with its Undo, or why a mark was refused; stays at the bottom while the list scrolls. */
export function markToast(state: PanelState, send: Send): TemplateResult | typeof nothing {
  const strings = stringsOf(state);
  const dismiss = iconButton({
    icon: 'close',
    label: strings.dismiss,
    run: () => send({ type: 'dismissed' }),
  });
  if (state.problem !== undefined)
    return html`<div class="toast problem">
      ${icon('error')}<span class="text">${visible(state.problem)}</span>${dismiss}
    </div>`;
  if (!state.lastMark) return nothing;
  const { isUndone, verdict } = state.lastMark;
  return html`<div class="toast">
    ${icon(isUndone ? 'discard' : verdict === 'relevant' ? 'thumbsup' : 'thumbsdown')}
    <span class="text">${isUndone ? strings.markTakenBack : markText(state, verdict)}</span>
    ${isUndone ? nothing : linkButton(strings.undo, () => send({ type: 'undone' }))} ${dismiss}
  </div>`;
}

function rowOf(target: EventTarget | null): HTMLElement | undefined {
  const element = target instanceof Element ? target : undefined;
  return element?.closest<HTMLElement>('.row') ?? undefined;
}

function keyOf(row: HTMLElement): string {
  return row.dataset.key ?? '';
}

function listKey(event: KeyboardEvent, state: PanelState, send: Send): void {
  const row = rowOf(event.target);
  if (!row) return;
  // On a button of a row its own keys are the button's: Enter and Space press it.
  const isOnButton = event.target !== row;
  if (isOnButton && (event.key === 'Enter' || event.key === ' ')) return;
  if (isOnButton && event.key === 'Escape') row.focus();
  const act = actOf(event, {
    key: keyOf(row),
    isFile: row.dataset.file !== undefined,
    isNested: row.classList.contains('nested'),
    isMac: state.options.isMac,
  });
  if (!act) return;
  // The editor would take keys of its own that mean something else here.
  event.preventDefault();
  event.stopPropagation();
  if (!(isOnButton && act.type === 'escaped')) send(act);
}

function listFocus(event: FocusEvent, send: Send): void {
  const row = rowOf(event.target);
  if (row) send({ type: 'focused', key: keyOf(row) });
}

function listBlur(event: FocusEvent, send: Send): void {
  const list = event.currentTarget as HTMLElement;
  const next = event.relatedTarget;
  if (!(next instanceof Node) || !list.contains(next)) send({ type: 'left' });
}

/** Where the pointer was last. */
let pointer = { x: -1, y: -1 };

/** Only a pointer that moved is on a hit; one that rests while the list slides below it is not. */
function listPointer(event: PointerEvent, state: PanelState, send: Send): void {
  if (event.screenX === pointer.x && event.screenY === pointer.y) return;
  pointer = { x: event.screenX, y: event.screenY };
  const row = rowOf(event.target);
  const key = row?.classList.contains('hit') ? keyOf(row) : undefined;
  if (key !== state.pointed) send({ type: 'pointed', key });
}

function listClick(event: MouseEvent, state: PanelState, send: Send): void {
  const row = rowOf(event.target);
  if (!row) return;
  const key = keyOf(row);
  if (row.dataset.file !== undefined) return send({ type: 'fileToggled', key });
  const isMod = state.options.isMac ? event.metaKey : event.ctrlKey;
  if (isMod) return send({ type: 'clicked', key, how: 'toggle' });
  if (event.shiftKey) return send({ type: 'clicked', key, how: 'range' });
  send({ type: 'clicked', key, how: 'only' });
  if (event.target instanceof Element && event.target.closest('.account')) return;
  send({ type: 'opened', key, mode: event.altKey ? 'side' : 'preview' });
}

function listDoubleClick(event: MouseEvent, send: Send): void {
  const row = rowOf(event.target);
  const isHit = row?.classList.contains('hit') === true && !event.ctrlKey && !event.metaKey;
  const isOnButton = event.target instanceof Element && event.target.closest('button') !== null;
  if (row && isHit && !isOnButton) send({ type: 'opened', key: keyOf(row), mode: 'open' });
}
