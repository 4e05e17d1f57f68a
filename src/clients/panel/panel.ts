/**
 * Entry of the webview: carries out what `update` wants done, and paints after each message. Painting may move rows
 * in the document, which takes the focus from them; it is given back, and what pointer or keyboard is on stays put.
 */
import { render } from 'lit';
import {
  type HostMessage,
  type PanelMessage,
  parseHostMessage,
  type TokenStyle,
} from '../../protocol/panelMessages';
import { type Effect, initialState, type PanelEvent, type PanelState } from './model';
import { save, savedScroll } from './saved';
import { update } from './state';
import { rowWith, Stillness } from './stillness';
import { panelView } from './view';

interface VsCodeApi {
  postMessage(message: PanelMessage): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

/** A request for the caret may come so long after the focus itself, from a host on another machine. */
const LATE_CARET_MS = 2000;
/** Rest before the state is kept; saving on every key would be felt. */
const SAVE_REST_MS = 200;

const api = acquireVsCodeApi();
const root = document.querySelector<HTMLElement>('#panel') ?? document.body;
const stillness = new Stillness(root);
const sheet = new CSSStyleSheet();
const timers = new Map<string, number>();
let state: PanelState = initialState;
let isPainting = false;
let focusedAtMs = -Infinity;
/** A key or button was pressed since the panel got the focus. */
let hasActed = false;

function take(message: HostMessage | PanelEvent): void {
  const before = state;
  const step = update(state, message);
  state = step.state;
  if (state !== before) paint(before, message);
  for (const effect of step.effects) carryOut(effect);
}

function send(event: PanelEvent): void {
  // Focus that goes astray while rows are moved is no act of the person.
  if (!isPainting) take(event);
}

function paint(before: PanelState, message: HostMessage | PanelEvent): void {
  const focused = document.activeElement;
  const isSettling = message.type === 'results' && before.arrival !== 'reorder';
  const held = isSettling ? heldKey(before) : undefined;
  isPainting = true;
  stillness.paint(held, () => render(panelView(state, send), root));
  if (focused !== document.activeElement && focused instanceof HTMLElement && focused.isConnected)
    focused.focus({ preventScroll: true });
  isPainting = false;
  if (message.type === 'results' && held === undefined && isNewList(before)) stillness.reset();
  if (state.styles !== before.styles) applyStyles(state.styles);
  if (state.isMenuOpen && !before.isMenuOpen)
    root.querySelector<HTMLElement>('[role=menuitem]:not([aria-disabled])')?.focus();
  later('save', SAVE_REST_MS, keep);
}

/** What pointer or keyboard is on; the pointer first, it opens and marks where it is. */
function heldKey({ pointed, active, isListFocused }: PanelState): string | undefined {
  return pointed ?? (isListFocused ? active : undefined);
}

function isNewList(before: PanelState): boolean {
  return before.arrival === 'replace' && before.stage === 'waiting';
}

/** Colours are rules of a sheet: the page's policy lets no element carry a style of its own. */
function applyStyles(styles: readonly TokenStyle[]): void {
  const rules = styles.map(({ color, isBold, isItalic, isUnderlined }, index) => {
    const declarations = [
      ...(color === undefined ? [] : [`color:${color}`]),
      ...(isBold ? ['font-weight:bold'] : []),
      ...(isItalic ? ['font-style:italic'] : []),
      ...(isUnderlined ? ['text-decoration:underline'] : []),
    ];
    return `.s${index}{${declarations.join(';')}}`;
  });
  sheet.replaceSync(rules.join('\n'));
}

function keep(): void {
  api.setState(save(state, root.querySelector('#scroller')?.scrollTop ?? 0));
}

function later(name: string, ms: number, action: () => void): void {
  clearTimeout(timers.get(name));
  timers.set(name, window.setTimeout(action, ms));
}

function carryOut(effect: Effect): void {
  switch (effect.type) {
    case 'post':
      return api.postMessage(effect.message);
    case 'timer': {
      const { timer, ms } = effect;
      return later(timer.name, ms, () => send({ type: 'elapsed', timer }));
    }
    case 'focusBox': {
      const box = root.querySelector<HTMLInputElement>('#box');
      box?.focus();
      if (effect.isSelecting) box?.select();
      return;
    }
    case 'focusRow':
      return rowWith(root, effect.key)?.focus();
    case 'reveal':
      return rowWith(root, effect.key)?.scrollIntoView({ block: 'nearest' });
  }
}

/** The keyboard is that of this window; the host may run on another machine. */
function withOwnKeys(message: HostMessage): HostMessage {
  if (message.type !== 'options') return message;
  const isMac = message.options.isMac || navigator.platform.startsWith('Mac');
  return { ...message, options: { ...message.options, isMac } };
}

/** True for a request that only wants the caret in the box, when the person has gone on from there already. */
function isLateCaret(message: HostMessage): boolean {
  const wantsCaret =
    message.type === 'ask' && message.query === undefined && message.filters === undefined;
  const isLate = hasActed && performance.now() - focusedAtMs < LATE_CARET_MS;
  return wantsCaret && isLate && document.hasFocus();
}

function start(): void {
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    const message = parseHostMessage(event.data);
    if (message && !isLateCaret(message)) take(withOwnKeys(message));
  });
  for (const type of ['keydown', 'pointerdown'])
    window.addEventListener(type, () => (hasActed = true), true);
  window.addEventListener('error', (event) =>
    api.postMessage({ type: 'problem', message: event.message.slice(0, 4000) }),
  );
  // A view that becomes visible gets the focus as a whole; the box is what a person wants then.
  window.addEventListener('focus', () => {
    focusedAtMs = performance.now();
    hasActed = false;
    if (document.activeElement === document.body)
      carryOut({ type: 'focusBox', isSelecting: false });
  });
  root.addEventListener('scroll', () => later('save', SAVE_REST_MS, keep), true);
  const saved = api.getState();
  render(panelView(state, send), root);
  take({ type: 'restored', saved });
  const scroller = root.querySelector('#scroller');
  if (scroller) scroller.scrollTop = savedScroll(saved);
  api.postMessage({ type: 'ready' });
}

start();
