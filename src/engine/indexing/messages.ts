/**
 * What the engine and its indexing process say to each other: plain data, safe for either kind of
 * serialisation a forked process offers. Every message about a folder carries the folder's id. Requests
 * go down, events come up; nothing is answered, `progress` and `done` say how far things are.
 *
 * A start: fork -> `ready` -> `configure` -> `start` for each folder, in any order with `useEmbedder`.
 * Words and static embeddings never wait for an embedder; contextual embeddings begin when one is there.
 */
import type { SerializedError } from '../../base/errors';
import type { Skipped } from '../documents/document';
import type { Provider } from '../encoders/variant';

/** Which files of a folder are indexed and how. Every field has a default in the indexer. */
export interface FolderOptions {
  /** Globs relative to the folder; when given, only matching files are indexed. */
  readonly include?: readonly string[];
  /** Globs relative to the folder that are left out. */
  readonly exclude?: readonly string[];
  /** Globs of what is indexed although an ignore rule leaves it out. */
  readonly letIn?: readonly string[];
  /** False: .gitignore and its like do not count. */
  readonly usesGitRules?: boolean;
  readonly maxFileBytes?: number;
  readonly maxFileCount?: number;
  /** False: one pass, then only on `refresh` or `pathsChanged`. Default true. */
  readonly watch?: boolean;
}

/** Which model embeds chunks. The engine decides it once (timed and checked) and tells every process the same. */
export interface EmbedderChoice {
  /** Folder of the checkpoint in the hub's layout. */
  readonly checkpointFolder: string;
  /** Name of the arithmetic, as part of the embedding space ("fp32", "int8-token"). */
  readonly arithmetic: string;
  /** Execution provider ("cpu", "webgpu", ...); default "cpu". */
  readonly provider?: Provider;
  /** Threads of the session; default half of the cores. */
  readonly threadCount?: number;
}

/** Why a path should be embedded before others; earlier ones in this list come first. */
export type PriorityReason = 'open' | 'hit';

export type ToIndexer =
  /** Sent once, first. */
  | {
      readonly type: 'configure';
      /** The data folder: holds `embeddings.db` and `folders/<id>`. */
      readonly dataFolder: string;
      /** Folder of the bundled models. */
      readonly modelsFolder: string;
      /** Chunks from which a graph of vectors is built; default 20,000. */
      readonly graphFromCount?: number;
      /** False: neither battery nor load slows the work down. Default true. */
      readonly isGentle?: boolean;
    }
  /**
   * Sets or swaps the model; `undefined` stops contextual embedding. While it is undecided, a run waits for the
   * decision with all but its embeddings done.
   */
  | { readonly type: 'useEmbedder'; readonly choice: EmbedderChoice | 'undecided' | undefined }
  /**
   * The encoders, learned for this folder, whose embeddings are kept beside those of the model; none, to stop that. May come
   * before the folder's `start`, and holds until the process ends.
   */
  | {
      readonly type: 'useFurther';
      readonly folderId: string;
      readonly choices: readonly EmbedderChoice[];
    }
  /** Vectors of learned encoders go but for spaces that begin with one of these, a few at a time. */
  | { readonly type: 'keepLearned'; readonly spaces: readonly string[] }
  /** Begins to keep a folder's index fresh. Sent again for a known folder: its options are replaced, a full pass follows. */
  | {
      readonly type: 'start';
      readonly folderId: string;
      /** Absolute path of the folder to index. */
      readonly folder: string;
      /** Absolute path of the folder that holds its `index.db` and sidecars. */
      readonly indexFolder: string;
      readonly options?: FolderOptions;
    }
  /** Ends work on a folder and closes its database; `stopped` follows. */
  | { readonly type: 'stop'; readonly folderId: string }
  /**
   * Compares the whole folder with its index, within the run under way or in a new one. A `done` follows whose
   * `refreshed` is this number or a later one; numbers count up from 1.
   */
  | { readonly type: 'refresh'; readonly folderId: string; readonly number: number }
  /** These paths (relative, with `/`) may have changed. */
  | {
      readonly type: 'pathsChanged';
      readonly folderId: string;
      readonly paths: readonly string[];
    }
  /** These paths are of interest: their chunks are embedded before others. */
  | {
      readonly type: 'prioritize';
      readonly folderId: string;
      readonly paths: readonly string[];
      readonly reason: PriorityReason;
    }
  /** Without a folder: all of them. Paused by the user: nothing is written until `resume`. */
  | { readonly type: 'pause'; readonly folderId?: string }
  | { readonly type: 'resume'; readonly folderId?: string }
  /** A query is running: no new step of work for so long, or until `notBusy`. Never holds work for more than 2 s. */
  | { readonly type: 'busy'; readonly forMs: number }
  | { readonly type: 'notBusy' }
  /** While on, neither battery nor load slows the work down: somebody waits for it and asked for that. */
  | { readonly type: 'hurry'; readonly isOn: boolean }
  /** Finish the step at hand, close everything and exit with 0. */
  | { readonly type: 'shutdown' };

/** What a folder is at. `waiting` is about to go on by itself (battery, load, disk full), `paused` is the user's wish. */
export type IndexerState =
  'scanning' | 'words' | 'static' | 'embedding' | 'graph' | 'idle' | 'paused' | 'waiting';

/** How far a folder is. Within one `run` no count of done things and no `fraction` ever falls. */
export interface FolderProgress {
  /** Counts up from 1 in each process; a new run begins when work comes up after `done`. */
  readonly run: number;
  readonly state: IndexerState;
  /** A sentence where `state` alone does not say why ("The disk is full: ..."). */
  readonly reason?: string;
  /** Files that belong in the index; grows while the folder is scanned. */
  readonly documentCount: number;
  /** Of them: searchable by words, then by syntax chunks and static embeddings. */
  readonly wordDocumentCount: number;
  readonly staticDocumentCount: number;
  /** Chunks to embed, and those embedded in the current space; 0 and 0 without an embedder. */
  readonly embeddableCount: number;
  readonly embeddedCount: number;
  readonly skippedCount: number;
  /** All work of this run, 0 to 1. */
  readonly fraction: number;
}

/** What a commit changed, so that readers know what to load anew. */
export type CommitKind = 'documents' | 'embeddings' | 'skipped' | 'graph';

export type FromIndexer =
  | { readonly type: 'ready'; readonly pid: number }
  /** The first words are there and the folder is watched; sent again when the way of watching changes. */
  | {
      readonly type: 'started';
      readonly folderId: string;
      /** Where the watcher failed and the folder is compared now and then instead: says so to a person. */
      readonly watching: 'events' | 'polling' | 'off';
    }
  /** At most some ten a second a folder; the last one before `done` is always sent. */
  | {
      readonly type: 'progress';
      readonly folderId: string;
      readonly progress: FolderProgress;
      /** The latest refresh whose comparison is over; 0 before the first. */
      readonly refreshed: number;
    }
  /** Something was committed: new snapshots see it. `generation` counts up within one process. */
  | {
      readonly type: 'committed';
      readonly folderId: string;
      readonly generation: number;
      readonly kinds: readonly CommitKind[];
    }
  /** All that could be done is done. `tier` says what the index rests on now: `embedding` only when all chunks are. */
  | {
      readonly type: 'done';
      readonly folderId: string;
      readonly run: number;
      readonly tier: 'static' | 'embedding';
      readonly changedCount: number;
      readonly removedCount: number;
      readonly refreshed: number;
    }
  /** The whole list as of the last full pass, also stored in the index. Sent when it changed. */
  | {
      readonly type: 'skipped';
      readonly folderId: string;
      readonly skipped: readonly Skipped[];
    }
  /** The model that embeds now, or why none does. */
  | { readonly type: 'embedder'; readonly spaceId?: string; readonly error?: SerializedError }
  /** The device failed in use; the processor goes on in its place, in the same space. */
  | { readonly type: 'providerLost'; readonly reason: string }
  | { readonly type: 'stopped'; readonly folderId: string }
  /** Without a folder: the process as a whole. Work goes on, or is retried by itself, unless `stopped` follows. */
  | { readonly type: 'failed'; readonly folderId?: string; readonly error: SerializedError }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly data?: Readonly<Record<string, unknown>>;
    };
