/** The converting process: what hangs, bursts or crashes costs its own file a sentence, and nothing else. */
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { installationRoot } from '../../../../src/base/installation';
import { seededRandom } from '../../../../src/base/random';
import { type Conversion, Converter } from '../../../../src/engine/documents/convert/converter';
import type { DocumentFormat } from '../../../../src/engine/documents/convert/converted';
import { readHtmlPage } from '../../../../src/engine/documents/convert/htmlText';
import { docxOf, epubOf, paragraph, table } from '../../../support/office';
import { column, deflatedMegabytes, pdfOf } from '../../../support/pdf';
import { temporaryFolder, writeFiles } from '../../../support/temporaryFolder';

const file = path.join(installationRoot(), 'dist', 'converter.js');
const converter = new Converter({ file });
after(() => converter.dispose());

const goodPdf = pdfOf([column(72, ['A good page.'])]);

async function checkGood(by: Converter): Promise<void> {
  const result = await by.convert('pdf', goodPdf);
  assert.ok('converted' in result, JSON.stringify(result));
  assert.equal(result.converted.text, 'A good page.\n');
}

function refusalOf(result: Conversion): string {
  return 'refusal' in result ? result.refusal : `converted: ${result.converted.text.slice(0, 80)}`;
}

test('converts, refuses, and converts again, in the order asked', async () => {
  const results = await Promise.all([
    converter.convert('pdf', goodPdf),
    converter.convert('pdf', Buffer.from('nothing')),
    converter.convert('docx', docxOf(paragraph('Word.'))),
  ]);
  assert.deepEqual(
    results.map((result) => ('converted' in result ? result.converted.text : result.refusal)),
    ['A good page.\n', 'it is damaged, or no such document', 'Word.\n'],
  );
});

test('ends a file that takes too long, and goes on', async () => {
  const folder = temporaryFolder(after);
  // Stands in for the process: never answers about Word, and is the real one for the rest.
  writeFiles(folder, {
    'slow.js': `const { fork } = require('node:child_process');
const real = fork(${JSON.stringify(file)}, process.argv.slice(2), { serialization: 'advanced' });
real.on('message', (reply) => process.send(reply));
process.on('message', (request) => request.format === 'docx' || real.send(request));
process.on('disconnect', () => real.kill());`,
  });
  const slow = new Converter({ file: path.join(folder, 'slow.js'), timeoutMs: 300 });
  try {
    assert.equal(refusalOf(await slow.convert('docx', goodPdf)), 'reading it took more than 1 s');
  } finally {
    slow.dispose();
  }
  await checkGood(converter);
});

test('ends a file that takes too much memory, and goes on', async () => {
  const small = new Converter({ file, memoryMb: 300 });
  try {
    const rawStream = { bytes: deflatedMegabytes(400), filter: '/FlateDecode' };
    const sentence = refusalOf(await small.convert('pdf', pdfOf([[]], { rawStream })));
    assert.match(sentence, /^reading it took too much memory$/);
    await checkGood(small);
  } finally {
    small.dispose();
  }
});

test('outlives a process that is killed', async () => {
  const folder = temporaryFolder(after);
  writeFiles(folder, { 'crash.js': `process.on('message', () => process.abort());` });
  const crashing = new Converter({ file: path.join(folder, 'crash.js') });
  try {
    for (let time = 0; time < 2; time++)
      assert.equal(
        refusalOf(await crashing.convert('pdf', goodPdf)),
        'reading it ended in a crash',
      );
  } finally {
    crashing.dispose();
  }
});

/** Files of each format that have something of everything. */
const seeds: readonly (readonly [DocumentFormat, Buffer])[] = [
  [
    'pdf',
    pdfOf(
      [
        [...column(60, ['Left one', 'Left two']), ...column(320, ['Right one', 'Right two'])],
        column(72, ['2.1 Heading', 'text']),
      ],
      { outline: [{ title: 'Heading', page: 1 }] },
    ),
  ],
  ['docx', docxOf(paragraph('Title', 'Heading1') + paragraph('Text') + table([['a', 'b']]))],
  ['epub', epubOf(['<h1>One</h1><p>Text</p>', '<table><tr><td>a</td></tr></table>'])],
];

/** Mutants of each format; NEARMISS_FUZZ raises their number for a long run. */
const mutantCount = Number(process.env.NEARMISS_FUZZ ?? 170);

test('has a text or a sentence for every mutated file, without losing its process', async () => {
  const random = seededRandom(7);
  const whole = (below: number): number => Math.floor(random() * below);
  for (const [format, seed] of seeds)
    for (let index = 0; index < mutantCount; index++) {
      const result = await converter.convert(format, mutate(seed, whole));
      const sentence = 'refusal' in result ? result.refusal : '';
      assert.doesNotMatch(sentence, /took|crash/, `${format} ${index}`);
    }
  await checkGood(converter);
});

test('reads mutated HTML to its end, row by row', () => {
  const random = seededRandom(8);
  const whole = (below: number): number => Math.floor(random() * below);
  const seed = Buffer.from(
    `<html><title>T</title><main><h1>Head</h1>\n<p>${'plain words go on and on '.repeat(30)}</p>\n<table><tr><td>a</td></tr></table></main></html>`,
  );
  for (let index = 0; index < mutantCount * 4; index++) {
    const source = mutate(seed, whole).toString('utf8');
    const page = readHtmlPage(source);
    if (page) assert.equal(page.text.split('\n').length, source.split('\n').length);
  }
});

/** Bits turned, bytes cut out, doubled or made up, the end cut off. */
function mutate(seed: Buffer, whole: (below: number) => number): Buffer {
  let bytes = Buffer.from(seed);
  for (let change = 1 + whole(6); change > 0; change--) {
    const at = whole(bytes.length);
    const length = whole(Math.min(64, bytes.length - at));
    switch (whole(5)) {
      case 0:
        bytes[at]! ^= 1 << whole(8);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      case 3:
        for (let byte = at; byte < at + length; byte++) bytes[byte] = whole(256);
        break;
      default:
        if (whole(8) === 0) bytes = bytes.subarray(0, at + 1);
    }
    if (bytes.length === 0) return Buffer.from([whole(256)]);
  }
  return bytes;
}
