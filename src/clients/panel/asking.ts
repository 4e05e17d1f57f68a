/**
 * Questions: when they are asked, and how their answers will meet the hits shown. While keys are being pressed,
 * fused hits are asked for after a short rest and the re-ranker after a longer one; everything else asks at once.
 */
import type { PanelFilters } from '../../protocol/panelMessages';
import type { Effect, PanelState, Step, Timer } from './model';
import { andThen, post, stay } from './steps';

/** Rest after a key before fused hits are asked for. */
export const SEARCH_REST_MS = 80;
/** Rest after a key before the re-ranker is asked. */
export const RERANK_REST_MS = 300;
/** The protocol's own limit. */
export const MOST_HITS = 1000;
const LONGEST_HISTORY = 50;
const LONGEST_HISTORY_ENTRY = 5000;

/** True when there is anything to ask: words, or a span whose like is wanted. */
export function hasQuestion(state: PanelState): boolean {
  return state.source !== undefined || state.query.trim() !== '';
}

/** Another text in the box: the question follows when the hand rests. */
export function type(state: PanelState, query: string): Step {
  const next: PanelState = {
    ...state,
    query,
    source: undefined,
    draft: query,
    historyIndex: undefined,
    ticket: state.ticket + 1,
    limit: state.options.pageSize,
    arrival: 'replace',
    stage: 'waiting',
  };
  if (query.trim() === '') return andThen(stay(emptied(next)), post({ type: 'cancel' }));
  const { ticket } = next;
  return andThen(
    stay(next),
    { type: 'timer', timer: { name: 'search', ticket }, ms: SEARCH_REST_MS },
    { type: 'timer', timer: { name: 'rerank', ticket }, ms: RERANK_REST_MS },
  );
}

/** The hand has rested: asks, unless something else has been asked since. */
export function askAfterRest(
  state: PanelState,
  timer: Extract<Timer, { readonly ticket: number }>,
): Step {
  if (timer.ticket !== state.ticket || !hasQuestion(state)) return stay(state);
  return andThen(stay(state), question(state, timer.name === 'rerank'));
}

/** Asks at once, with the re-ranker; the answer replaces what is shown. */
export function askAnew(state: PanelState): Step {
  if (!hasQuestion(state)) return stay(emptied(state));
  return ask({ ...state, limit: state.options.pageSize, arrival: 'replace', failure: undefined });
}

/** Enter: asks at once and remembers the question. */
export function submit(state: PanelState): Step {
  return hasQuestion(state) ? remembered(askAnew(state)) : stay(state);
}

/** Asks the same again. "refresh" leaves what pointer and keyboard are on in place, "reorder" does not. */
export function askAgain(state: PanelState, arrival: 'refresh' | 'reorder'): Step {
  if (!hasQuestion(state)) return stay(state);
  const pending = state.stage === 'waiting' ? state.arrival : undefined;
  // A list that was answered with nothing goes on saying so until there are hits.
  const ofEmpty = state.stage === 'final' ? 'refresh' : (pending ?? 'replace');
  const wanted = state.hits.length > 0 ? arrival : ofEmpty;
  // The answer that is not here yet would have changed more: the one that takes its place does.
  const isMore = pending !== undefined && reach.indexOf(pending) > reach.indexOf(wanted);
  return ask({ ...state, arrival: isMore ? pending : wanted });
}

/** How answers meet the hits shown, from the one that leaves most of them in their places. */
const reach: readonly PanelState['arrival'][] = ['refresh', 'append', 'reorder', 'replace'];

/** The same question with a larger limit; what is shown stays where it is. */
export function askMore(state: PanelState): Step {
  const limit = Math.min(MOST_HITS, state.hits.length + state.options.pageSize);
  return ask({ ...state, limit, arrival: 'append' });
}

/** The host fills the box. Without words and filters it only wants the caret there. */
export function receiveQuestion(
  state: PanelState,
  query: string | undefined,
  filters: Partial<PanelFilters> | undefined,
): Step {
  const focus: Effect = { type: 'focusBox', isSelecting: true };
  if (query === undefined && filters === undefined) return andThen(stay(state), focus);
  const next: PanelState = {
    ...state,
    source: undefined,
    query: query ?? state.query,
    filters: { ...state.filters, ...filters },
    areFiltersOpen: state.areFiltersOpen || filters !== undefined,
    historyIndex: undefined,
  };
  return andThen(askAnew(next), focus);
}

/** Up and down in the box: older and newer questions, at the end the draft that was being typed. */
export function moveInHistory(state: PanelState, step: 1 | -1): Step {
  const { history } = state.options;
  // Index -1 is the draft, 0 the newest entry.
  const index = (state.historyIndex ?? -1) - step;
  if (index < -1 || index >= history.length) return stay(state);
  const typed = type(state, index === -1 ? state.draft : (history[index] ?? ''));
  const historyIndex = index === -1 ? undefined : index;
  return { ...typed, state: { ...typed.state, draft: state.draft, historyIndex } };
}

/** The question joins the history: it was worth an Enter, an opened hit or a mark. */
export function remembered(step: Step): Step {
  const { state } = step;
  const query = state.query.trim().slice(0, LONGEST_HISTORY_ENTRY);
  const { history } = state.options;
  if (state.source || query === '' || history[0] === query) return step;
  const entries = [query, ...history.filter((entry) => entry !== query)].slice(0, LONGEST_HISTORY);
  const options = { ...state.options, history: entries };
  return andThen({ ...step, state: { ...state, options } }, post({ type: 'history', entries }));
}

function ask(state: PanelState): Step {
  const next: PanelState = { ...state, ticket: state.ticket + 1, stage: 'waiting' };
  return andThen(stay(next), question(next, true));
}

function question(state: PanelState, rerank: boolean): Effect {
  const { ticket, source, filters, limit } = state;
  const query = source ? '' : state.query;
  return post({ type: 'search', ticket, query, source, filters, limit, rerank });
}

function emptied(state: PanelState): PanelState {
  return {
    ...state,
    stage: 'idle',
    hits: [],
    notes: [],
    noGoodMatch: false,
    mayHaveMore: false,
    failure: undefined,
    active: undefined,
    pointed: undefined,
    selected: [],
    explained: [],
    isComparing: false,
    lastMark: undefined,
    problem: undefined,
    announcement: '',
  };
}
