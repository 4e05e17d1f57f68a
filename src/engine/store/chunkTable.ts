/**
 * Documents and chunks in their tables: rows in, rows out. The chunks of a document are one range of ids, so
 * replacing or removing it touches every table with one range. Nothing here begins a transaction.
 */
import type { ChunkKind, Document, Skipped } from '../documents/document';
import type { Database } from './database';
import { addWords, removeWords } from './lexicalIndex';
import type { ChunkRow, DocumentRow, DocumentTier, NewChunk } from './types';

/** Ids of chunks from `first` up to but not including `end`. */
export interface ChunkRange {
  readonly first: number;
  readonly end: number;
}

export type NewDocument = Omit<Document, 'text'>;

/** Stores the document under its path, in place of what was there, and returns the range of its new chunks. */
export function putDocument(
  database: Database,
  document: NewDocument,
  tier: DocumentTier,
  chunks: readonly NewChunk[],
): ChunkRange {
  const id = upsertDocument(database, document, tier);
  const first = nextChunkId(database);
  chunks.forEach((chunk, index) => insertChunk(database, first + index, id, document.path, chunk));
  const range = { first, end: first + chunks.length };
  database
    .prepare('UPDATE document SET firstChunk = ?, endChunk = ? WHERE id = ?')
    .run(range.first, range.end, id);
  return range;
}

/** Range of a document's chunks; undefined for an unknown path. */
export function rangeOf(database: Database, path: string): ChunkRange | undefined {
  const row = database
    .prepare<[number, number]>('SELECT firstChunk, endChunk FROM document WHERE path = ?')
    .get(path);
  return row && { first: row[0], end: row[1] };
}

export function deleteDocument(database: Database, path: string): void {
  database.prepare('DELETE FROM document WHERE path = ?').run(path);
}

/** Removes chunks from every table and notes the range at `sequence` for readers that hold them in memory. */
export function deleteChunks(database: Database, range: ChunkRange, sequence: number): void {
  if (range.end <= range.first) return;
  for (const [table, column] of CHUNK_TABLES) {
    database
      .prepare(`DELETE FROM ${table} WHERE ${column} >= ? AND ${column} < ?`)
      .run(range.first, range.end);
  }
  removeWords(database, range.first, range.end);
  database.prepare('INSERT INTO removal VALUES(?, ?, ?)').run(sequence, range.first, range.end);
}

const CHUNK_TABLES = [
  ['chunk', 'id'],
  ['chunkText', 'chunkId'],
  ['definition', 'chunkId'],
  ['staticEmbedding', 'chunkId'],
  ['embeddable', 'chunkId'],
] as const;

function upsertDocument(database: Database, document: NewDocument, tier: DocumentTier): number {
  const { path, language, sizeBytes, mtimeMs, hash } = document;
  const row = database
    .prepare<[number]>(
      `INSERT INTO document(path, language, sizeBytes, mtimeMs, hash, tier, firstChunk, endChunk)
       VALUES(?, ?, ?, ?, ?, ?, 0, 0)
       ON CONFLICT(path) DO UPDATE SET language = excluded.language, sizeBytes = excluded.sizeBytes,
         mtimeMs = excluded.mtimeMs, hash = excluded.hash, tier = excluded.tier
       RETURNING id`,
    )
    .get(path, language, sizeBytes, mtimeMs, hash, tier);
  return row![0];
}

/** One more than any id ever used. */
function nextChunkId(database: Database): number {
  const row = database
    .prepare<[number]>("SELECT seq FROM sqlite_sequence WHERE name = 'chunk'")
    .get();
  return (row?.[0] ?? 0) + 1;
}

function insertChunk(
  database: Database,
  id: number,
  documentId: number,
  path: string,
  chunk: NewChunk,
): void {
  const { span, kind, symbol, definitions, text } = chunk;
  database
    .prepare('INSERT INTO chunk VALUES(?, ?, ?, ?, ?, ?)')
    .run(id, documentId, span.start, span.end, kind, symbol);
  database.prepare('INSERT INTO chunkText VALUES(?, ?)').run(id, text);
  definitions.forEach((name, position) =>
    database
      .prepare('INSERT INTO definition VALUES(?, ?, ?, ?)')
      .run(id, position, name, name.toLowerCase()),
  );
  addWords(database, { chunkId: id, path, symbol, definitions, text });
  if (chunk.staticEmbedding) {
    const { buffer, byteOffset, length } = chunk.staticEmbedding;
    database
      .prepare('INSERT INTO staticEmbedding VALUES(?, ?)')
      .run(id, new Uint8Array(buffer, byteOffset, length));
  }
  if (chunk.embeddingKey) {
    database.prepare('INSERT INTO embeddable VALUES(?, ?, 0)').run(id, chunk.embeddingKey);
  }
}

type DocumentValues = readonly [number, string, string, number, number, string, DocumentTier];
const DOCUMENT_COLUMNS = 'id, path, language, sizeBytes, mtimeMs, hash, tier';

/** Rows of all documents by path. */
export function readDocuments(database: Database): Map<string, DocumentRow> {
  const rows = database
    .prepare<DocumentValues>(`SELECT ${DOCUMENT_COLUMNS} FROM document ORDER BY path`)
    .all();
  return new Map(rows.map((values) => [values[1], toDocument(values)]));
}

export function readDocument(database: Database, path: string): DocumentRow | undefined {
  const values = database
    .prepare<DocumentValues>(`SELECT ${DOCUMENT_COLUMNS} FROM document WHERE path = ?`)
    .get(path);
  return values && toDocument(values);
}

function toDocument(values: DocumentValues): DocumentRow {
  const [id, path, language, sizeBytes, mtimeMs, hash, tier] = values;
  return { id, path, language, sizeBytes, mtimeMs, hash, tier };
}

type ChunkValues = readonly [
  id: number,
  documentId: number,
  start: number,
  end: number,
  kind: ChunkKind,
  symbol: string,
  path: string,
  language: string,
];
const SELECT_CHUNK = `
  SELECT c.id, c.documentId, c.startLine, c.endLine, c.kind, c.symbol, d.path, d.language
  FROM chunk c JOIN document d ON d.id = c.documentId`;

/**
 * A chunk whose text and definitions are read when they are first asked for: of the hundreds of candidates
 * of a search, most are ranked by numbers alone. What was not read before the snapshot ended cannot be.
 */
class StoredChunk implements ChunkRow {
  readonly id: number;
  readonly documentId: number;
  readonly span: ChunkRow['span'];
  readonly kind: ChunkKind;
  readonly symbol: string;
  readonly path: string;
  readonly language: string;
  private readText: string | undefined;
  private readDefinitions: readonly string[] | undefined;

  constructor(
    private readonly database: Database,
    [id, documentId, start, end, kind, symbol, path, language]: ChunkValues,
  ) {
    this.id = id;
    this.documentId = documentId;
    this.span = { start, end };
    this.kind = kind;
    this.symbol = symbol;
    this.path = path;
    this.language = language;
  }

  get text(): string {
    return (this.readText ??= readText(this.database, this.id));
  }

  get definitions(): readonly string[] {
    return (this.readDefinitions ??= readDefinitions(this.database, this.id));
  }
}

function readText(database: Database, id: number): string {
  return (
    database.prepare<[string]>('SELECT text FROM chunkText WHERE chunkId = ?').get(id)?.[0] ?? ''
  );
}

function readDefinitions(database: Database, id: number): string[] {
  return database
    .prepare<[string]>('SELECT name FROM definition WHERE chunkId = ? ORDER BY position')
    .all(id)
    .map(([name]) => name);
}

export function readChunk(database: Database, id: number): ChunkRow | undefined {
  const values = database.prepare<ChunkValues>(`${SELECT_CHUNK} WHERE c.id = ?`).get(id);
  return values && new StoredChunk(database, values);
}

/** Chunks of a document that overlap the lines, in order. */
export function readChunksAt(
  database: Database,
  path: string,
  start: number,
  end: number,
): ChunkRow[] {
  const range = rangeOf(database, path);
  if (!range) return [];
  return database
    .prepare<ChunkValues>(
      `${SELECT_CHUNK} WHERE c.id >= ? AND c.id < ? AND c.startLine < ? AND c.endLine > ?
       ORDER BY c.startLine, c.id`,
    )
    .all(range.first, range.end, end, start)
    .map((values) => new StoredChunk(database, values));
}

/** Ids of the chunks that define a name, in order. */
export function findDefining(database: Database, name: string, isCaseIgnored: boolean): number[] {
  const [column, value] = isCaseIgnored ? ['folded', name.toLowerCase()] : ['name', name];
  return database
    .prepare<[number]>(
      `SELECT DISTINCT chunkId FROM definition WHERE ${column} = ? ORDER BY chunkId`,
    )
    .all(value)
    .map(([id]) => id);
}

/** Ids of the chunks with so many lines, and with this symbol unless it is undefined, in order. */
export function findShaped(
  database: Database,
  lineCount: number,
  symbol: string | undefined,
): number[] {
  return database
    .prepare<[number]>(
      'SELECT id FROM chunk WHERE endLine - startLine = ?1 AND (?2 IS NULL OR symbol = ?2) ORDER BY id',
    )
    .all(lineCount, symbol ?? null)
    .map(([id]) => id);
}

/** Replaces the list of what was left out. */
export function replaceSkipped(database: Database, skipped: readonly Skipped[]): void {
  database.exec('DELETE FROM skipped');
  const insert = database.prepare('INSERT INTO skipped VALUES(?, ?, ?)');
  for (const { path, reason, detail } of skipped) insert.run(path, reason, detail ?? null);
}

export function readSkipped(database: Database): Skipped[] {
  return database
    .prepare<[string, Skipped['reason'], string | null]>('SELECT path, reason, detail FROM skipped')
    .all()
    .map(([path, reason, detail]) => ({ path, reason, detail: detail ?? undefined }));
}

export function readMeta(database: Database, key: string): string | undefined {
  return database.prepare<[string]>('SELECT value FROM meta WHERE key = ?').get(key)?.[0];
}

export function writeMeta(database: Database, key: string, value: string): void {
  database.prepare('INSERT OR REPLACE INTO meta VALUES(?, ?)').run(key, value);
}
