import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { silentLogger } from '../../../src/base/log';
import { cosine } from '../../../src/base/vector';
import {
  type ChoiceOptions,
  type EncoderChoice,
  chooseEncoder,
  decideArithmetic,
  giveUpProvider,
  graphFolder,
  storedChoice,
} from '../../../src/engine/encoders/arithmetic';
import { readBundledCheckpoint } from '../../../src/engine/encoders/bundled';
import { type Checkpoint, readCheckpoint } from '../../../src/engine/encoders/checkpoint';
import { cachedGraph } from '../../../src/engine/encoders/graphCache';
import { openEmbedder, openQueryEmbedder } from '../../../src/engine/encoders/openEncoder';
import { forkedProbe } from '../../../src/engine/encoders/probe';
import { SAMPLE_TEXTS } from '../../../src/engine/encoders/sampleTexts';
import type { Probe, ProbeFigures } from '../../../src/engine/encoders/variant';
import { bundleProbe } from '../../support/probeBundle';
import { temporaryFolder } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const scratch = temporaryFolder(after);
let toy: Checkpoint;
before(async () => {
  toy = await readCheckpoint(writeToyCheckpoint(path.join(scratch, 'toy')));
});

let count = 0;
function newFolder(): string {
  return path.join(scratch, `data${count++}`, 'models');
}

function figures(speedup: number, medianCosine = 0.9996, worstCosine = 0.9992): ProbeFigures {
  const tokensPerSecond = 1000 * speedup;
  return { tokensPerSecond, cpuTokensPerSecond: 1000, medianCosine, worstCosine, textCount: 12 };
}

describe('the choice of arithmetic', () => {
  test('takes 8 bits where they are right and faster', () => {
    assert.equal(decideArithmetic(figures(2)).arithmetic, 'int8-token');
    assert.equal(decideArithmetic(figures(1.1)).arithmetic, 'fp32');
    assert.equal(decideArithmetic(figures(2, 0.9985)).arithmetic, 'fp32');
    assert.equal(decideArithmetic(figures(2, 0.9996, 0.98)).arithmetic, 'fp32');
  });

  // Measured beside a build, 8 bits seemed 1.2 times as fast, and 32-bit floats were used for good.
  test('goes by the time of the processor, not by a clock that others hold up', () => {
    assert.equal(
      decideArithmetic({ ...figures(1.1), processorSpeedup: 2 }).arithmetic,
      'int8-token',
    );
    assert.equal(decideArithmetic({ ...figures(2), processorSpeedup: 1.1 }).arithmetic, 'fp32');
  });

  test('says why, with its figures', () => {
    assert.deepEqual(decideArithmetic(figures(1.1)), {
      arithmetic: 'fp32',
      tokensPerSecond: 1000,
      reason: '32-bit floats are used, for 8 bits are only 1.1 times as fast',
      figures: [
        'fp32: 1000 tokens/s',
        'int8-token: 1100 tokens/s, cosine to fp32: median 0.99960, worst 0.99920',
      ],
    });
  });
});

describe('a choice', () => {
  /** Answers at once: 8 bits twice as fast, WebGPU six times. Counts what it was asked. */
  function fakeProbe(): { readonly probe: Probe; readonly asked: string[] } {
    const asked: string[] = [];
    const probe: Probe = ({ provider, arithmetic }) => {
      asked.push(`${provider} ${arithmetic}`);
      if (provider === 'cuda') return Promise.resolve({ problem: 'its libraries are missing' });
      return Promise.resolve({ figures: figures(provider === 'cpu' ? 2 : 6, 1, 1) });
    };
    return { probe, asked };
  }

  test('is made once and kept', async () => {
    const { probe, asked } = fakeProbe();
    const options: ChoiceOptions = { folder: newFolder(), setting: 'webgpu', probe };
    const choice = await chooseEncoder(toy, options);
    assert.deepEqual(choice, {
      arithmetic: 'webgpu-fp32',
      provider: 'webgpu',
      cpuArithmetic: 'int8-token',
      reason:
        "8 bits with one scale a token are 2.0 times as fast on this processor and right. WebGPU runs at 3.0 times the CPU's speed",
      figures: [
        'fp32: 1000 tokens/s',
        'int8-token: 2000 tokens/s, cosine to fp32: median 1.00000, worst 1.00000',
        'webgpu: 6000 tokens/s (CPU fp32: 1000), worst cosine 1.000000',
      ],
    } satisfies EncoderChoice);
    assert.deepEqual(await chooseEncoder(toy, options), choice);
    assert.deepEqual(await storedChoice(toy, options), choice);
    assert.deepEqual(asked, ['cpu int8-token', 'webgpu fp32']);
  });

  test('is made anew for another setting or another checkpoint, and the old one stays', async () => {
    const { probe, asked } = fakeProbe();
    const folder = newFolder();
    await chooseEncoder(toy, { folder, setting: 'cpu', probe });
    await chooseEncoder(toy, { folder, setting: 'cuda', probe });
    const other = { ...toy, fingerprint: 'f'.repeat(64) };
    await chooseEncoder(other, { folder, setting: 'cpu', probe });
    await chooseEncoder(toy, { folder, setting: 'cpu', probe });
    assert.deepEqual(asked, ['cpu int8-token', 'cpu int8-token', 'cuda fp32', 'cpu int8-token']);
  });

  test('is 32-bit floats on the CPU where nothing can be tried', async () => {
    const probe: Probe = () => Promise.resolve({ problem: 'its process ended with SIGILL' });
    const choice = await chooseEncoder(toy, { folder: newFolder(), setting: 'cpu', probe });
    assert.equal(choice.arithmetic, 'fp32');
    assert.equal(
      choice.reason,
      '32-bit floats are used, for 8 bits could not be tried: its process ended with SIGILL. The setting asks for the CPU',
    );
  });

  test('is made anew when its file is damaged, and still made when it cannot be stored', async () => {
    const { probe, asked } = fakeProbe();
    const folder = newFolder();
    const options: ChoiceOptions = { folder, setting: 'cpu', probe };
    const choice = await chooseEncoder(toy, options);
    fs.truncateSync(path.join(folder, 'arithmetic.json'), 50);
    const warnings: string[] = [];
    const log = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    assert.deepEqual(await chooseEncoder(toy, { ...options, log }), choice);
    assert.equal(asked.length, 2);
    assert.ok(warnings.includes('the stored choice of arithmetic cannot be read'));
    // A file where the folder should be.
    const blocked = path.join(folder, 'arithmetic.json', 'models');
    assert.deepEqual(await chooseEncoder(toy, { ...options, folder: blocked, log }), choice);
    assert.ok(warnings.includes('the choice of arithmetic cannot be stored'));
  });

  test('turns to the CPU for good when its provider failed in use', async () => {
    const { probe } = fakeProbe();
    const options: ChoiceOptions = { folder: newFolder(), setting: 'webgpu', probe };
    await chooseEncoder(toy, options);
    await giveUpProvider(toy, options, 'Device lost');
    const choice = await chooseEncoder(toy, options);
    assert.equal(choice.provider, 'cpu');
    assert.equal(choice.arithmetic, 'int8-token');
    assert.equal(choice.reason, 'The CPU is used, for webgpu failed in use: Device lost');
  });
});

describe('the bundled bi-encoder on this machine', () => {
  test('is timed in a process of its own, and opens as it was chosen', async () => {
    const checkpoint = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
    const folder = newFolder();
    const probe = forkedProbe(await bundleProbe('arithmetic'));
    const choice = await chooseEncoder(checkpoint, { folder, setting: 'cpu', probe });
    assert.match(choice.figures[0]!, /^fp32: \d+ tokens\/s$/);
    assert.match(choice.figures[1]!, /^int8-token: \d+ tokens\/s, cosine to fp32: median 0\.999/);
    const documents = await openEmbedder(checkpoint, { choice, folder });
    const queries = await openQueryEmbedder(checkpoint, { choice, folder });
    assert.equal(documents.space.id, queries.space.id);
    const text = SAMPLE_TEXTS[4]!;
    const left = await documents.embedDocuments([text]);
    const right = await queries.embedQuery(text);
    documents.dispose();
    queries.dispose();
    assert.ok(cosine(left, right) > 0.9999);
    assert.equal(fs.readdirSync(graphFolder(folder)).length, 1);
  });
});

describe('the cache of graphs', () => {
  test('gives the bytes that were built, without building again', async () => {
    const folder = newFolder();
    const built = await cachedGraph(toy, 'fp32', folder);
    // The model is gone: only the cache can answer.
    const gone = { ...toy, modelFile: path.join(scratch, 'gone.onnx') };
    assert.deepEqual(Buffer.from(await cachedGraph(gone, 'fp32', folder)), Buffer.from(built));
    await assert.rejects(cachedGraph(gone, 'int8-token', folder), { code: 'model' });
  });

  test('builds again what is cut or changed, and keeps one file', async () => {
    const folder = newFolder();
    const built = Buffer.from(await cachedGraph(toy, 'fp32', folder));
    const [name] = fs.readdirSync(folder);
    const file = path.join(folder, name!);
    const flipped = Buffer.from(built);
    flipped[100]! ^= 1;
    for (const damage of [built.subarray(0, 500), flipped]) {
      fs.writeFileSync(file, damage);
      assert.deepEqual(Buffer.from(await cachedGraph(toy, 'fp32', folder)), built);
      assert.deepEqual(fs.readFileSync(file), built);
    }
    assert.deepEqual(fs.readdirSync(folder), [name]);
    fs.renameSync(file, file.replace('-v1-', '-v0-'));
    await cachedGraph(toy, 'fp32', folder);
    assert.deepEqual(fs.readdirSync(folder), [name]);
  });

  test('does without a folder that cannot be written', async () => {
    const file = path.join(newFolder(), '..', 'file');
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, '');
    const built = await cachedGraph(toy, 'fp32', path.join(file, 'graphs'));
    assert.ok(built.length > 1000);
  });
});
