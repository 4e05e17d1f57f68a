import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { NearmissError, isAbort } from '../../../src/base/errors';
import { dot } from '../../../src/base/vector';
import { createEmbedder } from '../../../src/engine/encoders/biEncoder';
import { readCheckpoint } from '../../../src/engine/encoders/checkpoint';
import { type Session, createSession } from '../../../src/engine/encoders/session';
import { loadTokenizer } from '../../../src/engine/encoders/tokenizer';
import type { Embedder } from '../../../src/engine/encoders/types';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';
import { type ToyOptions, writeToyCheckpoint } from '../../support/toyCheckpoint';

interface Opened {
  readonly embedder: Embedder;
  readonly session: Session;
  /** Rows and width of each run so far. */
  readonly runs: (readonly number[])[];
  readonly tokenizer: Awaited<ReturnType<typeof loadTokenizer>>;
}

async function openToy(
  options: ToyOptions & { readonly files?: Readonly<Record<string, string>> } = {},
): Promise<Opened> {
  const folder = writeToyCheckpoint(path.join(temporaryFolder(after), 'toy'), options);
  writeFiles(folder, options.files ?? {});
  const checkpoint = await readCheckpoint(folder);
  const tokenizer = await loadTokenizer(folder);
  const plain = await createSession(fs.readFileSync(checkpoint.modelFile));
  const runs: (readonly number[])[] = [];
  const session: Session = {
    ...plain,
    run(inputs, output) {
      runs.push(inputs['input_ids']!.shape);
      return plain.run(inputs, output);
    },
  };
  const parts = { checkpoint, tokenizer, session, arithmetic: 'fp32', tokenBudget: 64 };
  const embedder = createEmbedder(parts);
  after(() => embedder.dispose());
  return { embedder, session, runs, tokenizer };
}

const texts = ['read the file', 'x', 'function of return class '.repeat(4), '', 'const a = 1;'];

test('each embedding is the mean of the states of its own tokens, unit length, in input order', async () => {
  const { embedder, session, tokenizer } = await openToy();
  const all = await embedder.embedDocuments(texts);
  assert.equal(all.length, texts.length * 8);
  for (const [index, text] of texts.entries()) {
    const ids = [tokenizer.clsId, ...tokenizer.encode(text), tokenizer.sepId];
    const shape = [1, ids.length];
    const filled = (value: bigint): BigInt64Array => new BigInt64Array(ids.length).fill(value);
    const states = await session.run(
      {
        input_ids: { data: BigInt64Array.from(ids, BigInt), shape },
        attention_mask: { data: filled(1n), shape },
        token_type_ids: { data: filled(0n), shape },
      },
      'last_hidden_state',
    );
    const mean = new Float32Array(8);
    for (const [i, value] of states.data.entries()) mean[i % 8]! += value / ids.length;
    const norm = Math.sqrt(dot(mean, mean));
    const actual = all.subarray(index * 8, index * 8 + 8);
    for (let i = 0; i < 8; i++) assert.ok(Math.abs(actual[i]! - mean[i]! / norm) < 1e-5, text);
  }
});

test('batches hold at most the token budget, longest first', async () => {
  const { embedder, runs } = await openToy();
  await embedder.embedDocuments(texts);
  const sizes = runs.map(([rows, width]) => rows! * width!);
  assert.ok(runs.length > 1);
  assert.ok(
    sizes.every((size) => size <= 64),
    String(sizes),
  );
  const widths = runs.map(([, width]) => width!);
  assert.deepEqual(
    widths,
    widths.toSorted((a, b) => b - a),
  );
});

test('no texts give no embeddings and no run', async () => {
  const { embedder, runs } = await openToy();
  assert.equal((await embedder.embedDocuments([])).length, 0);
  assert.equal(runs.length, 0);
});

test('queries and documents are read behind their templates', async () => {
  const prompts = { prompts: { query: 'read ', document: 'file ' } };
  const files = { 'config_sentence_transformers.json': JSON.stringify(prompts) };
  const { embedder } = await openToy({ files });
  const { embedder: plain } = await openToy();
  assert.deepEqual(await embedder.embedQuery('x'), await plain.embedQuery('read x'));
  assert.deepEqual(await embedder.embedDocuments(['x']), await plain.embedDocuments(['file x']));
  assert.notEqual(embedder.space.id, plain.space.id);
});

test('a text longer than the positions is cut, not refused', async () => {
  const { embedder, runs } = await openToy();
  await embedder.embedQuery('a b c d '.repeat(1000));
  assert.deepEqual(runs, [[1, 512]]);
});

test('an abort stops between batches', async () => {
  const { embedder, runs } = await openToy();
  const controller = new AbortController();
  const embedding = embedder.embedDocuments(
    Array.from({ length: 50 }, () => 'the file'.repeat(8)),
    controller.signal,
  );
  setImmediate(() => controller.abort());
  await assert.rejects(embedding, isAbort);
  assert.ok(runs.length < 50, String(runs.length));
  await assert.rejects(embedder.embedQuery('x', controller.signal), isAbort);
});

test('a model whose weights are not numbers is one sentence', async () => {
  const { embedder } = await openToy({
    change(model) {
      const weight = model.graph!.initializer.find(({ name }) => name === 'word')!;
      weight.rawData = new Uint8Array(weight.rawData.length).fill(255);
    },
  });
  await assert.rejects(
    embedder.embedQuery('x'),
    (error) => error instanceof NearmissError && /not finite numbers/.test(error.message),
  );
});

test('a config that names another size than the model has is one sentence', async () => {
  const config = '{"model_type":"bert","hidden_size":12}';
  const { embedder } = await openToy({ files: { 'config.json': config } });
  await assert.rejects(
    embedder.embedQuery('x'),
    (error) => error instanceof NearmissError && /not \[texts, tokens, 12\]/.test(error.message),
  );
});
