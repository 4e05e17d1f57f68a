/** Opens the encoders as they were chosen: the built graph from the cache, on the provider, with the CPU behind it. */
import { messageOf } from '../../base/errors';
import { type Logger, silentLogger } from '../../base/log';
import { type EncoderChoice, graphFolder } from './arithmetic';
import { createEmbedder } from './biEncoder';
import type { Checkpoint } from './checkpoint';
import { createReranker } from './crossEncoder';
import { withCpuFallback } from './fallback';
import { cachedGraph } from './graphCache';
import type { Arithmetic } from './graphs';
import { createWideSession } from './lanes';
import { requireProvider } from './providers';
import { type Session, createSession } from './session';
import { type FramedTokenizer, loadTokenizer } from './tokenizer';
import type { Embedder, Reranker } from './types';
import { DEVICE_TOKEN_BUDGET, type Provider } from './variant';

export interface OpenOptions {
  /** As `chooseEncoder` gave it, or any arithmetic and provider. */
  readonly choice: Pick<EncoderChoice, 'arithmetic' | 'provider'>;
  /** `<data>/models`, whose cache of graphs is used; without it the graph is built. */
  readonly folder?: string;
  readonly threads?: number;
  readonly tokenizer?: FramedTokenizer;
  readonly log?: Logger;
  /** Told once when the provider is lost or does not start and the CPU takes over. */
  readonly onLost?: (reason: string) => void;
}

/** An embedder for many texts, on the chosen provider. */
export async function openEmbedder(
  checkpoint: Checkpoint,
  options: OpenOptions,
): Promise<Embedder> {
  const { arithmetic, provider } = options.choice;
  const tokenizer = options.tokenizer ?? (await loadTokenizer(checkpoint.folder));
  if (provider === 'cpu') {
    const session = await openCpuSession(checkpoint, options);
    return createEmbedder({ checkpoint, tokenizer, session, arithmetic });
  }
  const session = await openDeviceSession(checkpoint, provider, options);
  const tokenBudget = DEVICE_TOKEN_BUDGET;
  return createEmbedder({ checkpoint, tokenizer, session, arithmetic, tokenBudget });
}

/**
 * An embedder for queries, in the same space: always on the CPU, where one short text is quickest. A device's
 * space is within its tolerance of the CPU's 32-bit floats, that was checked when it was chosen.
 */
export async function openQueryEmbedder(
  checkpoint: Checkpoint,
  options: OpenOptions,
): Promise<Embedder> {
  const tokenizer = options.tokenizer ?? (await loadTokenizer(checkpoint.folder));
  // One short text is over before a second thread is awake.
  const session = await openCpuSession(checkpoint, { ...options, threads: 1 });
  return createEmbedder({ checkpoint, tokenizer, session, arithmetic: options.choice.arithmetic });
}

/** The re-ranker on the CPU, in `choice.arithmetic`. */
export async function openReranker(
  checkpoint: Checkpoint,
  options: OpenOptions,
): Promise<Reranker> {
  const tokenizer = options.tokenizer ?? (await loadTokenizer(checkpoint.folder));
  const session = await openCpuSession(checkpoint, options);
  return createReranker({ checkpoint, tokenizer, session });
}

async function openCpuSession(checkpoint: Checkpoint, options: OpenOptions): Promise<Session> {
  const { folder, threads, log } = options;
  const cache = folder === undefined ? undefined : graphFolder(folder);
  const arithmetic = graphArithmetic(options.choice.arithmetic);
  return createWideSession(await cachedGraph(checkpoint, arithmetic, cache, log), threads);
}

async function openDeviceSession(
  checkpoint: Checkpoint,
  provider: Provider,
  options: OpenOptions,
): Promise<Session> {
  const { folder, log = silentLogger } = options;
  const cache = folder === undefined ? undefined : graphFolder(folder);
  const onLost = (reason: string): void => {
    log.warn(`${provider} is lost, the CPU goes on`, { reason });
    options.onLost?.(reason);
  };
  const open = (): Promise<Session> => openCpuSession(checkpoint, options);
  try {
    requireProvider(provider);
    const graph = await cachedGraph(checkpoint, 'fp32', cache, log);
    return withCpuFallback(await createSession(graph, { provider }), { open, onLost });
  } catch (error) {
    onLost(messageOf(error));
    return open();
  }
}

/** The graph behind a space's arithmetic: "webgpu-fp32" is the fp32 graph on another provider. */
function graphArithmetic(name: string): Arithmetic {
  return name === 'int8-token' ? 'int8-token' : 'fp32';
}
