/**
 * What the bi-encoder computes in, decided once for a checkpoint, a processor and a runtime, and kept: the
 * choice is part of every embedding's key, so to decide anew at each start would embed everything anew.
 */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as z from 'zod';
import { messageOf, systemCode } from '../../base/errors';
import { type Logger, silentLogger } from '../../base/log';
import type { Checkpoint } from './checkpoint';
import type { Arithmetic } from './graphs';
import { describeTrial, probeProviders, runtimeVersion } from './providers';
import { PROVIDERS, type Probe, type ProbeFigures, type ProviderSetting } from './variant';

/** How embeddings are made, and why. */
const choiceSchema = z.object({
  /** Name of the arithmetic as it stands in the embedding space: "fp32", "int8-token", "webgpu-fp32", ... */
  arithmetic: z.string(),
  provider: z.enum(PROVIDERS),
  /** The best arithmetic on the CPU: for the re-ranker, and for documents while no other provider is used. */
  cpuArithmetic: z.enum(['fp32', 'int8-token']),
  /** One or two sentences for a person. */
  reason: z.string(),
  /** A line for each variant tried. */
  figures: z.array(z.string()),
});
export type EncoderChoice = z.infer<typeof choiceSchema>;

const storedSchema = z.record(z.string(), choiceSchema);

export interface ChoiceOptions {
  /** `<data>/models`: holds the decisions and built graphs. */
  readonly folder: string;
  readonly setting: ProviderSetting;
  readonly threads?: number;
  /** Runs one trial in a child process, see `forkedProbe`. */
  readonly probe: Probe;
  readonly log?: Logger;
  readonly signal?: AbortSignal;
}

/** 8 bits must be so many times as fast to be worth their rounding. */
const WORTHWHILE_SPEEDUP = 1.2;

/** How near 8 bits must come to 32-bit floats, over the sample texts. */
const SMALLEST_MEDIAN_COSINE = 0.999;
const SMALLEST_COSINE = 0.99;

/** Where built graphs are kept. */
export function graphFolder(modelsFolder: string): string {
  return path.join(modelsFolder, 'graphs');
}

/** The stored choice, or one that is measured now (some seconds, in child processes) and stored. */
export async function chooseEncoder(
  checkpoint: Checkpoint,
  options: ChoiceOptions,
): Promise<EncoderChoice> {
  const known = await storedChoice(checkpoint, options);
  if (known) return known;
  const { arithmetic, ...cpu } = await chooseArithmetic(checkpoint, options);
  const { trials, ...report } = await probeProviders({
    ...options,
    checkpointFolder: checkpoint.folder,
    cpuTokensPerSecond: cpu.tokensPerSecond,
  });
  const isCpu = report.provider === 'cpu';
  const choice: EncoderChoice = {
    arithmetic: isCpu ? arithmetic : `${report.provider}-fp32`,
    provider: report.provider,
    cpuArithmetic: arithmetic,
    reason: `${cpu.reason}. ${report.reason}`,
    figures: [...cpu.figures, ...trials.map(describeTrial)],
  };
  await storeChoice(checkpoint, options, choice);
  return choice;
}

/** The choice made earlier for this checkpoint, setting, processor and runtime. */
export async function storedChoice(
  checkpoint: Pick<Checkpoint, 'fingerprint'>,
  { folder, setting, log = silentLogger }: Pick<ChoiceOptions, 'folder' | 'setting' | 'log'>,
): Promise<EncoderChoice | undefined> {
  return (await readStored(folder, log))[keyOf(checkpoint, setting)];
}

/** Notes that the provider failed in use: from the next start on the CPU does its work, in a space of its own. */
export async function giveUpProvider(
  checkpoint: Checkpoint,
  options: Pick<ChoiceOptions, 'folder' | 'setting' | 'log'>,
  why: string,
): Promise<void> {
  const choice = await storedChoice(checkpoint, options);
  if (!choice || choice.provider === 'cpu') return;
  const { cpuArithmetic, provider } = choice;
  const reason = `The CPU is used, for ${provider} failed in use: ${why}`;
  await storeChoice(checkpoint, options, {
    ...choice,
    arithmetic: cpuArithmetic,
    provider: 'cpu',
    reason,
  });
}

/** The arithmetic for the CPU, its speed, and why. */
interface CpuChoice {
  readonly arithmetic: Arithmetic;
  readonly tokensPerSecond?: number;
  readonly reason: string;
  readonly figures: readonly string[];
}

/** Measures 8 bits against 32-bit floats in a child process; a trial that fails means 32-bit floats. */
async function chooseArithmetic(
  checkpoint: Pick<Checkpoint, 'folder'>,
  { threads, probe, signal }: Pick<ChoiceOptions, 'threads' | 'probe' | 'signal'>,
): Promise<CpuChoice> {
  const answer = await probe(
    {
      kind: 'variant',
      checkpointFolder: checkpoint.folder,
      provider: 'cpu',
      arithmetic: 'int8-token',
      threads,
    },
    signal,
  );
  if ('figures' in answer) return decideArithmetic(answer.figures);
  const reason = `32-bit floats are used, for 8 bits could not be tried: ${answer.problem}`;
  return { arithmetic: 'fp32', reason, figures: [`int8-token: ${answer.problem}`] };
}

/** 8 bits where they are right and faster, 32-bit floats otherwise. */
export function decideArithmetic(figures: ProbeFigures): CpuChoice {
  const { tokensPerSecond, cpuTokensPerSecond, medianCosine, worstCosine } = figures;
  const cosines = `cosine to fp32: median ${medianCosine.toFixed(5)}, worst ${worstCosine.toFixed(5)}`;
  const lines = [
    `fp32: ${Math.round(cpuTokensPerSecond)} tokens/s`,
    `int8-token: ${Math.round(tokensPerSecond)} tokens/s, ${cosines}`,
  ];
  // The choice stays: on a machine that is busy just now the processor's own time tells, not the wall's.
  const speedup = figures.processorSpeedup ?? tokensPerSecond / cpuTokensPerSecond;
  const times = `${speedup.toFixed(1)} times as fast`;
  const isRight = medianCosine > SMALLEST_MEDIAN_COSINE && worstCosine > SMALLEST_COSINE;
  if (isRight && speedup >= WORTHWHILE_SPEEDUP) {
    const reason = `8 bits with one scale a token are ${times} on this processor and right`;
    return { arithmetic: 'int8-token', tokensPerSecond, reason, figures: lines };
  }
  const why = isRight ? `8 bits are only ${times}` : '8 bits differ too much here';
  const reason = `32-bit floats are used, for ${why}`;
  return { arithmetic: 'fp32', tokensPerSecond: cpuTokensPerSecond, reason, figures: lines };
}

function keyOf({ fingerprint }: Pick<Checkpoint, 'fingerprint'>, setting: ProviderSetting): string {
  const processor = os.cpus()[0]?.model.trim() ?? process.arch;
  return [fingerprint, processor, `onnxruntime ${runtimeVersion()}`, setting].join(' | ');
}

function storeFile(folder: string): string {
  return path.join(folder, 'arithmetic.json');
}

async function readStored(folder: string, log: Logger): Promise<Record<string, EncoderChoice>> {
  try {
    return storedSchema.parse(JSON.parse(await fs.readFile(storeFile(folder), 'utf8')));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') {
      log.warn('the stored choice of arithmetic cannot be read', { reason: messageOf(error) });
    }
    return {};
  }
}

async function storeChoice(
  checkpoint: Pick<Checkpoint, 'fingerprint'>,
  { folder, setting, log = silentLogger }: Pick<ChoiceOptions, 'folder' | 'setting' | 'log'>,
  choice: EncoderChoice,
): Promise<void> {
  const all = { ...(await readStored(folder, log)), [keyOf(checkpoint, setting)]: choice };
  const file = storeFile(folder);
  const draft = `${file}.${crypto.randomBytes(4).toString('hex')}`;
  try {
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    await fs.writeFile(draft, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
    await fs.rename(draft, file);
  } catch (error) {
    log.warn('the choice of arithmetic cannot be stored', { reason: messageOf(error) });
  }
}
