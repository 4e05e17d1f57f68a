/** PDF to text: reading order, headings, pages, and files that mean harm. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convert } from '../../../../src/engine/documents/convert/convert';
import {
  type Converted,
  conversionLimits,
  pageOf,
} from '../../../../src/engine/documents/convert/converted';
import { linesOfPage } from '../../../../src/engine/documents/convert/pdfLayout';
import { column, pdfOf } from '../../../support/pdf';

async function convertPdf(bytes: Buffer, limits = {}): Promise<Converted> {
  const reply = await convert({
    ...{ id: 1, format: 'pdf', bytes: new Uint8Array(bytes) },
    limits: { ...conversionLimits, ...limits },
  });
  assert.equal(reply.type, 'converted', JSON.stringify(reply));
  return reply.converted;
}

async function refusal(bytes: Buffer, limits = {}): Promise<string> {
  const reply = await convert({
    ...{ id: 1, format: 'pdf', bytes: new Uint8Array(bytes) },
    limits: { ...conversionLimits, ...limits },
  });
  assert.equal(reply.type, 'refused', JSON.stringify(reply).slice(0, 300));
  return reply.sentence;
}

/** Lines of one column's width. */
function prose(name: string, count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `${name} line ${index} says one more thing so`,
  );
}

test('reads paragraphs in order, with a page for each row', async () => {
  const { text, pageStarts } = await convertPdf(
    pdfOf([
      [...column(72, ['First paragraph', 'goes on.']), ...column(72, ['Second one.'], 640)],
      column(72, ['On page two.']),
    ]),
  );
  assert.equal(text, 'First paragraph\ngoes on.\n\nSecond one.\n\nOn page two.\n');
  assert.deepEqual(pageStarts, [0, 5]);
  assert.deepEqual(
    [0, 3, 5, 99].map((row) => pageOf(pageStarts!, row)),
    [1, 1, 2, 2],
  );
});

test('reads two columns one after the other, below a title that spans both', async () => {
  const { text } = await convertPdf(
    pdfOf([
      [
        { text: 'A Title Over Both Columns Of This Page', x: 100, y: 740, size: 20 },
        ...column(60, prose('Left', 12)),
        ...column(320, prose('Right', 12)),
      ],
    ]),
  );
  const order = text.split('\n').filter((row) => row !== '');
  assert.deepEqual(order, [
    'A Title Over Both Columns Of This Page',
    ...prose('Left', 12),
    ...prose('Right', 12),
  ]);
});

test('keeps the cells of a table side by side', async () => {
  const rows = ['Alpha', 'Beta', 'Gamma', 'Delta', 'Epsilon', 'Zeta', 'Eta'];
  const { text } = await convertPdf(
    pdfOf([
      [
        ...column(72, rows),
        ...column(
          220,
          rows.map((_, index) => `${index * 10} ms`),
        ),
        ...column(
          400,
          rows.map((_, index) => `${index} MB`),
        ),
      ],
    ]),
  );
  assert.match(text, /^Alpha \| 0 ms \| 0 MB\nBeta \| 10 ms \| 1 MB\n/);
});

test('takes headings from the outline, from size, and from numbers', async () => {
  const { headings } = await convertPdf(
    pdfOf(
      [
        [
          { text: 'Large Title', x: 72, y: 740, size: 20 },
          ...column(72, ['3.1 Scope'], 700),
          ...column(72, ['Body text below it.', 'More body text that goes on.'], 680),
          ...column(72, ['Named In The Outline'], 620),
          ...column(72, ['Text of that part, in some words.'], 600),
        ],
      ],
      { outline: [{ title: 'Named in the outline', page: 0 }] },
    ),
  );
  assert.deepEqual(
    headings.map(({ title, level }) => [title, level]),
    [
      ['Large Title', 1],
      ['3.1 Scope', 3],
      ['Named In The Outline', 1],
    ],
  );
});

test('drops heads, feet and page numbers, and the dots of a table of contents', async () => {
  const pages = Array.from({ length: 5 }, (_, index) => [
    { text: `Handbook, chapter ${index}`, x: 72, y: 770 },
    ...column(72, [`Words of page number ${index}.`, `Introduction . . . . . . . . ${index}`]),
    { text: `${index + 1}`, x: 300, y: 20 },
  ]);
  const { text } = await convertPdf(pdfOf(pages));
  assert.equal(text.match(/Words of page/g)?.length, 5);
  assert.doesNotMatch(text, /Handbook|Introduction|^\d$/m);
});

test('joins words that a line end cuts', async () => {
  const { text } = await convertPdf(pdfOf([column(72, ['It is an exam-', 'ple of a cut word.'])]));
  assert.equal(text, 'It is an example\nof a cut word.\n');
});

test('puts pieces of one line together and leaves sideways text out', () => {
  const piece = (text: string, x: number, width: number) => ({ text, x, y: 100, width, size: 10 });
  assert.deepEqual(
    linesOfPage([piece('Hel', 10, 15), piece('lo', 25, 10), piece('world', 39, 25)]).map(
      ({ text }) => text,
    ),
    ['Hello world'],
  );
  assert.deepEqual(linesOfPage([]), []);
});

test('says why it has no text', async () => {
  assert.match(await refusal(pdfOf([[]])), /no text layer/);
  assert.match(
    await refusal(
      pdfOf([column(72, ['secret'])], {
        trailer: `/ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${'41'.repeat(32)}> /U <${'42'.repeat(32)}> >>`,
      }),
    ),
    /encrypted/,
  );
  assert.match(await refusal(Buffer.from('not a PDF at all')), /damaged/);
  assert.match(await refusal(Buffer.alloc(0)), /damaged/);
});

test('refuses too many pages and too much text', async () => {
  const pages = Array.from({ length: 10_000 }, () => column(72, ['x y']));
  assert.equal(await refusal(pdfOf(pages)), 'it has 10,000 pages, the limit is 3,000');
  const words = pdfOf([column(72, prose('Long', 40))]);
  assert.match(await refusal(words, { maxCharacters: 500 }), /more than 500 characters/);
});

test('reads through a broken table of objects, and runs no script', async () => {
  const lines = column(72, ['Still there.']);
  assert.match((await convertPdf(pdfOf([lines], { isXrefBroken: true }))).text, /Still there/);
  const catalog = '/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>';
  assert.equal((await convertPdf(pdfOf([lines], { catalog }))).text, 'Still there.\n');
});
