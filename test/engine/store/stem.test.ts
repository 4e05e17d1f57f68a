import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { stem } from '../../../src/engine/store/stem';

/** All words of a row share one stem. */
function checkFamily(...words: readonly string[]): void {
  const stems = words.map(stem);
  assert.deepEqual(
    stems,
    words.map(() => stems[0]),
    words.join(' '),
  );
}

test('gives the forms of a word one stem', () => {
  checkFamily('cache', 'caches', 'cached', 'caching');
  checkFamily('query', 'queries', 'queried', 'querying');
  checkFamily('parse', 'parses', 'parsed', 'parsing', 'parser', 'parsers');
  checkFamily('run', 'runs', 'running');
  checkFamily('control', 'controls', 'controller', 'controllers', 'controlling', 'controlled');
  checkFamily('render', 'renders', 'rendering', 'renderer', 'rendered');
  checkFamily('class', 'classes');
  checkFamily('box', 'boxes', 'boxed');
  checkFamily('index', 'indexes', 'indexing', 'indexer');
  checkFamily('pass', 'passes', 'passing', 'passed');
  checkFamily('cookie', 'cookies');
  checkFamily('file', 'files');
});

test('keeps apart words that only look alike', () => {
  const pairs = [
    ['setting', 'set'],
    ['header', 'head'],
    ['folder', 'fold'],
    ['string', 'str'],
    ['user', 'us'],
    ['speed', 'sped'],
    ['status', 'stat'],
    ['this', 'thi'],
  ] as const;
  for (const [a, b] of pairs) assert.notEqual(stem(a), stem(b), `${a} ${b}`);
});

test('leaves alone what is no English word', () => {
  for (const word of ['utf8', 'sha256', '__init__', 'größe', '漢字', 'a', 'is', 'x'.repeat(40)]) {
    assert.equal(stem(word), word);
  }
});

test('never lengthens a word and never loses it', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{1,20}$/), (word) => {
      const result = stem(word);
      assert.ok(0 < result.length && result.length <= word.length, result);
    }),
  );
});
