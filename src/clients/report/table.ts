/** The report's tables: the first cell of a row names it, numbers stand to the right, wide ones scroll by themselves. */
import { html, type Markup, type Part } from './markup';

export interface Column {
  readonly head: string;
  readonly isNumber?: boolean;
}

export function text(head: string): Column {
  return { head };
}

export function number(head: string): Column {
  return { head, isNumber: true };
}

/**
 * A row has a cell for each column. Where the page is too narrow for it, the table scrolls by itself: the keyboard has to
 * reach it then, and a screen reader says `name` there.
 */
export function table(
  name: string,
  columns: readonly Column[],
  rows: readonly (readonly Part[])[],
): Markup {
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0">
    ${tableOf('', columns, rows)}
  </div>`;
}

/** For two or three short columns: no wider than it must be. */
export function narrowTable(
  columns: readonly Column[],
  rows: readonly (readonly Part[])[],
): Markup {
  return tableOf('narrow', columns, rows);
}

function tableOf(
  name: string,
  columns: readonly Column[],
  rows: readonly (readonly Part[])[],
): Markup {
  const heads = columns.map(
    ({ head, isNumber }) => html`<th scope="col" ${isNumber && html` class="number"`}>${head}</th>`,
  );
  const hasHeads = columns.some(({ head }) => head !== '');
  return html`<table${name !== '' && html` class="${name}"`}>${
    hasHeads &&
    html`<thead>
      <tr>
        ${heads}
      </tr>
    </thead>`
  }<tbody>${rows.map(
    (row) =>
      html`<tr>
        ${row.map((cell, at) => cellOf(cell, columns[at]!, at))}
      </tr>`,
  )}</tbody></table>`;
}

function cellOf(cell: Part, { isNumber }: Column, at: number): Markup {
  if (at === 0 && !isNumber) return html`<th scope="row">${cell}</th>`;
  return html`<td${isNumber && html` class="number"`}>${cell}</td>`;
}
