/** What is asked about two places, and what each answer says about them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type QuestionAnswer,
  questionRows,
  sidesOf,
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
const question: LearningQuestion = { query: 'send again', first, second, sentence: 'Why' };

test('puts the two places on changing sides', () => {
  assert.deepEqual(sidesOf(question, 0), { left: first, right: second });
  assert.deepEqual(sidesOf(question, 1), { left: second, right: first });
  assert.deepEqual(sidesOf(question, 2), sidesOf(question, 0));
});

test('names each place by file and lines, with its first lines that say something', () => {
  const rows = questionRows(sidesOf(question, 0), english);
  assert.deepEqual(
    rows.map(({ answer }) => answer),
    ['left', 'right', 'both', 'neither', 'skip'],
  );
  assert.deepEqual(rows.slice(0, 2), [
    {
      label: '$(arrow-left) Left: retry.ts:5-9',
      description: 'retryUpload  src/upload',
      detail: '* Sends a file again.  export function retryUpload() {',
      answer: 'left',
    },
    {
      // Code cannot draw an icon, nor turn the row round.
      label: '$(arrow-right) Right: queue.ts:1',
      description: '',
      detail: 'queue.push($\u2060(file)); \ufffd',
      answer: 'right',
    },
  ]);
});

test('makes of each answer a verdict on both places, or none', () => {
  const sides = sidesOf(question, 1);
  const verdicts = (answer: QuestionAnswer): string[] =>
    verdictsOf(sides, answer).map(({ place, verdict }) => `${place.path} ${verdict}`);
  const [retry, queue] = [first.path, second.path];
  assert.deepEqual(verdicts('left'), [`${queue} relevant`, `${retry} notRelevant`]);
  assert.deepEqual(verdicts('right'), [`${queue} notRelevant`, `${retry} relevant`]);
  assert.deepEqual(verdicts('both'), [`${queue} relevant`, `${retry} relevant`]);
  assert.deepEqual(verdicts('neither'), [`${queue} notRelevant`, `${retry} notRelevant`]);
  assert.deepEqual(verdicts('skip'), []);
});
