/** Which parts of the ranking learn from how many marks (training-methods, section 10), and how long that takes. */
import type { MarkData } from './markData';
import type { LearningTier } from './report';

/** Usable marks from which on a part is trained. */
const TIER_FROM: Readonly<Record<LearningTier, number>> = {
  fusion: 10,
  head: 20,
  'cross-encoder': 50,
  encoder: 300,
};
/** Queries with an answer that a measurement needs at least: fewer cannot tell a gain from chance. */
export const LEAST_QUERIES = 8;
/** Marks after which learning is offered again. */
export const OFFERED_EVERY = 20;
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

/** Decides which parts are trained on these marks. */
export function planTiers(data: Pick<MarkData, 'queries' | 'pairs' | 'counts'>): TierPlan {
  const { usable } = data.counts;
  const measurable = measurableCount(data);
  const refusal = refusalOf(usable, measurable);
  const tiers = (Object.keys(TIER_FROM) as LearningTier[]).map((tier): PlannedTier => {
    const fromCount = TIER_FROM[tier];
    const isPlanned = refusal === undefined && usable >= fromCount && tier !== 'encoder';
    const sentence = isPlanned
      ? WORDS[tier]
      : tier === 'encoder'
        ? 'Stays as it is: `nearmiss train` is for its layers, as every chunk is embedded anew then'
        : `From ${fromCount} marks on; ${usable} can be used`;
    return { tier, isPlanned, fromCount, sentence, seconds: isPlanned ? secondsOf(tier, data) : 0 };
  });
  return { tiers, seconds: tiers.reduce((sum, { seconds }) => sum + seconds, 0), refusal };
}

/** Queries that have an answer, which alone can be measured. */
export function measurableCount({ queries }: Pick<MarkData, 'queries'>): number {
  return queries.filter(({ relevant }) => relevant.length > 0).length;
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

function refusalOf(usable: number, measurable: number): string | undefined {
  if (usable < TIER_FROM.fusion)
    return `${usable === 1 ? 'One mark' : `${usable} marks`} can be used, and ${TIER_FROM.fusion} are the least to learn from`;
  if (measurable < LEAST_QUERIES)
    return `${measurable === 1 ? 'One query has' : `${measurable} queries have`} a hit marked relevant, and ${LEAST_QUERIES} are the least to measure a gain on`;
  return undefined;
}

const WORDS: Readonly<Record<LearningTier, string>> = {
  fusion: 'The weights of words, meaning and rules',
  head: 'A small map over stored embeddings; nothing is embedded anew',
  'cross-encoder': 'The last layers of the re-ranker, on marks and mined negatives',
  encoder: 'The last layers of the encoder; every chunk is embedded anew',
};

/** Rough, on two cores: a search, and what training takes a query. */
function secondsOf(tier: LearningTier, { queries }: Pick<MarkData, 'queries'>): number {
  const { length } = queries;
  if (tier === 'fusion') return 5 + 0.5 * length;
  if (tier === 'head') return 15 + 0.6 * length;
  return 30 + 3 * length;
}
