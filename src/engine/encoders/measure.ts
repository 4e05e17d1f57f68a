/** Times a provider and an arithmetic on the sample texts, and compares what they give. Runs in the probe's process. */
import { cosine } from '../../base/vector';
import { type EmbedderParts, createEmbedder } from './biEncoder';
import { openSession } from './bundled';
import { type Checkpoint, readCheckpoint } from './checkpoint';
import { requireProvider } from './providers';
import { SAMPLE_TEXTS, SHORT_SAMPLE_COUNT } from './sampleTexts';
import { type FramedTokenizer, loadTokenizer } from './tokenizer';
import type { Embedder } from './types';
import { DEVICE_TOKEN_BUDGET, type ProbeFigures, type VariantRequest } from './variant';

/** Each is timed so often, in turns, and its best time counts: the machine may be busy. */
const ROUND_COUNT = 3;

/** So many times slower on a few short texts: the rest would take minutes and change nothing. */
const HOPELESS_SLOWDOWN = 8;

export async function measureVariant(request: VariantRequest): Promise<ProbeFigures> {
  requireProvider(request.provider);
  const checkpoint = await readCheckpoint(request.checkpointFolder);
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const open = (variant: Pick<VariantRequest, 'provider' | 'arithmetic'>): Promise<Embedder> =>
    openVariant(checkpoint, tokenizer, { ...request, ...variant });
  const reference = await open({ provider: 'cpu', arithmetic: 'fp32' });
  const candidate = await open(request);
  try {
    const short = SAMPLE_TEXTS.slice(0, SHORT_SAMPLE_COUNT);
    await candidate.embedDocuments(short);
    await reference.embedDocuments(short);
    const first = await compare({ reference, candidate, tokenizer }, short, 1);
    const isHopeless = first.cpuTokensPerSecond > HOPELESS_SLOWDOWN * first.tokensPerSecond;
    if (isHopeless) return first;
    return await compare({ reference, candidate, tokenizer }, SAMPLE_TEXTS, ROUND_COUNT);
  } finally {
    reference.dispose();
    candidate.dispose();
  }
}

async function openVariant(
  checkpoint: Checkpoint,
  tokenizer: FramedTokenizer,
  { provider, arithmetic, threads }: VariantRequest,
): Promise<Embedder> {
  // Not from the cache of graphs: most of what is tried here is never used.
  const session = await openSession(checkpoint, arithmetic, { provider, threads });
  const tokenBudget = provider === 'cpu' ? undefined : DEVICE_TOKEN_BUDGET;
  const parts: EmbedderParts = { checkpoint, tokenizer, session, arithmetic, tokenBudget };
  return createEmbedder(parts);
}

interface Pair {
  readonly reference: Embedder;
  readonly candidate: Embedder;
  readonly tokenizer: FramedTokenizer;
}

async function compare(
  pair: Pair,
  texts: readonly string[],
  roundCount: number,
): Promise<ProbeFigures> {
  let expected: Float32Array = new Float32Array();
  let actual: Float32Array = new Float32Array();
  let reference: Spent = { wallMs: Infinity, processorMs: Infinity };
  let candidate = reference;
  for (let round = 0; round < roundCount; round++) {
    const start = spentSoFar();
    expected = await pair.reference.embedDocuments(texts);
    const middle = spentSoFar();
    actual = await pair.candidate.embedDocuments(texts);
    reference = best(reference, start, middle);
    candidate = best(candidate, middle, spentSoFar());
  }
  const tokenCount = texts.reduce((sum, text) => sum + pair.tokenizer.countTokens(text) + 2, 0);
  const cosines = rowCosines(expected, actual, texts.length).sort((a, b) => a - b);
  return {
    tokensPerSecond: (1000 * tokenCount) / candidate.wallMs,
    cpuTokensPerSecond: (1000 * tokenCount) / reference.wallMs,
    processorSpeedup: reference.processorMs / candidate.processorMs,
    medianCosine: cosines[cosines.length >> 1]!,
    worstCosine: cosines[0]!,
    textCount: texts.length,
  };
}

/** By the clock on the wall, and of the processor: of all threads, and not while others had the cores. */
interface Spent {
  readonly wallMs: number;
  readonly processorMs: number;
}

function spentSoFar(): Spent {
  const { user, system } = process.cpuUsage();
  return { wallMs: performance.now(), processorMs: (user + system) / 1000 };
}

function best(known: Spent, start: Spent, end: Spent): Spent {
  return {
    wallMs: Math.min(known.wallMs, end.wallMs - start.wallMs),
    processorMs: Math.min(known.processorMs, end.processorMs - start.processorMs),
  };
}

function rowCosines(a: Float32Array, b: Float32Array, rowCount: number): number[] {
  const size = a.length / rowCount;
  return Array.from({ length: rowCount }, (_, row) =>
    cosine(a.subarray(row * size, (row + 1) * size), b.subarray(row * size, (row + 1) * size)),
  );
}
