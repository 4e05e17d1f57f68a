/** One hit: where it is, what it is called, its best lines, and what can be done with it. */
import { html, nothing, type TemplateResult } from 'lit';
import { classMap } from 'lit/directives/class-map.js';
import type { PanelHit } from '../../protocol/panelMessages';
import { accountView } from './accountView';
import type { Row } from './hits';
import { isOwn } from './judging';
import type { ColouredHit, PanelState } from './model';
import { icon, iconButton, type Send } from './parts';
import { type Piece, type SnippetLine, snippetLines } from './snippet';
import { visible } from './visible';
import { filled, markText, numberText, type Strings, stringsOf } from './words';

export interface RowContext {
  readonly state: PanelState;
  readonly send: Send;
  /** The query's words, worked out once for all rows. */
  readonly words: readonly string[];
}

export function hitRow(
  { hit, isNested }: Extract<Row, { type: 'hit' }>,
  context: RowContext,
): TemplateResult {
  const { state } = context;
  const strings = stringsOf(state);
  const isActive = state.active === hit.key;
  const isExplained = state.explained.includes(hit.key);
  return html`<li
    role="listitem"
    class=${classMap({
      row: true,
      hit: true,
      nested: isNested,
      active: isActive && state.isActiveShown,
      selected: state.selected.includes(hit.key),
      sunk: hit.mark?.verdict === 'notRelevant',
    })}
    data-key=${hit.key}
    tabindex=${isActive ? 0 : -1}
    aria-label=${rowName(hit, state)}
  >
    ${head(hit, isNested, strings)}
    ${hit.symbol === '' ? nothing : html`<div class="symbol">${visible(hit.symbol)}</div>`}
    ${snippet(hit, context)} ${markLine(hit, context)}
    ${isExplained ? accountView(state, hit) : nothing} ${actions(hit, context)}
  </li>`;
}

/** Head of a file's hits in the grouped list. */
export function fileRow(
  row: Extract<Row, { type: 'file' }>,
  { state, send }: RowContext,
): TemplateResult {
  const strings = stringsOf(state);
  const count =
    row.hitCount === 1
      ? strings.fileHitsOne
      : filled(strings.fileHitsMany, numberText(state, row.hitCount));
  const isActive = state.active === row.key;
  return html`<li
    role="listitem"
    class=${classMap({ row: true, file: true, active: isActive && state.isActiveShown })}
    data-key=${row.key}
    data-file
    tabindex=${isActive ? 0 : -1}
    aria-label="${visible(row.hit.path)}, ${count}"
  >
    <div class="head">
      <button
        type="button"
        class="twistie"
        tabindex="-1"
        aria-expanded=${!row.isClosed}
        aria-label=${visible(row.hit.path)}
        @click=${(event: Event) => {
          event.stopPropagation();
          send({ type: 'fileToggled', key: row.key });
        }}
      >
        ${icon(row.isClosed ? 'chevron-right' : 'chevron-down')}
      </button>
      ${fileName(row.hit)}
      <span class="badge" aria-hidden="true">${numberText(state, row.hitCount)}</span>
    </div>
  </li>`;
}

/** "src/a.ts:12, parse, test, Marked not relevant, selected". */
function rowName(hit: PanelHit, state: PanelState): string {
  const strings = stringsOf(state);
  const parts = [
    `${hit.path}:${hit.start + 1}`,
    hit.symbol,
    chipText(hit, strings),
    hit.mark ? markOf(hit, state) : '',
    hit.folderName ?? '',
    state.selected.includes(hit.key) ? strings.selected : '',
  ];
  return visible(parts.filter((part) => part !== '').join(', '));
}

function head(hit: PanelHit, isNested: boolean, strings: Strings): TemplateResult {
  const chip = chipText(hit, strings);
  const span = hit.page === undefined ? spanText(hit) : filled(strings.onPage, hit.page);
  const title =
    hit.end - hit.start > 1
      ? filled(strings.lines, hit.start + 1, hit.end)
      : filled(strings.oneLine, hit.start + 1);
  return html`<div class="head">
    ${isNested ? nothing : fileName(hit)}
    <span class="span" title=${title}>${span}</span>
    ${chip === '' ? nothing : html`<span class="chip">${chip}</span>`}
  </div>`;
}

function fileName(hit: PanelHit): TemplateResult {
  const slash = hit.path.lastIndexOf('/');
  const folder = [hit.folderName ?? '', hit.path.slice(0, Math.max(0, slash))]
    .filter((part) => part !== '')
    .join(' • ');
  return html`<span class="icon">${icon(iconOf(hit))}</span>
    <span class="name" title=${visible(hit.path)}>${visible(hit.path.slice(slash + 1))}</span>
    <span class="path" title=${visible(hit.path)}>${visible(folder)}</span>`;
}

function spanText({ start, end }: PanelHit): string {
  return end - start > 1 ? `${start + 1}–${end}` : `${start + 1}`;
}

function chipText(hit: PanelHit, strings: Strings): string {
  if (hit.kind === 'test') return strings.chipTest;
  if (hit.kind === 'generated') return strings.chipGenerated;
  return hit.kind === 'configuration' ? strings.chipConfiguration : '';
}

const kindIcons: Readonly<Record<string, string>> = {
  test: 'beaker',
  configuration: 'gear',
  prose: 'book',
  generated: 'file-binary',
};

function iconOf(hit: PanelHit): string {
  return kindIcons[hit.kind] ?? 'file-code';
}

function snippet(hit: PanelHit, context: RowContext): TemplateResult {
  const lines = linesOf(hit, context);
  return html`<div class="snippet">
    ${lines.map((line) => html`<div class="line">${line.pieces.map(pieceView)}</div>`)}
  </div>`;
}

interface KnownLines {
  readonly query: string;
  readonly colours: ColouredHit | undefined;
  readonly lines: readonly SnippetLine[];
}

/** Worked out once for each hit, question and colours: every message paints all rows again. */
const knownLines = new WeakMap<PanelHit, KnownLines>();

function linesOf(hit: PanelHit, { state, words }: RowContext): readonly SnippetLine[] {
  const { query } = state;
  const colours = state.colours[hit.key];
  const known = knownLines.get(hit);
  if (known && known.query === query && known.colours === colours) return known.lines;
  const lines = snippetLines(hit, words, colours);
  knownLines.set(hit, { query, colours, lines });
  return lines;
}

function pieceView({ text, style, isMatch }: Piece): TemplateResult | string {
  const shown = visible(text);
  if (isMatch) return html`<mark class=${style === undefined ? '' : `s${style}`}>${shown}</mark>`;
  return style === undefined ? shown : html`<span class="s${style}">${shown}</span>`;
}

function markOf(hit: PanelHit, state: PanelState): string {
  if (!hit.mark) return '';
  if (isOwn(hit.mark)) return markText(state, hit.mark.verdict);
  const strings = stringsOf(state);
  return hit.mark.verdict === 'relevant' ? strings.relevantElsewhere : strings.notRelevantElsewhere;
}

function markLine(hit: PanelHit, { state, send }: RowContext): TemplateResult | typeof nothing {
  if (!hit.mark) return nothing;
  const strings = stringsOf(state);
  const isRelevant = hit.mark.verdict === 'relevant';
  return html`<div class=${classMap({ mark: true, relevant: isRelevant })}>
    ${icon(isRelevant ? 'thumbsup-filled' : 'thumbsdown-filled')}
    <span class="text">${markOf(hit, state)}</span>
    <button
      type="button"
      class="link"
      tabindex=${state.active === hit.key ? 0 : -1}
      ?disabled=${state.busy.includes(hit.key)}
      @click=${(event: Event) => {
        event.stopPropagation();
        send({ type: 'undone', key: hit.key });
      }}
    >
      ${strings.undo}
    </button>
  </div>`;
}

function actions(hit: PanelHit, { state, send }: RowContext): TemplateResult {
  const strings = stringsOf(state);
  const isReachable = state.active === hit.key;
  const isDisabled = state.busy.includes(hit.key);
  const isSource = state.source !== undefined;
  const verdict = isOwn(hit.mark) ? hit.mark?.verdict : undefined;
  return html`<div class="actions">
    ${iconButton({
      icon: verdict === 'notRelevant' ? 'thumbsdown-filled' : 'thumbsdown',
      label: isSource ? strings.notSimilar : strings.notRelevant,
      run: () => send({ type: 'judged', key: hit.key, verdict: 'notRelevant' }),
      isPressed: verdict === 'notRelevant',
      isReachable,
      isDisabled,
    })}
    ${iconButton({
      icon: verdict === 'relevant' ? 'thumbsup-filled' : 'thumbsup',
      label: isSource ? strings.similar : strings.relevant,
      run: () => send({ type: 'judged', key: hit.key, verdict: 'relevant' }),
      isPressed: verdict === 'relevant',
      isReachable,
      isDisabled,
    })}
    ${iconButton({
      icon: 'question',
      label: strings.whyHere,
      run: () => send({ type: 'explained', key: hit.key }),
      isExpanded: state.explained.includes(hit.key),
      isReachable,
    })}
    ${iconButton({
      icon: 'split-horizontal',
      label: strings.openToSide,
      run: () => send({ type: 'opened', key: hit.key, mode: 'side' }),
      isReachable,
    })}
    ${
      state.options.hasChat
        ? iconButton({
            icon: 'comment-discussion',
            label: strings.addToChat,
            run: () => send({ type: 'opened', key: hit.key, mode: 'chat' }),
            isReachable,
          })
        : nothing
    }
  </div>`;
}
