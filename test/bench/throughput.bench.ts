/**
 * `npm run bench -- throughput`: texts embedded a second against the feature-extraction pipeline of
 * @xenova/transformers as its documentation uses it: fp32, batches of 32 in file order, padded to the longest, at most
 * 256 tokens. The same weights, texts and threads; runs take turns, so that a busy machine slows both.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { env, pipeline } from '@xenova/transformers';
import { installationRoot } from '../../src/base/installation';
import { cosine } from '../../src/base/vector';
import { createEmbedder } from '../../src/engine/encoders/biEncoder';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import { ARITHMETICS, type Arithmetic, buildGraph } from '../../src/engine/encoders/graphs';
import { createWideSession } from '../../src/engine/encoders/lanes';
import { loadTokenizer } from '../../src/engine/encoders/tokenizer';
import type { Embedder } from '../../src/engine/encoders/types';
import { makeCorpus } from './corpus';
import { benchOption, type Figure, hasVnni, note, report, timed } from './report';

const threads = Number(benchOption('threads') ?? os.cpus().length);
const textCount = Number(benchOption('texts') ?? 512);
/** Texts of one turn: four batches of the pipeline. */
const turnSize = 128;
const pipelineBatch = 32;
const pipelineMaxTokens = 256;
/** Blocks below say nothing, what is above is cut off; in characters. */
const shortestBlock = 40;
const longestBlock = 1000;
const specialTokens = 2;
/** What rounding to 8 bits may do to an embedding. */
const leastCosine = 0.98;

type Embed = (texts: readonly string[]) => Promise<Float32Array>;

async function main(): Promise<void> {
  const texts = await fixedTexts();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-'));
  try {
    const runners = new Map<string, Embed>([['pipeline', await openPipeline(folder)]]);
    const embedders: Embedder[] = [];
    for (const arithmetic of ARITHMETICS) {
      const embedder = await openEmbedder(arithmetic);
      embedders.push(embedder);
      runners.set(arithmetic, (turn) => embedder.embedDocuments(turn));
    }
    const ms = await takeTurns(runners, texts);
    const agreement = await worstAgreement(runners, texts.slice(0, turnSize));
    report('throughput', figures(ms, agreement, texts.length));
    for (const embedder of embedders) embedder.dispose();
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function figures(
  ms: ReadonlyMap<string, number>,
  agreement: ReadonlyMap<string, number>,
  count: number,
): Figure[] {
  const rate = (name: string): number => count / ((ms.get(name) ?? NaN) / 1000);
  const fastest = hasVnni() ? 'int8-token' : 'fp32';
  const target = hasVnni() ? 5 : 3.5;
  return [
    { label: 'pipeline, fp32, 32 a batch', value: rate('pipeline'), unit: 'texts/s' },
    ...ARITHMETICS.flatMap((name): Figure[] => [
      { label: `ours, ${name}`, value: rate(name), unit: 'texts/s' },
      {
        label: `ours, ${name}, against the pipeline`,
        value: rate(name) / rate('pipeline'),
        unit: 'x',
        digits: 2,
        ...(name === fastest && { atLeast: target }),
      },
      {
        label: `ours, ${name}, least cosine with the pipeline`,
        value: agreement.get(name) ?? NaN,
        digits: 5,
        atLeast: name === 'fp32' ? 0.9999 : leastCosine,
      },
    ]),
  ];
}

/** Milliseconds of each runner over all texts, a turn at a time, the order of runners changing. */
async function takeTurns(
  runners: ReadonlyMap<string, Embed>,
  texts: readonly string[],
): Promise<Map<string, number>> {
  const total = new Map<string, number>();
  for (const embed of runners.values()) await embed(texts.slice(0, pipelineBatch));
  for (let at = 0; at < texts.length; at += turnSize) {
    const order = [...runners];
    if ((at / turnSize) % 2 === 1) order.reverse();
    for (const [name, embed] of order) {
      const { ms } = await timed(() => embed(texts.slice(at, at + turnSize)));
      total.set(name, (total.get(name) ?? 0) + ms);
      note(`${name}: ${(turnSize / (ms / 1000)).toFixed(1)} texts/s`);
    }
  }
  return total;
}

async function worstAgreement(
  runners: ReadonlyMap<string, Embed>,
  texts: readonly string[],
): Promise<Map<string, number>> {
  const expected = await runners.get('pipeline')!(texts);
  const dimension = expected.length / texts.length;
  const row = (rows: Float32Array, index: number): Float32Array =>
    rows.subarray(index * dimension, (index + 1) * dimension);
  const worst = new Map<string, number>();
  for (const [name, embed] of runners) {
    const rows = await embed(texts);
    const cosines = texts.map((_, index) => cosine(row(rows, index), row(expected, index)));
    worst.set(name, Math.min(...cosines));
  }
  return worst;
}

async function openEmbedder(arithmetic: Arithmetic): Promise<Embedder> {
  const checkpoint = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const bytes = buildGraph(fs.readFileSync(checkpoint.modelFile), arithmetic);
  const session = await createWideSession(bytes, threads);
  const tokenizer = await loadTokenizer(checkpoint.folder);
  return createEmbedder({ checkpoint, tokenizer, session, arithmetic });
}

/** The pipeline on the bundled weights as fp32, laid out as the hub does. */
async function openPipeline(folder: string): Promise<Embed> {
  const checkpoint = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const model = path.join(folder, 'model');
  fs.mkdirSync(path.join(model, 'onnx'), { recursive: true });
  fs.writeFileSync(
    path.join(model, 'onnx/model.onnx'),
    buildGraph(fs.readFileSync(checkpoint.modelFile), 'fp32'),
  );
  for (const name of ['config.json', 'tokenizer.json'])
    fs.copyFileSync(path.join(checkpoint.folder, name), path.join(model, name));
  fs.writeFileSync(
    path.join(model, 'tokenizer_config.json'),
    JSON.stringify({
      tokenizer_class: 'BertTokenizer',
      do_lower_case: true,
      pad_token: '[PAD]',
      cls_token: '[CLS]',
      sep_token: '[SEP]',
      unk_token: '[UNK]',
      mask_token: '[MASK]',
      model_max_length: pipelineMaxTokens,
    }),
  );
  env.allowRemoteModels = false;
  env.localModelPath = folder;
  const extract = await pipeline('feature-extraction', 'model', {
    dtype: 'fp32',
    session_options: { intraOpNumThreads: threads },
  });
  return async (texts) => {
    const parts: Float32Array[] = [];
    for (let at = 0; at < texts.length; at += pipelineBatch) {
      const batch = texts.slice(at, at + pipelineBatch);
      const tensor = await extract([...batch], { pooling: 'mean', normalize: true });
      parts.push(tensor.data as Float32Array);
    }
    return concatenate(parts);
  };
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Blocks of code between blank lines at the margin, in file order, none longer than the pipeline reads. */
async function fixedTexts(): Promise<string[]> {
  const checkpoint = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const texts: string[] = [];
  for (const { path: name, text } of makeCorpus(200, 1_200_000)) {
    for (const block of text.split(/\n\n(?=\S)/)) {
      if (block.trim().length < shortestBlock) continue;
      let whole = `${name.split('/').slice(-3).join('/')}\n${block.slice(0, longestBlock)}`;
      while (tokenizer.countTokens(whole) > pipelineMaxTokens - specialTokens)
        whole = whole.slice(0, whole.length * 0.9);
      texts.push(whole);
      if (texts.length === textCount) return texts;
    }
  }
  return texts;
}

void main();
