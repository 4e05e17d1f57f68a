/** A mark's chunk through edits, renames and deletions, on a real index with the product's own splitter. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chunkAt, followChunk, neighbours } from '../../../src/engine/feedback/follow';
import { type MarkedPlace, placeOf } from '../../../src/engine/feedback/mark';
import { openFolder, type OpenFolder } from '../../support/openFolder';

/** A function long enough to be a chunk of its own. */
function functionOf(name: string, says = name): string {
  const body = Array.from({ length: 12 }, (_, line) => `  tell('${says}', ${line});\n`).join('');
  return `export function ${name}() {\n${body}}\n\n`;
}

const three = functionOf('first') + functionOf('second') + functionOf('third');

let folder: OpenFolder;
before(async () => {
  folder = await openFolder({ 'a.ts': three });
});
after(() => folder.close());

/** Where the chunk of `second` is after a change, as "path:first-last symbol", or "gone". */
async function checkFollow(
  changed: Readonly<Record<string, string | null>>,
  expected: string,
): Promise<void> {
  const before = await folder.change({ 'a.ts': three });
  const chunk = chunkAt(before, 'a.ts', 15, 29)!;
  assert.match(chunk.text, /second/);
  const place: MarkedPlace = placeOf(chunk, 'a.ts');
  const near = neighbours(before, chunk);
  assert.equal(near.length, 2);
  const after = await folder.change(changed);
  const found = followChunk(after, [place], near);
  const said = found
    ? `${found.path}:${found.span.start + 1}-${found.span.end} ${found.symbol}`
    : 'gone';
  const made = Object.keys(changed).filter((name) => name !== 'a.ts');
  await folder.change({
    'a.ts': three,
    ...Object.fromEntries(made.map((name) => [name, null])),
  });
  assert.equal(said, expected);
}

test('stays where nothing has changed', () =>
  checkFollow({ 'a.ts': `${three}// more\n` }, 'a.ts:16-29 second'));

test('follows text that moves within its file', () =>
  checkFollow({ 'a.ts': `\n\n\n${three}` }, 'a.ts:19-32 second'));

test('follows text that changes places with its neighbour', () =>
  checkFollow(
    { 'a.ts': functionOf('second') + functionOf('first') + functionOf('third') },
    'a.ts:1-14 second',
  ));

test('follows a file that is renamed', () =>
  checkFollow({ 'a.ts': null, 'sub/b.ts': three }, 'sub/b.ts:16-29 second'));

test('follows an edit within the function by its symbol', () =>
  checkFollow(
    { 'a.ts': functionOf('first') + functionOf('second', 'other') + functionOf('third') },
    'a.ts:16-29 second',
  ));

test('follows a function that gets another name by its lines', () =>
  checkFollow(
    { 'a.ts': functionOf('first') + functionOf('renamed', 'second') + functionOf('third') },
    'a.ts:16-29 renamed',
  ));

test('does not take a neighbour that moved up for code that was deleted', () =>
  checkFollow({ 'a.ts': functionOf('first') + functionOf('third') }, 'gone'));

test('knows that a file is gone', () => checkFollow({ 'a.ts': null, 'c.ts': '// c\n' }, 'gone'));

test('does not jump to a copy while the marked file is there', () =>
  checkFollow({ 'a.ts': functionOf('first') + functionOf('third'), 'copy.ts': three }, 'gone'));
