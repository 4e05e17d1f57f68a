/** A text as rows: where they start, which are blank, how many tokens each has. Rows are counted once. */
import type { Span, TokenCounter } from './document';

export class Lines {
  private readonly starts: number[] = [0];
  /** Tokens and characters of all rows before a row. */
  private readonly tokenSums: Float64Array;

  constructor(
    readonly text: string,
    private readonly countTokens: TokenCounter,
  ) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.starts.push(at + 1);
    }
    this.tokenSums = new Float64Array(this.starts.length + 1);
    for (let row = 0; row < this.starts.length; row++) {
      this.tokenSums[row + 1] = this.tokenSums[row]! + countTokens(this.rowText(row));
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

  /** Recounts a text that was put together from rows or cut out of one. */
  countAgain(text: string): number {
    return this.countTokens(text);
  }

  private endOf(row: number): number {
    return row + 1 < this.starts.length ? this.starts[row + 1]! - 1 : this.text.length;
  }
}
