/** What is asked about some places, and what each answer says about them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type QuestionAnswer,
  placeRows,
  questionRows,
  typedAnswer,
  verdictsOf,
} from '../../../src/clients/extension/questionRows';
import { english } from '../../../src/base/translate';
import type { LearningQuestion, QuestionedPlace } from '../../../src/protocol/learning';

const first: QuestionedPlace = {
  path: 'src/upload/retry.ts',
  start: 4,
  end: 9,
  symbol: 'retryUpload',
  snippet: '/**\n * Sends a file again.\n */\nexport function retryUpload() {',
};
const second: QuestionedPlace = {
  path: 'queue.ts',
  start: 0,
  end: 1,
  symbol: '',
  snippet: '  queue.push($(file)); \u202e',
};
const third: QuestionedPlace = { ...second, path: 'src/send.ts' };
const places = [first, second, third];
const question: LearningQuestion = { query: 'send again', places, sentence: 'Why' };

test('names each place by number, file and lines, with its first lines that say something', () => {
  const rows = questionRows(question, english);
  assert.deepEqual(
    rows.map(({ answer }) => answer),
    [[0], [1], [2], [], 'several', 'skip'],
  );
  assert.deepEqual(rows.slice(0, 2), [
    {
      label: '1  retry.ts:5-9',
      description: 'retryUpload  src/upload',
      detail: 'Sends a file again.  export function retryUpload() {',
      ...{ key: '1', place: first, answer: [0] },
    },
    {
      // Code cannot draw an icon, nor turn the row round.
      label: '2  queue.ts:1',
      description: '',
      detail: 'queue.push($\u2060(file)); \ufffd',
      ...{ key: '2', place: second, answer: [1] },
    },
  ]);
  assert.deepEqual(placeRows(places), rows.slice(0, 3));
});

test('shows what a place says, not how its comments, headings and tables are drawn', () => {
  const details = (snippet: string): (string | undefined)[] =>
    placeRows([{ ...second, snippet }]).map(({ detail }) => detail);
  const texts = {
    '| Error        | Code   |\n| ------ | --- |\n| `Late`       | `E_LATE` |':
      'Error Code  `Late` `E_LATE`',
    '#### How it ends\n\n```js\nimport { a } from "a";': 'How it ends  import { a } from "a";',
    '/** One line. */\n// and another\nconst a = b | c;':
      'One line.  and another  const a = b | c;',
    '#!/bin/sh\n  * 名前 *\n--x;\n': '#!/bin/sh  名前 *  --x;',
    'a = b *\n  c / 2; /* so */': 'a = b *  c / 2; /* so',
  };
  for (const [snippet, detail] of Object.entries(texts))
    assert.deepEqual(details(snippet), [detail]);
});

test('a digit stands for a place or for none, and nothing else that is typed answers', () => {
  const rows = questionRows(question, english);
  const answers = ['1', '3 ', '0', '4', '', '12', 'retry'].map((typed) => typedAnswer(rows, typed));
  assert.deepEqual(answers, [[0], [2], [], undefined, undefined, undefined, undefined]);
});

test('makes of each answer a verdict on every place, or none', () => {
  const verdicts = (answer: QuestionAnswer): string[] =>
    verdictsOf(question, answer).map(({ place, verdict }) => `${place.path} ${verdict}`);
  const [retry, queue, send] = places.map(({ path }) => path);
  assert.deepEqual(verdicts([1]), [
    `${retry} notRelevant`,
    `${queue} relevant`,
    `${send} notRelevant`,
  ]);
  assert.deepEqual(verdicts([0, 2]), [
    `${retry} relevant`,
    `${queue} notRelevant`,
    `${send} relevant`,
  ]);
  assert.deepEqual(verdicts([]), [
    `${retry} notRelevant`,
    `${queue} notRelevant`,
    `${send} notRelevant`,
  ]);
  assert.deepEqual(verdicts('skip'), []);
  assert.deepEqual(verdicts('several'), []);
});
