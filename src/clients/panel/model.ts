/** What the panel knows, what a person can do in it, and what it asks of the world around it; plain data. */
import {
  type ColouredLine,
  noFilters,
  type PanelCommand,
  type PanelFilters,
  type PanelHit,
  type PanelMessage,
  type PanelOptions,
  type PanelSource,
  type PanelStatus,
  type PanelVerdict,
  type TokenStyle,
} from '../../protocol/panelMessages';
import { panelStrings } from '../../protocol/panelStrings';

/** "waiting": asked, nothing here yet; "first": fused hits, a re-ranked answer follows. */
export type Stage = 'idle' | 'waiting' | 'first' | 'final' | 'failed';

export interface PanelState {
  readonly options: PanelOptions;
  readonly status: PanelStatus;
  readonly query: string;
  readonly filters: PanelFilters;
  /** Set while the list shows the like of a span. */
  readonly source?: PanelSource;
  readonly limit: number;
  readonly ticket: number;
  readonly stage: Stage;
  /** How the next answer meets the hits shown. */
  readonly arrival: 'replace' | 'append' | 'refresh' | 'reorder';
  /** In the order shown, before grouping. */
  readonly hits: readonly PanelHit[];
  readonly noGoodMatch: boolean;
  readonly notes: readonly string[];
  readonly mayHaveMore: boolean;
  readonly failure?: { readonly message: string; readonly advice?: string };
  /** The row that keys act on. */
  readonly active?: string;
  /** False until a hand or F4 went to it: a list that nobody touched shows no row as chosen. */
  readonly isActiveShown: boolean;
  /** True while the keyboard is in the list: then the active row does not move. */
  readonly isListFocused: boolean;
  /** The hit under the pointer. */
  readonly pointed?: string;
  readonly selected: readonly string[];
  /** Where a range of chosen hits began. */
  readonly anchor?: string;
  /** Hits whose account is open. */
  readonly explained: readonly string[];
  readonly isComparing: boolean;
  readonly isGrouped: boolean;
  readonly closedFiles: readonly string[];
  readonly areFiltersOpen: boolean;
  readonly isMenuOpen: boolean;
  /** Position in the history while going through it; the draft is what was typed before. */
  readonly historyIndex?: number;
  readonly draft: string;
  /** Hits whose mark is on its way to the journal. */
  readonly busy: readonly string[];
  /** The last mark of this list, for the line with Undo. */
  readonly lastMark?: {
    readonly key: string;
    readonly verdict: PanelVerdict;
    readonly isUndone: boolean;
    readonly markId?: string;
  };
  /** A sentence about a mark that was refused. */
  readonly problem?: string;
  readonly colours: Readonly<Record<string, ColouredHit>>;
  readonly styles: readonly TokenStyle[];
  /** What the live region says. */
  readonly announcement: string;
}

export interface ColouredHit {
  readonly snippet: string;
  readonly lines: readonly ColouredLine[];
}

/** What the person does, told by the view. */
export type PanelEvent =
  | { readonly type: 'typed'; readonly query: string }
  | { readonly type: 'submitted' }
  | { readonly type: 'cleared' }
  | { readonly type: 'elapsed'; readonly timer: Timer }
  | { readonly type: 'historyMoved'; readonly step: 1 | -1 }
  | { readonly type: 'filtered'; readonly filters: PanelFilters }
  | { readonly type: 'toggled'; readonly what: 'filters' | 'grouped' | 'menu' | 'comparison' }
  | { readonly type: 'menuClosed' }
  | { readonly type: 'fileToggled'; readonly key: string; readonly isClosed?: boolean }
  | { readonly type: 'moved'; readonly to: Move; readonly isExtending: boolean }
  | { readonly type: 'focused'; readonly key: string }
  | { readonly type: 'left' }
  | { readonly type: 'pointed'; readonly key?: string }
  | { readonly type: 'clicked'; readonly key: string; readonly how: 'only' | 'toggle' | 'range' }
  | { readonly type: 'selectedAll' }
  | { readonly type: 'escaped' }
  | {
      readonly type: 'opened';
      readonly key: string;
      readonly mode: 'preview' | 'open' | 'side' | 'chat';
    }
  | { readonly type: 'judged'; readonly key: string; readonly verdict: PanelVerdict }
  | { readonly type: 'undone'; readonly key?: string }
  | { readonly type: 'explained'; readonly key: string }
  | { readonly type: 'copied'; readonly format: 'pathLine' | 'markdown' }
  | { readonly type: 'searchEditorAsked' }
  | { readonly type: 'nativeSearchAsked' }
  | { readonly type: 'commanded'; readonly command: PanelCommand }
  | { readonly type: 'moreAsked' }
  | { readonly type: 'retried' }
  | { readonly type: 'searchResumed' }
  | { readonly type: 'dismissed' }
  | { readonly type: 'restored'; readonly saved: unknown };

export type Move = 'next' | 'previous' | 'first' | 'last' | 'pageDown' | 'pageUp' | 'parent';

/** A timer of a name replaces the earlier one of that name. */
export type Timer =
  | { readonly name: 'search'; readonly ticket: number }
  | { readonly name: 'rerank'; readonly ticket: number }
  | { readonly name: 'preview'; readonly key: string };

export type Effect =
  | { readonly type: 'post'; readonly message: PanelMessage }
  | { readonly type: 'timer'; readonly timer: Timer; readonly ms: number }
  | { readonly type: 'focusBox'; readonly isSelecting: boolean }
  | { readonly type: 'focusRow'; readonly key: string }
  /** Brings a row into view and leaves the focus where it is. */
  | { readonly type: 'reveal'; readonly key: string };

export interface Step {
  readonly state: PanelState;
  readonly effects: readonly Effect[];
}

export const initialState: PanelState = {
  options: {
    strings: { ...panelStrings },
    locale: 'en',
    isMac: false,
    previewOnHover: true,
    pageSize: 20,
    history: [],
  },
  status: { kind: 'starting', isTrusted: true, isPaused: false, folders: [], problems: [] },
  query: '',
  filters: noFilters,
  limit: 20,
  ticket: 0,
  stage: 'idle',
  arrival: 'replace',
  hits: [],
  noGoodMatch: false,
  notes: [],
  mayHaveMore: false,
  isActiveShown: false,
  isListFocused: false,
  selected: [],
  explained: [],
  isComparing: false,
  isGrouped: false,
  closedFiles: [],
  areFiltersOpen: false,
  isMenuOpen: false,
  draft: '',
  busy: [],
  colours: {},
  styles: [],
  announcement: '',
};
