/**
 * Fuses the retrievers' lists into one score. Values are scaled to 0..1 for each query and retriever
 * rather than turned into ranks: a rank throws away how sure a retriever is (.754 against .715 nDCG on the
 * development set the weights were first tried on).
 */
import type { Candidate, Vote } from './retrieve';

/**
 * The value at this rank becomes 0. A deep floor keeps the spread of the best few in proportion: 200 against
 * 100 is worth .01 nDCG on code, and nothing is lost elsewhere.
 */
const FLOOR_RANK = 200;
/**
 * Cosine above the floor that counts as 1. A fixed width, not the distance to the query's own best: where
 * embeddings set their best far apart from the rest they weigh more, where they hardly tell chunks apart, less.
 */
const COSINE_WIDTH = 0.35;

/** Maps a retriever's raw values to 0..1. */
export interface Scale {
  readonly floor: number;
  readonly top: number;
}

/** Scaled parts of one candidate. Undefined: the retriever has no value for it. */
export interface Fused {
  readonly words: number;
  readonly meaning: number;
  /** Which embeddings `meaning` rests on. */
  readonly meaningTier?: 'contextual' | 'static';
  /** Share of meaning in the score, 0 to 1. */
  readonly share: number;
  readonly score: number;
}

/** The scale of BM25 scores: the best is 1; 0 is the floor rank, or no match at all where fewer match. */
export function wordScale(votes: readonly (Vote | undefined)[]): Scale {
  const values = proposed(votes);
  const top = values[0] ?? 0;
  return { floor: Math.min(top, values[FLOOR_RANK - 1] ?? 0), top };
}

/** The scale of cosines: a fixed width above the floor rank, or above the last where there are fewer. */
export function cosineScale(votes: readonly (Vote | undefined)[]): Scale {
  const values = proposed(votes);
  const floor = values[Math.min(FLOOR_RANK, values.length) - 1] ?? 0;
  return { floor, top: floor + COSINE_WIDTH };
}

function proposed(votes: readonly (Vote | undefined)[]): number[] {
  return votes
    .filter((vote): vote is Vote => vote?.rank !== undefined)
    .map((vote) => vote.value)
    .sort((a, b) => b - a);
}

/** 0 at the floor, 1 at the top of the scale, more above it; a scale without width gives 1 to what reaches it. */
export function scaled(vote: Vote | undefined, scale: Scale): number {
  if (!vote) return 0;
  const width = scale.top - scale.floor;
  if (width <= 1e-9) return vote.value >= scale.top ? 1 : 0;
  return Math.max(0, (vote.value - scale.floor) / width);
}

/** Share of meaning for each candidate by the tier it has. */
export interface Shares {
  readonly contextual: number;
  readonly static: number;
  /** Most of contextual meaning in running text. */
  readonly prose: number;
}

/** Marks that stand in code, commands and markup, and hardly ever in sentences. */
const CODE_MARKS = /[`{}[\]<>=_|\\;$#@*~^&]/g;
/** Of a hundred characters so many; an abstract has none, a page of commands ten. */
const MOST_MARKS_OF_RUNNING_TEXT = 0.01;

/** True for prose without code in it: sentences, whose words are of the same language as the query's. */
export function isRunningText({ kind, text }: Candidate['chunk']): boolean {
  if (kind !== 'prose') return false;
  return (text.match(CODE_MARKS)?.length ?? 0) <= text.length * MOST_MARKS_OF_RUNNING_TEXT;
}

/** A candidate's scaled values, which no weight changes. */
export interface FusionPart {
  readonly chunk: Candidate['chunk'];
  readonly words: number;
  readonly meaning: number;
  readonly meaningTier?: 'contextual' | 'static';
  /** Known once it was asked for: a chunk's text is read from the index only where it makes a difference. */
  isRunning?: boolean;
}

/** What there is to fuse, in the candidates' order. */
export function scaleVotes(candidates: readonly Candidate[]): FusionPart[] {
  const words = wordScale(candidates.map((candidate) => candidate.words));
  const contextual = cosineScale(candidates.map((candidate) => candidate.contextual));
  const statics = cosineScale(candidates.map((candidate) => candidate.static));
  return candidates.map((candidate) => {
    const part = { chunk: candidate.chunk, words: scaled(candidate.words, words) };
    if (candidate.contextual)
      return {
        ...{ ...part, meaning: scaled(candidate.contextual, contextual) },
        meaningTier: 'contextual',
      };
    if (candidate.static)
      return { ...part, meaning: scaled(candidate.static, statics), meaningTier: 'static' };
    return { ...part, meaning: 0 };
  });
}

/** One fused part for each candidate, in the same order. */
export function fuse(candidates: readonly Candidate[], shares: Shares): Fused[] {
  const parts = scaleVotes(candidates);
  const hasContextual = hasMeaningIn(parts);
  return parts.map((part) => {
    const { words, meaning, meaningTier } = part;
    const share = shareOf(part, shares, hasContextual);
    return { words, meaning, meaningTier, share, score: mix(words, meaning, share) };
  });
}

/** The scores alone. */
export function fusedScores(parts: readonly FusionPart[], shares: Shares): Float64Array {
  const hasContextual = hasMeaningIn(parts);
  return Float64Array.from(parts, (part) =>
    mix(part.words, part.meaning, shareOf(part, shares, hasContextual)),
  );
}

function hasMeaningIn(parts: readonly FusionPart[]): boolean {
  return parts.some(({ meaningTier }) => meaningTier === 'contextual');
}

function shareOf(part: FusionPart, shares: Shares, hasContextual: boolean): number {
  if (part.meaningTier === 'static') return shares.static;
  if (part.meaningTier === undefined) return hasContextual ? shares.contextual : 0;
  const { contextual, prose } = shares;
  if (contextual <= prose || part.words === part.meaning) return contextual;
  part.isRunning ??= isRunningText(part.chunk);
  return part.isRunning ? prose : contextual;
}

function mix(words: number, meaning: number, share: number): number {
  return (1 - share) * words + share * meaning;
}
