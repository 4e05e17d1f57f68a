/**
 * The tables of a folder's index, and how an older file becomes a newer one: a step a version, kept in
 * `PRAGMA user_version`. All of it can be built anew from the folder, so a step may also just start over.
 *
 * Chunk ids are never used twice, and the chunks of a document follow each other without a gap: a document's
 * chunks are one range of ids, and a list of removed ranges tells readers what vanished.
 */
import { randomUUID } from 'node:crypto';
import { NearmissError } from '../../base/errors';
import type { Database } from './database';

/** The version this program writes. */
export const SCHEMA_VERSION = 1;

/** How the terms of `terms.ts` pass FTS5 unchanged: ASCII letters, digits, underscore, all beyond ASCII. */
const TOKENIZER = "ascii tokenchars ''_''";

const STEPS: readonly string[] = [
  `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE document(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,
    language TEXT NOT NULL,
    sizeBytes INTEGER NOT NULL,
    mtimeMs REAL NOT NULL,
    hash TEXT NOT NULL,
    tier TEXT NOT NULL,
    -- Ids of its chunks, last one excluded.
    firstChunk INTEGER NOT NULL,
    endChunk INTEGER NOT NULL
  );
  CREATE TABLE chunk(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    documentId INTEGER NOT NULL,
    startLine INTEGER NOT NULL,
    endLine INTEGER NOT NULL,
    kind TEXT NOT NULL,
    symbol TEXT NOT NULL
  );
  CREATE INDEX chunkByKind ON chunk(kind);
  -- Apart from the chunk, so that reading spans and kinds does not drag the texts along.
  CREATE TABLE chunkText(chunkId INTEGER PRIMARY KEY, text TEXT NOT NULL);
  CREATE TABLE definition(
    chunkId INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    PRIMARY KEY(chunkId, position)
  ) WITHOUT ROWID;
  CREATE INDEX definitionByName ON definition(name);
  CREATE INDEX definitionByFolded ON definition(folded);
  CREATE TABLE staticEmbedding(chunkId INTEGER PRIMARY KEY, vector BLOB NOT NULL);
  -- Chunks to embed. embeddedAt is the sequence number at which the embedding was there, 0 while it is missing.
  CREATE TABLE embeddable(
    chunkId INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    embeddedAt INTEGER NOT NULL
  );
  CREATE INDEX embeddableByState ON embeddable(embeddedAt);
  CREATE TABLE removal(sequence INTEGER NOT NULL, firstChunk INTEGER NOT NULL, endChunk INTEGER NOT NULL);
  CREATE INDEX removalBySequence ON removal(sequence);
  CREATE TABLE skipped(path TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT);
  CREATE VIRTUAL TABLE words USING fts5(
    content, path, symbol, content='', contentless_delete=1, tokenize='${TOKENIZER}'
  );
  CREATE VIRTUAL TABLE wordCount USING fts5vocab('words', 'row');
  `,
];

/** Brings a file to the version of this program; refuses one that is newer. Only the writer may call it. */
export function migrate(database: Database): void {
  const version = schemaVersion(database);
  refuseNewer(database.file, version);
  if (version === SCHEMA_VERSION) return;
  database.transaction(() => {
    for (const step of STEPS.slice(version)) database.exec(step);
    if (version === 0) {
      const insert = database.prepare('INSERT INTO meta(key, value) VALUES(?, ?)');
      insert.run('storeId', randomUUID());
      insert.run('sequence', '0');
    }
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

/** Version of the file's tables; 0 for an empty file. */
export function schemaVersion(database: Database): number {
  return database.prepare<[number]>('PRAGMA user_version').get()?.[0] ?? 0;
}

/** Throws for a file that a newer program wrote. */
export function refuseNewer(file: string, version: number): void {
  if (version <= SCHEMA_VERSION) return;
  throw new NearmissError(
    'version',
    `The index was written by a newer version of Nearmiss: ${file}`,
    'Update Nearmiss, or run "nearmiss clear" to build the index anew',
  );
}
