/**
 * The plain data that crosses the border between the engine and its clients. Spans are 0-based lines, end
 * exclusive; a client adds one where a person reads them. Rooms of the engine have types of their own,
 * `handlers.ts` converts, so that neither side is bound to the other's changes.
 */

/** What results may rest on, from the quickest to the slowest. */
export type Tier = 'words' | 'static' | 'contextual';

/** One part of a hit's score, in words a person accepts. */
export interface ExplainedPart {
  /** "words", "embeddings", "definition of the name asked for", ... */
  readonly name: string;
  /** Rank in that part's own list, from 1; missing for rules. */
  readonly rank?: number;
  /** Raw value of that part (BM25, cosine, logit, factor); compare only within one part. */
  readonly value?: number;
  /** What the part added to the score; negative where it took away. */
  readonly contribution: number;
  /** One sentence. */
  readonly text: string;
}

export type Verdict = 'relevant' | 'notRelevant';

/** Lines of a file, 0-based, end exclusive. */
export interface SourceSpan {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** A mark as it stands now: its span follows the code it was set on. */
export interface MarkInfo {
  readonly id: string;
  readonly verdict: Verdict;
  /** The query it is for, as typed; or `source`, the span whose like was looked for. */
  readonly query?: string;
  readonly source?: SourceSpan;
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly symbol: string;
  /** When it was set, ISO 8601. */
  readonly time: string;
  readonly rank?: number;
  /** Fingerprint of the model that answered; empty where none was loaded. */
  readonly checkpoint: string;
  /** Stale: the code is not found now, so the mark is kept and not used. */
  readonly state: 'active' | 'stale';
  /** Only opened, not judged. */
  readonly isWeak?: boolean;
  /** Who set it, where it came with the repository. */
  readonly author?: string;
}

/** The mark that moved a hit. */
export interface HitMark {
  readonly id: string;
  readonly verdict: Verdict;
  /** 1: set for this query itself; less: for a close paraphrase, by base cosine. */
  readonly similarity: number;
}

export interface SearchHit {
  /** From 1. */
  readonly rank: number;
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly start: number;
  readonly end: number;
  /** Never increases with rank; compare only within one result. */
  readonly score: number;
  /** Names from outside in, joined by " > "; empty where nothing is named. */
  readonly symbol: string;
  readonly kind: string;
  readonly language: string;
  /** The best few lines of the hit. */
  readonly snippet: string;
  /** Line on which the snippet starts, 0-based. */
  readonly snippetStart: number;
  /** One line: why this is a hit. */
  readonly why: string;
  readonly explain?: readonly ExplainedPart[];
  readonly mark?: HitMark;
  /** Page it begins on, from 1, of documents that have pages; lines are then those of the text got out of them. */
  readonly page?: number;
  /** All lines of the span, where a budget of tokens was given. */
  readonly text?: string;
}

/** Lines of an indexed file, as they were asked for as far as they exist. */
export interface SpanText extends SourceSpan {
  readonly language: string;
  readonly lineCount: number;
  readonly text: string;
}

export interface SearchResult {
  readonly query: string;
  readonly tiers: readonly Tier[];
  /** Milliseconds a stage; "total" is always there. */
  readonly tookMs: Readonly<Record<string, number>>;
  /** True when nothing here seems to answer: the hits are weak. */
  readonly noGoodMatch: boolean;
  /** Sentences about this search as a whole ("mostly outside the model's vocabulary", ...). */
  readonly notes: readonly string[];
  /** False for fused hits that a re-ranked update may follow, and where the re-ranker was not asked for. */
  readonly isReranked: boolean;
  readonly hits: readonly SearchHit[];
}

/** A file or folder that is not in the index, and why. */
export interface SkippedFile {
  readonly path: string;
  readonly reason: string;
  readonly detail?: string;
}

export type FolderState =
  | 'unknown'
  | 'scanning'
  | 'words'
  | 'static'
  | 'embedding'
  | 'graph'
  | 'idle'
  | 'paused'
  | 'waiting';

/** How far a folder is. Within one run no count of done things and no fraction ever falls. */
export interface FolderStatus {
  readonly folderId: string;
  /** Real path of the folder. */
  readonly folder: string;
  readonly state: FolderState;
  /** A sentence where the state alone does not say why. */
  readonly reason?: string;
  readonly documentCount: number;
  readonly wordDocumentCount: number;
  readonly staticDocumentCount: number;
  readonly embeddableCount: number;
  readonly embeddedCount: number;
  readonly skippedCount: number;
  /** All work of this run, 0 to 1. */
  readonly fraction: number;
  /** Every file is compared and every chunk embedded. */
  readonly isComplete: boolean;
}

/** What has been learned for a folder, as status tells it. */
export interface LearnedStatus {
  readonly folder: string;
  /** The version that answers; "base" where none does. */
  readonly version: string;
  /** Share of the folder's text that is other than when the version was measured, 0 to 1. */
  readonly changedShare?: number;
  /** So much has changed that it should be measured again. */
  readonly isDue: boolean;
  /** What a person should know of it. */
  readonly notices: readonly string[];
}

/** The model that embeds, as status tells it. */
export interface EncoderStatus {
  readonly checkpoint: string;
  readonly name: string;
  readonly arithmetic: string;
  readonly provider: string;
  readonly dimension: number;
  /** Why this provider and arithmetic, in a sentence. */
  readonly reason: string;
  /** What was measured: a line for each provider or arithmetic tried. */
  readonly figures: readonly string[];
}

export interface EngineStatus {
  readonly version: string;
  readonly protocolVersion: number;
  readonly pid: number;
  readonly dataFolder: string;
  readonly uptimeMs: number;
  readonly memoryBytes: number;
  readonly isPaused: boolean;
  /** Sentences about what does not work just now; empty when all is well. */
  readonly problems: readonly string[];
  readonly encoder?: EncoderStatus;
  readonly folders: readonly FolderStatus[];
  /** Of the folders where something was learned. */
  readonly learned?: readonly LearnedStatus[];
}

/** One checkpoint as `models list` and `models verify` tell it. */
export interface ModelInfo {
  /** Short name a person types. */
  readonly name: string;
  readonly role: 'bi-encoder' | 'cross-encoder' | 'static-encoder';
  readonly fingerprint: string;
  readonly sizeBytes: number;
  readonly isBundled: boolean;
  readonly isInUse: boolean;
  /** Set by verify: undefined is well, else the sentence that says what is wrong. */
  readonly problem?: string;
}

/** The answer to "why is this file (not) in the index". */
export interface WhyResult {
  readonly path: string;
  readonly isIndexed: boolean;
  /** Sentences, most important first. */
  readonly reasons: readonly string[];
}
