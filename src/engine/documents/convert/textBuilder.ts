/** Puts a converted text together row by row, and notes headings and pages as they come. */
import { type Heading, plainTitle } from '../extract/prose';
import type { Converted } from './converted';
import { type ConversionLimits, NotConvertible } from './converted';

export class TextBuilder {
  private readonly rows: string[] = [];
  private readonly headings: Heading[] = [];
  private readonly pageStarts: number[] = [];
  private characterCount = 0;

  constructor(private readonly limits: ConversionLimits) {}

  startPage(): void {
    this.blank();
    this.pageStarts.push(this.rows.length);
  }

  /** One row; a blank one is kept single. */
  row(text: string): void {
    if (text.trim() === '') return this.blank();
    this.characterCount += text.length + 1;
    if (this.characterCount > this.limits.maxCharacters)
      throw new NotConvertible(
        `it holds more than ${this.limits.maxCharacters.toLocaleString('en')} characters of text`,
      );
    this.rows.push(text.trimEnd());
  }

  blank(): void {
    if (this.rows.length > 0 && this.rows.at(-1) !== '') this.rows.push('');
  }

  /** A heading on rows of its own; level 1 is the outermost. */
  heading(level: number, rows: readonly string[]): void {
    const title = plainTitle(rows.join(' '));
    this.blank();
    const start = this.rows.length;
    for (const row of rows) this.row(row);
    if (title !== '' && this.rows.length > start)
      this.headings.push({ title, level, start, end: this.rows.length });
    this.blank();
  }

  /** All of it; pages only where there were some. */
  finish(): Converted {
    const { headings, pageStarts } = this;
    const text = `${this.rows.join('\n').trimEnd()}\n`;
    return pageStarts.length > 0 ? { text, headings, pageStarts } : { text, headings };
  }
}
