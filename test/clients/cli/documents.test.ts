/** PDF, Word, EPUB and HTML in a folder: found at their pages and headings; hostile ones are a sentence each. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeWorld } from '../../badDays/world';
import { docxOf, epubOf, paragraph } from '../../support/office';
import { column, deflatedMegabytes, pdfOf } from '../../support/pdf';
import { checkDone } from '../../support/product';
import { writeFiles } from '../../support/temporaryFolder';
import { zipOf } from '../../support/zip';

const world = makeWorld(after);
/** Enough for a chunk of its own. */
const filler = Array.from(
  { length: 24 },
  (_, row) => `Row ${row} of nothing that is of note here.`,
);
const words = 'The manual tells its reader many things in plain words, one after another. '.repeat(
  6,
);

before(async () => {
  await world.install();
  writeFiles(world.code, {
    'docs/spec.pdf': pdfOf([
      column(72, ['1.1 Preamble', '', ...filler]),
      column(72, ['4.2 Refunds', '', 'Refunds of wombat fodder are paid', 'within ten days.']),
    ]),
    'docs/terms.docx': docxOf(
      paragraph('Liability', 'Heading1') + paragraph('Nobody is liable for lost marmots.'),
    ),
    'docs/book.epub': epubOf(['<h1>Badgers</h1><p>All that is known of sleepy badgers.</p>']),
    'docs/page.html': `<html>\n<body>\n<h1>Otters</h1>\n<p>${words}</p>\n<p>Where otters are fed at noon.</p>\n</body>\n</html>\n`,
    'bad/scan.pdf': pdfOf([[]]),
    'bad/bomb.docx': zipOf([
      {
        name: 'word/document.xml',
        content: deflatedMegabytes(1).subarray(2),
        deflatedFrom: 250_000_000,
      },
    ]),
    'bad/noise.pdf': Buffer.from('%PDF-1.4 and then nothing that is one'),
  });
});

interface Found {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly symbol: string;
  readonly page?: number;
  readonly kind: string;
}

async function first(query: string): Promise<Found> {
  const result = await world.run(['search', query, '--json', '--limit', '1']);
  checkDone(result);
  const { path, start, end, symbol, page, kind } = JSON.parse(result.stdout).hits[0] as Found;
  return { path, start, end, symbol, kind, ...(page !== undefined && { page }) };
}

test('finds what documents say, with page and heading', async () => {
  checkDone(await world.run(['index', '--wait']));
  assert.deepEqual(await first('refunds of wombat fodder'), {
    ...{ path: 'docs/spec.pdf', start: 28, end: 31, kind: 'prose' },
    ...{ symbol: '4.2 Refunds', page: 2 },
  });
  assert.deepEqual(await first('who is liable for lost marmots'), {
    ...{ path: 'docs/terms.docx', start: 1, end: 3, kind: 'prose', symbol: 'Liability' },
  });
  assert.deepEqual(await first('sleepy badgers'), {
    ...{ path: 'docs/book.epub', start: 1, end: 3, kind: 'prose', symbol: 'Badgers' },
  });
  const otters = await first('where otters are fed at noon');
  assert.equal(otters.path, 'docs/page.html');
  assert.equal(otters.symbol, 'Otters');
  assert.ok(otters.end === 5, 'lines are those of the file');
});

test('says of each file that gives no text why that is so', async () => {
  const result = await world.run(['index', '--json']);
  checkDone(result);
  const { skipped } = JSON.parse(result.stdout) as {
    skipped: { path: string; reason: string; detail: string }[];
  };
  const told = skipped.filter(({ path }) => path.startsWith('bad/'));
  assert.deepEqual(
    told.map(({ path, reason }) => `${path} ${reason}`).sort(),
    ['bad/bomb.docx', 'bad/noise.pdf', 'bad/scan.pdf'].map((path) => `${path} notConverted`),
  );
  const detail = (path: string): string => told.find((one) => one.path === path)?.detail ?? '';
  assert.match(detail('bad/bomb.docx'), /would unpack to more than/);
  assert.match(detail('bad/noise.pdf'), /damaged/);
  assert.match(detail('bad/scan.pdf'), /no text layer/);
  const { stdout } = await world.run(['why', 'bad/scan.pdf']);
  assert.match(stdout, /no text could be got out of it \(it has no text layer/);
});

test('names the page in text output', async () => {
  const { stdout } = await world.run(['search', 'refunds of wombat fodder', '--limit', '1']);
  assert.match(stdout, /docs\/spec\.pdf:28-31 page 2 {2}4\.2 Refunds/);
});
