/**
 * Cuts prose along its headings: a section is a block that holds paragraphs, lists, code and deeper sections.
 * The heading path becomes the symbol. Headings come from each format's own rules; inside a section blank
 * rows part the blocks.
 */
import type { Block } from './blocks';
import type { Outline } from './codeSplitter';
import { readAsciiDoc } from './extract/asciiDoc';
import { readMarkdown } from './extract/markdown';
import { readLatex, readOrg, readPlainText } from './extract/plainText';
import type { TextOutline } from './document';
import { type Heading, type Part, type ProseParts, paragraphs } from './extract/prose';
import { readRestructuredText } from './extract/restructuredText';
import type { Lines } from './lines';
import type { Definition } from './symbols';

const READERS: Readonly<Record<string, (lines: Lines) => ProseParts>> = {
  markdown: readMarkdown,
  restructuredtext: readRestructuredText,
  asciidoc: readAsciiDoc,
  latex: readLatex,
  org: readOrg,
  plaintext: readPlainText,
};

/** True for languages that are split by sections and paragraphs. */
export function isProse(language: string): boolean {
  return Object.hasOwn(READERS, language);
}

/** Sections as blocks and, named by their headings, as scopes that define nothing. */
export function outlineProse(lines: Lines, language: string): Outline {
  return outlineParts(lines, READERS[language]!(lines));
}

/** The same for a text whose headings are known. */
export function outlineText(lines: Lines, { headings }: TextOutline): Outline {
  return outlineParts(lines, { headings, parts: paragraphs(lines, headings) });
}

function outlineParts(lines: Lines, { headings, parts }: ProseParts): Outline {
  const definitions = headings.map((heading, index): Definition => {
    const next = headings.slice(index + 1).find((other) => other.level <= heading.level);
    const start = heading.start;
    const end = lines.trim(start, next?.start ?? lines.count)?.end ?? heading.end;
    return {
      start,
      end,
      from: start,
      to: end,
      names: [heading.title],
      nameRow: start,
      role: 'scope',
      isDefining: false,
    };
  });
  return { blocks: sectionBlocks(lines, headings, parts), definitions };
}

class ProseBlock implements Block {
  constructor(
    readonly start: number,
    readonly end: number,
    readonly role: Block['role'],
    readonly opens: Block['opens'],
    private readonly inner: readonly Block[],
  ) {}

  children(): readonly Block[] {
    return this.inner;
  }
}

/** Nests headings by level; each takes the parts and deeper headings up to the next of its level. */
function sectionBlocks(
  lines: Lines,
  headings: readonly Heading[],
  parts: readonly Part[],
): Block[] {
  let headingIndex = 0;
  let partIndex = 0;
  const partsBefore = (row: number): Block[] => {
    const found: Block[] = [];
    for (; partIndex < parts.length && parts[partIndex]!.start < row; partIndex++) {
      const { end } = parts[partIndex]!;
      found.push(partBlock(lines, { ...parts[partIndex]!, end: Math.min(end, row) }));
    }
    return found;
  };
  const sectionsBelow = (level: number, end: number): Block[] => {
    const nextRow = (): number => headings[headingIndex]?.start ?? end;
    const found = partsBefore(nextRow());
    while (headingIndex < headings.length && headings[headingIndex]!.level > level) {
      const heading = headings[headingIndex++]!;
      // Blank rows below a heading are taken too, so that it is a neighbour of what it heads.
      let headEnd = heading.end;
      while (headEnd < end && lines.isBlank(headEnd)) headEnd++;
      const head = new ProseBlock(heading.start, headEnd, 'leading', 'nothing', []);
      const inner = sectionsBelow(heading.level, end);
      const last = inner.at(-1)?.end ?? heading.end;
      found.push(new ProseBlock(heading.start, last, 'body', 'scope', [head, ...inner]));
    }
    return found;
  };
  return sectionsBelow(0, lines.count);
}

/** A paragraph that ends in a colon stays with the list or the code it announces. */
function partBlock(lines: Lines, part: Part): Block {
  const inner = (part.inner ?? []).map((each) => partBlock(lines, each));
  const last = lines.trim(part.start, part.end);
  const isAnnouncing = last && inner.length === 0 && /:\s*$/.test(lines.rowText(last.end - 1));
  let { end } = part;
  if (isAnnouncing) while (end < lines.count && lines.isBlank(end)) end++;
  return new ProseBlock(part.start, end, isAnnouncing ? 'leading' : 'body', 'nothing', inner);
}
