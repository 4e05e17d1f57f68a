import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { readBundledCheckpoint } from '../../../src/engine/encoders/bundled';
import { readCheckpoint } from '../../../src/engine/encoders/checkpoint';
import { forkedProbe } from '../../../src/engine/encoders/probe';
import {
  type ProviderTrial,
  decideProvider,
  describeTrial,
  probeProviders,
  providersToTry,
} from '../../../src/engine/encoders/providers';
import { openEmbedder } from '../../../src/engine/encoders/openEncoder';
import type {
  Probe,
  ProbeFigures,
  Provider,
  ProviderSetting,
} from '../../../src/engine/encoders/variant';
import { bundleProbe } from '../../support/probeBundle';
import { SOFTWARE_DEVICE, softwareDeviceMissing } from '../../support/softwareDevice';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const scratch = temporaryFolder(after);
/** A provider that ONNX Runtime has on another platform only. */
const absent = process.platform === 'win32' ? 'coreml' : 'dml';

let probeFile: string;
let toyFolder: string;
before(async () => {
  probeFile = await bundleProbe('providers');
  toyFolder = writeToyCheckpoint(path.join(scratch, 'toy'));
});

function figures(speed: number, worstCosine = 1): ProbeFigures {
  return {
    tokensPerSecond: speed,
    cpuTokensPerSecond: 1000,
    medianCosine: 1,
    worstCosine,
    textCount: 12,
  };
}

describe('the choice of a provider', () => {
  test('tries what the platform has', () => {
    assert.deepEqual(providersToTry('auto', 'linux'), ['webgpu', 'cuda']);
    assert.deepEqual(providersToTry('auto', 'win32'), ['webgpu', 'dml']);
    assert.deepEqual(providersToTry('auto', 'darwin'), ['webgpu', 'coreml']);
    assert.deepEqual(providersToTry('dml', 'linux'), ['dml']);
    assert.deepEqual(providersToTry('cpu', 'linux'), []);
  });

  test('takes the fastest right one', () => {
    const trials: ProviderTrial[] = [
      { provider: 'webgpu', figures: figures(3000) },
      { provider: 'cuda', figures: figures(9000) },
      { provider: 'dml', figures: figures(90_000), problem: 'it is wrong' },
    ];
    checkDecision('auto', trials, 'cuda', "CUDA runs at 9.0 times the CPU's speed");
  });

  test('measures the speed against the best arithmetic of the CPU', () => {
    const trials: ProviderTrial[] = [{ provider: 'webgpu', figures: figures(3000) }];
    const reason = 'The CPU is used, for WebGPU runs at 1.2 times its speed';
    checkDecision('auto', trials, 'cpu', reason, 2500);
    checkDecision('webgpu', trials, 'webgpu', "WebGPU runs at 1.2 times the CPU's speed", 2500);
  });

  test('leaves a hopeless one even when it was asked for', () => {
    const trials: ProviderTrial[] = [{ provider: 'webgpu', figures: figures(20) }];
    checkDecision('webgpu', trials, 'cpu', 'The CPU is used, for WebGPU runs at 1/50 of its speed');
  });

  test('names the reason when none can be used', () => {
    const trials: ProviderTrial[] = [
      { provider: 'webgpu', problem: 'no graphics device is there' },
      { provider: 'cuda', problem: 'its libraries are not installed' },
    ];
    const reason =
      'The CPU is used, for WebGPU: no graphics device is there; CUDA: its libraries are not installed';
    checkDecision('auto', trials, 'cpu', reason);
    checkDecision('auto', [], 'cpu', 'The CPU is used, for no other provider exists here');
    checkDecision('cpu', [], 'cpu', 'The setting asks for the CPU');
  });

  function checkDecision(
    setting: ProviderSetting,
    trials: readonly ProviderTrial[],
    provider: Provider,
    reason: string,
    cpuTokensPerSecond?: number,
  ): void {
    const decision = decideProvider(setting, trials, cpuTokensPerSecond);
    assert.deepEqual(decision, { setting, provider, reason });
  }
});

describe('trying providers', () => {
  test('asks for closer agreement in single precision than in half', async () => {
    const probe: Probe = () => Promise.resolve({ figures: figures(9000, 0.9995) });
    const platform = 'darwin';
    const options = { setting: 'auto', checkpointFolder: toyFolder, probe, platform } as const;
    const report = await probeProviders(options);
    assert.equal(report.provider, 'coreml');
    assert.deepEqual(report.trials.map(describeTrial), [
      "webgpu: 9000 tokens/s (CPU fp32: 1000), worst cosine 0.999500, its embeddings differ from the processor's (cosine 0.99950, not 0.9999)",
      'coreml: 9000 tokens/s (CPU fp32: 1000), worst cosine 0.999500',
    ]);
  });

  test('survives a driver that crashes', { skip: process.platform === 'win32' }, async () => {
    const script = "process.once('message', () => process.kill(process.pid, 'SIGSEGV'))";
    await checkTrial(script, {}, 'its process ended with SIGSEGV');
  });

  test('survives a driver that hangs', async () => {
    const script = "process.once('message', () => { for (;;); })";
    await checkTrial(script, { timeoutMs: 700 }, 'it gave no answer in 1 s');
  });

  test('survives a driver that ends the process, and a probe that is not there', async () => {
    const script = "process.once('message', () => process.exit(7))";
    await checkTrial(script, {}, 'its process ended with exit code 7');
    const probe = forkedProbe(path.join(scratch, 'nothing.js'));
    const options = { setting: 'webgpu', checkpointFolder: toyFolder, probe } as const;
    assert.equal((await probeProviders(options)).provider, 'cpu');
  });

  test('can be given up', async () => {
    writeFiles(scratch, { 'hang.js': "process.once('message', () => { for (;;); })" });
    const probe = forkedProbe(path.join(scratch, 'hang.js'));
    const signal = AbortSignal.timeout(300);
    const options = { setting: 'webgpu', checkpointFolder: toyFolder, probe, signal } as const;
    await assert.rejects(probeProviders(options), { name: 'TimeoutError' });
  });

  test('falls back when a provider is not to be had on this machine', async () => {
    const probe = forkedProbe(probeFile);
    const options = { setting: absent, checkpointFolder: toyFolder, probe } as const;
    const report = await probeProviders(options);
    assert.equal(report.provider, 'cpu');
    assert.match(report.reason, /^The CPU is used, for \w+: ONNX Runtime for \w+ comes without /);
    assert.equal(report.trials[0]?.figures, undefined);
  });

  async function checkTrial(
    script: string,
    limits: { readonly timeoutMs?: number },
    problem: string,
  ): Promise<void> {
    writeFiles(scratch, { 'driver.js': script });
    const probe = forkedProbe(path.join(scratch, 'driver.js'), limits);
    const options = { setting: 'webgpu', checkpointFolder: toyFolder, probe } as const;
    assert.deepEqual(await probeProviders(options), {
      setting: 'webgpu',
      provider: 'cpu',
      reason: `The CPU is used, for WebGPU: ${problem}`,
      trials: [{ provider: 'webgpu', problem }],
    });
  }
});

describe('WebGPU on a software device', { skip: softwareDeviceMissing }, () => {
  test('runs, agrees with the CPU, is found slower', async () => {
    const { folder } = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
    // Seconds on a quiet machine, minutes on one that is busy.
    const limits = { timeoutMs: 300_000, environment: { VK_ICD_FILENAMES: SOFTWARE_DEVICE } };
    const probe = forkedProbe(probeFile, limits);
    const options = { setting: 'webgpu', checkpointFolder: folder, probe } as const;
    const report = await probeProviders(options);
    const [trial] = report.trials;
    assert.equal(trial?.problem, undefined);
    assert.ok(trial?.figures && trial.figures.worstCosine > 0.9999);
    assert.ok(trial.figures.tokensPerSecond < 0.25 * trial.figures.cpuTokensPerSecond);
    assert.equal(report.provider, 'cpu');
    assert.match(report.reason, /^The CPU is used, for WebGPU runs at 1\/\d+ of its speed$/);
  });
});

describe('a provider that does not start', () => {
  test('leaves the work to the CPU, in the space that was chosen', async () => {
    const checkpoint = await readCheckpoint(toyFolder);
    const lost: string[] = [];
    const embedder = await openEmbedder(checkpoint, {
      choice: { arithmetic: `${absent}-fp32`, provider: absent },
      onLost: (reason) => lost.push(reason),
    });
    const embedding = await embedder.embedQuery('read the file');
    embedder.dispose();
    assert.equal(embedding.length, 8);
    assert.equal(embedder.space.arithmetic, `${absent}-fp32`);
    assert.equal(lost.length, 1);
  });
});
