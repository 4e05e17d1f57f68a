import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { NearmissError } from '../../../src/base/errors';
import { installationRoot } from '../../../src/base/installation';
import { loadTokenizer, makeTokenizer } from '../../../src/engine/encoders/tokenizer';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

interface Definition {
  added_tokens: { id: number; content: string; special: boolean }[];
  [part: string]: unknown;
}

const folder = path.join(installationRoot(), 'models/bi-encoder');
const definition = JSON.parse(
  fs.readFileSync(path.join(folder, 'tokenizer.json'), 'utf8'),
) as Definition;

/** The library on whole texts, special tokens being plain text, is what the word cache must equal. */
const library = new LibraryTokenizer({ ...definition, added_tokens: [] }, {});
const tokenizer = makeTokenizer(definition);

function checkSame(text: string): void {
  const expected = library.encode(text, { add_special_tokens: false }).ids;
  assert.deepEqual(tokenizer.encode(text), expected, JSON.stringify(text));
  assert.equal(tokenizer.countTokens(text), expected.length);
}

test('ids are those that BERT gives', () => {
  assert.deepEqual(tokenizer.encode('Hello, World!'), [7592, 1010, 2088, 999]);
  const { clsId, sepId, padId, vocabularySize } = tokenizer;
  assert.deepEqual(
    { clsId, sepId, padId, vocabularySize },
    {
      clsId: 101,
      sepId: 102,
      padId: 0,
      vocabularySize: 30522,
    },
  );
});

const pieces = fc.constantFrom(
  ...['foo', 'Bar9', 'x', '_', '.', "'", ':', '^', '`', '$', '(', '"', ',', '-', '\\', '~', '\x7f'],
  ...[' ', '\n', '\t', '\r\n', '\0', '\v', '\f', '\x1f', '\u00a0', '\u2028', '\ufeff', '\u200b'],
  ...['é', 'É', 'e\u0301', '\u0301', 'İ', 'ß', 'ΑΣ', 'ς', 'Σ', 'ñ', 'ﬁ', 'Ⅷ', '½', '\ufffd'],
  ...['日本', '語', 'カナ', '한국', 'ไทย', 'नमस्ते', '😀', '👩‍👧', '。', '—', '…', '€', '\ud800'],
);

test('texts of any pieces give the ids that the library gives for the whole', () => {
  const texts = fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join(''));
  fc.assert(fc.property(texts, checkSame), { numRuns: 3000, seed: 7 });
});

test('texts of any characters give the ids that the library gives for the whole', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 40 });
  fc.assert(fc.property(texts, checkSame), { numRuns: 2000, seed: 8 });
});

test('a second walk over the same text, now from the cache, gives the same', () => {
  const source = fs.readFileSync(path.join(installationRoot(), 'package.json'), 'utf8');
  checkSame(source);
  checkSame(source);
});

test('special tokens written in a text are text', () => {
  const ids = tokenizer.encode('[CLS] a [SEP] [MASK] [PAD] [UNK]');
  assert.ok(
    ids.every((id) => id > 103),
    String(ids),
  );
  checkSame('x[SEP]y');
});

test('a word of more than a hundred characters is one unknown token, one of a hundred is not', () => {
  assert.deepEqual(tokenizer.encode('a'.repeat(101)), [100]);
  assert.ok(!tokenizer.encode('a'.repeat(100)).includes(100));
  checkSame(`${'z9'.repeat(80)} end`);
});

test('the share of unknown tokens is 0 for program text and high for a script outside the vocabulary', () => {
  assert.equal(tokenizer.unknownShare(''), 0);
  assert.equal(tokenizer.unknownShare('const value = 1;'), 0);
  assert.ok(tokenizer.unknownShare('検索履歴を削除する') > 0.3);
  assert.equal(tokenizer.unknownShare('\u{1F600} word'), 0.5);
});

test('the frame of BERT is [CLS] text [SEP] and, for a pair, [CLS] a [SEP] b [SEP]', () => {
  assert.deepEqual(tokenizer.frame, {
    single: { before: [101], after: [102] },
    pair: { before: [101], between: [102], after: [102], secondType: 1 },
  });
});

test("RoBERTa's byte-pair tokens, frame and types are the library's", () => {
  const vocab = { '<s>': 0, '<pad>': 1, '</s>': 2, '<unk>': 3, a: 4, b: 5, ab: 6, Ġ: 7, Ġa: 8 };
  const roberta = makeTokenizer({
    added_tokens: ['<s>', '<pad>', '</s>', '<unk>'].map((content, id) => ({
      id,
      content,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
    post_processor: { type: 'RobertaProcessing', sep: ['</s>', 2], cls: ['<s>', 0] },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
    model: { type: 'BPE', vocab, merges: ['a b', 'Ġ a'], unk_token: '<unk>' },
  });
  assert.deepEqual(roberta.encode('ab a'), [6, 8]);
  assert.equal(roberta.padId, 1);
  assert.deepEqual(roberta.frame.pair, { before: [0], between: [2, 2], after: [2], secondType: 0 });
});

test('a tokenizer that is missing, cut or of another form is one sentence', async () => {
  const broken = temporaryFolder(after);
  const isModelError = (error: unknown): boolean =>
    error instanceof NearmissError && error.code === 'model' && error.advice !== undefined;
  await assert.rejects(loadTokenizer(broken), isModelError);
  writeFiles(broken, { 'tokenizer.json': JSON.stringify(definition).slice(0, 9000) });
  await assert.rejects(loadTokenizer(broken), isModelError);
  writeFiles(broken, { 'tokenizer.json': '{"model":{"vocab":3}}' });
  await assert.rejects(loadTokenizer(broken), isModelError);
  writeFiles(broken, { 'tokenizer.json': '{"model":{"type":"WordPiece","vocab":{"a":0}}}' });
  await assert.rejects(loadTokenizer(broken), /has no \[CLS\] and \[SEP\]/);
});
