/**
 * From a document to its chunks: picks the splitter by language, packs what it finds, and keeps what must
 * hold for every text: nothing is lost, no chunk has more tokens than the budget, chunks come in order.
 */
import type { Disposable } from '../../base/lifecycle';
import { type Block, cutBlocks } from './blocks';
import { grammarLanguage, hasDefinitions } from './codeLanguages';
import { outlineCode, type Outline } from './codeSplitter';
import type { Chunk, Document, Span, TokenCounter } from './document';
import { splitNotebook } from './extract/notebook';
import { type Grammar, Grammars } from './grammars';
import { documentKind, isMinifiedText, kindOf } from './kind';
import { Lines, RowCounter } from './lines';
import { cutBefore } from './lineSplitter';
import { type Budget, packAtoms } from './packing';
import { pageOf } from './convert/converted';
import { isProse, outlineProse, outlineText } from './proseSplitter';
import { outlineByStructure } from './structureSplitter';
import { type Definition, DefinitionTree } from './symbols';

export interface ChunkSplitterOptions {
  /** Where the build put grammars; see `defaultGrammarFolder`. */
  readonly grammarFolder: string;
  readonly countTokens: TokenCounter;
  /** Most tokens of a chunk's text. */
  readonly maxTokens?: number;
  /** Rows that a chunk repeats from the end of the one before, as far as the budget allows. */
  readonly overlapLines?: number;
}

const DEFAULT_MAX_TOKENS = 220;
/** A word of a hundred characters is one unknown token: without this a line of hex digits never ends. */
const CHARACTERS_PER_TOKEN = 12;

/** Splits documents of every language. One for a process: the grammars in it are shared. */
export class ChunkSplitter implements Disposable {
  private readonly budget: Budget;
  private readonly counter: RowCounter;

  private constructor(
    private readonly grammars: Grammars,
    private readonly options: ChunkSplitterOptions,
  ) {
    const maxTokens = options.maxTokens ?? DEFAULT_MAX_TOKENS;
    this.budget = { maxTokens, maxCharacters: maxTokens * CHARACTERS_PER_TOKEN };
    this.counter = new RowCounter(options.countTokens, this.budget.maxCharacters);
  }

  static async create(options: ChunkSplitterOptions): Promise<ChunkSplitter> {
    return new ChunkSplitter(await Grammars.open(options.grammarFolder), options);
  }

  /** The chunks of a document in order; none for a document without text. */
  async split(document: Document, signal?: AbortSignal): Promise<Chunk[]> {
    signal?.throwIfAborted();
    if (document.path.toLowerCase().endsWith('.ipynb')) {
      const chunks = await splitNotebook(document, (cell) => this.splitText(cell, signal));
      if (chunks) return chunks;
    }
    return this.splitText(document, signal);
  }

  /** Grammar files that could not be used, each with the reason; their languages are cut by structure. */
  get damagedGrammars(): readonly string[] {
    return this.grammars.damaged;
  }

  dispose(): void {
    this.grammars.dispose();
  }

  private async splitText(document: Document, signal?: AbortSignal): Promise<Chunk[]> {
    const { language, text } = document;
    const lines = new Lines(text, this.counter);
    const assemble = (outline: Outline): Chunk[] => this.assemble(document, lines, outline);
    if (document.outline) return assemble(outlineText(lines, document.outline));
    if (isProse(language)) return assemble(outlineProse(lines, language));
    const grammar = isMinifiedText(text)
      ? undefined
      : await this.grammars.of(grammarLanguage(language, text));
    signal?.throwIfAborted();
    const chunks = grammar && this.outlineCode(lines, grammar, assemble);
    return chunks ?? assemble(outlineByStructure(lines, language));
  }

  private outlineCode(
    lines: Lines,
    grammar: Grammar,
    use: (outline: Outline) => Chunk[],
  ): Chunk[] | undefined {
    try {
      return outlineCode(lines, grammar, use);
    } catch (error) {
      // Texts made to torture parsers overflow the runtime's stack. What it then holds is not to be trusted.
      if (!isTrap(error)) throw error;
      this.grammars.restart();
      return undefined;
    }
  }

  private assemble(document: Document, lines: Lines, outline: Outline): Chunk[] {
    const isDefining = hasDefinitions(document.language);
    const tree = new DefinitionTree(
      isDefining
        ? outline.definitions
        : outline.definitions.map((each): Definition => ({ ...each, isDefining: false })),
    );
    const shared = documentKind(document);
    return spansOf(lines, outline.blocks, tree, this.budget).flatMap((span, index, spans) => {
      const symbol = onPage(document.outline, span, tree.symbolOf(span));
      const definitions = tree.namesIn(span);
      const kind = kindOf(
        shared,
        { symbol: isDefining ? symbol : '', definitions },
        document.language,
      );
      const wider = this.withOverlap(lines, span, spans[index - 1]);
      return this.textsOf(lines, wider).map((text) => ({ ...text, kind, symbol, definitions }));
    });
  }

  private withOverlap(lines: Lines, span: Span, before: Span | undefined): Span {
    let { start } = span;
    const first = Math.max(before?.start ?? start, start - (this.options.overlapLines ?? 0));
    while (start > first && lines.tokens(start - 1, span.end) <= this.budget.maxTokens) start--;
    return lines.trim(start, span.end) ?? span;
  }

  /** The text of a span; its halves or the parts of its only line where it is too long after all. */
  private textsOf(lines: Lines, span: Span): Pick<Chunk, 'span' | 'text'>[] {
    const text = lines.textOf(span);
    const isShort = text.length <= this.budget.maxCharacters;
    if (isShort && lines.tokensOfText(span) <= this.budget.maxTokens) return [{ span, text }];
    if (span.end - span.start === 1) {
      const parts = partsOfLine(text, (part) => this.fits(part));
      return parts.map((part) => ({ span, text: part }));
    }
    const middle = (span.start + span.end) >> 1;
    const halves = [lines.trim(span.start, middle), lines.trim(middle, span.end)];
    return halves.flatMap((half) => (half ? this.textsOf(lines, half) : []));
  }

  private fits(text: string): boolean {
    const isShort = text.length <= this.budget.maxCharacters;
    return isShort && this.counter.count(text) <= this.budget.maxTokens;
  }
}

/** The page that a chunk begins on stands before its headings: "page 12 > Scope". */
function onPage(outline: Document['outline'], { start }: Span, symbol: string): string {
  if (!outline?.pageStarts) return symbol;
  const page = `page ${pageOf(outline.pageStarts, start)}`;
  return symbol === '' ? page : `${page} > ${symbol}`;
}

/** A trap of WebAssembly, or its stack and ours together at an end. */
function isTrap(error: unknown): boolean {
  return error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError');
}

function spansOf(
  lines: Lines,
  blocks: readonly Block[],
  tree: DefinitionTree,
  budget: Budget,
): Span[] {
  const atoms = cutBlocks(blocks, lines, tree, budget);
  const starts = packAtoms(atoms, budget);
  return starts.flatMap((from, index) => {
    const last = (starts[index + 1] ?? atoms.length) - 1;
    return lines.trim(atoms[from]!.start, atoms[last]!.end) ?? [];
  });
}

/** Cuts one long line into parts that fit, at blanks, commas and the like where there are some. */
function partsOfLine(line: string, fits: (part: string) => boolean): string[] {
  const parts: string[] = [];
  let length = line.length;
  for (let from = 0; from < line.length;) {
    let to = cutBefore(line, from, from + length);
    while (!fits(line.slice(from, to)) && to - from > 1) {
      length = Math.max(1, Math.floor((to - from) * 0.7));
      to = cutBefore(line, from, from + length);
    }
    const part = line.slice(from, to);
    if (/\S/.test(part)) parts.push(part);
    from = to;
    // Text differs along a line: the next part may be a little longer than this one was.
    length = Math.ceil(length * 1.2);
  }
  return parts;
}
