import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  countWords,
  type DescribedChunk,
  type PseudoQuery,
  pseudoQueries,
} from '../../../src/engine/training/pseudoQueries';

/** The queries of a chunk as [kind, query, text]. */
function check(
  chunk: Partial<DescribedChunk> & { readonly text: string },
  expected: readonly (readonly [PseudoQuery['kind'], string, string])[],
): void {
  const found = pseudoQueries({ kind: 'code', definitions: [], ...chunk });
  assert.deepEqual(
    found.map(({ kind, query, text }) => [kind, query, text]),
    expected,
  );
}

const BODY = 'export function f(a, b, c) { return wait(a, b, c).then(next); }';

test('asks with the first sentence of a doc comment, which the text then lacks', () => {
  const query = 'Waits until the queue is empty';
  check({ text: `/** ${query}. Then returns. */\n${BODY}` }, [['comment', query, BODY]]);
  check(
    { text: `/**\n * Waits until the\n * queue is empty.\n *\n * @param a first\n */\n${BODY}` },
    [['comment', query, BODY]],
  );
  check({ text: `// Waits until the queue\n// is empty\n${BODY}` }, [['comment', query, BODY]]);
  check({ text: `/// Waits until the \`queue\` is empty!\n${BODY}` }, [['comment', query, BODY]]);
  check({ text: `# Waits until the queue is empty\n${BODY}` }, [['comment', query, BODY]]);
});

// A sentence without blanks was one word, so that a folder with Japanese comments had nothing to guard it.
test('asks with sentences of scripts that set no blanks', () => {
  const query = 'キューが空になるまで待つ';
  check({ text: `/** ${query}。その後で戻る。 */\n${BODY}` }, [['comment', query, BODY]]);
  check({ text: `// 待つ\n${BODY}` }, []);
  const body = '失敗した送信はキューに入り、応答があるまで三回まで繰り返される。';
  check({ kind: 'prose', text: `## 送信の再試行\n\n${body}` }, [['heading', '送信の再試行', body]]);
  assert.deepEqual(['', '1 + 2', 'Wie viele Wörter?', 'a キュー'].map(countWords), [0, 0, 3, 3]);
});

test('asks with a docstring', () => {
  const head = 'def wait(queue, seconds, step=1):\n';
  const rest = '    while not queue.empty():\n        time.sleep(step)';
  check(
    {
      text: `${head}    """Waits until the queue is empty.\n\n    :param queue: it\n    """\n${rest}`,
    },
    [['comment', 'Waits until the queue is empty', `${head}${rest.trimStart()}`]],
  );
});

test('does not ask with licences, words to tools, or what says too little', () => {
  check({ text: `/* Copyright 2024 the authors of this file */\n${BODY}` }, []);
  check({ text: `// eslint-disable-next-line no-await-in-loop\n${BODY}` }, []);
  check({ text: `// Waits.\n${BODY}` }, []);
  check({ text: '// Waits until the queue is empty\nf();' }, []);
  check({ text: '#!/bin/sh' }, []);
  check({ text: '' }, []);
});

test('asks with headings of prose', () => {
  const body = 'Retries are counted by the client and reset when an answer comes.';
  check({ kind: 'prose', text: `## Counting retries\n\n${body}` }, [
    ['heading', 'Counting retries', body],
  ]);
  check({ kind: 'prose', text: `Counting \`retries\`\n=======\n${body}` }, [
    ['heading', 'Counting retries', body],
  ]);
  check({ kind: 'prose', text: body }, []);
});

test('asks with titles and names of tests', () => {
  const body = "(async () => {\n  assert.equal(await count(server, 'retry', 3), 3);\n});";
  check({ kind: 'test', text: `test('counts the retries', ${body}` }, [
    ['test', 'counts the retries', `test('', ${body}`],
  ]);
  check(
    {
      kind: 'test',
      definitions: ['test_counts_the_retries'],
      text: 'def test_counts_the_retries(server):\n    assert count(server, attempts=3, step=1) == expected',
    },
    [
      [
        'test',
        'counts the retries',
        'def test(server):\n    assert count(server, attempts=3, step=1) == expected',
      ],
    ],
  );
});

test('asks with names cut into words', () => {
  check({ kind: 'definition', definitions: ['x', 'parseHTTPHeader_v2'], text: BODY }, [
    ['name', 'parse http header v2', BODY],
  ]);
  check({ kind: 'definition', definitions: ['parse'], text: BODY }, []);
});
