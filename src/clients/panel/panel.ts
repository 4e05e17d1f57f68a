/** Entry of the webview: carries out what `update` wants done, and paints after each message. */
import { render } from 'lit';
import { parseHostMessage, type PanelMessage } from '../../protocol/panelMessages';
import { type Effect, initialState, type PanelEvent, type PanelState } from './model';
import { save } from './saved';
import { update } from './state';
import { panelView } from './view';

interface VsCodeApi {
  postMessage(message: PanelMessage): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

const api = acquireVsCodeApi();
const timers = new Map<string, number>();
let state: PanelState = initialState;

function send(event: PanelEvent): void {
  take(event);
}

function take(message: Parameters<typeof update>[1]): void {
  const step = update(state, message);
  state = step.state;
  paint();
  for (const effect of step.effects) carryOut(effect);
}

function paint(): void {
  const root = document.querySelector<HTMLElement>('#panel');
  if (root) render(panelView(state, send), root);
  api.setState(save(state, 0));
}

function carryOut(effect: Effect): void {
  switch (effect.type) {
    case 'post':
      return api.postMessage(effect.message);
    case 'timer': {
      clearTimeout(timers.get(effect.timer.name));
      const { timer, ms } = effect;
      timers.set(
        timer.name,
        window.setTimeout(() => send({ type: 'elapsed', timer }), ms),
      );
      return;
    }
    case 'focusBox':
      return document.querySelector<HTMLInputElement>('#box')?.focus();
    case 'focusRow':
    case 'reveal':
      return;
  }
}

window.addEventListener('message', (event: MessageEvent<unknown>) => {
  const message = parseHostMessage(event.data);
  if (message) take(message);
});
send({ type: 'restored', saved: api.getState() });
api.postMessage({ type: 'ready' });
