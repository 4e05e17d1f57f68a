import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import { installationRoot } from '../../../src/base/installation';
import { readBundledCheckpoint } from '../../../src/engine/encoders/bundled';
import { readCheckpoint, verifyCheckpoint } from '../../../src/engine/encoders/checkpoint';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const root = installationRoot();
let count = 0;

function toyFolder(files: Readonly<Record<string, string>> = {}): string {
  const folder = writeToyCheckpoint(path.join(temporaryFolder(after), `toy${count++}`));
  writeFiles(folder, files);
  return folder;
}

async function checkRefused(folder: string, reason: RegExp): Promise<void> {
  await assert.rejects(readCheckpoint(folder), (error) => {
    assert.ok(error instanceof NearmissError);
    assert.equal(error.code, 'model');
    assert.match(error.message, reason);
    assert.doesNotMatch(error.message, /\n|\.$/);
    assert.ok(error.advice);
    return true;
  });
}

test('the bundled checkpoints are what their fingerprints say', async () => {
  const bi = await readBundledCheckpoint(root, 'bi-encoder');
  const cross = await readBundledCheckpoint(root, 'cross-encoder');
  const { kind, pooling, dimension, maxTokens, templates } = bi;
  assert.deepEqual(
    { kind, pooling, dimension, maxTokens, templates },
    {
      kind: 'bi-encoder',
      pooling: 'mean',
      dimension: 384,
      maxTokens: 512,
      templates: { query: '', document: '' },
    },
  );
  assert.equal(cross.kind, 'cross-encoder');
});

test('one flipped bit or a missing end of a bundled model is one sentence with what to do', async () => {
  const copy = temporaryFolder(after);
  fs.cpSync(path.join(root, 'models'), path.join(copy, 'models'), { recursive: true });
  const file = path.join(copy, 'models/bi-encoder/model.onnx');
  const bytes = fs.readFileSync(file);
  const isDamageError = (error: unknown): boolean =>
    error instanceof NearmissError &&
    error.code === 'model' &&
    error.message.includes('is damaged') &&
    error.advice !== undefined;
  bytes[12_345_678]! ^= 4;
  fs.writeFileSync(file, bytes);
  await assert.rejects(readBundledCheckpoint(copy, 'bi-encoder'), isDamageError);
  bytes[12_345_678]! ^= 4;
  fs.writeFileSync(file, bytes.subarray(0, 20_000_000));
  await assert.rejects(readBundledCheckpoint(copy, 'bi-encoder'), isDamageError);
  fs.writeFileSync(file, bytes);
  assert.equal((await readBundledCheckpoint(copy, 'bi-encoder')).kind, 'bi-encoder');
});

test('pooling, templates and token limit come from the files of sentence-transformers', async () => {
  const folder = toyFolder({
    '1_Pooling/config.json': '{"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":false}',
    'config_sentence_transformers.json': '{"prompts":{"query":"query: ","passage":"passage: "}}',
    'sentence_bert_config.json': '{"max_seq_length":128}',
  });
  const { pooling, templates, maxTokens } = await readCheckpoint(folder);
  assert.deepEqual(
    { pooling, templates, maxTokens },
    { pooling: 'cls', templates: { query: 'query: ', document: 'passage: ' }, maxTokens: 128 },
  );
});

test('whatever decides an embedding changes the fingerprint', async () => {
  const { fingerprint } = await readCheckpoint(toyFolder());
  assert.equal((await readCheckpoint(toyFolder())).fingerprint, fingerprint);
  const others = [
    toyFolder({ '1_Pooling/config.json': '{"pooling_mode_max_tokens":true}' }),
    toyFolder({ 'config_sentence_transformers.json': '{"prompts":{"query":"q: "}}' }),
    toyFolder({ 'sentence_bert_config.json': '{"max_seq_length":99}' }),
    writeToyCheckpoint(path.join(temporaryFolder(after), 'other'), { seed: 2 }),
  ];
  for (const folder of others) {
    const other = await readCheckpoint(folder);
    assert.notEqual(other.fingerprint, fingerprint, folder);
    assert.throws(() => verifyCheckpoint(other, fingerprint), NearmissError);
  }
});

test("RoBERTa's two unused positions are not counted", async () => {
  const config = { model_type: 'xlm-roberta', hidden_size: 8, max_position_embeddings: 514 };
  const folder = toyFolder({ 'config.json': JSON.stringify(config) });
  assert.equal((await readCheckpoint(folder)).maxTokens, 512);
});

test('what is missing or of the wrong form is named', async () => {
  const without = (name: string): string => {
    const folder = toyFolder();
    fs.rmSync(path.join(folder, name));
    return folder;
  };
  await checkRefused(without('config.json'), /has no .*config\.json/);
  await checkRefused(without('onnx/model.onnx'), /has no .*model\.onnx/);
  await checkRefused(without('tokenizer.json'), /has no .*tokenizer\.json/);
  await checkRefused(toyFolder({ 'config.json': '{"hidden_' }), /config\.json cannot be used/);
  await checkRefused(toyFolder({ 'config.json': '{"model_type":"bert"}' }), /hidden_size/);
  await checkRefused(
    toyFolder({
      '1_Pooling/config.json': '{"pooling_mode_cls_token":true,"pooling_mode_max_tokens":true}',
    }),
    /asks for 2 poolings/,
  );
});
