/** The whole panel, from a state: box on top, then what stands in the way, the state of things, and hits. */
import { html, nothing, type TemplateResult } from 'lit';
import { hasQuestion } from './asking';
import { emptyList, obstacle } from './emptyStates';
import type { PanelState } from './model';
import type { Send } from './parts';
import { markToast, resultList } from './resultList';
import { searchBox, sourceLine, toolbar } from './searchBox';
import { statusView } from './statusView';

export function panelView(state: PanelState, send: Send): TemplateResult {
  const blocked = obstacle(state, send);
  const isBusy = hasQuestion(state) && (state.stage === 'waiting' || state.stage === 'first');
  return html`<header>
      ${searchBox(state, send)}
      <div class="busy ${isBusy ? 'on' : ''}"></div>
    </header>
    <div class="live" role="status">${state.announcement}</div>
    <div id="scroller">
      ${
        blocked ??
        html`${statusView(state, send)} ${sourceLine(state, send)}
        ${hasQuestion(state) ? toolbar(state, send) : nothing}
        ${state.hits.length > 0 ? resultList(state, send) : emptyList(state, send)}`
      }
    </div>
    ${markToast(state, send)}`;
}
