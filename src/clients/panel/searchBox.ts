/** The box, the filters below it, and the line that says how many hits there are. */
import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import type { PanelFilters } from '../../protocol/panelMessages';
import type { PanelStringKey } from '../../protocol/panelStrings';
import { hasQuestion } from './asking';
import { chosenKeys } from './choosing';
import type { PanelState } from './model';
import { icon, iconButton, linkButton, type Send } from './parts';
import { filterCount } from './state';
import { filled, hitCountText, numberText, stringsOf } from './words';
import { visible } from './visible';

export function searchBox(state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  const count = filterCount(state.filters);
  return html`<div class="box">
      <input
        id="box"
        type="search"
        spellcheck="false"
        autocomplete="off"
        aria-label=${strings.searchLabel}
        placeholder=${strings.searchPlaceholder}
        .value=${live(state.source ? '' : state.query)}
        @input=${(event: Event) =>
          send({ type: 'typed', query: (event.target as HTMLInputElement).value })}
        @keydown=${(event: KeyboardEvent) => boxKey(event, state, send)}
      />
      <div class="inBox">
        ${
          state.query === ''
            ? nothing
            : iconButton({
                icon: 'close',
                label: strings.clearSearch,
                run: () => send({ type: 'cleared' }),
              })
        }
        ${iconButton({
          icon: count > 0 ? 'filter-filled' : 'filter',
          label: count > 0 ? filled(strings.filtersActive, count) : strings.filters,
          isExpanded: state.areFiltersOpen,
          isPressed: undefined,
          run: () => send({ type: 'toggled', what: 'filters' }),
        })}
      </div>
    </div>
    ${state.areFiltersOpen ? filterFields(state, send) : nothing}`;
}

/** Arrows go through the history; below its newest end they lead into the hits. */
function boxKey(event: KeyboardEvent, state: PanelState, send: Send): void {
  if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === 'Enter') send({ type: 'submitted' });
  else if (event.key === 'ArrowUp') send({ type: 'historyMoved', step: -1 });
  else if (event.key === 'ArrowDown' && state.historyIndex !== undefined)
    send({ type: 'historyMoved', step: 1 });
  else if (event.key === 'ArrowDown') send({ type: 'moved', to: 'next', isExtending: false });
  // A search field empties itself on Escape; a slip must not cost a long question.
  else if (event.key !== 'Escape') return;
  event.preventDefault();
}

const kinds: readonly (readonly [kind: string, label: PanelStringKey])[] = [
  ['definition', 'kindDefinition'],
  ['code', 'kindCode'],
  ['prose', 'kindProse'],
  ['test', 'kindTest'],
  ['configuration', 'kindConfiguration'],
  ['generated', 'kindGenerated'],
];

function filterFields(state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  const { filters } = state;
  const change = (changes: Partial<PanelFilters>): void =>
    send({ type: 'filtered', filters: { ...filters, ...changes } });
  const known = state.status.languages ?? state.hits.map((hit) => hit.language);
  const languages = [...new Set([...known, ...filters.languages])].sort();
  return html`<div class="filters" role="group" aria-label=${strings.filters}>
    ${choice(
      strings.filterLanguage,
      filters.languages[0] ?? '',
      [['', strings.filterAny], ...languages.map((name) => [name, name] as const)],
      (value) => change({ languages: value === '' ? [] : [value] }),
    )}
    ${choice(
      strings.filterKind,
      filters.kinds[0] ?? '',
      [['', strings.filterAny], ...kinds.map(([kind, label]) => [kind, strings[label]] as const)],
      (value) => change({ kinds: value === '' ? [] : [value] }),
    )}
    <label class="field wide">
      <span>${strings.filterFolder}</span>
      <input
        type="text"
        spellcheck="false"
        placeholder=${strings.filterFolderHint}
        .value=${live(filters.paths.join(', '))}
        @change=${(event: Event) =>
          change({ paths: listOf((event.target as HTMLInputElement).value) })}
      />
    </label>
    <label class="check">
      <input
        type="checkbox"
        .checked=${live(filters.changedOnly)}
        @change=${(event: Event) =>
          change({ changedOnly: (event.target as HTMLInputElement).checked })}
      />
      <span>${strings.filterChanged}</span>
    </label>
    ${
      filterCount(filters) > 0
        ? linkButton(strings.clearFilters, () =>
            change({ languages: [], paths: [], kinds: [], changedOnly: false }),
          )
        : nothing
    }
  </div>`;
}

function choice(
  label: string,
  value: string,
  options: readonly (readonly [value: string, label: string])[],
  onChange: (value: string) => void,
): TemplateResult {
  return html`<label class="field">
    <span>${label}</span>
    <select
      .value=${live(value)}
      @change=${(event: Event) => onChange((event.target as HTMLSelectElement).value)}
    >
      ${options.map(
        ([each, name]) =>
          html`<option value=${each} ?selected=${each === value}>${visible(name)}</option>`,
      )}
    </select>
  </label>`;
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** How many hits, and what can be done with them all. */
export function toolbar(state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  return html`<div class="toolbar">
    <span class="count">${countText(state)}</span>
    <span class="tools">
      ${iconButton({
        icon: state.isGrouped ? 'list-flat' : 'list-tree',
        label: strings.groupByFile,
        isPressed: state.isGrouped,
        run: () => send({ type: 'toggled', what: 'grouped' }),
      })}
      ${menu(state, send)}
    </span>
  </div>`;
}

function countText(state: PanelState): string {
  const strings = stringsOf(state);
  if (!hasQuestion(state)) return '';
  if (state.stage === 'waiting' && state.hits.length === 0) return strings.searching;
  if (state.stage === 'first') return `${hitCountText(state)} · ${strings.reranking}`;
  if (state.mayHaveMore)
    return filled(strings.hitCountAtLeast, numberText(state, state.hits.length));
  return state.stage === 'failed' ? '' : hitCountText(state);
}

function menu(state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  const hasChosen = chosenKeys(state).length > 0;
  const hasHits = state.hits.length > 0;
  const entries: readonly MenuEntry[] = [
    [strings.copyPath, hasChosen, () => send({ type: 'copied', format: 'pathLine' })],
    [strings.copyMarkdown, hasChosen, () => send({ type: 'copied', format: 'markdown' })],
    [strings.openSearchEditor, hasHits, () => send({ type: 'searchEditorAsked' })],
    [strings.nativeSearch, state.query.trim() !== '', () => send({ type: 'nativeSearchAsked' })],
    [strings.showMarks, true, () => send({ type: 'commanded', command: 'showMarks' })],
  ];
  return html`<span class="menuHolder" @focusout=${(event: FocusEvent) => closeLeft(event, send)}>
    ${iconButton({
      icon: 'ellipsis',
      label: strings.moreActions,
      isExpanded: state.isMenuOpen,
      run: () => send({ type: 'toggled', what: 'menu' }),
    })}
    ${
      state.isMenuOpen
        ? html`<div
            class="menu"
            role="menu"
            aria-label=${strings.moreActions}
            @keydown=${(event: KeyboardEvent) => menuKey(event, send)}
          >
            ${entries.map(
              ([label, isEnabled, run]) =>
                html`<button
                  type="button"
                  role="menuitem"
                  aria-disabled=${isEnabled ? nothing : 'true'}
                  tabindex="-1"
                  @click=${(event: Event) => {
                    if (!isEnabled) return;
                    run();
                    closeMenu(event.currentTarget as HTMLElement, send);
                  }}
                >
                  ${label}
                </button>`,
            )}
          </div>`
        : nothing
    }
  </span>`;
}

type MenuEntry = readonly [label: string, isEnabled: boolean, run: () => void];

function closeLeft(event: FocusEvent, send: Send): void {
  const holder = event.currentTarget as HTMLElement;
  const next = event.relatedTarget;
  if (!(next instanceof Node) || !holder.contains(next)) send({ type: 'menuClosed' });
}

function menuKey(event: KeyboardEvent, send: Send): void {
  const menu = event.currentTarget as HTMLElement;
  const items = [...menu.querySelectorAll<HTMLElement>('[role=menuitem]')];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (to !== undefined) items.at(to % items.length)?.focus();
  else if (event.key === 'Escape') closeMenu(menu, send);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** The focus goes back to the button that opened it. */
function closeMenu(inside: HTMLElement, send: Send): void {
  inside.closest('.menuHolder')?.querySelector<HTMLElement>('.action')?.focus();
  send({ type: 'menuClosed' });
}

/** What the list shows when it is not an answer to words. */
export function sourceLine(state: PanelState, send: Send): TemplateResult {
  const strings = stringsOf(state);
  if (!state.source) return html``;
  return html`<div class="source">
    ${icon('references')}
    <span class="text">${filled(strings.similarTo, visible(state.source.label))}</span>
    ${linkButton(strings.backToSearch, () => send({ type: 'searchResumed' }))}
  </div>`;
}
