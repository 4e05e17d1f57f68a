/**
 * The file of embeddings that all folders share: space and hash of the text read -> vector. A branch switch, a
 * second worktree or a moved folder finds its vectors here. It is a cache: a damaged file is replaced by an
 * empty one, which costs time and nothing else.
 */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { NearmissError } from '../../base/errors';
import type { Disposable } from '../../base/lifecycle';
import { isFiniteVector } from '../../base/vector';
import { type Database, isDamage, openDatabase } from './database';
import type { EmbeddingCache } from './types';

const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE space(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  -- seenDay is the last day on which a folder was known to need the vector.
  CREATE TABLE embedding(
    id INTEGER PRIMARY KEY, space INTEGER NOT NULL, key BLOB NOT NULL, vector BLOB NOT NULL,
    seenDay INTEGER NOT NULL
  );
  CREATE UNIQUE INDEX embeddingByKey ON embedding(space, key);
  PRAGMA user_version = ${SCHEMA_VERSION};`;
const CACHE_BYTES = 4 << 20;
const MS_PER_DAY = 86_400_000;

/** Deletes the file of embeddings with its log. */
export function removeEmbeddings(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) fs.rmSync(file + suffix, { force: true });
}

/** Reads and writes the file; makes it where it is missing, damaged or of another version. */
export class WritableCache implements EmbeddingCache {
  private database: Database;
  private identity = '';

  constructor(private readonly file: string) {
    this.database = this.open();
  }

  get id(): string {
    return this.identity;
  }

  has(spaceId: string, keys: readonly Uint8Array[]): boolean[] {
    return this.orEmpty(() => findKeys(this.database, spaceId, keys)) ?? keys.map(() => false);
  }

  get(spaceId: string, keys: readonly Uint8Array[]): (Float32Array | undefined)[] {
    return (
      this.orEmpty(() => readVectors(this.database, spaceId, keys)) ?? keys.map(() => undefined)
    );
  }

  put(spaceId: string, entries: readonly { key: Uint8Array; vector: Float32Array }[]): void {
    const usable = entries.filter(({ vector }) => isFiniteVector(vector));
    const write = (): void => putVectors(this.database, spaceId, usable);
    // A second time, because the first may have found the file damaged and made it anew.
    if (this.orEmpty(() => (write(), true)) === undefined) write();
  }

  removeSpaces(isWanted: (spaceId: string) => boolean, limit: number): number {
    return this.orEmpty(() => removeUnwanted(this.database, isWanted, limit)) ?? 0;
  }

  dispose(): void {
    this.database.dispose();
  }

  private open(): Database {
    try {
      return this.openOnce();
    } catch (error) {
      if (!isDamage(error)) throw error;
      removeEmbeddings(this.file);
      return this.openOnce();
    }
  }

  private openOnce(): Database {
    const database = openDatabase(this.file, { cacheBytes: CACHE_BYTES });
    try {
      this.identity = prepareTables(database);
      return database;
    } catch (error) {
      database.dispose();
      throw error;
    }
  }

  /** Undefined when the file turned out to be damaged; it is empty then. */
  private orEmpty<T>(body: () => T): T | undefined {
    try {
      return body();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.database.dispose();
      removeEmbeddings(this.file);
      this.database = this.openOnce();
      return undefined;
    }
  }
}

/** Reads a file that another process writes. While it is missing or damaged, nothing is found. */
export class ReadOnlyCache implements Disposable {
  private database: Database | undefined;
  private inode = 0;

  constructor(private readonly file: string) {}

  get(spaceId: string, keys: readonly Uint8Array[]): (Float32Array | undefined)[] {
    return (
      this.read((database) => readVectors(database, spaceId, keys)) ?? keys.map(() => undefined)
    );
  }

  dispose(): void {
    this.database?.dispose();
    this.database = undefined;
  }

  private read<T>(body: (database: Database) => T): T | undefined {
    const inode = fs.statSync(this.file, { throwIfNoEntry: false })?.ino ?? 0;
    if (inode !== this.inode) this.dispose();
    if (inode === 0) return undefined;
    try {
      this.database ??= openDatabase(this.file, { isReadOnly: true, cacheBytes: CACHE_BYTES });
      this.inode = inode;
      return userVersion(this.database) === SCHEMA_VERSION ? body(this.database) : undefined;
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.dispose();
      return undefined;
    }
  }
}

function userVersion(database: Database): number {
  return database.prepare<[number]>('PRAGMA user_version').get()?.[0] ?? 0;
}

/** Makes the tables where there are none, and returns the file's id. */
function prepareTables(database: Database): string {
  return database.transaction(() => {
    const version = userVersion(database);
    if (version !== 0 && version !== SCHEMA_VERSION) {
      throw new NearmissError('index', `The embeddings have another format: ${database.file}`);
    }
    if (version === 0) {
      database.exec(SCHEMA);
      database.prepare("INSERT INTO meta VALUES('id', ?)").run(randomUUID());
    }
    return database.prepare<[string]>("SELECT value FROM meta WHERE key = 'id'").get()![0];
  });
}

function spaceNumber(database: Database, spaceId: string): number {
  const row = database.prepare<[number]>('SELECT id FROM space WHERE name = ?').get(spaceId);
  return row?.[0] ?? 0;
}

function findKeys(database: Database, spaceId: string, keys: readonly Uint8Array[]): boolean[] {
  const space = spaceNumber(database, spaceId);
  const find = database.prepare<[number]>('SELECT 1 FROM embedding WHERE space = ? AND key = ?');
  return keys.map((key) => find.get(space, key) !== undefined);
}

function readVectors(
  database: Database,
  spaceId: string,
  keys: readonly Uint8Array[],
): (Float32Array | undefined)[] {
  const space = spaceNumber(database, spaceId);
  const find = database.prepare<[Uint8Array]>(
    'SELECT vector FROM embedding WHERE space = ? AND key = ?',
  );
  return keys.map((key) => {
    const row = find.get(space, key);
    return row && toVector(row[0]);
  });
}

function toVector(bytes: Uint8Array): Float32Array | undefined {
  if (bytes.length === 0 || bytes.length % 4 !== 0) return undefined;
  const vector = new Float32Array(bytes.length / 4);
  new Uint8Array(vector.buffer).set(bytes);
  return isFiniteVector(vector) ? vector : undefined;
}

function putVectors(
  database: Database,
  spaceId: string,
  entries: readonly { key: Uint8Array; vector: Float32Array }[],
): void {
  database.transaction(() => {
    database.prepare('INSERT OR IGNORE INTO space(name) VALUES(?)').run(spaceId);
    const space = spaceNumber(database, spaceId);
    const today = dayOf();
    const insert = database.prepare(
      'INSERT OR REPLACE INTO embedding(space, key, vector, seenDay) VALUES(?, ?, ?, ?)',
    );
    for (const { key, vector } of entries) {
      const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
      insert.run(space, key, bytes, today);
    }
  });
}

/** A space goes with its last vector, so that who is ended between finds it again. */
function removeUnwanted(
  database: Database,
  isWanted: (spaceId: string) => boolean,
  limit: number,
): number {
  const spaces = database.prepare<[number, string]>('SELECT id, name FROM space').all();
  for (const [id] of spaces.filter(([, name]) => !isWanted(name))) {
    const { changes } = database
      .prepare(
        'DELETE FROM embedding WHERE id IN (SELECT id FROM embedding WHERE space = ? LIMIT ?)',
      )
      .run(id, limit);
    if (changes > 0) return changes;
    database.prepare('DELETE FROM space WHERE id = ?').run(id);
  }
  return 0;
}

export interface PruneOptions {
  /** Index files of all folders: what they need stays. */
  readonly folderFiles: readonly string[];
  /** Vectors that no folder has needed for so long go. */
  readonly maxAgeDays: number;
  /** Beyond this size of the file, vectors that no folder needs go, the longest unneeded first. */
  readonly maxBytes: number;
  readonly nowMs?: number;
}

/** Removes vectors that no folder needs, by age, then by size, and returns how many. */
export function pruneEmbeddings(file: string, options: PruneOptions): number {
  const database = openDatabase(file, { cacheBytes: CACHE_BYTES });
  try {
    prepareTables(database);
    database.exec('CREATE TEMP TABLE needed(key BLOB PRIMARY KEY) WITHOUT ROWID');
    // A folder that cannot be read now may need anything: its failure ends the pruning before it begins.
    for (const folder of options.folderFiles) noteNeeded(database, folder);
    return database.transaction(() => {
      const count = prune(database, options);
      database
        .prepare("INSERT OR REPLACE INTO meta VALUES('prunedDay', ?)")
        .run(String(dayOf(options.nowMs)));
      return count;
    });
  } finally {
    database.dispose();
  }
}

/** True when the file was pruned on this day, or when there is none. */
export function wasPrunedToday(file: string): boolean {
  if (!fs.existsSync(file)) return true;
  const database = openDatabase(file, { isReadOnly: true });
  try {
    const row = database.prepare<[string]>("SELECT value FROM meta WHERE key = 'prunedDay'").get();
    return row?.[0] === String(dayOf());
  } finally {
    database.dispose();
  }
}

function dayOf(nowMs = Date.now()): number {
  return Math.floor(nowMs / MS_PER_DAY);
}

function noteNeeded(database: Database, folderFile: string): void {
  const folder = openDatabase(folderFile, { isReadOnly: true });
  try {
    const page = folder.prepare<[number, Uint8Array]>(
      'SELECT chunkId, key FROM embeddable WHERE chunkId > ? ORDER BY chunkId LIMIT 5000',
    );
    const insert = database.prepare('INSERT OR IGNORE INTO needed VALUES(?)');
    for (let rows = page.all(0); rows.length > 0; rows = page.all(rows.at(-1)![0])) {
      for (const [, key] of rows) insert.run(key);
    }
  } finally {
    folder.dispose();
  }
}

function prune(database: Database, options: PruneOptions): number {
  const today = dayOf(options.nowMs);
  database
    .prepare(
      'UPDATE embedding SET seenDay = ?1 WHERE seenDay < ?1 AND key IN (SELECT key FROM needed)',
    )
    .run(today);
  const aged = database
    .prepare('DELETE FROM embedding WHERE seenDay < ? AND key NOT IN (SELECT key FROM needed)')
    .run(today - options.maxAgeDays).changes;
  const [count, bytes] = database
    .prepare<[number, number]>('SELECT count(*), coalesce(sum(length(vector)), 0) FROM embedding')
    .get()!;
  if (bytes <= options.maxBytes) return aged;
  const excess = Math.ceil(((bytes - options.maxBytes) / bytes) * count);
  const oldest = database
    .prepare(
      `DELETE FROM embedding WHERE id IN (
         SELECT id FROM embedding WHERE key NOT IN (SELECT key FROM needed) ORDER BY seenDay, id LIMIT ?)`,
    )
    .run(excess).changes;
  return aged + oldest;
}
