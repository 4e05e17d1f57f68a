import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchedRanges, queryWords } from '../../../src/clients/panel/matches';
import { snippetLines } from '../../../src/clients/panel/snippet';
import { visible } from '../../../src/clients/panel/visible';

/** The line with what is marked in brackets. */
function marked(query: string, line: string): string {
  let result = '';
  let at = 0;
  for (const [start, end] of matchedRanges(line, queryWords(query))) {
    result += `${line.slice(at, start)}[${line.slice(start, end)}]`;
    at = end;
  }
  return result + line.slice(at);
}

test('marks words and the parts of names that hold them', () => {
  assert.equal(
    marked('expired sessions', 'removeExpired(sessions)'),
    'remove[Expired]([sessions])',
  );
  assert.equal(
    marked('parse header', 'parse_header(HTTP_HEADER)'),
    '[parse]_[header](HTTP_[HEADER])',
  );
});

test('marks other forms of a word, and no word that only begins alike', () => {
  assert.equal(marked('removes', 'removed removing removal'), '[removed] [removing] [removal]');
  assert.equal(marked('cat', 'category concat cat'), 'category concat [cat]');
});

test('marks parts of a name in the query, and not its small words', () => {
  assert.equal(marked('parseHeader', 'the header is parsed'), 'the [header] is [parsed]');
  assert.equal(marked('where is the end', 'where is the end'), 'where is the [end]');
});

test('leaves out filters and what the query excludes', () => {
  assert.deepEqual(queryWords('lang:go token -path:test -mock path:server'), ['token']);
});

test('marks scripts without spaces wherever they stand', () => {
  assert.equal(marked('検索', '全文検索の索引'), '全文[検索]の索引');
});

test('marks ranges that do not overlap, whatever is asked', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (query, line) => {
      let last = -1;
      for (const [start, end] of matchedRanges(line, queryWords(query))) {
        assert.ok(last <= start && start < end && end <= line.length);
        last = end;
      }
    }),
  );
});

function shownText(snippet: string, query = ''): string[] {
  return snippetLines({ snippet, snippetStart: 10 }, queryWords(query)).map(
    ({ number, pieces }) => `${number} ${pieces.map((piece) => piece.text).join('')}`,
  );
}

test('takes away the indentation that all lines share', () => {
  assert.deepEqual(shownText('    if (x) {\n\n      y();\n    }\n'), [
    '10 if (x) {',
    '11 ',
    '12   y();',
    '13 }',
  ]);
});

test('shows the five lines that hold most words', () => {
  const lines = Array.from(
    { length: 12 },
    (_, index) => `line${index} ${index === 9 ? 'token' : ''}`,
  );
  assert.deepEqual(
    shownText(lines.join('\n'), 'token').map((line) => line.split(' ')[0]),
    ['15', '16', '17', '18', '19'],
  );
});

test('cuts a long line around its first match', () => {
  const line = `${'a'.repeat(300)} token ${'b'.repeat(300)}`;
  const [shown = ''] = shownText(line, 'token');
  assert.match(shown, /^10 …a+ token b+…$/);
  assert.ok(shown.length < 170);
});

test('gives each piece its style and its mark', () => {
  const snippet = 'const token = 1;';
  const colours = {
    snippet,
    lines: [
      [
        [5, 0],
        [6, 1],
        [5, 2],
      ] as [number, number][],
    ],
  };
  const [line] = snippetLines({ snippet, snippetStart: 0 }, ['token'], colours);
  assert.deepEqual(line?.pieces, [
    { text: 'const', style: 0, isMatch: false },
    { text: ' ', style: 1, isMatch: false },
    { text: 'token', style: 1, isMatch: true },
    { text: ' = 1;', style: 2, isMatch: false },
  ]);
});

test('does without colours that belong to an older text', () => {
  const colours = { snippet: 'old', lines: [[[3, 0]] as [number, number][]] };
  const [line] = snippetLines({ snippet: 'new', snippetStart: 0 }, [], colours);
  assert.deepEqual(line?.pieces, [{ text: 'new', style: undefined, isMatch: false }]);
});

test('never loses text of a short snippet, whatever the colours say', () => {
  const run = fc.tuple(fc.nat(20), fc.nat(5));
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z(). ]{0,60}$/), fc.array(run), (snippet, runs) => {
      const colours = { snippet, lines: [runs] };
      const [line] = snippetLines({ snippet, snippetStart: 0 }, ['ab', 'c'], colours);
      assert.equal(line?.pieces.map((piece) => piece.text).join(''), snippet.trim());
    }),
  );
});

test('shows invisible and turning characters by their code', () => {
  assert.equal(
    visible('a\u202Eb\u0007\u200B\u{E0041}\tc'),
    'a[U+202E]b[U+0007][U+200B][U+E0041]\tc',
  );
  assert.equal(visible('<b>日本語 é</b>'), '<b>日本語 é</b>');
});
