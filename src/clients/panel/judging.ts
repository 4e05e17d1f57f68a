/**
 * Marks: asked of the host, shown only when the host says that they are stored. A hit marked not relevant sinks at
 * once, the engine's own order follows; the keyboard then stands on the hit that took its place.
 */
import type { HostMessage, PanelVerdict } from '../../protocol/panelMessages';
import { askAgain, remembered } from './asking';
import { sink } from './hits';
import type { Effect, PanelState, Step } from './model';
import { andThen, stay, tell } from './steps';
import { markText, stringsOf } from './words';

/** The same verdict once more takes the mark back. */
export function judge(state: PanelState, key: string, verdict: PanelVerdict): Step {
  const hit = state.hits.find((each) => each.key === key);
  if (!hit || state.busy.includes(key)) return stay(state);
  if (isOwn(hit.mark) && hit.mark?.verdict === verdict) return undo(state, key);
  const next = { ...state, busy: [...state.busy, key], problem: undefined };
  return remembered(tell(next, { type: 'mark', key, verdict }));
}

/** Takes back the mark of one hit, or without a key the last mark made here. */
export function undo(state: PanelState, key: string | undefined): Step {
  const last = state.lastMark?.isUndone === false ? state.lastMark : undefined;
  const which = key ?? last?.key;
  if (which === undefined) return stay(state);
  if (state.busy.includes(which)) return stay(state);
  const markId = state.hits.find((hit) => hit.key === which)?.mark?.id ?? last?.markId;
  const next = { ...state, busy: [...state.busy, which], problem: undefined };
  return tell(next, { type: 'undo', key: which, markId });
}

/** The host's word on a mark: stored, taken back or refused. */
export function marked(
  state: PanelState,
  { key, mark, problem }: Extract<HostMessage, { type: 'marked' }>,
): Step {
  const busy = state.busy.filter((each) => each !== key);
  if (problem !== undefined) return stay({ ...state, busy, problem, announcement: problem });
  const hits = state.hits.map((hit) => (hit.key === key ? { ...hit, mark } : hit));
  const verdict = mark?.verdict ?? state.lastMark?.verdict ?? 'notRelevant';
  const lastMark = { key, verdict, isUndone: mark === undefined, markId: mark?.id };
  const next: PanelState = { ...state, busy, hits, lastMark, problem: undefined };
  const said = { ...next, announcement: mark ? markText(next, verdict) : undoneText(next) };
  const isSinking = mark?.verdict === 'notRelevant' && hits.some((hit) => hit.key === key);
  return isSinking ? sinkAndAsk(said, key) : askAgain(said, 'reorder');
}

/** True for a mark made for this very question; one made for a similar question is not this question's to undo. */
export function isOwn(mark: { readonly similarity: number } | undefined): boolean {
  return mark !== undefined && mark.similarity >= 1;
}

function sinkAndAsk(state: PanelState, key: string): Step {
  const place = state.hits.findIndex((hit) => hit.key === key);
  const hits = sink(state.hits, key);
  const heir = hits[place]?.key;
  const wasActive = state.active === key && heir !== undefined && heir !== key;
  const next: PanelState = {
    ...state,
    hits,
    active: wasActive ? heir : state.active,
    pointed: state.pointed === key ? undefined : state.pointed,
    explained: state.explained.filter((each) => each !== key),
  };
  const effects: Effect[] =
    wasActive && state.isListFocused ? [{ type: 'focusRow', key: heir }] : [];
  return andThen(askAgain(next, 'reorder'), ...effects);
}

function undoneText(state: PanelState): string {
  return stringsOf(state).markTakenBack;
}
