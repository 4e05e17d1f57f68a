/**
 * Cuts text without a grammar by its indentation and blank rows, and by what begins a statement: SQL, Swift,
 * Dockerfiles, and whatever no parser took. Deeper rows belong to the row above them.
 */
import type { Block } from './blocks';
import type { Outline } from './codeSplitter';
import type { Lines } from './lines';
import { type DeclaredName, declaredNames } from './lineSplitter';
import type { Definition } from './symbols';

/** Blocks by indentation; definitions after the declaring keywords of many languages. */
export function outlineByStructure(lines: Lines, language: string): Outline {
  const blocks = indentedBlocks(lines, 0, lines.count, language);
  return { blocks, definitions: findDefinitions(lines, language) };
}

class IndentedBlock implements Block {
  readonly role: Block['role'];
  readonly opens = 'nothing';

  constructor(
    private readonly lines: Lines,
    readonly start: number,
    readonly end: number,
    private readonly language: string,
  ) {
    const text = lines.rowText(start).trim();
    const isComment = COMMENT.test(text) && end - start === 1;
    this.role = CLOSING.test(text)
      ? 'closing'
      : isComment || ATTRIBUTE.test(text)
        ? 'leading'
        : 'body';
  }

  children(): readonly Block[] {
    if (this.end - this.start < 2) return [];
    return [
      new IndentedBlock(this.lines, this.start, this.start + 1, this.language),
      ...indentedBlocks(this.lines, this.start + 1, this.end, this.language),
    ];
  }
}

const COMMENT = /^(?:\/\/|\/\*|\*|#(?!\[|\{)|--|;|%|<!--)/;
const ATTRIBUTE = /^@\w+(?:\([^)]*\))?$/;
const CLOSING = /^(?:[)\]}>]+[;,]?|end;?|fi|done|esac|\$\$.*)$/i;

function indentedBlocks(lines: Lines, from: number, to: number, language: string): Block[] {
  const least = leastIndentation(lines, from, to);
  const starts: number[] = [];
  let isAfterEnd = true;
  for (let row = from; row < to; row++) {
    if (lines.isBlank(row)) continue;
    const isOuter = lines.indentation(row) <= least;
    const isStart = language === 'sql' ? isOuter && isAfterEnd : isOuter;
    if (isStart || starts.length === 0) starts.push(row);
    isAfterEnd = SQL_END.test(lines.rowText(row)) || COMMENT.test(lines.rowText(row).trim());
  }
  return starts.map(
    (start, index) => new IndentedBlock(lines, start, starts[index + 1] ?? to, language),
  );
}

const SQL_END = /;\s*(?:--.*)?$|^\s*go\s*$/i;

function leastIndentation(lines: Lines, from: number, to: number): number {
  let least = Infinity;
  for (let row = from; row < to && least > 0; row++) {
    if (!lines.isBlank(row)) least = Math.min(least, lines.indentation(row));
  }
  return least;
}

function findDefinitions(lines: Lines, language: string): Definition[] {
  const found = NAMES[language]?.(lines.text) ?? declaredNames(lines.text);
  const rows = rowsOf(
    lines,
    found.map((each) => each.at),
  );
  return found.map(({ name, at }, index) => {
    const start = rows[index]!;
    const end = endOfBlock(lines, start);
    const role = end - start > 1 ? 'scope' : 'value';
    // Rows are too coarse to nest by where two names share one; the offset breaks the tie.
    const from = start + (at % 1);
    return { start, end, from, to: end, names: [name], nameRow: start, role, isDefining: true };
  });
}

const NAMES: Readonly<Record<string, (text: string) => DeclaredName[]>> = {
  sql: (text) => namesBy(SQL_CREATE, text),
  scss: (text) => namesBy(STYLE_RULE, text),
  sass: (text) => namesBy(STYLE_RULE, text),
  less: (text) => namesBy(STYLE_RULE, text),
};

function namesBy(pattern: RegExp, text: string): DeclaredName[] {
  return [...text.matchAll(pattern)].map((match) => ({
    name: match[1]!.replaceAll(/["`[\]]/g, '').trim(),
    at: match.index,
  }));
}

const STYLE_RULE =
  /^[ \t]*(?:@mixin |@function )?([.#%&]?[\w-]+[^{}();:=\n]{0,80})(?=[({:][^;\n]*$)/gm;
const SQL_CREATE =
  /^[ \t]*create\s+(?:or\s+(?:replace|alter)\s+)?(?:(?:global|local|temp|temporary|unique|materialized|recursive|external|virtual|clustered)\s+)*(?:table|view|index|function|procedure|proc|trigger|type|sequence|schema|domain|role|database|extension|policy)\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?([\w."`[\]]+)/gim;

/** Rows of rising offsets. */
function rowsOf(lines: Lines, offsets: readonly number[]): number[] {
  let row = 0;
  let end = lines.rowText(0).length;
  return offsets.map((offset) => {
    while (end < offset) end += lines.rowText(++row).length + 1;
    return row;
  });
}

/** The rows that are indented more than `start`, and the closing row behind them. */
function endOfBlock(lines: Lines, start: number): number {
  const own = lines.indentation(start);
  let end = start + 1;
  for (let row = start + 1; row < lines.count; row++) {
    if (lines.isBlank(row)) continue;
    const isDeeper = lines.indentation(row) > own;
    const isClosing = lines.indentation(row) === own && CLOSING.test(lines.rowText(row).trim());
    const isOpening = row === start + 1 && lines.rowText(row).trim() === '{';
    if (!isDeeper && !isClosing && !isOpening) break;
    end = row + 1;
    if (isClosing) break;
  }
  return end;
}
