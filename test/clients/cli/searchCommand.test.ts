import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePlace } from '../../../src/clients/cli/searchCommand';

const places: readonly [string, ReturnType<typeof parsePlace>][] = [
  ['a.ts:3', { file: 'a.ts', start: 2, end: 3 }],
  ['src/a.ts:3-7', { file: 'src/a.ts', start: 2, end: 7 }],
  ['C:\\a.ts:1-1', { file: 'C:\\a.ts', start: 0, end: 1 }],
  ['a:b:12', { file: 'a:b', start: 11, end: 12 }],
];
for (const [text, expected] of places) {
  test(`reads ${text} as lines from 0, end exclusive`, () => {
    assert.deepEqual(parsePlace(text), expected);
  });
}

for (const text of ['a.ts', 'a.ts:', 'a.ts:0', 'a.ts:7-3', ':3', 'a.ts:x', '']) {
  test(`refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parsePlace(text), { code: 'usage', message: /does not name lines/ });
  });
}
