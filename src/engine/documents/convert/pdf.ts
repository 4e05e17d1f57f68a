/** PDF: pieces of text with their places from pdf.js, one page after the other. No script runs, no font is loaded. */
import { getDocumentProxy } from 'unpdf';
import { type Converted, type ConversionLimits, NotConvertible } from './converted';
import { linesOfPage, type Piece } from './pdfLayout';
import { type OutlineEntry, type PdfPage, textOfPages } from './pdfText';

/** Entries of an outline that are followed, and how deep. */
const mostOutlineEntries = 5000;
const deepestOutline = 6;

type PdfDocument = Awaited<ReturnType<typeof getDocumentProxy>>;

export async function convertPdf(bytes: Uint8Array, limits: ConversionLimits): Promise<Converted> {
  const pdf = await open(bytes);
  try {
    if (pdf.numPages > limits.maxPages)
      throw new NotConvertible(
        `it has ${pdf.numPages.toLocaleString('en')} pages, the limit is ${limits.maxPages.toLocaleString('en')}`,
      );
    const pages: PdfPage[] = [];
    let characterCount = 0;
    for (let number = 1; number <= pdf.numPages; number++) {
      const page = await readPage(pdf, number);
      characterCount += page.lines.reduce((sum, { text }) => sum + text.length, 0);
      if (characterCount > limits.maxCharacters)
        throw new NotConvertible(
          `it holds more than ${limits.maxCharacters.toLocaleString('en')} characters of text`,
        );
      pages.push(page);
    }
    if (characterCount === 0)
      throw new NotConvertible(
        'it has no text layer: its pages are pictures, which would have to be recognised first',
      );
    return textOfPages(pages, await readOutline(pdf), limits);
  } finally {
    await pdf.destroy().catch(() => undefined);
  }
}

async function open(bytes: Uint8Array): Promise<PdfDocument> {
  try {
    return await getDocumentProxy(bytes, {
      isEvalSupported: false,
      disableFontFace: true,
      useSystemFonts: false,
      enableXfa: false,
      stopAtErrors: false,
      verbosity: 0,
    });
  } catch (error) {
    const name = (error as Error | undefined)?.name;
    if (name === 'PasswordException')
      throw new NotConvertible('it is encrypted and wants a password');
    throw error;
  }
}

async function readPage(pdf: PdfDocument, number: number): Promise<PdfPage> {
  const page = await pdf.getPage(number);
  const { height } = page.getViewport({ scale: 1 });
  const content = await page.getTextContent();
  const pieces: Piece[] = [];
  for (const item of content.items) {
    if (!('str' in item)) continue;
    const [a, b, , d, x, y] = item.transform as [number, number, number, number, number, number];
    // Text that stands on its side is a watermark or a scale.
    if (Math.abs(b) > Math.abs(a)) continue;
    const size = Math.abs(d) || item.height;
    pieces.push({ text: readable(item.str), x, y: height - y, width: item.width, size });
  }
  page.cleanup();
  return { lines: linesOfPage(pieces), height };
}

/** Ligatures as letters, no characters without meaning. */
function readable(text: string): string {
  return text
    .replaceAll(/[\ufb00-\ufb06]/g, (ligature) => ligature.normalize('NFKC'))
    .replaceAll(/[\p{Cc}\u200b\ufeff]/gu, ' ');
}

async function readOutline(pdf: PdfDocument): Promise<OutlineEntry[]> {
  const entries: OutlineEntry[] = [];
  const visit = async (
    nodes: Awaited<ReturnType<PdfDocument['getOutline']>>,
    level: number,
  ): Promise<void> => {
    for (const { title, dest, items } of nodes ?? []) {
      if (entries.length >= mostOutlineEntries) return;
      const page = await pageOfDestination(pdf, dest);
      if (page !== undefined) entries.push({ title, level, page });
      if (level < deepestOutline) await visit(items, level + 1);
    }
  };
  try {
    await visit(await pdf.getOutline(), 1);
  } catch {
    // A broken outline costs headings, not the text.
  }
  return entries;
}

async function pageOfDestination(
  pdf: PdfDocument,
  dest: string | unknown[] | null,
): Promise<number | undefined> {
  try {
    const explicit = typeof dest === 'string' ? await pdf.getDestination(dest) : dest;
    const [target] = explicit ?? [];
    if (typeof target === 'number') return target;
    return await pdf.getPageIndex(target as Parameters<PdfDocument['getPageIndex']>[0]);
  } catch {
    return undefined;
  }
}
