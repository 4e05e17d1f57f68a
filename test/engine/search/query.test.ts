import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { termsOf } from '../../../src/engine/store/terms';
import { parseQuery, type QueryKind } from '../../../src/engine/search/query';

const kinds: readonly (readonly [string, QueryKind])[] = [
  ['InterceptorManager', 'symbol'],
  ['retry_upload', 'symbol'],
  ['_private', 'symbol'],
  ['Session.retry', 'symbol'],
  ['std::vector', 'symbol'],
  ['ptr->next', 'symbol'],
  ['parseQuery()', 'symbol'],
  ['sha256', 'symbol'],
  ['middleware', 'words'],
  ['function composition utility', 'words'],
  ['src/engine/search', 'path'],
  ['query.ts', 'path'],
  ['where do we retry failed uploads', 'question'],
  ['retry of uploads?', 'question'],
  ['request and response data in the pipeline', 'question'],
  ['', 'words'],
];

for (const [typed, kind] of kinds) {
  test(`takes ${JSON.stringify(typed)} for a ${kind}`, () => {
    assert.equal(parseQuery(typed).kind, kind);
  });
}

test('takes filters out of the words', () => {
  const query = parseQuery('retry path:src/** lang:ts kind:test -cache uploads');
  assert.equal(query.text, 'retry uploads');
  assert.deepEqual(query.filter.languages, new Set(['typescript', 'typescriptreact']));
  assert.deepEqual(query.filter.kinds, new Set(['test']));
  assert.deepEqual(query.without, termsOf('cache'));
  assert.equal(query.filter.path?.('src/a/b.ts'), true);
  assert.equal(query.filter.path?.('lib/a.ts'), false);
});

test('keeps a quoted phrase as a phrase and as words', () => {
  const query = parseQuery('"failed upload" handler');
  assert.equal(query.phrases.length, 1);
  assert.equal(query.text, 'failed upload handler');
});

test('excludes paths with -path:', () => {
  const { filter } = parseQuery('upload -path:vendor');
  assert.equal(filter.path?.('vendor/a.ts'), false);
  assert.equal(filter.path?.('src/vendor/a.ts'), false);
  assert.equal(filter.path?.('src/a.ts'), true);
});

test('names a kind that does not exist', () => {
  assert.match(parseQuery('kind:banana x').problems[0] ?? '', /banana/);
});

test('finds identifiers inside a sentence but no plain words', () => {
  assert.deepEqual(parseQuery('how does StateManager call load_state() at The start').identifiers, [
    'StateManager',
    'load_state',
  ]);
  assert.deepEqual(parseQuery('How are Uploads retried').identifiers, []);
});

test('knows what sorts of files are asked for', () => {
  assert.equal(parseQuery('tests of the upload').asksFor.tests, true);
  assert.equal(parseQuery('upload').asksFor.tests, false);
  assert.equal(parseQuery('latest upload').asksFor.tests, false);
});

test('never throws and never loses the words of ordinary text', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (typed) => {
      assert.equal(typeof parseQuery(typed).text, 'string');
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1 }), (words) => {
      assert.equal(parseQuery(words.join(' ')).text, words.join(' '));
    }),
  );
});

test('reads SQL and FTS5 syntax as plain words', () => {
  for (const typed of [
    "'; DROP TABLE chunk; --",
    'NEAR(a b, 3)',
    'content : x*',
    '"',
    '((',
    'a AND NOT b',
  ])
    assert.doesNotThrow(() => parseQuery(typed));
});
