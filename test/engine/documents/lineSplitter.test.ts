import * as assert from 'node:assert';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Chunk } from '../../../src/engine/documents/document';
import { declaredNames, splitByLines } from '../../../src/engine/documents/lineSplitter';
import { checkChunksCover, documentOf } from '../../support/splitting';

const spansOf = (chunks: readonly Chunk[]): string[] =>
  chunks.map(({ span }) => `${span.start}-${span.end}`);

function split(text: string, path = 'src/a.ts'): Chunk[] {
  const chunks = splitByLines(documentOf(path, text));
  checkChunksCover(text, chunks);
  return chunks;
}

describe('line windows', () => {
  it('hold at most 40 lines and 1,500 characters', () => {
    const short = split('a();\n'.repeat(100));
    assert.deepStrictEqual(spansOf(short), ['0-40', '40-80', '80-100']);
    const long = split(`${'x'.repeat(399)}\n`.repeat(9));
    assert.deepStrictEqual(spansOf(long), ['0-3', '3-6', '6-9']);
  });

  it('end at a blank line where one is near, and do not hold it', () => {
    const text = `${'a();\n'.repeat(30)}\n${'b();\n'.repeat(30)}`;
    assert.deepStrictEqual(spansOf(split(text)), ['0-30', '31-61']);
  });

  it('cut a long line behind a blank, never inside a character of two units', () => {
    const words = split('word '.repeat(1_000));
    assert.ok(words.every(({ text }) => text.length <= 1_500 && text.endsWith('word ')));
    const faces = split('😀'.repeat(2_000));
    assert.ok(faces.every(({ text }) => /^(?:😀)+$/u.test(text)));
    assert.deepStrictEqual([...new Set(spansOf(words))], ['0-1']);
  });

  it('know what they define, where they stand and of what kind they are', () => {
    const text = 'import a from "a";\n\nexport async function run() {}\nconst LIMIT = 3;\n';
    assert.deepStrictEqual(split(text), [
      {
        span: { start: 0, end: 4 },
        kind: 'definition',
        symbol: '',
        definitions: ['run', 'LIMIT'],
        text: text.trimEnd(),
      },
    ]);
    assert.strictEqual(split('a();', 'src/a.ts')[0]!.kind, 'code');
    assert.strictEqual(split('a();', 'test/a.ts')[0]!.kind, 'test');
  });

  it('are none where there is no text', () => {
    for (const text of ['', '\n\n', '  \n\t\n']) assert.deepStrictEqual(split(text), []);
  });

  it('lose nothing, whatever the text', () => {
    const piece = fc.oneof(
      fc.constantFrom('\n', '\n\n', ' ', '\t', '\r', 'def a():', '😀', '\u3000'),
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.nat({ max: 2_000 }).map((length) => 'x'.repeat(length)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        for (const { text } of split(pieces.join(''))) assert.ok(text.length <= 1_500);
      }),
      { numRuns: 200 },
    );
  });

  it('take less than a second for 3 MB', () => {
    const text = 'export function name(a: number) {\n  return a + 1;\n}\n\n'.repeat(60_000);
    const start = performance.now();
    assert.ok(splitByLines(documentOf('a.ts', text)).length > 1_000);
    assert.ok(performance.now() - start < 1_000);
  });
});

describe('declared names', () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    'export default class Session extends Base {': ['Session'],
    'export const parse = (a) => a;': ['parse'],
    '  const local = 1;': [],
    'async def load(self):': ['load'],
    '    def total(self):': ['total'],
    'func (s *Server) Handle(a int) {': ['Handle'],
    'pub(crate) async fn insert() {': ['insert'],
    'public static final class Entry {': ['Entry'],
    'sealed interface Discount {': ['Discount'],
    'defmodule Shop.Counter do': ['Shop.Counter'],
    '  def empty?; end': ['empty?'],
    'function Queue.new(limit)': ['Queue.new'],
    'data class Item(val name: String)': ['Item'],
    'public func next() -> Track? {': ['next'],
    'let limit: Int = 3': ['limit'],
    '// the class of things': [],
    'if (type in types) {': [],
    'return class {': [],
  };
  for (const [line, names] of Object.entries(cases)) {
    it(`are ${names.join(', ') || 'none'} in "${line}"`, () => {
      assert.deepStrictEqual(
        declaredNames(`x;\n${line}\n`).map(({ name }) => name),
        names,
      );
    });
  }
});
