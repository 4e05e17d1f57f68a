/**
 * What crosses the border about learning from marks: the plan before a run, its progress, the report that says whether
 * a version was promoted and why, the versions there are, and the marks that a person should look at. Times are ISO 8601,
 * spans 0-based lines with exclusive ends, `[redacted]` nothing: a report holds queries and places, never code.
 */

/** What of the ranking learns, cheapest first. */
export const LEARNING_TIERS = ['words', 'fusion', 'head', 'cross-encoder', 'encoder'] as const;
export type LearningTier = (typeof LEARNING_TIERS)[number];

/** Where a version counts: never (it is only compared), in its part of the folder alone, everywhere in the folder. */
export type VersionState = 'shadow' | 'pilot' | 'all';

/** The part of a folder that a version is for. It counts in searches that look nowhere else. */
export interface VersionScope {
  /** Relative to the folder, without a slash at the end. */
  readonly path?: string;
  readonly language?: string;
}

export interface LearningPlanTier {
  readonly tier: LearningTier;
  readonly isPlanned: boolean;
  /** Marks that it needs. */
  readonly fromCount: number;
  /** One sentence: what will be trained, or why not. */
  readonly sentence: string;
  /** Rough, for this machine. */
  readonly seconds: number;
}

/** What a run would do with the marks there are. */
export interface LearningPlan {
  readonly folder: string;
  /** Marks that can be learned from, and all there are. */
  readonly usableCount: number;
  readonly markCount: number;
  readonly queryCount: number;
  readonly quarantinedCount: number;
  readonly tiers: readonly LearningPlanTier[];
  /** How held-out figures come about, in a sentence. */
  readonly split: string;
  /** Rough, on a quiet machine with two cores. */
  readonly seconds: number;
  /** Other programs keep the machine busy: training stands back for them, and takes several times as long. */
  readonly isBusy: boolean;
  /** What measuring each method would add: how many there are, and how long it takes. */
  readonly methodCount: number;
  readonly methodSeconds: number;
  /** Undefined when a run makes sense, else the sentence that says why not. */
  readonly refusal?: string;
  /** True when so many marks are new that a run should be offered. */
  readonly isOffered: boolean;
  /** A run that was stopped can be gone on with. */
  readonly isResumable: boolean;
}

export interface LearningProgress {
  readonly folder: string;
  readonly folderId: string;
  readonly state: 'running' | 'paused' | 'ended';
  /** "learning the order of parts (fusion)", "measuring", ... */
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  /** Of the whole run, 0 to 1, never falling. */
  readonly fraction: number;
  readonly secondsLeft?: number;
}

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

/** Learn from it as it is, leave it out for good, or treat both as right. */
export type ReviewDecision = 'keep' | 'drop' | 'both';

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
  /** Learned from marks, from the folder's text; or nothing was learned and a version was measured again. */
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

/** A version that was measured again, did not hold, and gave way to the base. */
export interface LeftVersion extends CheckedAgain {
  readonly version: string;
}

export interface VersionInfo {
  /** "base", or the name of a version. */
  readonly id: string;
  readonly time?: string;
  readonly kind?: 'marks' | 'adapt';
  readonly state?: VersionState;
  readonly scope?: VersionScope;
  readonly isCurrent: boolean;
  readonly isPrevious: boolean;
  readonly isPromoted: boolean;
  /** What it holds. */
  readonly parts: readonly LearningTier[];
  readonly verdict?: string;
  readonly markCount?: number;
  /** Who made it, where it came with the repository. */
  readonly author?: string;
  readonly sizeBytes: number;
  /** Why it cannot be used, where it cannot. */
  readonly problem?: string;
}

/** How a candidate fares beside the version that answers, in daily use: counts, kept on this machine. */
export interface ComparisonInfo {
  readonly candidate: string;
  /** Interactive answers are mixed of both. */
  readonly isLive: boolean;
  /** ISO 8601. */
  readonly since: string;
  readonly silent: {
    readonly searches: number;
    /** The first three hits would have been others, or in another order. */
    readonly different: number;
    readonly opened: number;
    /** The opened hit would have stood higher, or lower. */
    readonly higher: number;
    readonly lower: number;
  };
  readonly live: {
    readonly searches: number;
    /** Opened hits that the candidate, or the version that answers, had put there. */
    readonly wins: number;
    readonly losses: number;
    /** Opened hits that both have at the same rank. */
    readonly ties: number;
    /** 95 % interval of the candidate's share of wins. */
    readonly low: number;
    readonly high: number;
  };
  readonly sentences: readonly string[];
}

export interface VersionList {
  readonly folder: string;
  readonly current: string;
  readonly versions: readonly VersionInfo[];
  readonly comparison?: ComparisonInfo;
  /** Why the base answers, until another version does. */
  readonly left?: LeftVersion;
  readonly problems: readonly string[];
}

/** What a run ended with. */
export interface LearnResult {
  readonly version: string;
  readonly isPromoted: boolean;
  readonly report: LearningReport;
}

export interface LearnParams {
  readonly folder: string;
  /** From marks; or, without any, from the folder's own text; or only measures a version again. */
  readonly kind?: 'marks' | 'adapt' | 'check';
  /** The version to be measured; without it, the one that answers. */
  readonly version?: string;
  readonly seed?: number;
  readonly scope?: VersionScope;
  /** Where it counts once promoted. Default: everywhere. */
  readonly state?: VersionState;
  /** Measures each method of what was trained as well; what is promoted stays the same. Default: no. */
  readonly measuresMethods?: boolean;
  /** Goes on with a run that was stopped, where there is one. Default: yes. */
  readonly resume?: boolean;
  /** Nobody waits for it: refused while the machine runs on its battery. */
  readonly isUnasked?: boolean;
}

/** "Which of these is right?" The answer is a mark on each. */
export interface LearningQuestion {
  readonly query: string;
  /** Two to four, in an order that says nothing. */
  readonly places: readonly QuestionedPlace[];
  /** Why this is asked, in a sentence. */
  readonly sentence: string;
}

export interface QuestionedPlace extends RankedPlace {
  /** Its first lines. */
  readonly snippet: string;
}
