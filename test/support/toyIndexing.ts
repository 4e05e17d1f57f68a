/** A folder's indexing with the real store, splitter and watcher, and an embedder that is a hash of its text. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after } from 'node:test';
import { silentLogger } from '../../src/base/log';
import { Sequencer } from '../../src/base/queue';
import { normalize } from '../../src/base/vector';
import type { Document } from '../../src/engine/documents/document';
import { ChunkSplitter } from '../../src/engine/documents/chunk';
import { defaultGrammarFolder } from '../../src/engine/documents/grammars';
import { splitByLines } from '../../src/engine/documents/lineSplitter';
import type { WalkOptions } from '../../src/engine/documents/walk';
import type { Embedder, StaticEncoder } from '../../src/engine/encoders/types';
import { withEmbeddings } from '../../src/engine/indexing/chunks';
import { WorkGate } from '../../src/engine/indexing/gate';
import {
  FolderIndexer,
  type IndexerEvent,
  type IndexerOptions,
} from '../../src/engine/indexing/indexer';
import type { SplitterSource } from '../../src/engine/indexing/rooms';
import { openSource } from '../../src/engine/indexing/source';
import {
  openEmbeddingCache,
  openFolderReader,
  openFolderWriter,
} from '../../src/engine/store/store';
import type { FolderReader, Snapshot } from '../../src/engine/store/types';
import { temporaryFolder, writeFiles } from './temporaryFolder';

export const TOY_SPACE = {
  id: 'toy-fp32',
  checkpoint: 'toy',
  arithmetic: 'fp32',
  dimension: 16,
} as const;

/** A unit vector that follows from the text alone. */
export function hashVector(text: string): Float32Array {
  const digest = createHash('sha512').update(text).digest();
  return normalize(
    Float32Array.from({ length: TOY_SPACE.dimension }, (_, i) => digest[i]! - 127.5),
  );
}

export interface ToyEmbedder extends Embedder {
  /** Every text that was embedded, in order, once for each time. */
  readonly texts: string[];
}

/** Embeds by hash; `delayMs` is what a batch takes. */
export function toyEmbedder(delayMs = 0): ToyEmbedder {
  const texts: string[] = [];
  return {
    space: TOY_SPACE,
    texts,
    async embedDocuments(batch, signal) {
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      signal?.throwIfAborted();
      texts.push(...batch);
      const rows = new Float32Array(batch.length * TOY_SPACE.dimension);
      batch.forEach((text, row) => rows.set(hashVector(text), row * TOY_SPACE.dimension));
      return rows;
    },
    embedQuery: async (text) => hashVector(text),
    dispose: () => undefined,
  };
}

const toyStatic: StaticEncoder = {
  fingerprint: 'toy',
  dimension: TOY_SPACE.dimension,
  embed: hashVector,
};

/** The real splitter with a token counter that needs no vocabulary. */
export function toySplitters(version = '1'): SplitterSource & { dispose(): Promise<void> } {
  const countTokens = (text: string): number => text.match(/\w+|[^\s\w]/g)?.length ?? 0;
  const options = { grammarFolder: defaultGrammarFolder(), countTokens, maxTokens: 120 };
  let splitter: Promise<ChunkSplitter> | undefined;
  return {
    version: async () => version,
    async splitter() {
      const real = await (splitter ??= ChunkSplitter.create(options));
      const split = async (document: Document) =>
        withEmbeddings(document, await real.split(document), toyStatic);
      return { split, dispose: () => undefined };
    },
    dispose: async () => (await splitter)?.dispose(),
  };
}

/** Cuts by lines in both tiers, and needs no grammar: for tests that start many processes. */
export const plainSplitters: SplitterSource = {
  version: async () => 'plain',
  splitter: async () => ({
    split: async (document) => withEmbeddings(document, splitByLines(document), toyStatic),
    dispose: () => undefined,
  }),
};

export interface ToyIndexing {
  readonly indexer: FolderIndexer;
  readonly embedder: ToyEmbedder;
  readonly events: readonly IndexerEvent[];
  readonly gate: WorkGate;
  /** Resolves at the next event of the type, or at once with one that came since the last call for it. */
  next<T extends IndexerEvent['type']>(type: T): Promise<Extract<IndexerEvent, { type: T }>>;
  /** A reader of what is committed now. The caller disposes it. */
  openReader(): Promise<FolderReader>;
  /** Ends all work and closes every file. */
  stop(): Promise<void>;
}

export interface ToyOptions extends Partial<Omit<IndexerOptions, 'folder'>> {
  readonly walk?: WalkOptions;
  readonly embedder?: ToyEmbedder;
}

/** Begins to index `folder`; the index and the shared embeddings lie in `data`, the index under `name`. */
export function startIndexing(
  folder: string,
  data: string,
  { walk = {}, embedder = toyEmbedder(), ...options }: ToyOptions & { readonly name?: string } = {},
): ToyIndexing {
  const indexFolder = path.join(data, options.name ?? 'index');
  fs.mkdirSync(indexFolder, { recursive: true });
  const indexFile = path.join(indexFolder, 'index.db');
  const embeddingsFile = path.join(data, 'embeddings.db');
  const cache = options.cache ?? openEmbeddingCache(embeddingsFile);
  const gate = options.gate ?? new WorkGate({ isGentle: false });
  const splitters = toySplitters();
  const indexer = new FolderIndexer({
    key: 'toy',
    folder,
    writer: openFolderWriter(indexFile, { embeddingsFile }),
    cache,
    source: openSource(folder, walk),
    splitters,
    gate,
    modelTurns: new Sequencer(),
    log: silentLogger,
    watch: false,
    ...options,
  });
  const log = eventLog(indexer);
  indexer.useEmbedder(embedder);
  return {
    indexer,
    embedder,
    gate,
    events: log.events,
    next: log.next,
    async openReader() {
      const reader = openFolderReader(indexFile, { embeddingsFile, spaceId: TOY_SPACE.id });
      await reader.refresh();
      return reader;
    },
    async stop() {
      await indexer.stop();
      cache.dispose();
      await splitters.dispose();
    },
  };
}

function eventLog(indexer: FolderIndexer): Pick<ToyIndexing, 'events' | 'next'> {
  const events: IndexerEvent[] = [];
  const unread = new Map<string, IndexerEvent[]>();
  const waiting = new Map<string, ((event: IndexerEvent) => void)[]>();
  indexer.onEvent((event) => {
    events.push(event);
    const waiter = waiting.get(event.type)?.shift();
    if (waiter) waiter(event);
    else unread.set(event.type, [...(unread.get(event.type) ?? []), event]);
  });
  return {
    events,
    next<T extends IndexerEvent['type']>(type: T) {
      const known = unread.get(type)?.shift();
      const event = known
        ? Promise.resolve(known)
        : new Promise<IndexerEvent>((resolve) => {
            waiting.set(type, [...(waiting.get(type) ?? []), resolve]);
          });
      return event as Promise<Extract<IndexerEvent, { type: T }>>;
    },
  };
}

/** All that a snapshot holds, in an order that does not depend on ids: to compare two indexes. */
export function contentsOf(snapshot: Snapshot): object {
  return snapshot.paths().map((name) => ({
    path: name,
    hash: snapshot.document(name)?.hash,
    tier: snapshot.document(name)?.tier,
    chunks: snapshot.chunksAt(name, 0, 1e6).map(({ id, span, symbol, text }) => ({
      span,
      symbol,
      text,
      cosine: snapshot.vectorScores(TOY_SPACE.id, hashVector('probe'), [id]).get(id)?.toFixed(4),
    })),
  }));
}

/** Paths of the documents in which a word occurs, sorted. */
export function pathsWith(snapshot: Snapshot, word: string): string[] {
  const found = snapshot.searchWords({ terms: [word] }, 1000);
  const rows = snapshot.chunks(found.map(({ chunkId }) => chunkId));
  return [...new Set(rows.map((row) => row.path))].sort();
}

/** Makes files look as if nobody touched them for a day, so that their times are trusted. */
export function settle(folder: string): void {
  const yesterday = Date.now() / 1000 - 86_400;
  for (const name of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (name.isFile()) fs.utimesSync(path.join(name.parentPath, name.name), yesterday, yesterday);
  }
}

export interface World extends ToyIndexing {
  readonly folder: string;
  readonly data: string;
}

/** Runs `check` over a folder with these files, when it is indexed and embedded. */
export async function withFolder(
  files: Readonly<Record<string, string>>,
  check: (world: World) => Promise<void>,
  options: ToyOptions = {},
): Promise<void> {
  const root = temporaryFolder(after);
  const [folder, data] = [path.join(root, 'folder'), path.join(root, 'data')];
  fs.mkdirSync(folder);
  writeFiles(folder, files);
  settle(folder);
  const indexing = startIndexing(folder, data, options);
  try {
    await indexing.next('done');
    await check({ ...indexing, folder, data });
  } finally {
    await indexing.stop();
  }
}

/** Runs `check` over the index as it is now. */
export async function look<T>(
  indexing: Pick<ToyIndexing, 'openReader'>,
  check: (snapshot: Snapshot) => T,
): Promise<T> {
  const reader = await indexing.openReader();
  const snapshot = reader.snapshot();
  try {
    return check(snapshot);
  } finally {
    snapshot.dispose();
    reader.dispose();
  }
}
