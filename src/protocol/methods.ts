/**
 * Every request and notification with its params and result. The mapped types below make a missing
 * handler, schema or listener a compile error. Raise PROTOCOL_VERSION whenever an older side would
 * misread what a newer one says.
 */
import type {
  EngineStatus,
  FolderStatus,
  ModelInfo,
  SearchResult,
  SkippedFile,
  WhyResult,
} from './types';

export const PROTOCOL_VERSION = 1;

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
  /** Compares the whole folder again although it is being watched. */
  readonly refresh?: boolean;
  /** The user agreed to index a home folder or a very large one. */
  readonly isConfirmed?: boolean;
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
}

export interface SimilarParams {
  readonly folder: string;
  readonly path: string;
  /** 0-based, end exclusive. */
  readonly start: number;
  readonly end: number;
  readonly limit: number;
  readonly explain?: boolean;
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
  /** Finishes what is pending and leaves. */
  shutdown: Call<Nothing, null>;
}

/** Told by the engine to every client; nothing is answered. */
export interface Notifications {
  indexProgress: FolderStatus;
  firstHits: { readonly ticket: number; readonly result: SearchResult };
}

export type Method = keyof Methods;
export type ParamsOf<M extends Method> = Methods[M]['params'];
export type ResultOf<M extends Method> = Methods[M]['result'];
export type NotificationName = keyof Notifications;
