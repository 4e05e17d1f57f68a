import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { NearmissError, isAbort } from '../../../src/base/errors';
import { installationRoot } from '../../../src/base/installation';
import { readBundledCheckpoint } from '../../../src/engine/encoders/bundled';
import { readCheckpoint } from '../../../src/engine/encoders/checkpoint';
import { createReranker } from '../../../src/engine/encoders/crossEncoder';
import {
  type Session,
  type SessionInput,
  createSession,
} from '../../../src/engine/encoders/session';
import { loadTokenizer } from '../../../src/engine/encoders/tokenizer';
import type { Reranker } from '../../../src/engine/encoders/types';
import { temporaryFolder } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

type Inputs = Readonly<Record<string, SessionInput>>;

interface Opened {
  readonly reranker: Reranker;
  readonly runs: Inputs[];
  readonly encode: (text: string) => number[];
}

async function openToy(tokenBudget = 64): Promise<Opened> {
  const target = path.join(temporaryFolder(after), 'toy');
  const folder = writeToyCheckpoint(target, { kind: 'cross-encoder' });
  const checkpoint = await readCheckpoint(folder);
  const tokenizer = await loadTokenizer(folder);
  const plain = await createSession(fs.readFileSync(checkpoint.modelFile));
  const runs: Inputs[] = [];
  const session: Session = {
    ...plain,
    run(inputs, output) {
      runs.push(inputs);
      return plain.run(inputs, output);
    },
  };
  const reranker = createReranker({ checkpoint, tokenizer, session, tokenBudget });
  after(() => reranker.dispose());
  return { reranker, runs, encode: (text) => tokenizer.encode(text) };
}

const numbers = (input: SessionInput): number[] => Array.from(input.data, Number);

test('a pair is [CLS] query [SEP] text [SEP], the text of type 1', async () => {
  const { reranker, runs, encode } = await openToy();
  await reranker.score('the file', ['read of']);
  const [query, text] = [encode('the file'), encode('read of')];
  assert.deepEqual(numbers(runs[0]!['input_ids']!), [2, ...query, 3, ...text, 3]);
  assert.deepEqual(numbers(runs[0]!['token_type_ids']!), [0, 0, 0, 0, 1, 1, 1]);
});

test('scores come in input order and do not depend on who else is scored', async () => {
  const { reranker } = await openToy();
  const texts = ['read', 'function of return class '.repeat(3), 'x', 'const a', 'the file'];
  const together = await reranker.score('the file', texts);
  for (const [index, text] of texts.entries()) {
    const [alone] = await reranker.score('the file', [text]);
    assert.ok(Math.abs(alone! - together[index]!) < 1e-5);
  }
  assert.ok(new Set(together).size > 1);
});

test('slices hold at most the token budget', async () => {
  const { reranker, runs } = await openToy(40);
  await reranker.score(
    'the file',
    Array.from({ length: 12 }, () => 'read the class of a'),
  );
  // Ten tokens a pair.
  assert.equal(runs.length, 3);
  for (const { input_ids: ids } of runs) assert.ok(ids!.data.length <= 40);
});

test('a query of a page leaves half of the room to the text', async () => {
  const { reranker, runs, encode } = await openToy();
  await reranker.score('the '.repeat(2000), ['file '.repeat(2000)]);
  const ids = numbers(runs[0]!['input_ids']!);
  assert.equal(ids.length, 512);
  const [file] = encode('file');
  assert.ok(ids.filter((id) => id === file).length >= 250);
});

test('an abort stops between slices', async () => {
  const { reranker, runs } = await openToy(16);
  const controller = new AbortController();
  const scoring = reranker.score(
    'the',
    Array.from({ length: 60 }, () => 'read the class'),
    controller.signal,
  );
  setImmediate(() => controller.abort());
  await assert.rejects(scoring, isAbort);
  assert.ok(runs.length < 60);
});

test('a model that gives more than one number a pair is one sentence', async () => {
  const folder = writeToyCheckpoint(path.join(temporaryFolder(after), 'toy'));
  const checkpoint = await readCheckpoint(folder);
  const session = await createSession(fs.readFileSync(checkpoint.modelFile));
  const tokenizer = await loadTokenizer(folder);
  const reranker = createReranker({ checkpoint, tokenizer, session });
  await assert.rejects(
    reranker.score('a', ['b']),
    (error) => error instanceof NearmissError && /one finite score/.test(error.message),
  );
  reranker.dispose();
});

test('the bundled cross-encoder puts the text that answers first', async () => {
  const checkpoint = await readBundledCheckpoint(installationRoot(), 'cross-encoder');
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const session = await createSession(fs.readFileSync(checkpoint.modelFile));
  const reranker = createReranker({ checkpoint, tokenizer, session });
  const scores = await reranker.score('read a file into a string', [
    'src/weather.py\ndef forecast(city): return rain(city)',
    'src/files.py\ndef read_text(path):\n    with open(path) as f:\n        return f.read()',
    'src/sort.py\ndef sort(items): return sorted(items)',
  ]);
  assert.equal(scores.indexOf(Math.max(...scores)), 1);
  reranker.dispose();
});
