import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { BugError, NearmissError } from '../../../src/base/errors';
import { type Database, openDatabase } from '../../../src/engine/store/database';
import { SCHEMA_VERSION, migrate, schemaVersion } from '../../../src/engine/store/schema';
import { cutFile, flipBit } from '../../support/faults';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder } from '../../support/temporaryFolder';

leavesNothing();
const folder = temporaryFolder(after);
let fileCount = 0;

function newFile(): string {
  return path.join(folder, `${++fileCount}.db`);
}

function withDatabase<T>(body: (database: Database) => T, file = newFile()): T {
  const database = openDatabase(file, { busyTimeoutMs: 20 });
  try {
    return body(database);
  } finally {
    database.dispose();
  }
}

function numbers(database: Database): number[] {
  return database
    .prepare<[number]>('SELECT x FROM t ORDER BY x')
    .all()
    .map(([x]) => x);
}

/** The call fails with this code, and its sentence names the file. */
function checkFailure(code: NearmissError['code'], file: string, body: () => unknown): void {
  assert.throws(body, (error) => {
    assert.ok(error instanceof NearmissError, String(error));
    assert.equal(error.code, code);
    assert.ok(error.message.includes(file), error.message);
    assert.ok(!error.message.endsWith('.'), error.message);
    assert.ok(error.advice, 'says what to do');
    return true;
  });
}

test('undoes a transaction that fails, and an inner one alone', () => {
  withDatabase((database) => {
    database.exec('CREATE TABLE t(x)');
    const insert = database.prepare('INSERT INTO t VALUES(?)');
    const fail = (): never => {
      throw new Error('on purpose');
    };
    database.transaction(() => {
      insert.run(1);
      assert.throws(() => database.transaction(() => (insert.run(2), fail())), /on purpose/);
      database.transaction(() => insert.run(3));
    });
    assert.throws(() => database.transaction(() => (insert.run(4), fail())), /on purpose/);
    assert.deepEqual(numbers(database), [1, 3]);
  });
});

test('keeps its files for the user alone', { skip: process.platform === 'win32' }, () => {
  const file = newFile();
  withDatabase((database) => {
    database.exec('CREATE TABLE t(x)');
    for (const name of [file, `${file}-wal`, `${file}-shm`]) {
      assert.equal(fs.statSync(name).mode & 0o777, 0o600, name);
    }
  }, file);
});

test('reads one state until the reading ends', () => {
  const file = newFile();
  withDatabase((writer) => {
    writer.exec('CREATE TABLE t(x); INSERT INTO t VALUES(1)');
    const reader = openDatabase(file, { isReadOnly: true });
    reader.beginRead();
    writer.exec('INSERT INTO t VALUES(2)');
    assert.deepEqual(numbers(reader), [1]);
    reader.endRead();
    assert.deepEqual(numbers(reader), [1, 2]);
    reader.dispose();
  }, file);
});

// Where the hold is lost, the next program that closes the file deletes its log, and writes of this process with it.
test(
  'keeps its hold on a file that is opened a second time here',
  { skip: fs.existsSync('/proc/locks') ? false : 'no list of locks here' },
  () => {
    const file = newFile();
    withDatabase((database) => {
      database.exec('CREATE TABLE t(x)');
      const { ino } = fs.statSync(file);
      const locks = (): string[] =>
        fs
          .readFileSync('/proc/locks', 'utf8')
          .split('\n')
          .filter((line) => line.includes(` ${process.pid} `) && line.includes(`:${ino} `));
      assert.equal(locks().length, 1);
      withDatabase(numbers, file);
      assert.equal(locks().length, 1);
    }, file);
  },
);

test('says that the disk is full and keeps what was there', () => {
  const file = newFile();
  withDatabase((database) => {
    database.exec('CREATE TABLE t(x); INSERT INTO t VALUES(1); PRAGMA max_page_count = 20');
    const fill = database.prepare('INSERT INTO t VALUES(zeroblob(?))');
    checkFailure('diskFull', file, () =>
      database.transaction(() => {
        for (let i = 0; i < 100; i++) fill.run(4000);
      }),
    );
    database.exec('PRAGMA max_page_count = 1000');
    database.transaction(() => database.prepare('INSERT INTO t VALUES(?)').run(2));
    assert.deepEqual(numbers(database), [1, 2]);
  }, file);
});

test('says that another process holds the file', () => {
  const file = newFile();
  withDatabase((first) => {
    first.exec('CREATE TABLE t(x)');
    withDatabase((second) => {
      first.exec('BEGIN IMMEDIATE');
      checkFailure('busy', file, () => second.transaction(() => undefined));
      first.exec('ROLLBACK');
    }, file);
  }, file);
});

test('says that a file cannot be written', () => {
  const file = newFile();
  withDatabase((database) => database.exec('CREATE TABLE t(x)'), file);
  const reader = openDatabase(file, { isReadOnly: true });
  checkFailure('permission', file, () => reader.exec('INSERT INTO t VALUES(1)'));
  reader.dispose();
});

test('says that a file is missing, a folder, or no database', () => {
  const missing = path.join(folder, 'none', 'index.db');
  checkFailure('index', missing, () => openDatabase(missing));
  checkFailure('index', missing, () => openDatabase(missing, { isReadOnly: true }));
  checkFailure('index', folder, () => openDatabase(folder));
  const text = newFile();
  fs.writeFileSync(text, 'These lines were never a database. '.repeat(200));
  checkFailure('index', text, () => openDatabase(text));
  checkFailure('index', text, () => {
    const database = openDatabase(text, { isReadOnly: true });
    try {
      database.beginRead();
    } finally {
      database.dispose();
    }
  });
});

test('finds a file cut or flipped when it checks or reads it', () => {
  const whole = newFile();
  withDatabase((database) => {
    database.exec('CREATE TABLE t(x); CREATE INDEX i ON t(x)');
    const insert = database.prepare('INSERT INTO t VALUES(?)');
    database.transaction(() => {
      for (let i = 0; i < 5000; i++) insert.run(`row ${i}`);
    });
    assert.equal(database.quickCheck(), undefined);
  }, whole);
  const damages: ((file: string) => void)[] = [
    (file) => cutFile(file, 0.5),
    (file) => flipBit(file, 4096 * 3),
    (file) => flipBit(file, 5),
  ];
  for (const damage of damages) {
    const file = newFile();
    fs.copyFileSync(whole, file);
    damage(file);
    checkDamaged(file);
  }
});

/** Opening, checking or reading all of it fails with the code `index`, or the check names a fault. */
function checkDamaged(file: string): void {
  try {
    withDatabase((database) => assert.notEqual(database.quickCheck(), undefined), file);
  } catch (error) {
    assert.ok(error instanceof NearmissError && error.code === 'index', String(error));
  }
}

test('calls a mistake in SQL a bug', () => {
  withDatabase((database) => assert.throws(() => database.exec('SELEKT 1'), BugError));
});

test('brings an empty file to the newest version once and refuses a newer one', () => {
  const file = newFile();
  withDatabase((database) => {
    migrate(database);
    assert.equal(schemaVersion(database), SCHEMA_VERSION);
    migrate(database);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    checkFailure('version', file, () => migrate(database));
  }, file);
});
