/**
 * The ranking under a magnifying glass: the rooms themselves, in this process, over the retrieval sets. An
 * index is built once for each variant of chunking and kept; embeddings, query vectors and pair scores are
 * cached by the text read, so that a run with other weights takes seconds.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { ChunkSplitter } from '../../src/engine/documents/chunk';
import type { Chunk } from '../../src/engine/documents/document';
import { encoderText } from '../../src/engine/documents/encoderText';
import { readDocument } from '../../src/engine/documents/read';
import { walkFolder } from '../../src/engine/documents/walk';
import { type Encoders, loadBundledEncoders } from '../../src/engine/encoders/bundled';
import { loadStaticEncoder, quantizeStatic } from '../../src/engine/encoders/staticEncoder';
import type { Embedder, Reranker, StaticEncoder } from '../../src/engine/encoders/types';
import {
  openEmbeddingCache,
  openFolderReader,
  openFolderWriter,
} from '../../src/engine/store/store';
import type {
  ChunkRow,
  EmbeddingCache,
  FolderReader,
  FolderWriter,
  NewChunk,
  Snapshot,
} from '../../src/engine/store/types';
import { benchCache, type QualitySet } from './quality';
import { note } from './report';

export interface LabVariant {
  readonly maxTokens: number;
  readonly overlapLines: number;
  /** Whether encoders and word search get the headings or names that a chunk stands under; they do when absent. */
  readonly hasHeadings?: boolean;
}

export const DEFAULT_VARIANT: LabVariant = { maxTokens: 220, overlapLines: 0 };

function embeddingsFile(): string {
  return benchCache('lab', 'embeddings.db');
}

/** Encoders that remember: the same text is read once, also between runs. */
export interface Lab {
  readonly encoders: Encoders;
  readonly embedder: Embedder;
  readonly reranker: Reranker;
  readonly staticEncoder: StaticEncoder;
  readonly cache: EmbeddingCache;
  /** Keeps the pair scores and ends the encoders. */
  close(): void;
}

export async function openLab(): Promise<Lab> {
  const root = installationRoot();
  const encoders = await loadBundledEncoders(root, { arithmetic: 'int8-token', threads: 2 });
  const cache = openEmbeddingCache(embeddingsFile());
  const scoresFile = `pairs-${encoders.reranker.fingerprint.slice(0, 12)}.bin`;
  const scores = new ScoreCache(benchCache('lab', scoresFile));
  return {
    encoders,
    embedder: rememberQueries(encoders.embedder, cache),
    reranker: rememberScores(encoders.reranker, scores),
    staticEncoder: await loadStaticEncoder(
      path.join(root, 'models/static-encoder'),
      encoders.tokenizer,
    ),
    cache,
    close() {
      scores.save();
      cache.dispose();
      encoders.dispose();
    },
  };
}

/** One reader for each folder of the set, indexed in the given way. */
export function indexSet(
  lab: Lab,
  set: QualitySet,
  variant: LabVariant,
): Promise<Map<string, FolderReader>> {
  return indexFolders(lab, set, variant);
}

/** The same for folders that nobody judged. */
export async function indexFolders(
  lab: Lab,
  set: { readonly name: string; readonly folders: QualitySet['folders'] },
  variant: LabVariant,
): Promise<Map<string, FolderReader>> {
  const readers = new Map<string, FolderReader>();
  for (const { scope, dir } of set.folders) {
    const { maxTokens, overlapLines, hasHeadings = true } = variant;
    const options = [maxTokens, overlapLines, ...(hasHeadings ? [] : ['bare'])];
    const key = [set.name, scope || 'all', ...options, versionOf(lab)].join('-');
    const folder = benchCache('lab', key);
    const file = path.join(folder, 'index.db');
    if (!fs.existsSync(path.join(folder, 'done'))) {
      note(`indexing ${key}`);
      fs.rmSync(folder, { recursive: true, force: true });
      fs.mkdirSync(folder, { recursive: true });
      await indexFolder(lab, dir, file, variant);
      fs.writeFileSync(path.join(folder, 'done'), '');
    }
    const reader = openFolderReader(file, {
      spaceId: lab.embedder.space.id,
      embeddingsFile: embeddingsFile(),
    });
    await reader.refresh();
    readers.set(scope, reader);
  }
  return readers;
}

/** Changes with the source of the documents room and with the models: an index made by others is not used. */
function versionOf({ embedder, staticEncoder }: Lab): string {
  const folder = path.join(installationRoot(), 'src/engine/documents');
  const files = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const version = createHash('sha256').update(`${embedder.space.id} ${staticEncoder.fingerprint}`);
  for (const file of files)
    if (file.endsWith('.ts')) version.update(fs.readFileSync(path.join(folder, file)));
  return version.digest('hex').slice(0, 8);
}

async function indexFolder(
  lab: Lab,
  dir: string,
  file: string,
  variant: LabVariant,
): Promise<void> {
  const splitter = await ChunkSplitter.create({
    grammarFolder: path.join(installationRoot(), 'dist/grammars'),
    countTokens: (text) => lab.encoders.tokenizer.countTokens(text),
    ...variant,
  });
  // The folder notes which embeddings are there: it must see the file they go to.
  const writer = openFolderWriter(file, { embeddingsFile: benchCache('lab', 'embeddings.db') });
  const paths: string[] = [];
  await walkFolder(dir, {}, (found) => void paths.push(found.path));
  const head = (chunk: Chunk): Chunk =>
    variant.hasHeadings === false ? { ...chunk, symbol: '' } : chunk;
  for (const at of paths) await indexFile(lab, splitter, writer, dir, at, head);
  await embedAll(lab, writer);
  writer.dispose();
  splitter.dispose();
}

async function indexFile(
  lab: Lab,
  splitter: ChunkSplitter,
  writer: FolderWriter,
  dir: string,
  at: string,
  head: (chunk: Chunk) => Chunk,
): Promise<void> {
  const document = await readDocument(dir, at);
  if (!('text' in document)) return;
  const chunks = (await splitter.split(document)).map(head).map((chunk): NewChunk => {
    const text = encoderText(at, chunk);
    return {
      ...chunk,
      embeddingKey: createHash('sha256').update(text).digest().subarray(0, 16),
      staticEmbedding: quantizeStatic(lab.staticEncoder.embed(text)),
    };
  });
  writer.putDocument(document, 'syntax', chunks);
}

async function embedAll(lab: Lab, writer: FolderWriter): Promise<void> {
  const { id: spaceId, dimension } = lab.embedder.space;
  for (;;) {
    const batch = writer.pendingEmbeddings(spaceId, 256);
    if (batch.length === 0) return;
    const rows = await lab.encoders.embedder.embedDocuments(
      batch.map((chunk) => encoderText(chunk.path, chunk)),
    );
    lab.cache.put(
      spaceId,
      batch.map((chunk, row) => ({
        key: chunk.embeddingKey,
        vector: rows.slice(row * dimension, (row + 1) * dimension),
      })),
    );
  }
}

/**
 * A snapshot that answers the same question from memory: trials differ in weights, rarely in what they ask.
 * Answers must not be changed, and questions with filters are not told apart.
 */
export function rememberAnswers(snapshot: Snapshot): Snapshot {
  const answers = new Map<string, unknown>();
  const rows = new Map<number, ChunkRow>();
  const chunks = (ids: readonly number[]): ChunkRow[] => {
    for (const row of snapshot.chunks(ids.filter((id) => !rows.has(id)))) rows.set(row.id, row);
    return ids.flatMap((id) => rows.get(id) ?? []);
  };
  return new Proxy(snapshot, {
    get(target, name) {
      if (name === 'chunks') return chunks;
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function' || name === 'dispose') return member;
      return (...question: unknown[]) => {
        const key = `${String(name)} ${JSON.stringify(question, headOfVector)}`;
        if (!answers.has(key)) answers.set(key, Reflect.apply(member, target, question));
        return answers.get(key);
      };
    },
  });
}

/** Eight components tell embeddings apart. */
function headOfVector(_key: string, value: unknown): unknown {
  return value instanceof Float32Array ? [...value.subarray(0, 8)] : value;
}

function rememberQueries(embedder: Embedder, cache: EmbeddingCache): Embedder {
  return {
    space: embedder.space,
    embedDocuments: (texts, signal) => embedder.embedDocuments(texts, signal),
    dispose: () => embedder.dispose(),
    async embedQuery(text) {
      const key = createHash('sha256').update(`query\0${text}`).digest().subarray(0, 16);
      const [known] = cache.get(embedder.space.id, [key]);
      if (known) return known;
      const vector = await embedder.embedQuery(text);
      cache.put(embedder.space.id, [{ key, vector }]);
      return vector;
    },
  };
}

function rememberScores(reranker: Reranker, scores: ScoreCache): Reranker {
  return {
    fingerprint: reranker.fingerprint,
    dispose: () => reranker.dispose(),
    async score(query, texts, signal) {
      const keys = texts.map((text) => `${hash(query)}${hash(text)}`);
      const missing = texts.filter((_, index) => scores.values.get(keys[index]!) === undefined);
      const fresh = missing.length > 0 ? await reranker.score(query, missing, signal) : [];
      let next = 0;
      for (const key of keys) if (!scores.values.has(key)) scores.values.set(key, fresh[next++]!);
      return Float32Array.from(keys, (key) => scores.values.get(key)!);
    },
  };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64').slice(0, 12);
}

/** Pair scores by hash, a line each, in one file. */
class ScoreCache {
  readonly values = new Map<string, number>();

  constructor(private readonly file: string) {
    if (!fs.existsSync(file)) return;
    for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
      const [key, value] = line.split(' ');
      if (key && value) this.values.set(key, Number(value));
    }
  }

  save(): void {
    fs.writeFileSync(
      this.file,
      [...this.values].map(([key, value]) => `${key} ${value}`).join('\n'),
    );
  }
}
