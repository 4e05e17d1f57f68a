/** What a converter makes of a file that is no plain text: its text, the headings in it, and where its pages begin. */
import type { Heading } from '../extract/prose';

/** Formats that are converted in a process of their own. */
export type DocumentFormat = 'pdf' | 'docx' | 'epub';

export interface Converted {
  /** Lines of text, paragraphs parted by blank ones. */
  readonly text: string;
  /** In order; rows are those of the text. */
  readonly headings: readonly Heading[];
  /** First row of each page; only for formats that have pages. */
  readonly pageStarts?: readonly number[];
}

/** What a converter limits. */
export interface ConversionLimits {
  /** A document of more pages (or parts) is not read. */
  readonly maxPages: number;
  /** Characters of text that one document may give. */
  readonly maxCharacters: number;
  /** Bytes that an archive may unpack to. */
  readonly maxUnpackedBytes: number;
}

export const conversionLimits: ConversionLimits = {
  maxPages: 3000,
  maxCharacters: 20_000_000,
  maxUnpackedBytes: 200_000_000,
};

/** Why a file is not converted, in words for a person; everything else that a converter throws is a damaged file. */
export class NotConvertible extends Error {
  override readonly name = 'NotConvertible';
}

const formatByExtension: ReadonlyMap<string, DocumentFormat> = new Map([
  ['pdf', 'pdf'],
  ['docx', 'docx'],
  ['epub', 'epub'],
]);

/** The format of a path that has to be converted; undefined for all others. */
export function formatOf(path: string): DocumentFormat | undefined {
  const dot = path.lastIndexOf('.');
  return dot < 0 ? undefined : formatByExtension.get(path.slice(dot + 1).toLowerCase());
}

/** The page (from 1) that a row is on. */
export function pageOf(pageStarts: readonly number[], row: number): number {
  let page = 0;
  while (page + 1 < pageStarts.length && pageStarts[page + 1]! <= row) page++;
  return page + 1;
}
