/**
 * What follows from each message: `update` is a pure function; time and the outside are effects that panel.ts
 * carries out. A question has a ticket that grows whenever it is asked anew; an answer with another ticket is too
 * late and is dropped, so answers never come out of order.
 */
import type {
  HostMessage,
  PanelFilters,
  PanelMessage,
  PanelOptions,
} from '../../protocol/panelMessages';
import { addColours, kept, receiveFailure, receiveResults } from './answers';
import {
  askAfterRest,
  askAgain,
  askAnew,
  askMore,
  hasQuestion,
  moveInHistory,
  receiveQuestion,
  remembered,
  submit,
  type,
} from './asking';
import { choose, chosenKeys, escape, move, selectAll, shownRows } from './choosing';
import { fileKey } from './hits';
import { judge, marked, undo } from './judging';
import type { Effect, PanelEvent, PanelState, Step } from './model';
import { restore } from './saved';
import { andThen, post, stay, tell, toggled } from './steps';

/** Rest of the pointer on a hit before it is previewed. */
export const PREVIEW_REST_MS = 500;

/** The state after a message of the host or an act of the person, and what the world has to do about it. */
export function update(state: PanelState, message: HostMessage | PanelEvent): Step {
  const step = follow(state, message);
  const shown = shownMessage(step.state);
  const isNews = JSON.stringify(shown) !== JSON.stringify(shownMessage(state));
  return isNews ? andThen(step, post(shown)) : step;
}

/** The order on the screen and the active hit, for F4 in the editor. */
function shownMessage(state: PanelState): Extract<PanelMessage, { type: 'shown' }> {
  const keys = shownRows(state).flatMap((row) => (row.type === 'hit' ? row.key : []));
  return { type: 'shown', keys, active: state.active };
}

function follow(state: PanelState, message: HostMessage | PanelEvent): Step {
  switch (message.type) {
    case 'options':
      return receiveOptions(state, message.options);
    case 'status':
      return stay({ ...state, status: message.status });
    case 'results':
      return stay(receiveResults(state, message));
    case 'failed':
      return stay(receiveFailure(state, message));
    case 'ask':
      return receiveQuestion(state, message.query, message.filters);
    case 'similar':
      return askAnew({ ...state, source: message.source, selected: [], explained: [] });
    case 'colours':
      return stay(addColours(state, message.snippets));
    case 'styles':
      return stay({
        ...state,
        styles: message.styles,
        colours: message.dropsSnippets ? {} : state.colours,
      });
    case 'marked':
      return marked(state, message);
    case 'refresh':
      return askAgain(state, 'refresh');
    case 'focusHit':
      return showHit(state, message.key);
    default:
      return act(state, message);
  }
}

function act(state: PanelState, event: PanelEvent): Step {
  switch (event.type) {
    case 'typed':
      return type(state, event.query);
    case 'submitted':
      return submit(state);
    case 'cleared':
      return andThen(type(state, ''), { type: 'focusBox', isSelecting: false });
    case 'elapsed':
      if (event.timer.name !== 'preview') return askAfterRest(state, event.timer);
      return state.pointed === event.timer.key
        ? open(state, event.timer.key, 'preview')
        : stay(state);
    case 'historyMoved':
      return moveInHistory(state, event.step);
    case 'filtered':
      return askAnew({ ...state, filters: event.filters });
    case 'moreAsked':
      return askMore(state);
    case 'retried':
      return askAnew(state);
    case 'searchResumed':
      return andThen(askAnew({ ...state, source: undefined }), {
        type: 'focusBox',
        isSelecting: true,
      });
    case 'judged':
      return judge(state, event.key, event.verdict);
    case 'undone':
      return undo(state, event.key);
    case 'opened':
      return open(state, event.key, event.mode);
    case 'restored':
      return stay(restore(state, event.saved));
    default:
      return arrange(state, event);
  }
}

type Arranging = Exclude<
  PanelEvent,
  {
    readonly type:
      | 'typed'
      | 'submitted'
      | 'cleared'
      | 'elapsed'
      | 'historyMoved'
      | 'filtered'
      | 'moreAsked'
      | 'retried'
      | 'searchResumed'
      | 'judged'
      | 'undone'
      | 'opened'
      | 'restored';
  }
>;

/** What changes the look of the list, and what is done with the chosen hits. */
function arrange(state: PanelState, event: Arranging): Step {
  switch (event.type) {
    case 'toggled':
      return stay(toggle(state, event.what));
    case 'menuClosed':
      return stay({ ...state, isMenuOpen: false });
    case 'fileToggled':
      return stay(toggleFile(state, event.key, event.isClosed));
    case 'moved':
      return move(state, event.to, event.isExtending);
    case 'focused':
      return stay({ ...state, active: event.key, isActiveShown: true, isListFocused: true });
    case 'left':
      return stay({ ...state, isListFocused: false });
    case 'pointed':
      return point(state, event.key);
    case 'clicked':
      return stay(choose(state, event.key, event.how));
    case 'selectedAll':
      return stay(selectAll(state));
    case 'escaped':
      return escape(state);
    case 'explained':
      return stay({ ...state, explained: toggled(state.explained, event.key) });
    case 'copied':
      return tell(state, { type: 'copy', keys: chosenKeys(state), format: event.format });
    case 'searchEditorAsked':
      return tell(state, { type: 'searchEditor', keys: chosenOrAllKeys(state) });
    case 'nativeSearchAsked':
      return tell(state, { type: 'nativeSearch', query: state.query, filters: state.filters });
    case 'commanded':
      return tell(state, { type: 'command', command: event.command });
    case 'dismissed':
      return stay({ ...state, lastMark: undefined, problem: undefined });
  }
}

function receiveOptions(state: PanelState, options: PanelOptions): Step {
  const next = { ...state, options, limit: Math.max(state.limit, options.pageSize) };
  // A panel that comes back shows what it showed, and asks whether that still holds.
  return hasQuestion(state) ? askAgain(next, 'refresh') : stay(next);
}

function chosenOrAllKeys(state: PanelState): string[] {
  return state.selected.length > 1 ? chosenKeys(state) : state.hits.map((hit) => hit.key);
}

/** F4 went on to this hit: it is shown as the active one, the editor keeps the focus. */
function showHit(state: PanelState, key: string): Step {
  const hit = state.hits.find((each) => each.key === key);
  if (!hit) return stay(state);
  const closedFiles = state.closedFiles.filter((file) => file !== fileKey(hit));
  return andThen(stay({ ...state, closedFiles, active: key, isActiveShown: true }), {
    type: 'reveal',
    key,
  });
}

function toggle(
  state: PanelState,
  what: Extract<PanelEvent, { type: 'toggled' }>['what'],
): PanelState {
  switch (what) {
    case 'filters':
      return { ...state, areFiltersOpen: !state.areFiltersOpen };
    case 'grouped': {
      const next = { ...state, isGrouped: !state.isGrouped };
      return { ...next, ...kept(next, next.hits) };
    }
    case 'menu':
      return { ...state, isMenuOpen: !state.isMenuOpen };
    case 'comparison':
      return { ...state, isComparing: !state.isComparing && state.selected.length === 2 };
  }
}

function toggleFile(state: PanelState, key: string, isClosed?: boolean): PanelState {
  if (isClosed === state.closedFiles.includes(key)) return state;
  const next = { ...state, closedFiles: toggled(state.closedFiles, key), active: key };
  return next;
}

function point(state: PanelState, key: string | undefined): Step {
  if (key === state.pointed) return stay(state);
  const next = stay({ ...state, pointed: key });
  if (key === undefined || !state.options.previewOnHover) return next;
  const effect: Effect = {
    type: 'timer',
    timer: { name: 'preview', key },
    ms: PREVIEW_REST_MS,
  };
  return andThen(next, effect);
}

function open(state: PanelState, key: string, mode: 'preview' | 'open' | 'side' | 'chat'): Step {
  if (!state.hits.some((hit) => hit.key === key)) return stay(state);
  const step = tell(state, { type: 'open', key, mode });
  return mode === 'preview' ? step : remembered(step);
}

/** How many of the filters are set. */
export function filterCount({ languages, paths, kinds, changedOnly }: PanelFilters): number {
  return [languages, paths, kinds].filter((list) => list.length > 0).length + Number(changedOnly);
}
