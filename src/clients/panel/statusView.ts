/** Above the hits: restricted mode, what does not work just now, and how far indexing is. */
import { html, nothing, type TemplateResult } from 'lit';
import type { FolderProgress } from '../../protocol/panelMessages';
import type { PanelStringKey } from '../../protocol/panelStrings';
import type { PanelState } from './model';
import { icon, iconButton, linkButton, progressBar, type Send } from './parts';
import { isComparing, percentOf, type TierProgress, tiersOf, unfinished } from './progress';
import { visible } from './visible';
import { filled, numberText, stringsOf } from './words';

export function statusView(state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  const { status } = state;
  return html`${
    status.isTrusted
      ? nothing
      : html`<div class="notice">
          ${icon('workspace-untrusted')}
          <span
            >${strings.untrusted}
            ${linkButton(strings.manageTrust, () =>
              send({ type: 'commanded', command: 'manageTrust' }),
            )}</span
          >
        </div>`
  }
  ${status.problems.map(
    (problem) =>
      html`<div class="notice warning">${icon('warning')}<span>${visible(problem)}</span></div>`,
  )}
  ${unfinished(status).map((folder) => folderView(folder, state, send))}`;
}

function folderView(folder: FolderProgress, state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  const { isPaused, folders } = state.status;
  const percent = percentOf(folder);
  const title =
    folders.length > 1 ? filled(strings.indexingFolder, visible(folder.name)) : strings.indexing;
  const isCompared = !isComparing(folder);
  const text = isPaused ? strings.indexPaused : isCompared ? title : strings.comparing;
  return html`<div class="indexing">
    <div class="head">
      <span class="text">${text}</span>
      ${isCompared ? html`<span class="percent">${percent} %</span>` : nothing}
      ${iconButton(
        isPaused
          ? {
              icon: 'debug-start',
              label: strings.resume,
              run: () => send({ type: 'commanded', command: 'resume' }),
            }
          : {
              icon: 'debug-pause',
              label: strings.pause,
              run: () => send({ type: 'commanded', command: 'pause' }),
            },
      )}
    </div>
    ${isCompared ? barView(title, percent) : nothing}
    <dl>
      ${tiersOf(folder)
        // What is not counted yet is no "0 of 0".
        .filter(({ total }) => total > 0)
        .map((tier) => tierView(tier, state))}
    </dl>
    <p class="hint">
      ${
        folder.reason === undefined
          ? folder.wordDocumentCount > 0
            ? strings.searchableNow
            : strings.notIndexed
          : visible(folder.reason)
      }
    </p>
  </div>`;
}

function barView(title: string, percent: number): TemplateResult {
  return html`<div
    role="progressbar"
    aria-label=${title}
    aria-valuemin="0"
    aria-valuemax="100"
    aria-valuenow=${percent}
  >
    ${progressBar(percent / 100)}
  </div>`;
}

const tierNames: Readonly<Record<TierProgress['tier'], PanelStringKey>> = {
  words: 'tierWords',
  static: 'tierStatic',
  contextual: 'tierContextual',
};

function tierView({ tier, done, total }: TierProgress, state: PanelState): TemplateResult {
  const strings = stringsOf(state);
  const unit = tier === 'contextual' ? strings.tierParts : strings.tierFiles;
  const count = filled(strings.tierOf, numberText(state, done), numberText(state, total));
  const isDone = total > 0 && done >= total;
  return html`<div class="tier">
    <dt>${strings[tierNames[tier]]}</dt>
    <dd>${isDone ? icon('check') : nothing}${count} ${unit}</dd>
  </div>`;
}
