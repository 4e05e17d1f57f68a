/** PDF files written by hand: pages of text at places, an outline, and the things that hostile files do. */
import * as zlib from 'node:zlib';

/** x and y in points from the lower left corner of a page of 612 x 792. */
export interface PdfText {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly size?: number;
}

export interface PdfOptions {
  readonly outline?: readonly { readonly title: string; readonly page: number }[];
  /** Added to the trailer ("/Encrypt ..."). */
  readonly trailer?: string;
  /** Added to the catalog. */
  readonly catalog?: string;
  /** In place of each page's content stream. */
  readonly rawStream?: { readonly bytes: Buffer; readonly filter: string };
  readonly isXrefBroken?: boolean;
}

export function pdfOf(pages: readonly (readonly PdfText[])[], options: PdfOptions = {}): Buffer {
  const objects: Buffer[] = [];
  const add = (body: string | Buffer): number =>
    objects.push(Buffer.from(body as string, 'latin1'));
  const reserve = (): number => objects.push(Buffer.alloc(0));
  const [catalog, tree] = [reserve(), reserve()];
  const font = add('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
  const kids = pages.map((texts) => {
    const content = add(streamOf(texts, options.rawStream));
    return add(
      `<< /Type /Page /Parent ${tree} 0 R /MediaBox [0 0 612 792] /Contents ${content} 0 R /Resources << /Font << /F ${font} 0 R >> >> >>`,
    );
  });
  const outline = addOutline(options.outline ?? [], kids, add, reserve, objects);
  objects[catalog - 1] = Buffer.from(
    `<< /Type /Catalog /Pages ${tree} 0 R ${outline} ${options.catalog ?? ''} >>`,
  );
  objects[tree - 1] = Buffer.from(
    `<< /Type /Pages /Count ${kids.length} /Kids [${kids.map((kid) => `${kid} 0 R`).join(' ')}] >>`,
  );
  return assemble(objects, catalog, options);
}

function streamOf(texts: readonly PdfText[], raw: PdfOptions['rawStream']): Buffer {
  const bytes =
    raw?.bytes ??
    Buffer.from(
      texts
        .map(
          ({ text, x, y, size = 10 }) =>
            `BT /F ${size} Tf ${x} ${y} Td (${text.replaceAll(/[\\()]/g, '\\$&')}) Tj ET`,
        )
        .join('\n'),
      'latin1',
    );
  const filter = raw ? ` /Filter ${raw.filter}` : '';
  return Buffer.concat([
    Buffer.from(`<< /Length ${bytes.length}${filter} >>\nstream\n`),
    bytes,
    Buffer.from('\nendstream'),
  ]);
}

function addOutline(
  entries: NonNullable<PdfOptions['outline']>,
  kids: readonly number[],
  add: (body: string) => number,
  reserve: () => number,
  objects: Buffer[],
): string {
  if (entries.length === 0) return '';
  const root = reserve();
  const first = objects.length + 1;
  entries.forEach(({ title, page }, index) => {
    const next = index + 1 < entries.length ? `/Next ${first + index + 1} 0 R` : '';
    add(`<< /Title (${title}) /Parent ${root} 0 R ${next} /Dest [${kids[page]} 0 R /Fit] >>`);
  });
  const last = objects.length;
  objects[root - 1] = Buffer.from(
    `<< /Type /Outlines /First ${first} 0 R /Last ${last} 0 R /Count ${entries.length} >>`,
  );
  return `/Outlines ${root} 0 R`;
}

function assemble(objects: readonly Buffer[], catalog: number, options: PdfOptions): Buffer {
  const parts = [Buffer.from('%PDF-1.7\n')];
  let at = parts[0]!.length;
  const offsets = objects.map((body, index) => {
    const start = at;
    const object = Buffer.concat([
      Buffer.from(`${index + 1} 0 obj\n`),
      body,
      Buffer.from('\nendobj\n'),
    ]);
    parts.push(object);
    at += object.length;
    return start;
  });
  const row = (offset: number): string =>
    `${String(options.isXrefBroken ? offset + 7 : offset).padStart(10, '0')} 00000 n \n`;
  const trailer = `<< /Size ${objects.length + 1} /Root ${catalog} 0 R ${options.trailer ?? ''} >>`;
  parts.push(
    Buffer.from(
      `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.map(row).join('')}trailer\n${trailer}\nstartxref\n${options.isXrefBroken ? 3 : at}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(parts);
}

/** Lines below each other from the top of a page. */
export function column(x: number, lines: readonly string[], top = 700, size = 10): PdfText[] {
  return lines.map((text, index) => ({ text, x, y: top - index * size * 1.2, size }));
}

/** A deflated run of one byte, `count` times a megabyte unpacked. */
export function deflatedMegabytes(count: number): Buffer {
  const megabyte = Buffer.alloc(1_000_000, ' ');
  return zlib.deflateSync(Buffer.concat(Array.from({ length: count }, () => megabyte)));
}
