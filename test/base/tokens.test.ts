/** The estimate against counts that one can make by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateTokens } from '../../src/base/tokens';

test('counts words, parts of identifiers, digits, marks and line ends', () => {
  for (const [text, expected] of [
    ['', 0],
    ['one word here', 3],
    ['internationalization', 4],
    ['getUserName', 3],
    ['XMLHttpRequest', 4],
    ['1234567', 3],
    ['foo();', 3],
    ['a\n    b', 3],
    ['    wide', 2],
    ['東京都', 3],
    ['éclair', 1],
  ] as const)
    assert.equal(estimateTokens(text), expected, JSON.stringify(text));
});

test('takes time in proportion to long texts without blanks', () => {
  assert.equal(estimateTokens('x'.repeat(600_000)), 100_000);
  assert.equal(estimateTokens('{'.repeat(600_000)), 300_000);
  assert.equal(estimateTokens('\n '.repeat(300_000)), 1);
});
