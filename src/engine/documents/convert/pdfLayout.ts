/**
 * From pieces of text at places on a page to lines in reading order. Pieces on one baseline form a row; wide gaps cut a
 * row into cells. Where a gutter runs through most rows and both sides are filled like prose, the sides are columns
 * and read one after the other, between rows that span both; otherwise cells stay side by side, as a table's do.
 */

/** A piece of text; x grows to the right, y downwards. */
export interface Piece {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** Height of its font. */
  readonly size: number;
}

/** A line as it is read; `gap` is the distance to the line above it in the same column, Infinity for a first one. */
export interface Line {
  readonly text: string;
  readonly x: number;
  readonly right: number;
  readonly y: number;
  readonly size: number;
  readonly gap: number;
}

interface Cell {
  text: string;
  x: number;
  right: number;
  y: number;
  size: number;
}

/** Part of the font size: pieces whose baselines differ less are on one row. */
const SAME_ROW = 0.5;
/** Parts of the font size: a gap from here on is a blank, from there on the next cell. */
const BLANK_GAP = 0.15;
const CELL_GAP = 1.3;
/** Rows that a pair of columns has at least. */
const COLUMN_ROWS = 5;
/** Share of a column's width that its lines fill in the median; cells of tables fill less. */
const FILLED = 0.6;
/** Share of rows that may cross a gutter (titles, wide figures). */
const CROSSING = 0.35;
const deepestSplit = 3;

/** The lines of one page in reading order. */
export function linesOfPage(pieces: readonly Piece[]): Line[] {
  return inOrder(rowsOf(pieces), 0);
}

/** Cells by rows, from top to bottom; cells of a row from left to right. */
function rowsOf(pieces: readonly Piece[]): Cell[][] {
  const shown = pieces.filter(({ text, size }) => text.trim() !== '' && size > 0);
  const sorted = shown.toSorted((a, b) => a.y - b.y || a.x - b.x);
  const rows: Piece[][] = [];
  for (const piece of sorted) {
    const row = rows.at(-1);
    const isSame =
      row && Math.abs(row[0]!.y - piece.y) < SAME_ROW * Math.min(row[0]!.size, piece.size);
    if (isSame) row.push(piece);
    else rows.push([piece]);
  }
  return rows.map((row) => cellsOf(row.toSorted((a, b) => a.x - b.x)));
}

function cellsOf(pieces: readonly Piece[]): Cell[] {
  const cells: Cell[] = [];
  for (const { text, x, y, width, size } of pieces) {
    const cell = cells.at(-1);
    const gap = cell ? x - cell.right : Infinity;
    const unit = cell ? Math.max(cell.size, size) : size;
    if (!cell || gap > CELL_GAP * unit) {
      cells.push({ text, x, right: x + width, y, size });
      continue;
    }
    const isParted = gap > BLANK_GAP * unit && !/\s$/.test(cell.text) && !/^\s/.test(text);
    cell.text += isParted ? ` ${text}` : text;
    cell.right = Math.max(cell.right, x + width);
    cell.size = Math.max(cell.size, size);
  }
  return cells;
}

function inOrder(rows: readonly Cell[][], depth: number): Line[] {
  const gutter = depth < deepestSplit ? findGutter(rows) : undefined;
  if (gutter === undefined) return asLines(rows);
  const lines: Line[] = [];
  let band: Cell[][] = [];
  const flush = (): void => {
    const left = band.map((row) => row.filter((cell) => cell.right <= gutter));
    const right = band.map((row) => row.filter((cell) => cell.x >= gutter));
    for (const side of [left, right])
      lines.push(
        ...inOrder(
          side.filter((row) => row.length > 0),
          depth + 1,
        ),
      );
    band = [];
  };
  for (const row of rows)
    if (row.some((cell) => crosses(cell, gutter))) {
      flush();
      lines.push(...asLines([row]));
    } else band.push(row);
  flush();
  return lines;
}

function crosses({ x, right }: Cell, at: number): boolean {
  return x < at && at < right;
}

/** Where two columns part; undefined when the page has one. */
function findGutter(rows: readonly Cell[][]): number | undefined {
  const cells = rows.flat();
  if (rows.length < COLUMN_ROWS) return undefined;
  const left = Math.min(...cells.map(({ x }) => x));
  const right = Math.max(...cells.map((cell) => cell.right));
  const candidates = new Set<number>();
  // A column begins where many cells do.
  for (const { x } of cells) if (left + 0.25 * (right - left) < x && x < right) candidates.add(x);
  let best: { at: number; crossing: number } | undefined;
  for (const at of [...candidates].slice(0, mostCandidates)) {
    const crossing = rows.filter((row) => row.some((cell) => crosses(cell, at - 1))).length;
    if (crossing > CROSSING * rows.length) continue;
    if (best && best.crossing <= crossing) continue;
    if (areColumns(rows, at)) best = { at, crossing };
  }
  return best && best.at - 0.5;
}

const mostCandidates = 400;

function areColumns(rows: readonly Cell[][], at: number): boolean {
  const free = rows.filter((row) => !row.some((cell) => crosses(cell, at - 1)));
  return [
    free.map((row) => row.filter(({ right }) => right <= at)),
    free.map((row) => row.filter(({ x }) => x >= at - 1)),
  ].every((side) => {
    const filled = side.filter((row) => row.length > 0);
    if (filled.length < COLUMN_ROWS) return false;
    const start = Math.min(...filled.flat().map(({ x }) => x));
    const end = Math.max(...filled.flat().map(({ right }) => right));
    const shares = filled.map((row) => row.reduce((sum, cell) => sum + cell.right - cell.x, 0));
    const median = shares.toSorted((a, b) => a - b)[shares.length >> 1]!;
    return median >= FILLED * (end - start) && end > start;
  });
}

/** Rows from top to bottom, cells of a table parted by a bar. */
function asLines(rows: readonly Cell[][]): Line[] {
  let above: Cell | undefined;
  return rows.map((row) => {
    const [first] = row;
    const y = first!.y;
    const gap = above ? y - above.y : Infinity;
    above = first;
    return {
      text: row.map(({ text }) => text.replaceAll(/\s+/g, ' ').trim()).join(' | '),
      x: first!.x,
      right: row.at(-1)!.right,
      y,
      size: Math.max(...row.map(({ size }) => size)),
      gap,
    };
  });
}
