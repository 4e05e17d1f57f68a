/**
 * One SQLite connection, and the only file that knows which library makes it. Statements are prepared once;
 * every failure of SQLite leaves as a NearmissError whose sentence names the file and whose advice helps.
 *
 * Memory mapping stays off: a file that is cut while it is mapped ends the process, and no `catch` helps.
 */
import * as fs from 'node:fs';
import * as v8 from 'node:v8';
import * as vm from 'node:vm';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { BugError, NearmissError, messageOf, systemCode } from '../../base/errors';
import type { Disposable } from '../../base/lifecycle';

export type SqlValue = string | number | null | Uint8Array;

/** A prepared statement; rows come as arrays of the selected columns. */
export interface Statement<Row extends readonly unknown[]> {
  run(...values: SqlValue[]): { changes: number; lastInsertRowid: number };
  get(...values: SqlValue[]): Row | undefined;
  all(...values: SqlValue[]): Row[];
}

export interface DatabaseOptions {
  readonly isReadOnly?: boolean;
  /** How long a call waits for another connection's lock. */
  readonly busyTimeoutMs?: number;
  readonly cacheBytes?: number;
}

const DEFAULT_BUSY_TIMEOUT_MS = 5_000;
const DEFAULT_CACHE_BYTES = 16 << 20;
/** The write-ahead log is cut back to this size when it has been copied into the database. */
const LOG_LIMIT_BYTES = 64 << 20;

/** Opens a database, made with mode 0600 where there is none; a read-only one must exist. */
export function openDatabase(file: string, options: DatabaseOptions = {}): Database {
  return guard(file, () => {
    if (!options.isReadOnly) makePrivate(file);
    const connection = new DatabaseSync(file, {
      readOnly: options.isReadOnly ?? false,
      timeout: options.busyTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS,
      enableForeignKeyConstraints: false,
      returnArrays: true,
    });
    try {
      setPragmas(connection, options);
    } catch (error) {
      connection.close();
      throw error;
    }
    return new Database(file, connection, !options.isReadOnly);
  });
}

/**
 * Makes the file where there is none. One that exists is not touched: closing any descriptor of a file ends every
 * lock that this process has on it, those of its open connections too. The next program to close the database
 * would then take itself for the last, delete the log, and what is written here later is lost.
 */
function makePrivate(file: string): void {
  try {
    fs.closeSync(fs.openSync(file, fs.constants.O_CREAT | fs.constants.O_EXCL, 0o600));
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

function setPragmas(connection: DatabaseSyncInstance, options: DatabaseOptions): void {
  const cacheKib = Math.round((options.cacheBytes ?? DEFAULT_CACHE_BYTES) / 1024);
  connection.exec(`PRAGMA cache_size = -${cacheKib}; PRAGMA temp_store = MEMORY`);
  if (options.isReadOnly) {
    connection.exec('PRAGMA query_only = 1');
    return;
  }
  connection.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = ${LOG_LIMIT_BYTES}`,
  );
}

/** A connection; for one thread at a time. */
export class Database implements Disposable {
  private readonly statements = new Map<string, Statement<never[]>>();
  private depth = 0;

  constructor(
    readonly file: string,
    private readonly connection: DatabaseSyncInstance,
    private readonly isWriter: boolean,
  ) {}

  /** The statement for this SQL, prepared when first asked for. */
  prepare<Row extends readonly unknown[]>(sql: string): Statement<Row> {
    const known = this.statements.get(sql);
    if (known) return known as unknown as Statement<Row>;
    const { file } = this;
    const native = guard(file, () => this.connection.prepare(sql));
    const statement: Statement<Row> = {
      run: (...values) =>
        guard(file, () => {
          const { changes, lastInsertRowid } = native.run(...values);
          return { changes, lastInsertRowid: Number(lastInsertRowid) };
        }),
      get: (...values) => guard(file, () => native.get(...values) as Row | undefined),
      all: (...values) => guard(file, () => native.all(...values) as Row[]),
    };
    this.statements.set(sql, statement as unknown as Statement<never[]>);
    return statement;
  }

  exec(sql: string): void {
    guard(this.file, () => this.connection.exec(sql));
  }

  /** Makes a function callable from SQL. It must not throw. */
  addFunction(name: string, body: (value: number) => number): void {
    guard(this.file, () => this.connection.function(name, body));
  }

  /** Runs `body` as a whole or not at all; inside another transaction only `body` itself is undone. */
  transaction<T>(body: () => T): T {
    const point = `level${this.depth}`;
    this.exec(this.depth === 0 ? 'BEGIN IMMEDIATE' : `SAVEPOINT ${point}`);
    this.depth++;
    try {
      const result = body();
      this.depth--;
      this.exec(this.depth === 0 ? 'COMMIT' : `RELEASE ${point}`);
      return result;
    } catch (error) {
      this.depth = Number(point.slice('level'.length));
      this.undo(point);
      throw error;
    }
  }

  /** Starts to read one unchanging state, until `endRead`. */
  beginRead(): void {
    this.exec('BEGIN');
    // SQLite takes its snapshot at the first read, not at BEGIN.
    this.prepare('SELECT count(*) FROM sqlite_schema').get();
  }

  endRead(): void {
    if (this.connection.isOpen && this.connection.isTransaction) this.exec('COMMIT');
  }

  /** Undefined when the file is sound, otherwise what SQLite found first. Reads the whole file. */
  quickCheck(): string | undefined {
    const found = this.prepare<[string]>('PRAGMA quick_check(1)').get()?.[0];
    return found === 'ok' ? undefined : (found ?? 'no answer');
  }

  dispose(): void {
    if (!this.connection.isOpen) return;
    this.letGo();
    this.statements.clear();
    this.connection.close();
    collectSoon();
  }

  /**
   * Ends what is open, since the rest of a closed connection may hold its locks for a while, and copies the
   * write-ahead log into the database, which SQLite itself does only with the last connection.
   */
  private letGo(): void {
    try {
      if (this.connection.isTransaction) this.connection.exec('ROLLBACK');
      if (!this.isWriter) return;
      this.connection.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // A damaged file or a full disk: the log stays, and with it all that was committed.
    }
  }

  private undo(point: string): void {
    // A full disk may have ended the transaction already.
    if (!this.connection.isOpen || !this.connection.isTransaction) return;
    this.exec(this.depth === 0 ? 'ROLLBACK' : `ROLLBACK TO ${point}; RELEASE ${point}`);
  }
}

let isCollecting = false;
let collect: (() => void) | undefined;

/**
 * Asks for a garbage collection once the event loop turns. The library has no way to end a statement, and
 * SQLite keeps the files of a closed connection open until its last statement is gone: Windows could not
 * delete them, and a damaged index could not be replaced.
 */
function collectSoon(): void {
  if (isCollecting) return;
  isCollecting = true;
  setImmediate(() => {
    isCollecting = false;
    if (!collect) {
      v8.setFlagsFromString('--expose-gc');
      collect = vm.runInNewContext('gc') as () => void;
    }
    collect();
  });
}

function guard<T>(file: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw explain(file, error);
  }
}

/** Primary result codes of SQLite (sqlite.org/rescode.html) and the words that stand for them. */
const CODES: readonly (readonly [code: number, message: RegExp, kind: FailureKind])[] = [
  [13, /disk is full/, 'full'],
  [8, /readonly database/, 'readOnly'],
  [3, /access permission/, 'readOnly'],
  // Our own statements are right: a table that is not there is one that was lost.
  [11, /malformed|corrupt|vtable constructor failed|invalid fts5 file format|no such /, 'damaged'],
  [26, /not a database/, 'damaged'],
  [5, /database is locked/, 'busy'],
  [6, /table is locked/, 'busy'],
  [14, /unable to open/, 'unopened'],
  [10, /disk I\/O error/, 'io'],
];

type FailureKind = 'full' | 'readOnly' | 'damaged' | 'busy' | 'unopened' | 'io';

function explain(file: string, error: unknown): unknown {
  if (error instanceof NearmissError || error instanceof BugError) return error;
  const kind = kindOf(error);
  if (kind) return failure(kind, file, error);
  const isSqlite = systemCode(error) === 'ERR_SQLITE_ERROR';
  return isSqlite ? new BugError(`SQLite: ${messageOf(error)}`, { cause: error }) : error;
}

function kindOf(error: unknown): FailureKind | undefined {
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'full';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'readOnly';
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return 'unopened';
  const primary = Number((error as { errcode?: number } | undefined)?.errcode ?? 0) & 0xff;
  const message = messageOf(error);
  // Some failures while stepping carry the message alone.
  const known = CODES.find(([value, words]) =>
    primary > 1 ? value === primary : words.test(message),
  );
  return known?.[2];
}

/** The expected failure of a kind, with the file's name and what to do. */
function failure(kind: FailureKind, file: string, cause: unknown): NearmissError {
  const make = (code: NearmissError['code'], message: string, advice: string): NearmissError =>
    new NearmissError(code, message, advice, { cause });
  switch (kind) {
    case 'full':
      return make('diskFull', `The disk is full: ${file}`, 'Free some space, then try again');
    case 'readOnly':
      return make(
        'permission',
        `The index cannot be written: ${file}`,
        'Make the file and its folder writable, or choose another data folder with --data',
      );
    case 'damaged':
      return make(
        'index',
        `The index file is damaged: ${file}`,
        'Run "nearmiss doctor --fix" to build it anew; nothing of yours is in it',
      );
    case 'busy':
      return make('busy', `Another process holds the index: ${file}`, 'Try again in a moment');
    case 'unopened':
      return make(
        'index',
        `The index cannot be opened: ${file}`,
        'Check that its folder exists and may be read',
      );
    case 'io':
      return make(
        'index',
        `The index cannot be read from disk: ${file}`,
        'Check the disk, then run "nearmiss doctor --fix"',
      );
  }
}

/** True for an expected failure that says the file itself is not usable and may be built anew. */
export function isDamage(error: unknown): boolean {
  return error instanceof NearmissError && error.code === 'index';
}
