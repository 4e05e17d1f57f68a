/**
 * Jupyter notebooks by cells: the source of markdown and code cells, outputs dropped. A chunk's text is the
 * cell's source, its span the rows of the JSON file that hold it, so that a hit opens at the right place.
 */
import type { Chunk, Document, Span } from '../document';

interface Cell {
  readonly type: string;
  readonly source: string;
  /** Row of the file that holds the first row of the source, and how many rows hold the whole. */
  readonly row: number;
  readonly rowCount: number;
}

/**
 * Splits each cell with `splitText` and moves the chunks to the rows of the file. Undefined when the text
 * is not a notebook: broken JSON, or no list of cells.
 */
export async function splitNotebook(
  document: Document,
  splitText: (cell: Document) => Promise<Chunk[]>,
): Promise<Chunk[] | undefined> {
  const notebook = parse(document.text);
  if (!notebook) return undefined;
  const chunks: Chunk[] = [];
  for (const cell of placeCells(notebook.cells, document.text)) {
    const isText = cell.type === 'markdown' || cell.type === 'raw';
    const language = isText ? 'markdown' : notebook.language;
    const own = await splitText({ ...document, language, text: cell.source });
    chunks.push(...own.map((chunk) => ({ ...chunk, span: spanInFile(cell, chunk.span) })));
  }
  return chunks;
}

/** Sources kept as a list have a row of the file for each of their own; a source in one string has one for all. */
function spanInFile(cell: Cell, span: Span): Span {
  if (cell.rowCount === 1) return { start: cell.row, end: cell.row + 1 };
  return { start: cell.row + span.start, end: cell.row + span.end };
}

interface Notebook {
  readonly cells: readonly { readonly type: string; readonly lines: readonly string[] | string }[];
  readonly language: string;
}

function parse(text: string): Notebook | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // A notebook cut short is still text: the caller splits it by structure.
    return undefined;
  }
  const cells = field(json, 'cells');
  if (!Array.isArray(cells)) return undefined;
  const metadata = field(json, 'metadata');
  const named =
    field(field(metadata, 'language_info'), 'name') ??
    field(field(metadata, 'kernelspec'), 'language');
  return {
    cells: cells.map((cell: unknown) => {
      const source = field(cell, 'source');
      const lines = Array.isArray(source)
        ? source.filter(isString)
        : isString(source)
          ? source
          : '';
      const type = field(cell, 'cell_type');
      return { type: isString(type) ? type : 'code', lines };
    }),
    language: isString(named) ? named.toLowerCase() : 'python',
  };
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** Finds the rows of each cell. A file written without line breaks has one row for all. */
function* placeCells(cells: Notebook['cells'], text: string): Generator<Cell> {
  const rows = text.split('\n');
  let row = 0;
  for (const { type, lines } of cells) {
    const key = rows.findIndex((each, index) => index >= row && SOURCE_KEY.test(each));
    if (key >= 0) row = key;
    const isList = typeof lines !== 'string';
    const isSpread = key >= 0 && isList && isOneARow(rows, key + 1, lines);
    const source = isList ? lines.join('') : lines;
    const first = isSpread ? row + 1 : row;
    if (source.trim() !== '')
      yield { type, source, row: first, rowCount: isSpread ? lines.length : 1 };
    if (key >= 0) row = Math.min(first + (isSpread ? lines.length : 1), rows.length - 1);
  }
}

const SOURCE_KEY = /^\s*"source":\s*["[]/;

/** True when each entry of the list has a row of the file and is a row of the source. */
function isOneARow(rows: readonly string[], from: number, lines: readonly string[]): boolean {
  return lines.every((line, index) => {
    const isWhole = line.indexOf('\n') === line.length - 1 || index === lines.length - 1;
    return isWhole && rows[from + index]?.trimStart().startsWith('"') === true;
  });
}
