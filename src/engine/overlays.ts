/**
 * Unsaved buffers made searchable: cut by the product's own splitter in its thread, embedded as far as that is
 * quick, kept while they do not change. A chunk that reads as a stored one has its embedding; a few others are
 * embedded with each search, so that a buffer is known wholly after a search or two.
 */
import { createHash } from 'node:crypto';
import type { Disposable } from '../base/lifecycle';
import type { Logger } from '../base/log';
import { normalize } from '../base/vector';
import type { Document } from './documents/document';
import { tidyText } from './documents/encoding';
import { encoderText } from './documents/encoderText';
import { languageOf } from './documents/language';
import { splitByLines } from './documents/lineSplitter';
import { redactSecrets } from './documents/secrets';
import type { Embedder } from './encoders/types';
import type { SplitterSource } from './indexing/rooms';
import { type OverlayChunk, type OverlayFile, overlaySnapshot } from './store/overlay';
import type { NewChunk, Snapshot } from './store/types';

/** Chunks embedded within one search; more would be felt while typing. */
const EMBEDDED_AT_ONCE = 8;
/** The splitter's thread takes about so long to start; a buffer that comes before is cut by lines for that answer. */
const DEFAULT_CUT_WITHIN_MS = 400;
/** Buffers whose chunks are remembered. */
const REMEMBERED_BUFFERS = 50;
/** Embeddings of chunks that only buffers have. */
const REMEMBERED_VECTORS = 2000;

export interface Buffer {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface OverlayOptions {
  readonly splitters: SplitterSource & Disposable;
  /** Longer buffers are left out, as files would be. */
  readonly maxFileBytes: number;
  readonly log: Logger;
  /** How long an answer waits for the splitter before it takes a buffer cut by lines. */
  readonly cutWithinMs?: number;
}

interface Cut {
  readonly language: string;
  readonly chunks: readonly NewChunk[];
  /** Cut by lines, in haste: such chunks are searched by words alone. */
  readonly isRough?: boolean;
}

export class Overlays implements Disposable {
  private readonly cuts = new Memory<Promise<Cut>>(REMEMBERED_BUFFERS);
  private readonly vectors = new Memory<Float32Array>(REMEMBERED_VECTORS);

  constructor(private readonly options: OverlayOptions) {}

  /**
   * The snapshot with these buffers in place of what is stored of them. A buffer of a file that the index does
   * not hold is left out: it may be ignored or secret. Disposing the result disposes `base`.
   */
  async over(
    base: Snapshot,
    buffers: readonly Buffer[],
    embedder: Embedder | undefined,
    signal?: AbortSignal,
  ): Promise<Snapshot> {
    const files: OverlayFile[] = [];
    let left = EMBEDDED_AT_ONCE;
    for (const buffer of buffers) {
      const withinMs = this.options.cutWithinMs ?? DEFAULT_CUT_WITHIN_MS;
      const cut = base.document(buffer.path) && (await this.tryCut(buffer, withinMs));
      signal?.throwIfAborted();
      if (!cut) continue;
      const known = storedVectors(base, buffer.path, embedder);
      const chunks: OverlayChunk[] = [];
      for (const chunk of cut.chunks) {
        const text = encoderText(buffer.path, chunk);
        let contextual = known.get(text) ?? this.vectors.get(keyOf(text, embedder));
        if (!contextual && embedder && !cut.isRough && left-- > 0)
          contextual = await this.embed(text, embedder, signal);
        chunks.push({ ...chunk, contextual });
      }
      files.push({ path: buffer.path, language: cut.language, chunks });
    }
    return overlaySnapshot(base, files);
  }

  /** The same by words alone, for marks: they stand on the splitter's spans, however long those take. */
  async overExactly(base: Snapshot, buffers: readonly Buffer[]): Promise<Snapshot> {
    const files: OverlayFile[] = [];
    for (const buffer of buffers) {
      const cut = base.document(buffer.path) && (await this.tryCut(buffer, Infinity));
      if (cut) files.push({ path: buffer.path, language: cut.language, chunks: cut.chunks });
    }
    return overlaySnapshot(base, files);
  }

  /** The embedding of a text that is not saved, as the mean of its chunks; undefined when none can be had. */
  async embedText(
    buffer: Buffer,
    embedder: Embedder | undefined,
    signal?: AbortSignal,
  ): Promise<Float32Array | undefined> {
    if (!embedder) return undefined;
    const cut = await this.tryCut(buffer, Infinity);
    if (!cut?.chunks.length) return undefined;
    const sum = new Float32Array(embedder.space.dimension);
    for (const chunk of cut.chunks.slice(0, EMBEDDED_AT_ONCE)) {
      const vector = await this.embed(encoderText(buffer.path, chunk), embedder, signal);
      vector.forEach((value, index) => (sum[index]! += value));
    }
    return normalize(sum);
  }

  dispose(): void {
    this.options.splitters.dispose();
  }

  private async embed(
    text: string,
    embedder: Embedder,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const key = keyOf(text, embedder);
    const known = this.vectors.get(key);
    if (known) return known;
    const vector = await embedder.embedDocuments([text], signal);
    this.vectors.set(key, vector);
    return vector;
  }

  /** Without the splitter the stored text answers, which is better than nothing. */
  private async tryCut(buffer: Buffer, withinMs: number): Promise<Cut | undefined> {
    if (buffer.text.length > this.options.maxFileBytes) return undefined;
    const text = redactSecrets(tidyText(buffer.text.replace(/^\uFEFF/, ''))).text;
    const key = `${buffer.path}\0${digest(text)}`;
    try {
      let cutting = this.cuts.get(key);
      if (!cutting) {
        cutting = this.cut(documentOf(buffer.path, text));
        this.cuts.set(key, cutting);
        cutting.catch(() => this.cuts.delete(key));
      }
      if (withinMs === Infinity) return await cutting;
      return (await inTime(cutting, withinMs)) ?? cutRoughly(documentOf(buffer.path, text));
    } catch (error) {
      this.options.log.error('cutting a buffer', error);
      return undefined;
    }
  }

  private async cut(document: Document): Promise<Cut> {
    const splitter = await this.options.splitters.splitter();
    return { language: document.language, chunks: await splitter.split(document) };
  }
}

function documentOf(path: string, text: string): Document {
  const lineEnd = text.indexOf('\n');
  const language = languageOf(path, lineEnd < 0 ? text : text.slice(0, lineEnd));
  return { path, language, text, hash: digest(text), sizeBytes: text.length, mtimeMs: 0 };
}

function cutRoughly(document: Document): Cut {
  return { language: document.language, chunks: splitByLines(document), isRough: true };
}

/** What the work gives, or undefined when it takes longer; it goes on then. */
async function inTime<T>(work: Promise<T>, withinMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), withinMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Embeddings of what is stored of a file, by the text that the encoder read. */
function storedVectors(
  base: Snapshot,
  path: string,
  embedder: Embedder | undefined,
): Map<string, Float32Array> {
  const vectors = new Map<string, Float32Array>();
  if (!embedder) return vectors;
  for (const chunk of base.chunksAt(path, 0, Number.MAX_SAFE_INTEGER)) {
    const vector = base.meanVector(embedder.space.id, [chunk.id]);
    if (vector) vectors.set(encoderText(path, chunk), vector);
  }
  return vectors;
}

function keyOf(text: string, embedder: Embedder | undefined): string {
  return `${embedder?.space.id}\0${digest(text)}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The last so many things used. */
class Memory<T> {
  private readonly items = new Map<string, T>();

  constructor(private readonly most: number) {}

  get(key: string): T | undefined {
    const item = this.items.get(key);
    if (item === undefined) return undefined;
    this.items.delete(key);
    this.items.set(key, item);
    return item;
  }

  set(key: string, item: T): void {
    this.items.delete(key);
    this.items.set(key, item);
    const [oldest] = this.items.keys();
    if (this.items.size > this.most && oldest !== undefined) this.items.delete(oldest);
  }

  delete(key: string): void {
    this.items.delete(key);
  }
}
