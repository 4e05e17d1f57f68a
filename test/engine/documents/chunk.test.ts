import * as assert from 'node:assert';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isAbort } from '../../../src/base/errors';
import { installationRoot } from '../../../src/base/installation';
import { ChunkSplitter } from '../../../src/engine/documents/chunk';
import { languagesWithGrammar } from '../../../src/engine/documents/codeLanguages';
import type { Chunk, Document, TokenCounter } from '../../../src/engine/documents/document';
import { defaultGrammarFolder } from '../../../src/engine/documents/grammars';
import { loadTokenizer } from '../../../src/engine/encoders/tokenizer';
import { checkGolden } from '../../support/golden';
import { checkChunksCover, countWords, documentOf } from '../../support/splitting';
import { temporaryFolder } from '../../support/temporaryFolder';

const fixtureFolder = path.join(installationRoot(), 'test/fixtures');
const splitters: ChunkSplitter[] = [];

async function makeSplitter(
  options: { countTokens?: TokenCounter; maxTokens?: number; overlapLines?: number } = {},
): Promise<ChunkSplitter> {
  const splitter = await ChunkSplitter.create({
    grammarFolder: defaultGrammarFolder(),
    countTokens: countWords,
    ...options,
  });
  splitters.push(splitter);
  return splitter;
}

after(() => splitters.forEach((splitter) => splitter.dispose()));

/** Fixtures carry a further ".txt", so that no tool takes them for sources of this project. */
function fixtures(): Document[] {
  return fs
    .readdirSync(fixtureFolder, { recursive: true })
    .map((name) => String(name).split(path.sep).join('/'))
    .filter((name) => name.endsWith('.txt'))
    .sort()
    .map((name) =>
      documentOf(
        name.replace(/\.txt$/, ''),
        fs.readFileSync(path.join(fixtureFolder, name), 'utf8'),
      ),
    );
}

function show(chunk: Chunk): string {
  const { span, kind, symbol, definitions, text } = chunk;
  const head = [`${span.start + 1}-${span.end} ${kind}`];
  if (symbol !== '') head.push(symbol);
  if (definitions.length > 0) head.push(`defines ${definitions.join(', ')}`);
  const rows = text.split('\n').map((row) => `  ${row}`.trimEnd());
  return [`[${head.join(' | ')} | ${countWords(text)} tokens]`, ...rows, ''].join('\n');
}

async function checkSplit(splitter: ChunkSplitter, document: Document, maxTokens: number) {
  const chunks = await splitter.split(document);
  checkChunksCover(document.text, chunks);
  for (const chunk of chunks) assert.ok(countWords(chunk.text) <= maxTokens);
  return chunks;
}

describe('chunks of each language', () => {
  let splitter: ChunkSplitter;
  before(async () => {
    splitter = await makeSplitter({ maxTokens: 100 });
  });

  for (const document of fixtures()) {
    it(`cuts ${document.path} as a person would`, async () => {
      const chunks = await splitter.split(document);
      assert.ok(chunks.every((chunk) => countWords(chunk.text) <= 100));
      checkGolden(`chunks/${document.path}.txt`, chunks.map(show).join('\n'));
    });
  }

  it('has a fixture for every language with a grammar', () => {
    const covered = new Set(fixtures().map(({ language }) => language));
    const same = new Map([
      ['javascriptreact', 'javascript'],
      ['jsonc', 'json'],
    ]);
    const missing = languagesWithGrammar().filter((each) => !covered.has(same.get(each) ?? each));
    assert.deepStrictEqual(missing, []);
  });
});

describe('chunks of any text', () => {
  const languages = [...new Set(fixtures().map(({ language }) => language))];
  let small: ChunkSplitter;
  let usual: ChunkSplitter;
  before(async () => {
    small = await makeSplitter({ maxTokens: 20 });
    usual = await makeSplitter();
  });

  it('lose nothing and keep to the budget, whatever the text', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '{',
        '}',
        '(',
        '\n',
        '\n\n',
        '  ',
        '\t',
        '\r',
        '/*',
        '"',
        "'",
        '`',
        '#',
        '`​``',
      ),
      fc.constantFrom(
        'class A',
        'def f():',
        'function g() {',
        '=',
        ';',
        '# H',
        '---',
        '<a>',
        'é́',
        '😀',
      ),
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...languages),
        fc.array(piece, { maxLength: 120 }).map((pieces) => pieces.join('')),
        async (language, text) => {
          await checkSplit(small, documentOf('a/b', text, language), 20);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('lose nothing when a source is cut anywhere or loses a part', async () => {
    const sources = fixtures().filter(({ language }) => language !== 'jupyter');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...sources),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (source, a, b) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)].map((share) =>
            Math.floor(share * source.text.length),
          );
          const text = source.text.slice(0, from) + source.text.slice(to);
          await checkSplit(small, { ...source, text }, 20);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('lose nothing in a line of a megabyte', async () => {
    const words = 'const a=[1,2,3].map(x=>x*x);'.repeat(36_000);
    const digits = '0123456789abcdef'.repeat(64_000);
    for (const text of [words, digits, `{"a":"${digits}"}\n`]) {
      const chunks = await usual.split(documentOf('a/data.js', text));
      checkChunksCover(text, chunks);
      assert.ok(chunks.every((chunk) => chunk.text.length <= 220 * 12));
      assert.ok(chunks.every((chunk) => countWords(chunk.text) <= 220));
    }
  });

  it('come from deeply nested brackets', async () => {
    for (const open of ['[', '{a:', '[\n', '{\n', 'if (a) {\n', '<b>\n']) {
      for (const language of ['javascript', 'json', 'cpp', 'yaml']) {
        const text = open.repeat(5_000);
        checkChunksCover(text, await usual.split(documentOf('a', text, language)));
      }
    }
  });

  it('come from texts that bring the parser down, and syntax is back for the next', async () => {
    for (const [language, row] of [
      ['java', 'a<\n'],
      ['c', 'x=>\n'],
    ] as const) {
      const text = row.repeat(20_000);
      checkChunksCover(text, await usual.split(documentOf('a', text, language)));
      const [chunk] = await usual.split(documentOf('a.go', 'func (s *Server) Start() {}\n'));
      assert.strictEqual(chunk!.symbol, 'Server > Start');
    }
  });

  it('keep to 220 tokens of the bundled tokenizer', async () => {
    const tokenizer = await loadTokenizer(path.join(installationRoot(), 'models/bi-encoder'));
    const countTokens: TokenCounter = (text) => tokenizer.countTokens(text);
    const splitter = await makeSplitter({ countTokens });
    const texts = fixtures().map(({ text }) => text);
    texts.push('ﷺ e\u0301 标题\u3000内容 ａｂｃ ½ '.repeat(300), 'x'.repeat(99) + '\n'.repeat(3));
    for (const text of texts) {
      for (const language of ['typescript', 'markdown', 'swift']) {
        const chunks = await splitter.split(documentOf('a', text, language));
        assert.ok(chunks.every((chunk) => countTokens(chunk.text) <= 220));
      }
    }
  });

  it('keep to the budget of a counter that does not add up over rows', async () => {
    const countTokens: TokenCounter = (text) => text.length;
    const splitter = await makeSplitter({ countTokens, maxTokens: 150 });
    for (const document of fixtures()) {
      const chunks = await splitter.split(document);
      assert.ok(chunks.every((chunk) => chunk.text.length <= 150));
    }
  });

  it('are none where there is no text', async () => {
    for (const text of ['', '\n', ' \t\n\u3000\n']) {
      assert.deepStrictEqual(await usual.split(documentOf('a.ts', text)), []);
    }
  });
});

describe('a splitter', () => {
  it('repeats as many rows as asked and the budget allows', async () => {
    const rows = Array.from({ length: 12 }, (_, index) => `word${index}`);
    const splitter = await makeSplitter({ maxTokens: 5, overlapLines: 2 });
    const chunks = await splitter.split(documentOf('a.txt', rows.join('\n')));
    const starts = chunks.map(({ span }) => span.start);
    assert.ok(chunks.every(({ text }) => countWords(text) <= 5));
    assert.deepStrictEqual(chunks[0]!.span.start, 0);
    assert.ok(
      chunks.some(({ span }, index) => index > 0 && span.start < chunks[index - 1]!.span.end),
    );
    assert.deepStrictEqual(
      starts,
      [...starts].sort((a, b) => a - b),
    );
  });

  it('stops before it begins when the signal is aborted', async () => {
    const splitter = await makeSplitter();
    await assert.rejects(splitter.split(documentOf('a.ts', 'a'), AbortSignal.abort()), isAbort);
  });

  it('gives parts of a function its symbol and a kind of definition', async () => {
    const body = Array.from({ length: 30 }, (_, index) => `  step(${index});`).join('\n');
    const splitter = await makeSplitter({ maxTokens: 60 });
    const chunks = await splitter.split(documentOf('a.ts', `function run() {\n${body}\n}\n`));
    assert.ok(chunks.length > 2);
    assert.deepStrictEqual([...new Set(chunks.map(({ symbol }) => symbol))], ['run']);
    assert.deepStrictEqual([...new Set(chunks.map(({ kind }) => kind))], ['definition']);
    assert.deepStrictEqual(
      chunks.flatMap(({ definitions }) => definitions),
      ['run'],
    );
  });

  // A limit by the clock cut the largest sources by structure when the machine was busy, silently.
  it('cuts a source alike however slow the machine is', async (t) => {
    const methods = Array.from(
      { length: 400 },
      (_, n) => `  m${n}(a = [{}]) {\n    g(${n});\n  }\n`,
    );
    const text = `export default class C {\n${methods.join('')}}\n`;
    const splitter = await makeSplitter();
    const quiet = await splitter.split(documentOf('a.ts', text));
    let now = 0;
    t.mock.method(performance, 'now', () => (now += 3_600_000));
    assert.deepStrictEqual(await splitter.split(documentOf('a.ts', text)), quiet);
  });

  it('cuts by structure where a grammar is not the one that was built', async (t) => {
    const folder = temporaryFolder((end) => t.after(end));
    fs.cpSync(defaultGrammarFolder(), folder, { recursive: true });
    const grammar = path.join(folder, 'tree-sitter-go.wasm');
    const bytes = fs.readFileSync(grammar);
    bytes[1000]! ^= 1;
    fs.writeFileSync(grammar, bytes);
    const splitter = await ChunkSplitter.create({ grammarFolder: folder, countTokens: countWords });
    splitters.push(splitter);
    const [chunk] = await splitter.split(documentOf('a.go', 'func Run() {\n\tstep()\n}\n'));
    assert.deepStrictEqual(chunk!.definitions, ['Run']);
    assert.deepStrictEqual(splitter.damagedGrammars, [
      `The grammar ${grammar} is not the one that was built`,
    ]);
  });

  it('says what to do where the grammars are missing', async (t) => {
    const grammarFolder = temporaryFolder((end) => t.after(end));
    await assert.rejects(ChunkSplitter.create({ grammarFolder, countTokens: countWords }), {
      code: 'engine',
      message: /sha256\.json cannot be read$/,
      advice: 'Install Nearmiss again or run npm run build',
    });
  });
});
