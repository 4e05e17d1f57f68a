/** What happens to an index on a bad day: every failure is one sentence or a whole state, old or new. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import { sample, seededRandom } from '../../../src/base/random';
import { openDatabase } from '../../../src/engine/store/database';
import { removeIndexFiles } from '../../../src/engine/store/indexFiles';
import { checkIndex, openFolderReader, openFolderWriter } from '../../../src/engine/store/store';
import type { Snapshot } from '../../../src/engine/store/types';
import { cutFile, flipBit } from '../../support/faults';
import { indexPaths, putTexts, textsOf, unit } from '../../support/folderIndex';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder } from '../../support/temporaryFolder';

const DOCUMENT_COUNT = 6;
const CHUNK_COUNT = 20;
/** How often a writing process is killed. */
const KILL_COUNT = 12;

if (process.env.WRITE_FOREVER !== undefined) writeForever(process.env.WRITE_FOREVER);
else runTests();

/** In a process of its own: replaces all documents in one transaction, again and again. */
function writeForever(index: string): void {
  const writer = openFolderWriter(index);
  for (let round = 1; ; round++) {
    writer.transaction(() => {
      for (let i = 0; i < DOCUMENT_COUNT; i++) putRound(writer, i, round);
    });
    process.stdout.write('.');
  }
}

function putRound(
  writer: ReturnType<typeof openFolderWriter>,
  document: number,
  round: number,
): void {
  const texts = Array.from({ length: CHUNK_COUNT }, (_, line) => `round ${round} line ${line}`);
  putTexts(writer, `d${document}.ts`, texts, { staticEmbedding: Int8Array.of(127, 0) });
}

/** The round that everything in the snapshot belongs to; fails when it belongs to several. */
function onlyRound(snapshot: Snapshot): number {
  const words = textsOf(snapshot, snapshot.searchWords({ terms: ['round'] }, 1000));
  assert.equal(words.length, DOCUMENT_COUNT * CHUNK_COUNT);
  assert.equal(snapshot.counts.chunkCount, words.length);
  assert.equal(snapshot.paths().length, DOCUMENT_COUNT);
  const statics = textsOf(snapshot, snapshot.searchStatic(unit(1, 0), 1000));
  const rounds = new Set([...words, ...statics].map((text) => Number(text.split(' ')[1])));
  assert.equal(rounds.size, 1, `rounds ${[...rounds].join(', ')}`);
  return [...rounds][0]!;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

function runTests(): void {
  leavesNothing();
  const root = temporaryFolder(after);
  let folderCount = 0;
  const newIndex = (): string => {
    const folder = path.join(root, String(++folderCount));
    fs.mkdirSync(folder);
    return indexPaths(folder).index;
  };

  /** An index of 120 chunks, closed. */
  const madeIndex = (): string => {
    const index = newIndex();
    const writer = openFolderWriter(index);
    for (let i = 0; i < DOCUMENT_COUNT; i++) putRound(writer, i, 1);
    writer.dispose();
    return index;
  };

  /** Everything a search does, on an index that may be damaged. */
  const searchAll = async (index: string): Promise<void> => {
    const reader = openFolderReader(index);
    try {
      await reader.refresh();
      const snapshot = reader.snapshot();
      try {
        const hits = snapshot.searchWords({ terms: ['round', 'line', '7'] }, 50);
        snapshot.chunks(hits.map(({ chunkId }) => chunkId));
        snapshot.searchStatic(unit(1, 0), 50, { path: (name) => name !== 'd1.ts' });
        snapshot.chunksAt('d3.ts', 0, 100);
        snapshot.paths();
        void snapshot.counts;
      } finally {
        snapshot.dispose();
      }
    } finally {
      reader.dispose();
    }
  };

  test('is whole after its writer was killed at any moment', { timeout: 60_000 }, async () => {
    const index = madeIndex();
    const random = seededRandom(5);
    let last = 1;
    for (let kill = 0; kill < KILL_COUNT; kill++) {
      const env = { ...process.env, WRITE_FOREVER: index };
      const child = spawn(process.execPath, [__filename], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await new Promise((resolve) => setTimeout(resolve, random() * 60));
      child.kill('SIGKILL');
      await ended(child);
      const reader = openFolderReader(index);
      await reader.refresh();
      const snapshot = reader.snapshot();
      last = onlyRound(snapshot);
      snapshot.dispose();
      reader.dispose();
    }
    assert.ok(last > 0);
    assert.equal(checkIndex(index), undefined);
    const writer = openFolderWriter(index);
    assert.equal(writer.documents().size, DOCUMENT_COUNT);
    writer.dispose();
  });

  test('shows a reader one round at a time while another process writes', async () => {
    const index = madeIndex();
    const env = { ...process.env, WRITE_FOREVER: index };
    const child = spawn(process.execPath, [__filename], { env, stdio: 'ignore' });
    const reader = openFolderReader(index);
    const seen = new Set<number>();
    const end = performance.now() + 20_000;
    while (seen.size < 5 && performance.now() < end) {
      await reader.refresh();
      const snapshot = reader.snapshot();
      const words = textsOf(snapshot, snapshot.searchWords({ terms: ['round'] }, 1000));
      const rounds = new Set(words.map((text) => text.split(' ')[1]));
      assert.equal(rounds.size, 1);
      assert.equal(words.length, DOCUMENT_COUNT * CHUNK_COUNT);
      seen.add(Number([...rounds][0]));
      snapshot.dispose();
    }
    child.kill('SIGKILL');
    await ended(child);
    reader.dispose();
    assert.ok(seen.size >= 5, 'saw several rounds');
  });

  test('says that another process is writing, and writes when it has ended', async () => {
    const index = madeIndex();
    const other = openDatabase(index);
    other.exec('BEGIN IMMEDIATE');
    const writer = openFolderWriter(index, { busyTimeoutMs: 20 });
    assert.throws(() => putRound(writer, 1, 2), { name: 'NearmissError', code: 'busy' });
    await searchAll(index);
    other.exec('ROLLBACK');
    other.dispose();
    for (let i = 0; i < DOCUMENT_COUNT; i++) putRound(writer, i, 2);
    writer.dispose();
  });

  test('says that the disk is full and keeps what was there', async () => {
    const index = madeIndex();
    const writer = openFolderWriter(index);
    // The writer's own connection is not at hand: a folder that is full is a file that may not grow.
    const before = fs.statSync(index).size;
    const limited = openDatabase(index);
    limited.exec('PRAGMA max_page_count = 1');
    assert.throws(
      () =>
        limited.transaction(() => {
          limited.exec('CREATE TABLE more(x)');
          const fill = limited.prepare('INSERT INTO more VALUES(zeroblob(100000))');
          for (let i = 0; i < 1000; i++) fill.run();
        }),
      { name: 'NearmissError', code: 'diskFull' },
    );
    limited.dispose();
    assert.equal(fs.statSync(index).size, before);
    putRound(writer, 0, 1);
    writer.dispose();
    await searchAll(index);
    assert.equal(checkIndex(index), undefined);
  });

  test('finds or names the fault when any bit is flipped', async () => {
    const whole = madeIndex();
    const bytes = fs.readFileSync(whole);
    const random = seededRandom(11);
    const offsets = sample([...bytes.keys()], 60, random);
    // The first page holds the schema, where a flip does most.
    offsets.push(...sample([...bytes.subarray(0, 4096).keys()], 40, random));
    const index = newIndex();
    for (const offset of offsets) {
      fs.writeFileSync(index, bytes);
      flipBit(index, offset);
      try {
        await searchAll(index);
      } catch (error) {
        checkSentence(error, offset);
      }
      removeIndexFiles(path.dirname(index));
    }
  });

  test('finds or names the fault when the file is cut anywhere', async () => {
    const whole = madeIndex();
    const index = newIndex();
    for (const share of [0, 0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99]) {
      fs.copyFileSync(whole, index);
      cutFile(index, share);
      try {
        await searchAll(index);
      } catch (error) {
        checkSentence(error, share);
      }
      removeIndexFiles(path.dirname(index));
    }
    fs.copyFileSync(whole, index);
    cutFile(index, 0.5);
    assert.match(checkIndex(index) ?? '', /damaged/);
  });

  test('starts over once a damaged index is removed', async () => {
    const index = madeIndex();
    const folder = path.dirname(index);
    fs.writeFileSync(path.join(folder, 'vectors-x.bin'), '');
    fs.writeFileSync(path.join(folder, 'folder.json'), '{}');
    fs.writeFileSync(index, 'no database at all '.repeat(500));
    assert.throws(() => openFolderWriter(index), { name: 'NearmissError', code: 'index' });
    const reader = openFolderReader(index);
    assert.throws(() => reader.snapshot(), { name: 'NearmissError', code: 'index' });
    removeIndexFiles(folder);
    assert.deepEqual(fs.readdirSync(folder), ['folder.json']);
    const writer = openFolderWriter(index);
    for (let i = 0; i < DOCUMENT_COUNT; i++) putRound(writer, i, 3);
    await reader.refresh();
    const snapshot = reader.snapshot();
    assert.equal(onlyRound(snapshot), 3);
    snapshot.dispose();
    reader.dispose();
    writer.dispose();
  });

  test('refuses an index that a newer version wrote, for reading and for writing', () => {
    const index = madeIndex();
    const database = openDatabase(index);
    database.exec('PRAGMA user_version = 99');
    database.dispose();
    const expected = { name: 'NearmissError', code: 'version' };
    assert.throws(() => openFolderWriter(index), expected);
    const reader = openFolderReader(index);
    assert.throws(() => reader.snapshot(), expected);
    reader.dispose();
    assert.match(checkIndex(index) ?? '', /newer version/);
  });

  test('takes an empty file and an index without documents for an empty index', async () => {
    const index = newIndex();
    fs.writeFileSync(index, '');
    await searchAll(index);
    openFolderWriter(index).dispose();
    await searchAll(index);
    removeIndexFiles(path.dirname(index));
    removeIndexFiles(path.join(root, 'none'));
  });
}

/** Damage leaves as an expected failure with advice, never as a bug or a crash. */
function checkSentence(error: unknown, at: number): void {
  assert.ok(error instanceof NearmissError, `${at}: ${String(error)}`);
  assert.ok(error.code === 'index' || error.code === 'version', `${at}: ${error.code}`);
  assert.ok(error.advice, String(at));
}
