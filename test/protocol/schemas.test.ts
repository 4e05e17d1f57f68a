import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMethod, parseParams } from '../../src/protocol/schemas';

const search = { folder: '/a', query: 'q', limit: 10, rerank: true };

test('lets good params through and drops what it does not know', () => {
  assert.deepEqual(parseParams('search', { ...search, unknown: 1 }), search);
});

const bad: readonly [string, unknown, RegExp][] = [
  ['a limit of 0', { ...search, limit: 0 }, /^search: limit is not valid/],
  ['a limit that is no integer', { ...search, limit: 1.5 }, /limit is not valid/],
  ['no query', { folder: '/a', limit: 1, rerank: true }, /query is not valid/],
  ['paths that are no list', { ...search, paths: '*.ts' }, /paths is not valid/],
  ['nothing at all', undefined, /the request is not valid/],
];
for (const [what, params, message] of bad) {
  test(`refuses ${what} in a sentence`, () => {
    assert.throws(() => parseParams('search', params), { code: 'usage', message });
  });
}

test('repeats nothing of a value that it refuses', () => {
  const secret = 'swordfish';
  assert.throws(
    () => parseParams('search', { ...search, limit: secret }),
    (error: Error) => !error.message.includes(secret),
  );
});

test('knows its methods and no property of every object', () => {
  assert.equal(isMethod('search'), true);
  assert.equal(isMethod('toString'), false);
});
