/** A query and texts to relevance logits with a cross-encoder checkpoint; compare only within one query. */
import { NearmissError } from '../../base/errors';
import { type Sequence, cutBatches, packInputs, runBatches } from './batches';
import type { FrameParts } from './biEncoder';
import type { Checkpoint } from './checkpoint';
import type { Session } from './session';
import type { FramedTokenizer } from './tokenizer';
import type { Reranker } from './types';

/** What a re-ranker runs on. It owns the session. */
export interface RerankerParts {
  readonly checkpoint: Checkpoint;
  readonly tokenizer: FramedTokenizer;
  readonly session: Session;
  /** Tokens of one run, padding included: how long the thread is not free for a new query. */
  readonly tokenBudget?: number;
}

/** Three layers over this many tokens take 15 to 40 ms on one core of the last ten years. */
const TOKEN_BUDGET = 384;

/** A query keeps at most this share of the positions, so that a pasted page still leaves room for the text. */
const QUERY_SHARE = 0.5;

export function createReranker(parts: RerankerParts): Reranker {
  const { checkpoint, tokenizer, session, tokenBudget = TOKEN_BUDGET } = parts;
  const output = session.outputNames[0];
  if (output === undefined) throw new NearmissError('model', 'The model has no output');
  return {
    fingerprint: checkpoint.fingerprint,
    async score(query, texts, signal) {
      const queryIds = tokenizer.encode(query);
      const sequences = texts.map((text) => framePair(parts, queryIds, text));
      const scores = new Float32Array(texts.length);
      const lengths = sequences.map((sequence) => sequence.ids.length);
      const run = async (slice: readonly number[]): Promise<void> => {
        const pairs = slice.map((index) => sequences[index]!);
        const { data } = await session.run(packInputs(pairs, tokenizer.padId), output);
        checkScores(data, slice.length, checkpoint);
        slice.forEach((index, row) => (scores[index] = data[row]!));
      };
      await runBatches(cutBatches(lengths, tokenBudget), session.laneCount ?? 1, run, signal);
      return scores;
    },
    dispose: () => session.dispose(),
  };
}

/** [CLS] query [SEP] text [SEP]; the end of the text is cut where the checkpoint's positions end. */
export function framePair(
  { checkpoint, tokenizer }: FrameParts,
  queryIds: readonly number[],
  text: string,
): Sequence {
  const { before, between, after, secondType } = tokenizer.frame.pair;
  const room = checkpoint.maxTokens - before.length - between.length - after.length;
  const first = [...before, ...queryIds.slice(0, Math.floor(room * QUERY_SHARE)), ...between];
  const textRoom = checkpoint.maxTokens - first.length - after.length;
  const ids = [...first, ...tokenizer.encode(text).slice(0, textRoom), ...after];
  return { ids, secondStart: first.length, secondType };
}

function checkScores(data: Float32Array, count: number, checkpoint: Checkpoint): void {
  if (data.length === count && data.every(Number.isFinite)) return;
  throw new NearmissError(
    'model',
    `The cross-encoder in ${checkpoint.folder} does not give one finite score for each text`,
    'Use a checkpoint with a single output for relevance',
  );
}
