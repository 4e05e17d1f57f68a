/** A text as rows: where they start, which are blank, how many tokens each has. A row is counted once. */
import type { Span, TokenCounter } from './document';

/** A token counter and what is known of it. One for a splitter. */
export class RowCounter {
  /** True where a line break is nothing but a blank to the counter: tokens of rows then add up exactly. */
  readonly addsUp: boolean;

  /** Rows longer than `maxRowCharacters` are not counted: each character stands for a token. */
  constructor(
    readonly count: TokenCounter,
    private readonly maxRowCharacters: number,
  ) {
    this.addsUp = SAMPLES.every((sample) => {
      const sum = sample.split('\n').reduce((tokens, row) => tokens + count(row), 0);
      return sum === count(sample);
    });
  }

  rowTokens(row: string): number {
    return row.length > this.maxRowCharacters ? row.length : this.count(row);
  }
}

/** What byte-pair and word-piece counters treat differently at row ends. */
const SAMPLES = [
  'const a = 1;\n\n  return a;\n}\n',
  'def run(self):\n\tself.items\n    # done\n\n\nclass A:',
  '\n\n',
  '標題\n内容 é\u0301\n"x"\n::y\n ##z',
];

export class Lines {
  private readonly starts: number[] = [0];
  /** Tokens and characters of all rows before a row. */
  private readonly tokenSums: Float64Array;

  constructor(
    readonly text: string,
    private readonly counter: RowCounter,
  ) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.starts.push(at + 1);
    }
    this.tokenSums = new Float64Array(this.starts.length + 1);
    for (let row = 0; row < this.starts.length; row++) {
      this.tokenSums[row + 1] = this.tokenSums[row]! + counter.rowTokens(this.rowText(row));
    }
  }

  get count(): number {
    return this.starts.length;
  }

  /** Tokens of rows `start` to `end`, end exclusive: the sum over rows. */
  tokens(start: number, end: number): number {
    return this.tokenSums[end]! - this.tokenSums[start]!;
  }

  /** Characters of rows `start` to `end` with the line breaks between them. */
  characters(start: number, end: number): number {
    return Math.max(0, this.endOf(end - 1) - this.starts[start]!);
  }

  rowText(row: number): string {
    return this.text.slice(this.starts[row]!, this.endOf(row));
  }

  /** The rows of a span joined by line breaks. */
  textOf(span: Span): string {
    return this.text.slice(this.starts[span.start]!, this.endOf(span.end - 1));
  }

  isBlank(row: number): boolean {
    const end = this.endOf(row);
    for (let at = this.starts[row]!; at < end; at++) {
      const code = this.text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x09 && !/\s/.test(this.text[at]!)) return false;
    }
    return true;
  }

  /** Width of the row's leading blanks; a tab counts four. */
  indentation(row: number): number {
    let width = 0;
    for (let at = this.starts[row]!; ; at++) {
      const code = this.text.charCodeAt(at);
      if (code === 0x20) width++;
      else if (code === 0x09) width += 4;
      else return width;
    }
  }

  /** The span without blank rows at its ends; undefined when all are blank. */
  trim(start: number, end: number): Span | undefined {
    while (start < end && this.isBlank(start)) start++;
    while (start < end && this.isBlank(end - 1)) end--;
    return start < end ? { start, end } : undefined;
  }

  /** Tokens of the text of rows put together; dear where the counter does not add up over rows. */
  tokensOfText(span: Span): number {
    const sum = this.tokens(span.start, span.end);
    return this.counter.addsUp ? sum : this.counter.count(this.textOf(span));
  }

  private endOf(row: number): number {
    return row + 1 < this.starts.length ? this.starts[row + 1]! - 1 : this.text.length;
  }
}
