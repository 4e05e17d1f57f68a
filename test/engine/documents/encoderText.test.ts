import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encoderText, pairText } from '../../../src/engine/documents/encoderText';

const text = 'return combineReducers(state);';

test('puts the last three path segments before the text', () => {
  assert.equal(
    pairText('packages/redux/src/store.ts', { symbol: '', text }),
    `redux/src/store.ts\n${text}`,
  );
});

test('names the symbol path only where the text does not', () => {
  assert.equal(
    pairText('a.ts', { symbol: 'Store > reduce', text }),
    `a.ts\nStore > reduce\n${text}`,
  );
  assert.equal(pairText('a.ts', { symbol: 'combineReducers', text }), `a.ts\n${text}`);
});

test('leaves out file names that only count', () => {
  for (const path of ['0017.txt', 'c343.py', '7.md', '9f86d081884c7d659a2feaa0c55ad015.json'])
    assert.equal(pairText(`notes/${path}`, { symbol: '', text }), `notes\n${text}`, path);
  assert.equal(pairText('0017.txt', { symbol: '', text }), text);
  for (const path of ['s3.ts', 'md5.c', 'h2.go', 'utf8.ts', 'face.ts'])
    assert.equal(pairText(path, { symbol: '', text }), `${path}\n${text}`, path);
});

test('gives the bi-encoder identifiers as the words they are made of', () => {
  const cases: Record<string, string> = {
    combineReducers: 'combine Reducers',
    parseHTMLTable2: 'parse HTML Table2',
    utf8String: 'utf8 String',
    snake_case__name: 'snake case name',
    _private: '_private',
    MAX_VALUE: 'MAX VALUE',
    grosseÄnderung: 'grosse Änderung',
    plain: 'plain',
  };
  for (const [word, words] of Object.entries(cases))
    assert.equal(encoderText('x.ts', { symbol: '', text: word }), `x.ts\n${words}`);
});

test('leaves words alone that are longer than any name', () => {
  const data = 'aB'.repeat(40);
  assert.equal(encoderText('x.ts', { symbol: '', text: data }), `x.ts\n${data}`);
});
