/** Hits as rows of text; names and code that try to be more than text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inMessage, lineSpan, nameAndSpan, visible } from '../../../src/clients/extension/hitText';
import { hitRow } from '../../../src/clients/extension/pickItems';
import type { WorkspaceHit } from '../../../src/clients/extension/multiRoot';

const hit: WorkspaceHit = {
  rank: 1,
  path: 'src/queue/retry.ts',
  start: 11,
  end: 40,
  score: 1,
  symbol: 'Queue > retry',
  kind: 'code',
  language: 'typescript',
  snippet: '{\n  await send(again);\n}',
  snippetStart: 12,
  why: '',
  folder: '/w/shop',
  folderName: 'shop',
};

test('counts lines as a person does', () => {
  assert.deepEqual(
    [lineSpan(hit), lineSpan({ start: 4, end: 5 }), nameAndSpan(hit)],
    ['12-40', '5', 'retry.ts:12-40'],
  );
});

test('makes a row of name, symbol and folder, and of the first line that says something', () => {
  assert.deepEqual(hitRow(hit, 'x', false), {
    label: 'retry.ts:12-40',
    description: 'Queue > retry  src/queue',
    detail: 'await send(again);',
    alwaysShow: true,
  });
  assert.equal(hitRow(hit, 'x', true).description, 'Queue > retry  shop/src/queue');
  assert.equal(hitRow({ ...hit, path: 'top.ts', symbol: '' }, 'x', false).description, '');
});

test('draws no icon and turns no text round where a name or the code asks for it', () => {
  const row = hitRow(
    { ...hit, path: 'a$(flame)\u202Ecod.ts', snippet: '\u001b[31m $(bug) x' },
    'x',
    false,
  );
  assert.doesNotMatch(JSON.stringify(row), /\$\(|\u202e|\\u001b/);
  assert.equal(visible('a\r\nb\u2066c\td'), 'a b\ufffdc\td');
});

test('shows the line that has most words of the query', () => {
  const snippet = 'head\nretry(upload)\n// Retry a failed upload\ntail';
  const detail = (query: string): string => hitRow({ ...hit, snippet }, query, false).detail;
  assert.deepEqual(
    [detail('retry failed upload'), detail('RETRY'), detail('of a'), detail('')],
    ['// Retry a failed upload', 'retry(upload)', 'head', 'head'],
  );
});

test('makes no link, icon or turned text of a name inside a message', () => {
  const text = inMessage('[save](command:workbench.action.quit) $(bug)\u202E\u0007.ts');
  assert.deepEqual(text.match(/\]\(|\$\(|\p{Cc}|\u202e/u), null);
  assert.equal(inMessage('src/a b.ts'), 'src/a b.ts');
});
