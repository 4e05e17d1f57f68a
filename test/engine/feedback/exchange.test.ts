/** Marks as a file to share. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { readMarks, writeMarks } from '../../../src/engine/feedback/exchange';
import { type Mark, withId } from '../../../src/engine/feedback/mark';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
const file = path.join(root, 'marks.jsonl');

const ofQuery = withId({
  query: 'retry "uploads"\nnow',
  path: 'src/queue.ts',
  start: 1,
  end: 2,
  symbol: '',
  hash: 'abc',
  verdict: 'relevant',
  time: '2026-11-25T12:00:00Z',
  checkpoint: '',
});
const ofSource = withId({
  ...ofQuery,
  query: undefined,
  source: { path: 'a.ts', start: 3, end: 4, hash: 'def' },
  rank: 7,
  weak: true,
});

test('reads what it wrote', async () => {
  await writeMarks(file, [ofQuery, ofSource]);
  assert.deepEqual(await readMarks(file), { marks: [ofQuery, ofSource], problems: [] });
});

const bad: readonly [string, object | string, RegExp][] = [
  ['text that is no JSON', 'hello', /^Line 1 is left out: it is not JSON$/],
  ['a value that is no object', '7', /is not valid/],
  ['a mark without a query or a source', { ...ofQuery, query: undefined }, /a query or a source/],
  ['a mark with both', { ...ofQuery, source: ofSource.source }, /a query or a source/],
  ['an unknown verdict', { ...ofQuery, verdict: 'maybe' }, /verdict is not valid/],
  ['lines from 0', { ...ofQuery, start: 0 }, /start is not valid/],
  ['lines that run backwards', { ...ofQuery, start: 9 }, /run backwards/],
  ['a time that is none', { ...ofQuery, time: 'yesterday' }, /time is not valid/],
  ['a newer version', { ...ofQuery, v: 2 }, /newer Nearmiss \(version 2\)/],
];
for (const [what, value, sentence] of bad) {
  test(`leaves out ${what}, says so, and reads the rest`, async () => {
    const line = typeof value === 'string' ? value : JSON.stringify(value);
    fs.writeFileSync(file, `\uFEFF${line}\r\n\r\n${JSON.stringify(ofSource)}\r\n`);
    const { marks, problems } = await readMarks(file);
    assert.deepEqual(marks, [ofSource] satisfies Mark[]);
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, sentence);
  });
}

test('says in a sentence that a file cannot be read or written', async () => {
  await assert.rejects(readMarks(path.join(root, 'gone')), {
    code: 'usage',
    message: /There is no file .*gone/,
  });
  await assert.rejects(writeMarks(path.join(root, 'no/where'), []), {
    message: /There is no folder .*no$/,
  });
});
