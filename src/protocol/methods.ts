/**
 * Every request and notification with its params and result. The mapped types below make a missing
 * handler, schema or listener a compile error. Raise PROTOCOL_VERSION whenever an older side would
 * misread what a newer one says.
 */
import type {
  LearningPlan,
  LearningProgress,
  LearningQuestion,
  LearningReport,
  LearnParams,
  LearnResult,
  ReviewDecision,
  ReviewItem,
  VersionList,
  VersionScope,
  VersionState,
} from './learning';
import type { SetSharingParams, SharingInfo, SyncedSharing } from './sharing';
import type {
  EngineStatus,
  FolderStatus,
  MarkInfo,
  ModelInfo,
  SearchResult,
  SkippedFile,
  SourceSpan,
  SpanText,
  Verdict,
  WhyResult,
} from './types';
import type { PulseAnswer, UsageEvent, UsageReport } from './usage';

export const PROTOCOL_VERSION = 3;

/** How far an `index` call waits: not at all, words of every file, static embeddings, everything. */
export type WaitFor = 'nothing' | 'words' | 'static' | 'all';

export interface HelloParams {
  readonly version: number;
  readonly token: string;
  /** Name of the client for the log ("cli", "vscode"). */
  readonly client: string;
}

export interface HelloResult {
  readonly version: number;
  readonly productVersion: string;
  readonly pid: number;
  /** Which build answers: path, size and time of the engine's own file. */
  readonly build: string;
}

export interface IndexParams {
  readonly folder: string;
  readonly waitFor: WaitFor;
  /** Longest wait; the call then answers with what is there. Without it: no limit. */
  readonly waitMs?: number;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** Globs that begin with a folder's name; what matches is indexed although an ignore rule leaves it out. */
  readonly letIn?: readonly string[];
  /** False: .gitignore and its like do not count. */
  readonly usesGitRules?: boolean;
  /** Compares the whole folder again although it is being watched. */
  readonly refresh?: boolean;
  /** The user agreed to index a home folder or a very large one. */
  readonly isConfirmed?: boolean;
  /** Neither battery nor load slows indexing down while this call waits. */
  readonly isHurried?: boolean;
}

export interface IndexResult {
  readonly status: FolderStatus;
  /** True when this call met the folder for the first time. */
  readonly isNew: boolean;
  readonly skipped: readonly SkippedFile[];
  readonly tookMs: number;
}

export interface SearchParams {
  readonly folder: string;
  readonly query: string;
  readonly limit: number;
  readonly paths?: readonly string[];
  readonly languages?: readonly string[];
  readonly kinds?: readonly string[];
  readonly rerank: boolean;
  readonly explain?: boolean;
  /**
   * Interactive: re-rank as many candidates as fit. Without it: a fixed number of candidates and no
   * clock, so that the same index gives the same result.
   */
  readonly budgetMs?: number;
  /** When set, fused hits come first as a `firstHits` notification with this number. */
  readonly ticket?: number;
  /** Unsaved buffers: searched instead of the stored text of these paths; spans are those of the buffer. */
  readonly overlays?: readonly Overlay[];
  /** Exactly these paths, relative to the folder ("changed files only"). */
  readonly onlyPaths?: readonly string[];
  /** At most so many hits of one file; without it, the engine's setting. */
  readonly perFile?: number;
  /** Hits come with their text, whole declarations where they fit, no line twice, so many tokens in all. */
  readonly budgetTokens?: number;
}

/** Which version answers from now on, and where. */
export interface UseVersionParams {
  readonly folder: string;
  /** "base", "previous", or the name of a version or how that begins. */
  readonly version: string;
  readonly state?: VersionState;
  readonly scope?: VersionScope;
}

export interface Overlay {
  /** Relative to the folder, or absolute inside it. */
  readonly path: string;
  readonly text: string;
}

export interface SimilarParams {
  readonly folder: string;
  readonly path: string;
  /** 0-based, end exclusive. */
  readonly start: number;
  readonly end: number;
  readonly limit: number;
  readonly explain?: boolean;
  /** The selection's own text where it is not saved; the lines then only say where it stands. */
  readonly text?: string;
  /** As of a search. */
  readonly budgetTokens?: number;
}

/** A verdict on one hit: of a query, or of the places like a source span. Exactly one of the two is given. */
export interface MarkParams {
  readonly folder: string;
  /** As typed. */
  readonly query?: string;
  /** The span whose like was looked for. */
  readonly source?: SourceSpan;
  readonly path: string;
  /** 0-based, end exclusive; the chunk with the largest part of these lines is marked. */
  readonly start: number;
  readonly end: number;
  readonly verdict: Verdict;
  /** Where the hit stood, from 1. */
  readonly rank?: number;
  /** Unsaved buffers, as the search that gave the hit had them: the lines are then those of the buffer. */
  readonly overlays?: readonly Overlay[];
  /** Nobody judged, the hit was only opened: counts little, and never against a real mark. */
  readonly isWeak?: boolean;
}

interface Call<P, R> {
  readonly params: P;
  readonly result: R;
}

type Nothing = Record<string, never>;

/** Requests of a client to the engine. `hello` comes first and alone is answered before it. */
export interface Methods {
  hello: Call<HelloParams, HelloResult>;
  index: Call<IndexParams, IndexResult>;
  search: Call<SearchParams, SearchResult>;
  similar: Call<SimilarParams, SearchResult>;
  status: Call<{ readonly folder?: string }, EngineStatus>;
  /** Lines of a file that is in the index, secrets taken out; refused for every other file. */
  readSpan: Call<SourceSpan & { readonly folder: string }, SpanText>;
  why: Call<{ readonly folder: string; readonly path: string }, WhyResult>;
  listModels: Call<Nothing, readonly ModelInfo[]>;
  addModel: Call<{ readonly folder: string }, ModelInfo>;
  verifyModels: Call<Nothing, readonly ModelInfo[]>;
  useModel: Call<{ readonly name: string }, ModelInfo>;
  pause: Call<{ readonly folder?: string }, EngineStatus>;
  resume: Call<{ readonly folder?: string }, EngineStatus>;
  /** Forgets one folder's index, or everything that can be computed anew. */
  clear: Call<
    { readonly folder?: string; readonly isAll?: boolean },
    { readonly freedBytes: number }
  >;
  /** Answers when the mark is on the disk. */
  addMark: Call<MarkParams, MarkInfo>;
  /** Takes back one mark, or the last one. Null when it is gone already: undoing twice is no error. */
  undoMark: Call<{ readonly folder: string; readonly id?: string }, MarkInfo | null>;
  /** Oldest first; problems are sentences about marks that could not be read. */
  listMarks: Call<
    { readonly folder: string },
    { readonly marks: readonly MarkInfo[]; readonly problems: readonly string[] }
  >;
  /** Writes every mark to a file, a line each; lines of the file count from 1, ends inclusive. */
  exportMarks: Call<{ readonly folder: string; readonly file: string }, { readonly count: number }>;
  /** Adds what the file has and the folder has not. */
  importMarks: Call<
    { readonly folder: string; readonly file: string },
    { readonly added: number; readonly problems: readonly string[] }
  >;
  /** Whose marks the repository shares, and what was agreed to here. */
  sharing: Call<{ readonly folder: string }, SharingInfo>;
  /** Agrees to giving or taking, or ends it; then compares the file. Refused where the folder is not trusted. */
  setSharing: Call<SetSharingParams, SyncedSharing>;
  /** Compares the file with the folder's marks, as far as that was agreed to. */
  syncSharing: Call<{ readonly folder: string; readonly isTrusted: boolean }, SyncedSharing>;
  /** Forgets one folder's index and its marks, or everything of every folder. */
  forgetAll: Call<{ readonly folder?: string }, { readonly freedBytes: number }>;
  /** Drops the folder's index and begins anew; marks are kept. */
  rebuild: Call<{ readonly folder: string }, FolderStatus>;
  /** What learning would do with the folder's marks; nothing is trained. Throws where nothing lies in the scope. */
  learningPlan: Call<
    Pick<LearnParams, 'folder' | 'scope'> & { readonly kind?: 'marks' | 'adapt' },
    LearningPlan
  >;
  /** Learns, measures, and promotes what passed. Answers at the end; aborting the call cancels the run. */
  learn: Call<LearnParams, LearnResult>;
  /** Ends the folder's run between two steps, by whichever client it was started; false where there is none. */
  cancelLearning: Call<{ readonly folder: string }, boolean>;
  /** Holds the folder's run between two steps, or lets it go on; false where there is none. */
  pauseLearning: Call<{ readonly folder: string; readonly isPaused: boolean }, boolean>;
  /** Oldest first; the base is always there. */
  versions: Call<{ readonly folder: string }, VersionList>;
  useVersion: Call<UseVersionParams, VersionList>;
  /** Compares a version with the one that answers, silently or in mixed answers; null ends it. */
  compareVersion: Call<
    { readonly folder: string; readonly version: string | null; readonly isLive: boolean },
    VersionList
  >;
  /** Writes a version's small weights to `.nearmiss/adapter` in the folder. Without a name: the one that answers. */
  shareVersion: Call<
    { readonly folder: string; readonly version?: string; readonly author?: string },
    { readonly version: string; readonly file: string }
  >;
  /** Takes the version that the repository shares, measures it on this user's marks, and lets it answer where it passes. */
  takeVersion: Call<{ readonly folder: string; readonly isTrusted: boolean }, LearnResult>;
  /** Of a version, or of the last run, promoted or not. Null where nothing was learned yet. */
  learningReport: Call<
    { readonly folder: string; readonly version?: string },
    LearningReport | null
  >;
  /**
   * The questions whose answers teach most, each with up to four places: about queries that were marked or kept, those given
   * here (as typed, newest first), and those of the folder itself.
   */
  bestQuestions: Call<
    { readonly folder: string; readonly limit: number; readonly queries?: readonly string[] },
    readonly LearningQuestion[]
  >;
  /** Marks that a person should look at before they are learned from. */
  reviewQueue: Call<{ readonly folder: string }, readonly ReviewItem[]>;
  /** Decides on one of them; null takes the decision back. Answers with the queue. */
  resolveReview: Call<
    { readonly folder: string; readonly id: string; readonly decision: ReviewDecision | null },
    readonly ReviewItem[]
  >;
  /** Counts what a person did about a question; answers when it is on the disk. */
  noteUsage: Call<{ readonly folder: string; readonly events: readonly UsageEvent[] }, null>;
  /** Keeps a question and the hit that answered it, for those who switched that on: learning must not make it worse. */
  keepQuery: Call<
    { readonly folder: string; readonly query: string; readonly hit: SourceSpan },
    null
  >;
  answerPulse: Call<{ readonly folder: string; readonly answer: PulseAnswer }, null>;
  usage: Call<{ readonly folder: string }, UsageReport>;
  /** Finishes what is pending and leaves. */
  shutdown: Call<Nothing, null>;
}

/** Told by the engine to every client; nothing is answered. */
export interface Notifications {
  indexProgress: FolderStatus;
  firstHits: { readonly ticket: number; readonly result: SearchResult };
  /** Marks of the folder were added, taken back, moved or forgotten, by whichever client. */
  marksChanged: { readonly folder: string; readonly folderId: string };
  learningProgress: LearningProgress;
  /** Another version answers, or there are others; the order of hits may be another. */
  versionsChanged: { readonly folder: string; readonly folderId: string };
}

/** Every notification, for those who pass all of them on. */
export const notificationNames = Object.keys({
  indexProgress: true,
  firstHits: true,
  marksChanged: true,
  learningProgress: true,
  versionsChanged: true,
} satisfies Record<keyof Notifications, true>) as readonly (keyof Notifications)[];

export type Method = keyof Methods;
export type ParamsOf<M extends Method> = Methods[M]['params'];
export type ResultOf<M extends Method> = Methods[M]['result'];
export type NotificationName = keyof Notifications;
