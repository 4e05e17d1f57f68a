/**
 * A snapshot in which some files say something else: unsaved buffers, searched in place of what is stored of
 * them. Their chunks have ids below 0 and live in memory; words are scored by the formula that FTS5 has, with
 * the frequencies of the index, so that both kinds of chunks compare.
 */
import { dot } from '../../base/vector';
import type { Span } from '../documents/document';
import { overlapOf } from '../documents/span';
import { scoreEntry, termsOfEntry, wordSearchOf } from './overlayWords';
import type {
  ChunkFilter,
  ChunkRow,
  LexicalQuery,
  NewChunk,
  Scored,
  Snapshot,
  StoreCounts,
} from './types';

/** One file as a buffer has it. */
export interface OverlayFile {
  /** Of a document that the index holds. */
  readonly path: string;
  readonly language: string;
  readonly chunks: readonly OverlayChunk[];
}

export interface OverlayChunk extends NewChunk {
  /** Contextual embedding in the space that is searched, unit length, where it is there already. */
  readonly contextual?: Float32Array;
}

/** The components of a static embedding are these many times the real ones. */
const STATIC_SCALE = 127;

interface Row extends ChunkRow {
  readonly contextual?: Float32Array;
  readonly statics?: Float32Array;
}

/** The view of `base` with these files in place of the stored ones. Disposing it disposes the base. */
export function overlaySnapshot(base: Snapshot, files: readonly OverlayFile[]): Snapshot {
  return files.length === 0 ? base : new OverlaySnapshot(base, files);
}

class OverlaySnapshot implements Snapshot {
  private readonly rows = new Map<number, Row>();
  private readonly byPath = new Map<string, readonly Row[]>();
  /** Stored chunks that must not appear. */
  private readonly hidden = new Set<number>();

  constructor(
    private readonly base: Snapshot,
    files: readonly OverlayFile[],
  ) {
    for (const file of files) {
      for (const { id } of base.chunksAt(file.path, 0, Number.MAX_SAFE_INTEGER))
        this.hidden.add(id);
      const documentId = base.document(file.path)?.id ?? 0;
      const rows = file.chunks.map((chunk, index) => {
        const id = -(this.rows.size + index + 1);
        return toRow(chunk, { id, documentId, path: file.path, language: file.language });
      });
      for (const row of rows) this.rows.set(row.id, row);
      this.byPath.set(file.path, rows);
    }
  }

  get counts(): StoreCounts {
    const { counts } = this.base;
    const change = this.rows.size - this.hidden.size;
    // What is stored of these files counts as embedded: whether it is does not matter any more.
    const lacking = [...this.rows.values()].filter(({ contextual }) => !contextual).length;
    return {
      ...counts,
      chunkCount: counts.chunkCount + change,
      embeddableCount: counts.embeddableCount + change,
      embeddedCount:
        counts.embeddedCount === 0 ? 0 : Math.max(1, counts.embeddedCount + change - lacking),
    };
  }

  searchWords(query: LexicalQuery, limit: number, filter?: ChunkFilter): Scored[] {
    const stored = this.base.searchWords(query, limit + this.hidden.size, filter);
    const search = wordSearchOf(query, {
      chunkCount: this.counts.chunkCount,
      averageTermCount: this.base.averageTermCount() || 1,
      frequencyOf: (term) => this.documentFrequency(term),
    });
    return this.merged(stored, limit, filter, (row) => scoreEntry(search, row));
  }

  searchVectors(
    spaceId: string,
    vector: Float32Array,
    limit: number,
    filter?: ChunkFilter,
  ): Scored[] {
    const stored = this.base.searchVectors(spaceId, vector, limit + this.hidden.size, filter);
    return this.merged(stored, limit, filter, ({ contextual }) => cosineTo(contextual, vector));
  }

  searchStatic(vector: Float32Array, limit: number, filter?: ChunkFilter): Scored[] {
    const stored = this.base.searchStatic(vector, limit + this.hidden.size, filter);
    return this.merged(stored, limit, filter, ({ statics }) => cosineTo(statics, vector));
  }

  vectorScores: Snapshot['vectorScores'] = (spaceId, vector, chunkIds) =>
    this.scoresOf(
      chunkIds,
      vector,
      ({ contextual }) => contextual,
      (ids) => this.base.vectorScores(spaceId, vector, ids),
    );

  staticScores: Snapshot['staticScores'] = (vector, chunkIds) =>
    this.scoresOf(
      chunkIds,
      vector,
      ({ statics }) => statics,
      (ids) => this.base.staticScores(vector, ids),
    );

  /** Of stored chunks: nobody asks for the like of a buffer by its chunks. */
  meanVector: Snapshot['meanVector'] = (spaceId, chunkIds) =>
    this.base.meanVector(
      spaceId,
      chunkIds.filter((id) => id > 0),
    );

  chunks(ids: readonly number[]): ChunkRow[] {
    const stored = new Map(
      this.base.chunks(ids.filter((id) => this.isStored(id))).map((row) => [row.id, row]),
    );
    return ids.flatMap((id) => this.rows.get(id) ?? stored.get(id) ?? []);
  }

  chunksDefining: Snapshot['chunksDefining'] = (name, options) => {
    const fold = (text: string): string => (options?.ignoreCase ? text.toLowerCase() : text);
    const wanted = fold(name);
    return [
      ...this.base.chunksDefining(name, options).filter((id) => this.isStored(id)),
      ...this.idsOf((row) => row.definitions.some((each) => fold(each) === wanted)),
    ];
  };

  chunksAt(path: string, start: number, end: number): ChunkRow[] {
    const rows = this.byPath.get(path);
    if (!rows) return this.base.chunksAt(path, start, end);
    return rows.filter(({ span }) => overlapOf(span, { start, end }) > 0);
  }

  chunksOfShape: Snapshot['chunksOfShape'] = (lineCount, symbol) => [
    ...this.base.chunksOfShape(lineCount, symbol).filter((id) => this.isStored(id)),
    ...this.idsOf(
      (row) => lengthOf(row.span) === lineCount && (symbol === undefined || row.symbol === symbol),
    ),
  ];

  /** Those of the hidden chunks stay in the number, which is a handful of many. */
  documentFrequency(term: string): number {
    return this.base.documentFrequency(term) + this.rarity(term);
  }

  averageTermCount: Snapshot['averageTermCount'] = () => this.base.averageTermCount();
  paths: Snapshot['paths'] = () => this.base.paths();
  document: Snapshot['document'] = (path) => this.base.document(path);
  skipped: Snapshot['skipped'] = () => this.base.skipped();
  getMeta: Snapshot['getMeta'] = (key) => this.base.getMeta(key);

  dispose(): void {
    this.base.dispose();
  }

  private isStored(id: number): boolean {
    return id > 0 && !this.hidden.has(id);
  }

  private idsOf(isMeant: (row: Row) => boolean): number[] {
    return [...this.rows.values()].filter(isMeant).map(({ id }) => id);
  }

  /** Number of buffers' chunks with a term that the index does not know; 0 for others. */
  private rarity(term: string): number {
    if (this.base.documentFrequency(term) > 0) return 0;
    return this.idsOf((row) => termsOfEntry(row).has(term)).length;
  }

  /** The best of both, best first; a buffer's chunk without a score is left out. */
  private merged(
    stored: readonly Scored[],
    limit: number,
    filter: ChunkFilter | undefined,
    scoreOf: (row: Row) => number | undefined,
  ): Scored[] {
    const found = stored.filter(({ chunkId }) => !this.hidden.has(chunkId));
    for (const row of this.rows.values()) {
      const score = isLetThrough(row, filter) ? scoreOf(row) : undefined;
      if (score !== undefined) found.push({ chunkId: row.id, score });
    }
    return found.sort((a, b) => b.score - a.score || a.chunkId - b.chunkId).slice(0, limit);
  }

  private scoresOf(
    ids: readonly number[],
    vector: Float32Array,
    embeddingOf: (row: Row) => Float32Array | undefined,
    storedScores: (ids: readonly number[]) => Map<number, number>,
  ): Map<number, number> {
    const scores = storedScores(ids.filter((id) => this.isStored(id)));
    for (const id of ids) {
      const row = this.rows.get(id);
      const score = row && cosineTo(embeddingOf(row), vector);
      if (score !== undefined) scores.set(id, score);
    }
    return scores;
  }
}

function toRow(
  chunk: OverlayChunk,
  of: Pick<ChunkRow, 'id' | 'documentId' | 'path' | 'language'>,
): Row {
  const { span, kind, symbol, definitions, text, contextual, staticEmbedding } = chunk;
  const statics =
    staticEmbedding && Float32Array.from(staticEmbedding, (value) => value / STATIC_SCALE);
  return { ...of, span, kind, symbol, definitions, text, contextual, statics };
}

function cosineTo(own: Float32Array | undefined, query: Float32Array): number | undefined {
  return own?.length === query.length ? dot(own, query) : undefined;
}

function lengthOf({ start, end }: Span): number {
  return end - start;
}

function isLetThrough(row: Row, filter: ChunkFilter | undefined): boolean {
  return (
    (filter?.path?.(row.path) ?? true) &&
    (filter?.languages?.has(row.language) ?? true) &&
    (filter?.kinds?.has(row.kind) ?? true)
  );
}
