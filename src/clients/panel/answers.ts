/**
 * Answers: which are too late, how they meet the hits shown, and what stays chosen, open and active. Fused hits are
 * painted at once; the final order comes once, around what pointer and keyboard are on.
 */
import type { ColouredSnippet, HostMessage, ResultsMessage } from '../../protocol/panelMessages';
import { MOST_HITS } from './asking';
import { append, rowsOf, settle } from './hits';
import type { PanelState } from './model';
import { hitCountText } from './words';

/** Snippets whose colours are remembered. */
const MOST_COLOURS = 2000;

export function receiveResults(state: PanelState, answer: ResultsMessage): PanelState {
  if (answer.ticket !== state.ticket) return state;
  const isFirst = answer.stage === 'first';
  // Hits that are there already give way to the final order only.
  const isFilled = state.arrival !== 'replace' && state.hits.length > 0;
  if (isFirst && (state.stage === 'final' || isFilled)) return state;
  const hits = arranged(state, answer);
  const next: PanelState = {
    ...state,
    isActiveShown: state.isActiveShown && !(isFirst || isNewList(state)),
    hits,
    noGoodMatch: answer.noGoodMatch,
    notes: answer.notes,
    mayHaveMore: answer.mayHaveMore && hits.length < MOST_HITS,
    stage: answer.stage,
    failure: undefined,
    ...kept(state, hits),
  };
  // The same list once more is no news to somebody who listens.
  const wasEmpty = state.hits.length === 0 && hits.length > 0;
  const isNews = state.arrival === 'replace' || state.arrival === 'append' || wasEmpty;
  return isNews ? { ...next, announcement: hitCountText(next) } : next;
}

export function receiveFailure(
  state: PanelState,
  { ticket, message, advice }: Extract<HostMessage, { type: 'failed' }>,
): PanelState {
  if (ticket !== state.ticket) return state;
  return { ...state, stage: 'failed', failure: { message, advice }, announcement: message };
}

export function addColours(state: PanelState, snippets: readonly ColouredSnippet[]): PanelState {
  const colours = { ...state.colours };
  for (const { key, snippet, lines } of snippets) colours[key] = { snippet, lines };
  const known = Object.keys(colours);
  for (const key of known.slice(0, Math.max(0, known.length - MOST_COLOURS))) delete colours[key];
  return { ...state, colours };
}

/** What of the choices holds for these hits: the rest of them is not there any more. */
export function kept(state: PanelState, hits: PanelState['hits']): Partial<PanelState> {
  const keys = new Set(hits.map((hit) => hit.key));
  const isThere = (key: string): boolean => keys.has(key);
  const rows = rowsOf(hits, state.isGrouped, state.closedFiles);
  const selected = state.selected.filter(isThere);
  return {
    active: rows.some((row) => row.key === state.active) ? state.active : rows[0]?.key,
    pointed: state.pointed !== undefined && isThere(state.pointed) ? state.pointed : undefined,
    selected,
    explained: state.explained.filter(isThere),
    isComparing: state.isComparing && selected.length === 2,
  };
}

/** The order that an answer brings about, given what is shown and held. */
function arranged(state: PanelState, answer: ResultsMessage): PanelState['hits'] {
  if (state.arrival === 'append') return append(state.hits, answer.hits);
  if (isNewList(state) || state.arrival === 'reorder') return answer.hits;
  return settle(state.hits, answer.hits, pinnedKeys(state));
}

/** What pointer and keyboard are on. */
function pinnedKeys(state: PanelState): string[] {
  const active = state.isListFocused ? state.active : undefined;
  return [active, state.pointed].flatMap((key) => key ?? []);
}

/** True when the answer is the first to its question. */
function isNewList({ arrival, stage }: PanelState): boolean {
  return arrival === 'replace' && stage !== 'first';
}
