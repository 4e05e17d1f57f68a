import * as assert from 'node:assert';
import { describe, it } from 'node:test';
import type { Chunk, Document } from '../../../../src/engine/documents/document';
import { splitNotebook } from '../../../../src/engine/documents/extract/notebook';
import { splitByLines } from '../../../../src/engine/documents/lineSplitter';
import { documentOf } from '../../../support/splitting';

interface Seen {
  readonly language: string;
  readonly text: string;
  readonly rows: string;
}

/** Splits a notebook by line windows and tells for each chunk its cell's language and the rows of the file. */
async function checkCells(json: string, expected: readonly Seen[] | undefined): Promise<void> {
  const languages: string[] = [];
  const splitText = (cell: Document): Promise<Chunk[]> => {
    languages.push(cell.language);
    return Promise.resolve(splitByLines(cell));
  };
  const chunks = await splitNotebook(documentOf('a.ipynb', json), splitText);
  const seen = chunks?.map(({ span, text }, index) => ({
    language: languages[index]!,
    text,
    rows: json.split('\n').slice(span.start, span.end).join('\n'),
  }));
  assert.deepStrictEqual(seen, expected);
}

const notebook = {
  cells: [
    { cell_type: 'markdown', metadata: {}, source: ['# Title\n', 'text "quoted"'] },
    { cell_type: 'code', metadata: {}, source: [] },
    { cell_type: 'code', outputs: [{ text: ['x = 1\n'] }], source: ['x = 1\n', '\n', 'y = 2'] },
    { cell_type: 'code', outputs: [], source: 'z = 3\nw = 4' },
  ],
  metadata: { language_info: { name: 'Julia' } },
};

describe('a notebook', () => {
  it('gives its cells without outputs, at the rows of the file that hold them', async () => {
    await checkCells(JSON.stringify(notebook, undefined, 1), [
      {
        language: 'markdown',
        text: '# Title\ntext "quoted"',
        rows: '    "# Title\\n",\n    "text \\"quoted\\""',
      },
      {
        language: 'julia',
        text: 'x = 1\n\ny = 2',
        rows: '    "x = 1\\n",\n    "\\n",\n    "y = 2"',
      },
      {
        language: 'julia',
        text: 'z = 3\nw = 4',
        rows: '   "source": "z = 3\\nw = 4"',
      },
    ]);
  });

  it('in one line has that line for all cells', async () => {
    const json = JSON.stringify({ cells: notebook.cells.slice(0, 1) });
    await checkCells(json, [{ language: 'markdown', text: '# Title\ntext "quoted"', rows: json }]);
  });

  it('is no notebook when the JSON is cut, or has no cells', async () => {
    const json = JSON.stringify(notebook, undefined, 1);
    for (const text of [json.slice(0, -20), '', '[]', 'null', '{"cells": 3}']) {
      await checkCells(text, undefined);
    }
  });

  it('with cells of any shape gives what is text', async () => {
    await checkCells('{"cells":[null,3,{"source":{}},{"source":[1,"a",null]}]}', [
      {
        language: 'python',
        text: 'a',
        rows: '{"cells":[null,3,{"source":{}},{"source":[1,"a",null]}]}',
      },
    ]);
  });
});
