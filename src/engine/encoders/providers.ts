/**
 * Where models can run. A provider is taken only after it ran one real batch in a child process, agreed with the
 * CPU's 32-bit floats and was faster: a driver that crashes or hangs costs nothing but the wait.
 */
import { NearmissError } from '../../base/errors';
import { loadRuntime } from './session';
import {
  PROVIDERS,
  type Probe,
  type ProbeFigures,
  type Provider,
  type ProviderSetting,
} from './variant';

interface ProviderKind {
  readonly label: string;
  /** Where ONNX Runtime's package has it, by Node's platform names. */
  readonly platforms: readonly string[];
  /** What it computes in: agreement with the CPU is asked for accordingly. */
  readonly precision: Precision;
}
export type Precision = 'single' | 'half';

const KINDS: Readonly<Record<Provider, ProviderKind>> = {
  cpu: { label: 'the processor', platforms: ['linux', 'darwin', 'win32'], precision: 'single' },
  webgpu: { label: 'WebGPU', platforms: ['linux', 'darwin', 'win32'], precision: 'single' },
  dml: { label: 'DirectML', platforms: ['win32'], precision: 'single' },
  // Rounds to half precision inside, whatever the graph says.
  coreml: { label: 'Core ML', platforms: ['darwin'], precision: 'half' },
  cuda: { label: 'CUDA', platforms: ['linux'], precision: 'single' },
};

/** Smallest cosine between an embedding and the one the CPU gives in 32-bit floats. */
const SMALLEST_COSINE: Readonly<Record<Precision, number>> = { single: 0.9999, half: 0.999 };

/** A device must be so many times as fast as the CPU to be worth its start and its memory. */
const WORTHWHILE_SPEEDUP = 1.5;

/** One that was asked for by name, perhaps to leave the CPU to others, must not be hopeless. */
const BEARABLE_SPEEDUP = 0.25;

/** One provider, tried. */
export interface ProviderTrial {
  readonly provider: Provider;
  readonly figures?: ProbeFigures;
  /** Set when it cannot be used at all: it does not start, crashes, hangs, computes something else. */
  readonly problem?: string;
}

/** What was found and what follows. */
export interface ProviderReport {
  readonly setting: ProviderSetting;
  readonly provider: Provider;
  /** A sentence for `status`. */
  readonly reason: string;
  readonly trials: readonly ProviderTrial[];
}

export interface ProviderOptions {
  readonly setting: ProviderSetting;
  readonly checkpointFolder: string;
  readonly threads?: number;
  /** Tokens a second of the CPU's best arithmetic; its fp32 as measured beside each provider when left out. */
  readonly cpuTokensPerSecond?: number;
  /** Runs one trial in a child process. */
  readonly probe: Probe;
  readonly platform?: string;
  readonly signal?: AbortSignal;
}

/** Tries each provider that the setting and the platform leave, one after the other, and decides. */
export async function probeProviders(options: ProviderOptions): Promise<ProviderReport> {
  const { setting, checkpointFolder, threads, platform = process.platform } = options;
  const trials: ProviderTrial[] = [];
  for (const provider of providersToTry(setting, platform)) {
    const answer = await options.probe(
      { kind: 'variant', checkpointFolder, threads, provider, arithmetic: 'fp32' },
      options.signal,
    );
    trials.push(judge(provider, answer));
  }
  return { ...decideProvider(setting, trials, options.cpuTokensPerSecond), trials };
}

/** The providers to try, none for the CPU. */
export function providersToTry(setting: ProviderSetting, platform: string): Provider[] {
  if (setting !== 'auto') return setting === 'cpu' ? [] : [setting];
  const isThere = (provider: Provider): boolean => KINDS[provider].platforms.includes(platform);
  return PROVIDERS.filter((provider) => provider !== 'cpu' && isThere(provider));
}

function judge(
  provider: Provider,
  answer: { readonly figures: ProbeFigures } | { readonly problem: string },
): ProviderTrial {
  if ('problem' in answer) return { provider, problem: plainProblem(answer.problem) };
  const { figures } = answer;
  const least = SMALLEST_COSINE[KINDS[provider].precision];
  if (figures.worstCosine >= least) return { provider, figures };
  const problem = `its embeddings differ from the processor's (cosine ${figures.worstCosine.toFixed(5)}, not ${least})`;
  return { provider, figures, problem };
}

/** What drivers say most often, in words of ours; anything else without the place in ONNX Runtime's source. */
export function plainProblem(problem: string): string {
  if (problem.includes('Failed to get a WebGPU adapter')) return 'no graphics device is there';
  if (/Failed to load (shared )?library/i.test(problem)) return 'its libraries are not installed';
  return problem.replace(/\/onnxruntime_src\S+ .*?(was false\. |: )/, '');
}

/** The fastest of the right ones, if it is worth it. One that was asked for by name may be slower. */
export function decideProvider(
  setting: ProviderSetting,
  trials: readonly ProviderTrial[],
  cpuTokensPerSecond?: number,
): Omit<ProviderReport, 'trials'> {
  if (setting === 'cpu')
    return { setting, provider: 'cpu', reason: 'The setting asks for the CPU' };
  const speedup = ({ figures }: ProviderTrial): number =>
    figures ? figures.tokensPerSecond / (cpuTokensPerSecond ?? figures.cpuTokensPerSecond) : 0;
  const [best] = trials
    .filter((trial) => trial.problem === undefined)
    .sort((a, b) => speedup(b) - speedup(a));
  if (!best) {
    const problems = trials.map(({ provider, problem }) => `${KINDS[provider].label}: ${problem}`);
    const reason = problems.length > 0 ? problems.join('; ') : 'no other provider exists here';
    return { setting, provider: 'cpu', reason: `The CPU is used, for ${lowerFirst(reason)}` };
  }
  const { label } = KINDS[best.provider];
  const times = speedupText(speedup(best));
  if (speedup(best) < (setting === 'auto' ? WORTHWHILE_SPEEDUP : BEARABLE_SPEEDUP)) {
    const reason = `The CPU is used, for ${label} runs at ${times} its speed`;
    return { setting, provider: 'cpu', reason };
  }
  return { setting, provider: best.provider, reason: `${label} runs at ${times} the CPU's speed` };
}

/** A line for `status` and `doctor`: what one trial gave. */
export function describeTrial({ provider, figures, problem }: ProviderTrial): string {
  const parts = [
    ...(figures
      ? [
          `${Math.round(figures.tokensPerSecond)} tokens/s (CPU fp32: ${Math.round(figures.cpuTokensPerSecond)})`,
          `worst cosine ${figures.worstCosine.toFixed(6)}`,
        ]
      : []),
    ...(problem === undefined ? [] : [problem]),
  ];
  return `${provider}: ${parts.join(', ')}`;
}

function speedupText(times: number): string {
  return times < 0.1 ? `1/${Math.round(1 / times)} of` : `${times.toFixed(1)} times`;
}

/** "WebGPU: ..." keeps its capital: only a plain word is made to follow a comma. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]+ /.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text;
}

/** Throws a NearmissError('provider') for one that this ONNX Runtime lacks: it would run on the CPU without a word. */
export function requireProvider(provider: Provider): void {
  const names = loadRuntime()
    .listSupportedBackends()
    .map(({ name }) => name);
  if (names.includes(provider)) return;
  throw new NearmissError(
    'provider',
    `ONNX Runtime for ${process.platform} comes without ${KINDS[provider].label}`,
    'Set provider to "auto" or "cpu"',
  );
}

/** The version of ONNX Runtime, without loading it: another version computes other last digits. */
export function runtimeVersion(): string {
  // oxlint-disable-next-line typescript/no-require-imports -- resolved beside the library, at run time
  return (require('onnxruntime-node/package.json') as { version: string }).version;
}
