import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQueries } from '../../../src/clients/cli/batch';

test('takes either name of the id, in order, and passes over blank lines', () => {
  const content = '\uFEFF{"_id":"a","text":"one"}\r\n\n{"qid":7,"text":""}\n';
  assert.deepEqual(parseQueries(content, 'q.jsonl'), [
    { qid: 'a', text: 'one' },
    { qid: 7, text: '' },
  ]);
});

const bad: readonly [string, string, RegExp][] = [
  ['is no JSON', 'hello', /^Line 2 of q\.jsonl is not a JSON object$/],
  ['is no object', '["a"]', /^Line 2 of q\.jsonl is not a JSON object$/],
  ['has no text', '{"qid":"b"}', /^Line 2 of q\.jsonl lacks/],
  ['has no id', '{"text":"b"}', /^Line 2 of q\.jsonl lacks/],
];
for (const [what, line, message] of bad) {
  test(`names the line that ${what}`, () => {
    assert.throws(() => parseQueries(`{"qid":"a","text":"b"}\n${line}\n`, 'q.jsonl'), {
      code: 'usage',
      message,
    });
  });
}
