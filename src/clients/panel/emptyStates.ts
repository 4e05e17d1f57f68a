/** What stands where hits would be: each state says what is the matter and what to do next. */
import { html, nothing, type TemplateResult } from 'lit';
import type { PanelCommand } from '../../protocol/panelMessages';
import { hasQuestion } from './asking';
import type { PanelState } from './model';
import { icon, linkButton, type Send, textButton } from './parts';
import { isNothingIndexed, unfinished } from './progress';
import { filterCount } from './state';
import { visible } from './visible';
import { stringsOf } from './words';

/** Stands in the way of any search; undefined when one can search. */
export function obstacle(state: PanelState, send: Send): TemplateResult | undefined {
  const strings = stringsOf(state);
  const { status } = state;
  const run = (command: PanelCommand) => () => send({ type: 'commanded', command });
  const reason = status.reason === undefined ? '' : visible(status.reason);
  const advice = status.advice === undefined ? '' : visible(status.advice);
  switch (status.kind) {
    case 'noFolder':
      return page(
        'folder-opened',
        strings.noFolderTitle,
        [strings.noFolder],
        [textButton(strings.openFolder, run('openFolder'))],
      );
    case 'virtual':
      return page('circle-slash', strings.virtualTitle, [reason || strings.virtual], []);
    case 'needsConfirmation':
      return page(
        'warning',
        strings.confirmTitle,
        [reason, advice],
        [textButton(strings.confirmIndex, run('confirmIndex'))],
      );
    case 'engineGone':
      return page(
        'error',
        strings.engineGoneTitle,
        [reason, advice],
        [
          textButton(strings.restartEngine, run('restartEngine')),
          textButton(strings.showLog, run('showLog'), true),
          linkButton(strings.runDoctor, run('runDoctor')),
        ],
      );
    case 'starting':
    case 'ready':
      return undefined;
  }
}

/** In place of an empty list. */
export function emptyList(state: PanelState, send: Send): TemplateResult | typeof nothing {
  if (state.stage === 'failed') return failed(state, send);
  if (!hasQuestion(state))
    return state.status.kind === 'starting' ? starting(state) : lesson(state);
  if (state.stage === 'final' || state.arrival === 'refresh') return noHits(state, send);
  return nothing;
}

function failed(state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  const { message = '', advice = '' } = state.failure ?? {};
  return page(
    'error',
    strings.searchFailed,
    [visible(message), visible(advice)],
    [
      textButton(strings.tryAgain, () => send({ type: 'retried' })),
      textButton(strings.showLog, () => send({ type: 'commanded', command: 'showLog' }), true),
    ],
  );
}

function starting(state: PanelState): TemplateResult {
  const strings = stringsOf(state);
  return page('loading codicon-modifier-spin', strings.startingTitle, [strings.starting], []);
}

/** Before the first search: what can be asked, by example. */
function lesson(state: PanelState): TemplateResult {
  const strings = stringsOf(state);
  const isNew = state.status.folders.length > 0 && isNothingIndexed(state.status);
  return html`<div class="page">
    ${
      isNew
        ? html`<h2>${strings.notIndexedTitle}</h2>
            <p>${strings.notIndexed}</p>`
        : nothing
    }
    <h2>${strings.emptyTitle}</h2>
    <ul class="lesson">
      ${[strings.emptyMeaning, strings.emptyWords, strings.emptyNarrow, strings.emptyMarks].map(
        (text) => html`<li>${unbroken(text)}</li>`,
      )}
    </ul>
    <p class="hint">${strings.keysHint}</p>
  </div>`;
}

/** A line must not end after the minus of "-path:test". */
function unbroken(text: string): string {
  return text.replaceAll(' -', ' -\u2060');
}

function noHits(state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  const hasFilters = filterCount(state.filters) > 0;
  const tips = [
    strings.tryDescribe,
    strings.tryFewer,
    ...(hasFilters ? [strings.tryFilters] : []),
    ...(unfinished(state.status).length > 0 ? [strings.tryWait] : []),
  ];
  const clear = (): void =>
    send({
      type: 'filtered',
      filters: { languages: [], paths: [], kinds: [], changedOnly: false },
    });
  return html`<div class="page">
    <h2>${strings.noHitsTitle}</h2>
    <ul class="lesson">
      ${tips.map((text) => html`<li>${text}</li>`)}
    </ul>
    <div class="buttons">
      ${hasFilters ? textButton(strings.clearFilters, clear) : nothing}
      ${
        state.query.trim() === ''
          ? nothing
          : textButton(strings.nativeSearch, () => send({ type: 'nativeSearchAsked' }), true)
      }
      ${linkButton(strings.whyNotFound, () => send({ type: 'commanded', command: 'whyNotFound' }))}
    </div>
  </div>`;
}

function page(
  iconName: string,
  title: string,
  paragraphs: readonly string[],
  buttons: readonly TemplateResult[],
): TemplateResult {
  return html`<div class="page">
    <h2>${icon(iconName)} ${title}</h2>
    ${paragraphs.filter((text) => text !== '').map((text) => html`<p>${text}</p>`)}
    <div class="buttons">${buttons}</div>
  </div>`;
}
