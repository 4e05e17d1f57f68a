/**
 * The report of a run: what was learned from, what each part brought, every query before and after, every condition of the
 * gate, and the verdict. Queries and places, no code. Spans are 0-based lines, ends exclusive; times are ISO 8601.
 */

/** What of the ranking learns, cheapest first. */
export type LearningTier = 'words' | 'fusion' | 'head' | 'cross-encoder' | 'encoder';

/** Learn from a mark as it is, leave it out for good, or treat both chunks as right. */
export type ReviewDecision = 'keep' | 'drop' | 'both';

/** A figure before and after, with the 95 % interval of the difference and how many it is the mean of. */
export interface ComparedFigure {
  readonly name: string;
  /** "held-out queries", "guard queries", ... */
  readonly of: string;
  readonly count: number;
  readonly before: number;
  readonly after: number;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/** One condition of the gate. */
export interface GateCondition {
  readonly name: string;
  readonly isMet: boolean;
  readonly value: number;
  readonly limit: number;
  readonly count: number;
  readonly sentence: string;
}

export interface RankedPlace {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly symbol: string;
  readonly verdict?: 'relevant' | 'notRelevant';
}

/** One query, as it was answered and as it would be. */
export interface QueryChange {
  readonly query: string;
  readonly set: 'heldOut' | 'guard' | 'past';
  readonly outcome: 'win' | 'loss' | 'tie';
  /** Of the first right hit, from 1; missing where it was not found. */
  readonly rankBefore?: number;
  readonly rankAfter?: number;
  /** The first hits, best first. */
  readonly before: readonly RankedPlace[];
  readonly after: readonly RankedPlace[];
  /** What pulled the right and the wrong chunk, a sentence each. */
  readonly why: readonly string[];
}

export interface TierOutcome {
  readonly tier: LearningTier;
  readonly isKept: boolean;
  readonly sentence: string;
  readonly figures: readonly ComparedFigure[];
  readonly conditions: readonly GateCondition[];
  readonly seconds: number;
  readonly bytes: number;
  readonly recomputedVectorCount: number;
}

/** A method of a part's training that can be left out alone. */
export type LearningMethod =
  | 'markedNegatives'
  | 'minedNegatives'
  | 'syntheticNegatives'
  | 'columns'
  | 'shuffledGroups'
  | 'duplicateMask'
  | 'anchor'
  | 'dropout'
  | 'mixedPositives'
  | 'dimensionWise'
  | 'offDropout'
  | 'loneNegatives'
  | 'filler'
  | 'pairs'
  | 'merging'
  | 'basePull'
  | 'defaultsPull';

/** What a method brings to its part: the part trained again without it, on the same folds, asked the same held-out queries. */
export interface MethodOutcome {
  readonly tier: LearningTier;
  readonly method: LearningMethod;
  /** The figure that decides, then MRR@10: before is without the method, after with it. */
  readonly figures: readonly ComparedFigure[];
  /** Of the processor, over all its cores, for training one model, the median of the folds; missing where that is not known. */
  readonly processorSeconds?: number;
  readonly processorSecondsWithout?: number;
  /** Of one model on the disk. */
  readonly bytes: number;
  readonly bytesWithout: number;
  readonly recomputedVectorCount: number;
  /** Why it could not be measured, where it could not. */
  readonly problem?: string;
}

/** A mark that was set aside, and why. */
export interface ReviewItem {
  /** Of the mark; the same again after every run. */
  readonly id: string;
  readonly reason: 'contradiction' | 'copy' | 'closeToAnswer' | 'duplicate' | 'mined' | 'mixed';
  readonly sentence: string;
  readonly query: string;
  /** What was marked relevant for the query. */
  readonly answer?: RankedPlace;
  /** Of what was mixed, the nearest chunk that there is. */
  readonly suspect: RankedPlace;
  /** What it was mixed of. */
  readonly parents?: readonly [ReviewParent, ReviewParent];
  readonly decision?: ReviewDecision;
}

/** A chunk that was mixed with another; a decision on it goes by its id. */
export interface ReviewParent {
  readonly id: string;
  readonly place: RankedPlace;
  /** A person marked it as not relevant. */
  readonly isMarked: boolean;
}

export interface LearnedFrom {
  readonly markCount: number;
  readonly usableCount: number;
  readonly queryCount: number;
  readonly relevantCount: number;
  readonly notRelevantCount: number;
  readonly openedCount: number;
  readonly similarCount: number;
  readonly minedCount: number;
  readonly guardCount: number;
  readonly staleCount: number;
  /** Left out by a person. */
  readonly droppedCount: number;
  /** Of queries that hold a secret. */
  readonly secretCount: number;
  /** Until a person decides. */
  readonly setAsideCount: number;
  /** Say what another mark says, or nothing that can be learned. */
  readonly repeatedCount: number;
}

/** A word that the folder does not have, what it is read as, and how many of its queries' answers say so. */
export interface ReadWord {
  readonly word: string;
  readonly as: string;
  readonly count: number;
  readonly of: number;
}

/** The figure that decided a run, `name`, by the marks that it learned from, with the 95 % interval of the change. */
export interface CurvePoint {
  /** ISO 8601. */
  readonly time: string;
  readonly name: string;
  readonly markCount: number;
  /** Held-out queries. */
  readonly count: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface LearningReport {
  readonly v: 1;
  readonly folder: string;
  readonly version: string;
  readonly kind: 'marks' | 'adapt' | 'check';
  readonly time: string;
  readonly seed: number;
  readonly isPromoted: boolean;
  /** One sentence. */
  readonly verdict: string;
  /** The figure that decides, named before anything was trained. */
  readonly primary: string;
  /** How the held-out figures came about, in a sentence. */
  readonly split: string;
  readonly learnedFrom: LearnedFrom;
  readonly figures: readonly ComparedFigure[];
  readonly conditions: readonly GateCondition[];
  readonly tiers: readonly TierOutcome[];
  /** What each method brings, where that was asked for. */
  readonly methods?: readonly MethodOutcome[];
  readonly queries: readonly QueryChange[];
  readonly quarantined: readonly ReviewItem[];
  /** The figures that decided the runs on marks up to this one, oldest first. */
  readonly curve: readonly CurvePoint[];
  /** Words of the people who ask, and what they are read as in the version. */
  readonly words?: readonly ReadWord[];
  readonly notes: readonly string[];
  readonly seconds: number;
  readonly bytes: number;
  /** Of a version: each time that it was measured again, oldest first. */
  readonly checks?: readonly CheckedAgain[];
}

/** A version was measured once more, on the folder as it was then. */
export interface CheckedAgain {
  readonly time: string;
  readonly holds: boolean;
  readonly verdict: string;
  /** Nobody asked for it: much of the folder had changed. */
  readonly isUnasked: boolean;
}
