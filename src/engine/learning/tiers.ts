/** Which parts of the ranking learn from how many marks (training-methods, section 10), and how long that takes. */
import type { MarkData } from './markData';
import type { LearningTier } from './report';
import type { Reach } from './scope';

type Counts = Readonly<Record<LearningTier, number>>;

/** Usable marks from which on a part is trained. */
const TIER_FROM: Counts = {
  words: 10,
  fusion: 10,
  head: 20,
  'cross-encoder': 50,
  encoder: 300,
};
/** Queries with an answer that a measurement needs at least: fewer cannot tell a gain from chance. */
export const LEAST_QUERIES = 8;
/**
 * Queries with an answer from which on the encoder learns: below, five folds are pooled, and the folder would be embedded
 * for each of them.
 */
const ENCODER_QUERIES = 50;
/** New marks after which learning is offered again. */
const OFFERED_EVERY = 20;
/** Find-similar judgements from which on the head is shared. */
export const SHARED_FROM = 20;

export interface PlannedTier {
  readonly tier: LearningTier;
  readonly isPlanned: boolean;
  readonly fromCount: number;
  readonly sentence: string;
  readonly seconds: number;
}

export interface TierPlan {
  readonly tiers: readonly PlannedTier[];
  readonly seconds: number;
  /** Why a run makes no sense. */
  readonly refusal?: string;
}

export interface PlanOptions {
  /** Chunks of the folder, which an encoder embeds anew. */
  readonly chunkCount: number;
  /** Of what an embedding takes. */
  readonly dimension?: number;
  /** What the version is for; without it, the folder. */
  readonly reach?: Reach;
  /** Marks from which on a part is trained, in place of the product's; for tests and benches. */
  readonly from?: Partial<Counts>;
}

interface UsableCount {
  readonly counts: Pick<MarkData['counts'], 'usable'>;
}

/** Decides which parts are trained on these marks. */
export function planTiers(
  data: Pick<MarkData, 'queries'> & UsableCount,
  options: PlanOptions,
): TierPlan {
  const { usable } = data.counts;
  const { reach } = options;
  const answeredCount = answeredIn(data, reach).length;
  const refusal =
    reach?.filter && usable >= TIER_FROM.fusion
      ? refusalThere(answeredCount)
      : refusalOf(usable, answeredCount);
  const measurable = decidingCount(data, reach);
  const tiers = (Object.keys(TIER_FROM) as LearningTier[]).map((tier): PlannedTier => {
    const fromCount = options.from?.[tier] ?? TIER_FROM[tier];
    const lack = lackOf(tier, { usable, measurable, fromCount }, options);
    const isPlanned = refusal === undefined && lack === undefined;
    const sentence = lack ?? (tier === 'encoder' ? encoderWords(options) : WORDS[tier]);
    const seconds = isPlanned ? secondsOf(tier, data, options) : 0;
    return { tier, isPlanned, fromCount, sentence, seconds };
  });
  return { tiers, seconds: tiers.reduce((sum, { seconds }) => sum + seconds, 0), refusal };
}

/** Why there is too little for a part; undefined where there is enough. */
function lackOf(
  tier: LearningTier,
  given: { readonly usable: number; readonly measurable: number; readonly fromCount: number },
  { from }: PlanOptions,
): string | undefined {
  const { usable, measurable, fromCount } = given;
  if (usable < fromCount) return `From ${fromCount} marks on; ${usable} can be used`;
  if (tier !== 'encoder' || from?.encoder !== undefined || measurable >= ENCODER_QUERIES)
    return undefined;
  return `From ${ENCODER_QUERIES} queries with an answer on; there are ${measurable}`;
}

/** Queries that have an answer where the version is to answer, which alone can be measured. */
function answeredIn(
  { queries }: Pick<MarkData, 'queries'>,
  reach: Reach | undefined,
): MarkData['queries'] {
  return queries.filter(({ relevant }) =>
    relevant.some(({ chunkId }) => reach?.has(chunkId) ?? true),
  );
}

/** How many queries a run is measured on. */
export function decidingCount(data: Pick<MarkData, 'queries'>, reach?: Reach): number {
  return decidingQueries(answeredIn(data, reach)).queries.length;
}

/** Held-out queries that decide: where enough are the user's own, marks of others have to pass by those alone. */
export function decidingQueries<T extends Pick<MarkData['queries'][number], 'isOthers'>>(
  heldOut: readonly T[],
): { readonly queries: readonly T[]; readonly note?: string } {
  const own = heldOut.filter(({ isOthers }) => !isOthers);
  if (own.length === heldOut.length) return { queries: own };
  const others = heldOut.length - own.length;
  if (own.length >= LEAST_QUERIES)
    return {
      queries: own,
      note: `${others} held-out queries of others are left out: what was learned has to prove better on your own`,
    };
  return {
    queries: heldOut,
    note: `${others} of ${heldOut.length} held-out queries are of others who share this repository, because fewer than ${LEAST_QUERIES} are your own`,
  };
}

/**
 * Whether there are marks enough that no run has learned from, promoted or not. Marks of others may be older than the run;
 * where marks were taken back since, there are fewer than it had.
 */
export function isOffered(
  { queries, pairs, counts }: Pick<MarkData, 'queries' | 'pairs'> & UsableCount,
  last: { readonly time: string; readonly markCount: number } | undefined,
): boolean {
  if (!last) return counts.usable >= OFFERED_EVERY;
  const judged = queries.flatMap(({ relevant, wrong }) => [...relevant, ...wrong]);
  const since = [...judged, ...pairs].filter(({ time }) => time > last.time).length;
  return Math.max(since, counts.usable - last.markCount) >= OFFERED_EVERY;
}

function refusalOf(usable: number, measurable: number): string | undefined {
  if (usable < TIER_FROM.fusion)
    return `${usable === 1 ? 'One mark' : `${usable} marks`} can be used, and ${TIER_FROM.fusion} are the least to learn from`;
  if (measurable < LEAST_QUERIES)
    return `${measurable === 1 ? 'One query has' : `${measurable} queries have`} a hit marked relevant, and ${LEAST_QUERIES} are the least to measure a gain on`;
  return undefined;
}

function refusalThere(answeredCount: number): string | undefined {
  return answeredCount < LEAST_QUERIES
    ? `Marked queries that are answered in the part that it would be for: ${answeredCount}, and ${LEAST_QUERIES} are the least to measure a gain on`
    : undefined;
}

const WORDS: Readonly<Record<Exclude<LearningTier, 'encoder'>, string>> = {
  words: 'Words of yours that the folder does not have, read as the words of its answers',
  fusion: 'The weights of words, meaning and rules',
  head: 'A small map over stored embeddings; nothing is embedded anew',
  'cross-encoder': 'The last layers of the re-ranker, on marks and mined negatives',
};

const BYTES_PER_NUMBER = 4;
/** A row's key and place in its table, beside the vector. */
const ROW_BYTES = 60;

function encoderWords({ chunkCount, dimension = 384 }: PlanOptions): string {
  const megabytes = Math.ceil((chunkCount * (dimension * BYTES_PER_NUMBER + ROW_BYTES)) / 1e6);
  return `The last layers of the encoder; ${chunkCount} chunks are embedded anew beside the stored vectors, which stay (${megabytes} MB)`;
}

/** A model for what is held out and one of all marks: the folder is embedded by both. */
const ENCODINGS = 2;
const CHUNKS_A_SECOND = 30;

/** Rough, on two cores: a search, and what training takes a query. */
function secondsOf(
  tier: LearningTier,
  { queries }: Pick<MarkData, 'queries'>,
  { chunkCount }: PlanOptions,
): number {
  const { length } = queries;
  if (tier === 'words') return 1;
  if (tier === 'fusion') return 5 + 0.5 * length;
  if (tier === 'head') return 15 + 0.6 * length;
  if (tier === 'cross-encoder') return 30 + 3 * length;
  return 60 + ENCODINGS * (2 * length + encodingSeconds(chunkCount));
}

/** Rough, on two cores. */
export function encodingSeconds(chunkCount: number): number {
  return chunkCount / CHUNKS_A_SECOND;
}
