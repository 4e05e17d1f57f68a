/**
 * The cross-encoder reads the best candidates once more, together with the query. It is blended, never
 * obeyed: alone it made the order worse on every set it was measured on, so it adds a share whose
 * weight falls as the first stage is sure of itself.
 */
import { pairText } from '../documents/encoderText';
import type { Span } from '../documents/document';
import type { Reranker, Tokenizer } from '../encoders/types';
import type { ChunkRow } from '../store/types';
import { termsOf } from '../store/terms';
import { isRunningText } from './fuse';
import type { Query } from './query';
import type { FusionWeights } from './weights';

/** Tokens of a chunk that the cross-encoder reads; it was trained at 128 with the query. */
const WINDOW_TOKENS = 96;
/** Without a tokenizer: characters a token has in code, roughly. */
const CHARACTERS_PER_TOKEN = 3.5;

/** What the re-ranker's whole share adds to a chunk, in units of the best fused score. */
export function mostOfReranker(chunk: ChunkRow, weights: FusionWeights): number {
  return weights[rerankWeight(chunk)];
}

/** Which weight that is. */
export function rerankWeight(chunk: ChunkRow): keyof FusionWeights {
  if (isRunningText(chunk)) return 'rerankProse';
  return chunk.kind === 'prose' ? 'rerankDocumentation' : 'rerank';
}

/** The lines of a chunk (relative to its text) that match the query best, within the token budget. */
export function bestWindow(
  chunk: ChunkRow,
  query: Query,
  tokenizer: Tokenizer | undefined,
  maxTokens = WINDOW_TOKENS,
): Span {
  const lines = chunk.text.split('\n');
  const count = (text: string): number =>
    tokenizer ? tokenizer.countTokens(text) : Math.ceil(text.length / CHARACTERS_PER_TOKEN);
  const sizes = lines.map(count);
  const wanted = new Set(query.terms);
  const gains = lines.map((line, index) => lineGain(line, wanted) + (index === 0 ? 0.5 : 0));
  return densestSpan(gains, sizes, maxTokens);
}

/** Different query terms on a line; its own repetition adds nothing. */
function lineGain(line: string, wanted: ReadonlySet<string>): number {
  if (wanted.size === 0) return 0;
  return new Set(termsOf(line).filter((term) => wanted.has(term))).size;
}

/** The window with the largest gain whose sizes sum up to at most `budget`; the earliest of equals; never empty. */
export function densestSpan(
  gains: readonly number[],
  sizes: readonly number[],
  budget: number,
): Span {
  let best: Span = { start: 0, end: 1 };
  let bestGain = -1;
  let end = 0;
  let size = 0;
  let gain = 0;
  for (let start = 0; start < sizes.length; start++) {
    while (end < sizes.length && (end === start || size + sizes[end]! <= budget)) {
      size += sizes[end]!;
      gain += gains[end]!;
      end++;
    }
    if (gain > bestGain) {
      bestGain = gain;
      best = { start, end };
    }
    size -= sizes[start]!;
    gain -= gains[start]!;
  }
  return best;
}

/** What the cross-encoder reads of a candidate. */
export function rerankText(chunk: ChunkRow, window: Span): string {
  const text = chunk.text.split('\n').slice(window.start, window.end).join('\n');
  return pairText(chunk.path, { symbol: chunk.symbol, text });
}

export interface RerankScore {
  readonly logit: number;
  /** 0 for the worst of the candidates that were read, 1 for the best. */
  readonly share: number;
}

/** Reads candidates in the given order; one score each. */
export async function rerank(
  reranker: Reranker,
  query: Query,
  texts: readonly string[],
  signal: AbortSignal | undefined,
): Promise<RerankScore[]> {
  if (texts.length === 0) return [];
  const logits = await reranker.score(query.text, texts, signal);
  return rerankShares([...logits]);
}

/** Reads slice after slice until the time is up; what was not read in time stays out. */
export async function rerankUntil(
  reranker: Reranker,
  query: Query,
  texts: readonly string[],
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<RerankScore[]> {
  const logits: number[] = [];
  const slice = 6;
  let slowestMs = 0;
  for (let at = 0; at < texts.length; at += slice) {
    const startMs = performance.now();
    if (at > 0 && startMs + slowestMs > deadlineMs) break;
    logits.push(...(await reranker.score(query.text, texts.slice(at, at + slice), signal)));
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
  }
  return rerankShares(logits);
}

/**
 * Scaled from the worst to the best, squared so that the middle of the field stays low. Within one answer a
 * logit's distance says something, its level does not; a softmax gave .006 nDCG less over four sets.
 */
export function rerankShares(logits: readonly number[]): RerankScore[] {
  const least = Math.min(...logits);
  const width = Math.max(...logits) - least;
  return logits.map((logit) => ({
    logit,
    share: width > 0 ? ((logit - least) / width) ** 2 : 0,
  }));
}

/** How sure the first stage is: 0 when its best two are equal, 1 when the best stands alone. */
export function firstStageConfidence(scores: readonly number[]): number {
  const [first = 0, second = 0] = scores;
  return first <= 0 ? 0 : Math.min(1, Math.max(0, (first - second) / first));
}
