/**
 * The indexing of a folder is killed at fifty moments, with edits in between. After each kill the index must
 * open and answer; in the end it must equal one that was made in peace. The killed process is this same file,
 * started with a folder in its environment.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { type Random, seededRandom } from '../../../src/base/random';
import { openFolderReader } from '../../../src/engine/store/store';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';
import {
  contentsOf,
  hashVector,
  look,
  pathsWith,
  plainSplitters,
  settle,
  startIndexing,
  TOY_SPACE,
  toyEmbedder,
} from '../../support/toyIndexing';

const killCount = 50;
const fileCount = 40;
/** A whole pass tells of about so many steps; a kill comes after one of them, and a moment later. */
const stepCount = 12;
const longestMomentMs = 20;

const childFolder = process.env.NEARMISS_KILLED_INDEXING;

if (childFolder === undefined) {
  leavesNothing();
  test('leaves a right index when it is killed at fifty moments', { timeout: 120_000 }, survives);
} else {
  const child = startIndexing(path.join(childFolder, 'folder'), path.join(childFolder, 'data'), {
    embedder: toyEmbedder(2),
    splitters: plainSplitters,
  });
  child.indexer.onEvent(({ type }) => process.send?.(type));
  // What has done everything waits to be killed.
  setInterval(() => undefined, 60_000);
}

async function survives(): Promise<void> {
  const root = temporaryFolder(after);
  const folder = path.join(root, 'folder');
  const random = seededRandom(3);
  for (let i = 0; i < fileCount; i++) writeFile(folder, i, 0);
  let doneCount = 0;
  for (let round = 1; round <= killCount; round++) {
    const lastStep = Math.floor(random() * stepCount);
    doneCount += await runAndKill(root, lastStep, random() * longestMomentMs);
    checkAnswers(path.join(root, 'data'));
    // Edits come in bursts, so that some passes get further than others.
    if (round % 4 === 0) changeFiles(folder, round, random);
  }
  assert.ok(0 < doneCount && doneCount < killCount, `${doneCount} were killed when all was done`);
  settle(folder);
  await checkEqualsFresh(root);
}

function writeFile(folder: string, index: number, version: number): void {
  const name = `src/part${index}.ts`;
  const lines = Array.from(
    { length: 8 },
    (_, i) => `export function part${index}v${version}n${i}(): number {\n  return ${i};\n}\n`,
  );
  writeFiles(folder, { [name]: lines.join('\n') });
}

function changeFiles(folder: string, round: number, random: Random): void {
  for (let i = 0; i < 20; i++) {
    const index = Math.floor(random() * fileCount);
    if (random() < 0.8) writeFile(folder, index, round);
    else fs.rmSync(path.join(folder, `src/part${index}.ts`), { force: true });
  }
}

/**
 * Lets a child index until it told of so many steps, or of the last one, and for a moment longer; kills it,
 * and gives 1 when it had done everything.
 */
async function runAndKill(root: string, lastStep: number, momentMs: number): Promise<number> {
  const child = fork(__filename, [], {
    env: { ...process.env, NEARMISS_KILLED_INDEXING: root, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const steps: unknown[] = [];
  await new Promise<void>((resolve, reject) => {
    child.on('message', (step) => {
      steps.push(step);
      if (steps.length > lastStep || step === 'done') resolve();
    });
    child.once('exit', (code) => reject(new Error(`The child ended with ${code}`)));
  });
  await new Promise((resolve) => setTimeout(resolve, momentMs));
  child.kill('SIGKILL');
  await exited;
  return steps.includes('done') ? 1 : 0;
}

/** Whatever is there is whole: each document has chunks, each word leads to the file that has it. */
function checkAnswers(data: string): void {
  const files = {
    embeddingsFile: path.join(data, 'embeddings.db'),
    spaceId: TOY_SPACE.id,
  };
  const reader = openFolderReader(path.join(data, 'index', 'index.db'), files);
  const snapshot = reader.snapshot();
  try {
    for (const name of snapshot.paths()) {
      const chunks = snapshot.chunksAt(name, 0, 1e6);
      assert.ok(chunks.length > 0, name);
      const word = /part\d+v\d+n0/.exec(chunks[0]!.text)?.[0];
      assert.ok(word, name);
      assert.deepEqual(pathsWith(snapshot, word), [name]);
    }
  } finally {
    snapshot.dispose();
    reader.dispose();
  }
}

/** Lets the survivor finish, and compares it with an index made anew. */
async function checkEqualsFresh(root: string): Promise<void> {
  const folder = path.join(root, 'folder');
  const splitters = plainSplitters;
  const survivor = startIndexing(folder, path.join(root, 'data'), { splitters });
  const fresh = startIndexing(folder, path.join(root, 'fresh'), { splitters });
  try {
    await Promise.all([survivor.next('done'), fresh.next('done')]);
    assert.deepEqual(await look(survivor, contentsOf), await look(fresh, contentsOf));
    const query = hashVector('a query');
    const best = (indexing: typeof fresh) =>
      look(indexing, (snapshot) => {
        const found = snapshot.searchVectors(TOY_SPACE.id, query, 20);
        const rows = snapshot.chunks(found.map(({ chunkId }) => chunkId));
        return rows.map(({ path: name, span }) => `${name}:${span.start}`);
      });
    const expected = await best(fresh);
    assert.equal(expected.length, 20);
    assert.deepEqual(await best(survivor), expected);
  } finally {
    await Promise.all([survivor.stop(), fresh.stop()]);
  }
}
