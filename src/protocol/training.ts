/**
 * What is said between a training process and whoever started it: the request once, orders while it runs, progress, and
 * the result or what went wrong. Plain data: the command line and the engine start the same process by its bundle.
 */
import type { SerializedError } from '../base/errors';
import type { LearningReport, VersionScope } from './learning';

export const TRAINING_PARTS = [
  'query-head',
  'shared-head',
  'bi-encoder',
  'cross-encoder',
  'fusion',
] as const;
export type TrainingPart = (typeof TRAINING_PARTS)[number];

/** What the process writes to stderr when it took more memory than the recipe allows, before it ends. */
export const TRAINER_MEMORY_WORD = 'trainer: memory limit';

/** Train one part on records. Paths are absolute. */
export interface TrainRequest {
  readonly kind: 'train';
  readonly data: string;
  /** Records to test on; without it a share of the data is held out. */
  readonly dev?: string;
  readonly base: string;
  readonly part: TrainingPart;
  /** An indexed folder; needed for fusion. */
  readonly folder?: string;
  readonly recipe?: string;
  readonly out: string;
  readonly seed: number;
  readonly device: 'auto' | 'cpu' | 'webgpu';
  readonly resume: boolean;
  readonly tuneMinutes?: number;
  /** How often the run was ended by its memory limit: each time halves the chunks of an encoder. */
  readonly memoryCuts?: number;
  readonly dataFolder: string;
}

export interface EvaluateRequest {
  readonly kind: 'evaluate';
  readonly data: string;
  readonly model: string;
  readonly dataFolder: string;
}

export interface MergeRequest {
  readonly kind: 'merge';
  readonly base: string;
  readonly models: readonly string[];
  readonly how: 'deviation' | 'slerp' | 'average';
  readonly pull: number;
  readonly out: string;
}

export interface MineRequest {
  readonly kind: 'mine';
  readonly queries: string;
  /** Spaces that vote beside those of the index: `layer:N`, or folders of checkpoints or heads. */
  readonly also: readonly string[];
  /** A file of the miner's flags. */
  readonly recipe?: string;
  readonly folder: string;
  readonly out: string;
  readonly seed: number;
  readonly dataFolder: string;
}

/** Learn from a folder's marks, or from its text alone, as far as a version that may be promoted. */
export interface LearnRequest {
  readonly kind: 'learn';
  readonly learnKind: 'marks' | 'adapt' | 'check';
  /** What is to be checked. */
  readonly version?: string;
  /** Nobody asked for it, and nobody waits. */
  readonly isUnasked?: boolean;
  readonly folder: string;
  readonly seed: number;
  /** The part of the folder that the version is for. */
  readonly scope?: VersionScope;
  /** Measures what each method brings as well. */
  readonly measuresMethods?: boolean;
  /** Goes on with a run that was stopped. */
  readonly resume: boolean;
  readonly dataFolder: string;
}

export type TrainingRequest =
  TrainRequest | EvaluateRequest | MergeRequest | MineRequest | LearnRequest;

/** To a training process. Orders take effect between two steps. */
export type ToTrainer =
  | { readonly type: 'start'; readonly request: TrainingRequest }
  | { readonly type: 'pause' | 'continue' | 'cancel' };

export interface TrainingProgress {
  /** What is being done, for a person: "embedding texts", "step". */
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  readonly loss?: number;
  /** Held-out figure now, and before the first step. */
  readonly metric?: number;
  readonly baseMetric?: number;
  readonly secondsLeft?: number;
  /** Of the whole of a learning run, 0 to 1. */
  readonly fraction?: number;
}

/** A figure with the ends of its 95 % interval. */
export interface FigureWithInterval {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

export interface TrainResult {
  readonly kind: 'train';
  readonly out: string;
  readonly part: TrainingPart;
  readonly stepCount: number;
  /** Why it stopped: all steps, no gain any more, out of time, a loss that is no number. */
  readonly reason: 'steps' | 'patience' | 'time' | 'notFinite';
  /** What `before` and `after` are, of the held-out records: "nDCG@10", "Spearman", or the mean of the two. */
  readonly metric: string;
  readonly before: number;
  readonly after: number;
  /** After which step the state was taken; the first of several that were merged. */
  readonly bestStep: number;
  readonly seconds: number;
  readonly notes: readonly string[];
}

export interface EvaluateResult {
  readonly kind: 'evaluate';
  readonly figures: readonly FigureWithInterval[];
  readonly notes: readonly string[];
}

export interface MergeResult {
  readonly kind: 'merge';
  readonly out: string;
  readonly tensorCount: number;
  readonly fingerprint: string;
}

export interface MineResult {
  readonly kind: 'mine';
  readonly out: string;
  readonly groupCount: number;
  readonly negativeCount: number;
  readonly notes: readonly string[];
}

export interface LearnTaskResult {
  readonly kind: 'learn';
  /** The version that was made; missing where nothing passed. */
  readonly version?: string;
  readonly report: LearningReport;
}

export type TrainingResult =
  TrainResult | EvaluateResult | MergeResult | MineResult | LearnTaskResult;

/** From a training process. The last message is 'done' or 'failed'. */
export type FromTrainer =
  | { readonly type: 'progress'; readonly progress: TrainingProgress }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'done'; readonly result: TrainingResult }
  | { readonly type: 'failed'; readonly error: SerializedError };
