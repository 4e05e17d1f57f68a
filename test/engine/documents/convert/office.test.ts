/** Word and EPUB: structure to headings, and archives that mean harm. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { convert } from '../../../../src/engine/documents/convert/convert';
import { conversionLimits } from '../../../../src/engine/documents/convert/converted';
import type { ConvertReply } from '../../../../src/engine/documents/convert/messages';
import { docxOf, epubOf, paragraph, table } from '../../../support/office';
import { deflatedMegabytes } from '../../../support/pdf';
import { zipOf } from '../../../support/zip';

function run(format: 'docx' | 'epub', bytes: Buffer): Promise<ConvertReply> {
  return convert({ id: 1, format, bytes: new Uint8Array(bytes), limits: conversionLimits });
}

async function checkRefused(
  format: 'docx' | 'epub',
  bytes: Buffer,
  sentence: RegExp,
): Promise<void> {
  const reply = await run(format, bytes);
  assert.equal(reply.type, 'refused', JSON.stringify(reply).slice(0, 200));
  assert.match(reply.sentence, sentence);
}

test('reads headings, paragraphs and tables of a Word document', async () => {
  const reply = await run(
    'docx',
    docxOf(
      paragraph('Terms of Use', 'Heading1') +
        paragraph('You may copy it.') +
        paragraph('Liability', 'Heading2') +
        paragraph('None at all.') +
        table([
          ['Plan', 'Price'],
          ['Small', '5'],
        ]),
    ),
  );
  assert.equal(reply.type, 'converted', JSON.stringify(reply));
  assert.deepEqual(
    reply.converted.headings.map(({ title, level }) => [title, level]),
    [
      ['Terms of Use', 1],
      ['Liability', 2],
    ],
  );
  assert.match(reply.converted.text, /^Terms of Use\n\nYou may copy it\.\n\nLiability\n\nNone/);
  assert.match(reply.converted.text, /Plan[\s|]+Price\n[\s\S]*Small[\s|]+5/);
});

test('reads the chapters of a book in the order of its spine', async () => {
  const reply = await run(
    'epub',
    epubOf([
      '<h1>One</h1><p>First words.</p><script>evil()</script>',
      '<h1>Two</h1><nav>skip</nav><p>Next words.</p>',
    ]),
  );
  assert.equal(reply.type, 'converted', JSON.stringify(reply));
  assert.equal(reply.converted.text, 'One\n\nFirst words.\n\nTwo\n\nNext words.\n');
  assert.deepEqual(
    reply.converted.headings.map(({ title, start }) => [title, start]),
    [
      ['One', 0],
      ['Two', 4],
    ],
  );
});

test('unpacks no bomb, whether its directory tells the truth or lies', async () => {
  const bomb = deflatedMegabytes(300).subarray(2);
  const name = 'word/document.xml';
  await checkRefused(
    'docx',
    zipOf([{ name, content: bomb, deflatedFrom: 300_000_000 }]),
    /would unpack to more than 200,000,000 bytes/,
  );
  const lying = zipOf([{ name, content: bomb, deflatedFrom: 1000 }]);
  const before = process.memoryUsage.rss();
  await checkRefused('docx', lying, /damaged|no text/);
  assert.ok(process.memoryUsage.rss() - before < 250e6, 'unpacked more than the directory says');
});

test('reads no external entity and expands none', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-test-'));
  const secret = path.join(folder, 'secret.txt');
  fs.writeFileSync(secret, 'the secret itself');
  try {
    const external = `<!DOCTYPE x [<!ENTITY e SYSTEM "file://${secret}">]>`;
    await checkRefused('docx', docxOf(paragraph('&e;'), [], external), /declares XML entities/);
    const laughs = `<!DOCTYPE x [<!ENTITY a "ha">${Array.from({ length: 20 }, (_, index) => `<!ENTITY a${index} "&a${index - 1};&a${index - 1};">`).join('')}]>`;
    await checkRefused('docx', docxOf(paragraph('&a19;'), [], laughs), /declares XML entities/);
    const book = await run('epub', epubOf([`${external}<p>Text &e; goes on.</p>`]));
    assert.equal(book.type, 'converted');
    assert.doesNotMatch(book.converted.text, /the secret itself/);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('says what it cannot read', async () => {
  await checkRefused('docx', Buffer.from('d0cf11e0a1b11ae1', 'hex'), /encrypted, or in the format/);
  await checkRefused('docx', Buffer.from('plain text'), /damaged/);
  await checkRefused('docx', zipOf([{ name: 'a.txt', content: 'x' }]), /no Word document/);
  await checkRefused('docx', docxOf(''), /no text/);
  await checkRefused('epub', zipOf([{ name: 'a.txt', content: 'x' }]), /no EPUB book/);
  await checkRefused(
    'epub',
    epubOf(['<p>x</p>'], [{ name: 'META-INF/encryption.xml', content: '<e/>' }]),
    /encrypted/,
  );
  await checkRefused(
    'epub',
    epubOf(Array.from({ length: 3100 }, () => '<p>x</p>')),
    /3,100 parts, the limit is 3,000/,
  );
});

test('leaves the spine within the archive', async () => {
  const outside = epubOf([]).toString('latin1');
  assert.ok(outside.length > 0);
  const reply = await run(
    'epub',
    zipOf([
      {
        name: 'META-INF/container.xml',
        content: '<container><rootfile full-path="book.opf"/></container>',
      },
      {
        name: 'book.opf',
        content:
          '<package><item id="a" href="../../../../etc/passwd"/><item id="b" href="%zz"/><itemref idref="a"/><itemref idref="b"/><itemref idref="c"/></package>',
      },
    ]),
  );
  assert.deepEqual(reply, { id: 1, type: 'refused', sentence: 'it holds no text' });
});
