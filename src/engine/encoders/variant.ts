/** One way to run a model: a provider and an arithmetic; what is asked of a trial of it and what comes back. */
import type { Arithmetic } from './graphs';

/** Everything a model can run on. */
export const PROVIDERS = ['cpu', 'webgpu', 'dml', 'coreml', 'cuda'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** What a user asks for: one provider, or the fastest right one. */
export type ProviderSetting = Provider | 'auto';

/** A device wants larger batches than the processor. */
export const DEVICE_TOKEN_BUDGET = 4096;

/** Try a provider and an arithmetic on one real batch, beside the CPU's 32-bit floats. */
export interface VariantRequest {
  readonly kind: 'variant';
  readonly checkpointFolder: string;
  readonly provider: Provider;
  readonly arithmetic: Arithmetic;
  readonly threads?: number;
}

/** What a trial measured. */
export interface ProbeFigures {
  readonly tokensPerSecond: number;
  /** The CPU in 32-bit floats, in the same minute on the same texts. */
  readonly cpuTokensPerSecond: number;
  /** Processor time of the CPU in 32-bit floats by that of the variant; says nothing of work done elsewhere. */
  readonly processorSpeedup?: number;
  readonly medianCosine: number;
  readonly worstCosine: number;
  readonly textCount: number;
}

/** Tries one variant; a problem is a sentence's part, without capital and full stop. */
export type Probe = (
  request: VariantRequest,
  signal?: AbortSignal,
) => Promise<{ readonly figures: ProbeFigures } | { readonly problem: string }>;
