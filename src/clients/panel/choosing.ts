/** Moving through the rows and choosing hits, as in the editor's own lists: arrows move, Shift extends, Ctrl adds. */
import { fileKey, type Row, rowsOf } from './hits';
import type { Effect, Move, PanelState, Step } from './model';
import { andThen, stay, toggled } from './steps';

/** Rows that Page Up and Page Down go. */
const PAGE_ROWS = 8;

export function shownRows(state: PanelState): Row[] {
  return rowsOf(state.hits, state.isGrouped, state.closedFiles);
}

/** Keys of the hits that an action on "the chosen" means: those chosen, else the active one. */
export function chosenKeys(state: PanelState): string[] {
  const shown = state.hits.map((hit) => hit.key);
  if (state.selected.length > 0) return shown.filter((key) => state.selected.includes(key));
  return shown.filter((key) => key === state.active);
}

/** Makes another row the active one; above the first one is the box. */
export function move(state: PanelState, to: Move, isExtending: boolean): Step {
  const rows = shownRows(state);
  const at = rows.findIndex((row) => row.key === state.active);
  // From the box, down leads to the row that was active before.
  if (!state.isListFocused && to === 'next') return focusRow(state, rows[Math.max(at, 0)]);
  if (to === 'previous' && at <= 0)
    return andThen(stay(state), { type: 'focusBox', isSelecting: false });
  const row = rows[target(rows, at, to)];
  if (!row) return stay(state);
  if (isExtending && row.type === 'hit') {
    const anchored = { ...state, anchor: state.anchor ?? state.active };
    return focusRow(choose(anchored, row.key, 'range'), row);
  }
  return focusRow(isExtending ? state : { ...state, anchor: undefined }, row);
}

/** A click: alone it makes the hit the active one, with a key held it chooses more. */
export function choose(
  state: PanelState,
  key: string,
  how: 'only' | 'toggle' | 'range',
): PanelState {
  if (how === 'only')
    return { ...state, active: key, isActiveShown: true, selected: [], anchor: key };
  if (how === 'toggle') {
    const before = state.selected.length === 0 ? chosenBefore(state, key) : state.selected;
    return {
      ...state,
      active: key,
      isActiveShown: true,
      anchor: key,
      selected: toggled(before, key),
    };
  }
  const keys = hitKeys(state);
  const from = Math.max(0, keys.indexOf(state.anchor ?? state.active ?? key));
  const to = keys.indexOf(key);
  const selected = keys.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { ...state, active: key, selected };
}

export function selectAll(state: PanelState): PanelState {
  return { ...state, selected: hitKeys(state) };
}

/** Escape closes what is open, from the inside out; at last it goes back to the box. */
export function escape(state: PanelState): Step {
  if (state.isMenuOpen) return stay({ ...state, isMenuOpen: false });
  if (state.isComparing) return stay({ ...state, isComparing: false });
  if (state.selected.length > 0) return stay({ ...state, selected: [] });
  return andThen(stay(state), { type: 'focusBox', isSelecting: true });
}

/** The first key held with a click takes the active hit along, as a person expects who clicked it before. */
function chosenBefore(state: PanelState, key: string): string[] {
  const isHit = state.hits.some((hit) => hit.key === state.active);
  const wasClicked = state.anchor !== undefined && state.anchor === state.active;
  return isHit && wasClicked && state.active !== undefined && state.active !== key
    ? [state.active]
    : [];
}

function hitKeys(state: PanelState): string[] {
  return shownRows(state).flatMap((row) => (row.type === 'hit' ? row.key : []));
}

function focusRow(state: PanelState, row: Row | undefined): Step {
  if (!row) return stay(state);
  const effect: Effect = { type: 'focusRow', key: row.key };
  return andThen(
    stay({ ...state, active: row.key, isActiveShown: true, isListFocused: true }),
    effect,
  );
}

function target(rows: readonly Row[], at: number, to: Move): number {
  const last = rows.length - 1;
  switch (to) {
    case 'next':
      return Math.min(at + 1, last);
    case 'previous':
      return Math.max(at - 1, 0);
    case 'first':
      return 0;
    case 'last':
      return last;
    case 'pageDown':
      return Math.min(at + PAGE_ROWS, last);
    case 'pageUp':
      return Math.max(at - PAGE_ROWS, 0);
    case 'parent': {
      const row = rows[at];
      return row ? rows.findIndex((each) => each.key === fileKey(row.hit)) : at;
    }
  }
}
