import * as assert from 'node:assert';
import { describe, it } from 'node:test';
import { Lines, RowCounter } from '../../../src/engine/documents/lines';
import { isProse, outlineProse } from '../../../src/engine/documents/proseSplitter';
import { countWords } from '../../support/splitting';

/** Headings of a text as "row-end title", indented by what they lie in. */
function outline(text: string, language: string): string[] {
  const { definitions } = outlineProse(new Lines(text, new RowCounter(countWords, 1e6)), language);
  return definitions.map(({ start, end, names }) => `${start}-${end} ${names.join()}`);
}

describe('headings', () => {
  it('of Markdown: both styles, not in code, front matter or quotes', () => {
    const text = [
      '---',
      'title: x',
      '---',
      '# One `code` [link](https://a.example) {#id}',
      'text',
      '```',
      '# no',
      '```',
      '> # no',
      '',
      'Two',
      '---',
      '#no',
      '## Three ##',
      '#',
    ].join('\n');
    assert.deepStrictEqual(outline(text, 'markdown'), [
      '3-15 One code link',
      '10-13 Two',
      '13-15 Three',
    ]);
  });

  it('of Markdown whose front matter never ends, or is all there is', () => {
    assert.deepStrictEqual(outline('---\na: 1\n# One', 'markdown'), ['2-3 One']);
    assert.deepStrictEqual(outline('---\na: 1\n---', 'markdown'), []);
    assert.deepStrictEqual(outline('', 'markdown'), []);
  });

  it('of reStructuredText: levels by first use, underline at least as long as the title', () => {
    const text = '===\nTop\n===\n\nPart\n====\n\nSub\n---\n\nPart two\n====\n\nPart 3\n======\n';
    assert.deepStrictEqual(outline(text, 'restructuredtext'), [
      '0-15 Top',
      '4-12 Part',
      '7-12 Sub',
      '13-15 Part 3',
    ]);
  });

  it('of AsciiDoc: not in delimited blocks', () => {
    const text = '= Top\n\n----\n== no\n----\n\n== Part\ntext\n====\n== no\n====\n=== Sub\n';
    assert.deepStrictEqual(outline(text, 'asciidoc'), ['0-12 Top', '6-12 Part', '11-12 Sub']);
  });

  it('of LaTeX and Org', () => {
    const latex = '\\section{One}\ntext\n\\subsection*{Two}\n\\section[s]{Three}\n';
    assert.deepStrictEqual(outline(latex, 'latex'), ['0-3 One', '2-3 Two', '3-4 Three']);
    const org = '* TODO One :tag:\n** Two\ntext\n* Three\n';
    assert.deepStrictEqual(outline(org, 'org'), ['0-3 One', '1-3 Two', '3-4 Three']);
  });

  it('are, in plain text, a first row that stands alone', () => {
    assert.deepStrictEqual(outline('\nFlow past a plate\n\nOne.\nTwo.\n\nThree.\n', 'plaintext'), [
      '1-7 Flow past a plate',
    ]);
    for (const text of [
      'One.\nTwo.\n\nThree.\n',
      'Alone.\n\n',
      '  indented\n\nOne.\n',
      '------\n\nOne.\n',
      `${'long '.repeat(40)}\n\nOne.\n`,
    ])
      assert.deepStrictEqual(outline(text, 'plaintext'), [], text);
  });

  it('are no others in plain text, and no other language is prose', () => {
    assert.deepStrictEqual(outline('# One\n\nTwo\n===\n', 'plaintext'), []);
    assert.deepStrictEqual(['markdown', 'plaintext', 'html', 'toString'].filter(isProse), [
      'markdown',
      'plaintext',
    ]);
  });
});
