/** The engine killed at fifty random moments of indexing, as by a power cut: each later search is right, nothing is lost. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { seededRandom } from '../../src/base/random';
import { productProcesses, waitForNoProcess } from '../support/processes';
import { checkDone, killEngine, runCli, stopEngine } from '../support/product';
import { writeFiles } from '../support/temporaryFolder';
import { makeWorld } from './world';

const world = makeWorld(after);
before(() => world.install());

const killCount = 50;
/** From its first step to after everything is embedded, on a slow and on a fast machine. */
const longestLifeMs = 500;
const fileCount = 120;

/** A file whose words and whose function nobody else has; `version` changes both. */
function contentOf(number: number, version: number): string {
  const functions = Array.from(
    { length: 6 },
    (_, part) => `export function mark${number}v${version}p${part}() {\n  return ${part};\n}\n`,
  );
  return functions.join('\n');
}

test('searches rightly after each of fifty kills, and loses nothing', async () => {
  const random = seededRandom(50);
  const versions = new Map<number, number>();
  const write = (number: number, version: number): void => {
    versions.set(number, version);
    writeFiles(world.code, { [`lib/file${number}.ts`]: contentOf(number, version) });
  };
  for (let number = 0; number < fileCount; number++) write(number, 0);
  for (let kill = 1; kill <= killCount; kill++) {
    const controller = new AbortController();
    const indexing = world.run(['index', '--wait'], { signal: controller.signal });
    // Every fifth dies while everything starts, the others while there is an indexer at work.
    if (kill % 5 !== 0) await indexerStarts();
    await new Promise((resolve) => setTimeout(resolve, random() * longestLifeMs));
    controller.abort();
    await killEngine(world.data);
    await indexing;
    // The client may have started an engine in its last moment.
    await killEngine(world.data);
    for (let edit = 0; edit < 3; edit++) {
      const number = Math.floor(random() * fileCount);
      write(number, (versions.get(number) ?? 0) + 1);
    }
    if (kill % 10 === 0) await checkAllFound(versions);
  }
  await stopEngine(world.data);
  assert.deepEqual(draftsIn(world.data), []);
  const doctor = await world.run(['doctor']);
  assert.equal(doctor.status, 0, doctor.stdout);
});

test('lets two clients that start at once share one engine', async () => {
  const data = world.newData();
  const queries = ['mark1v0p0', 'mark2v0p1', 'refreshToken', 'parse_header'];
  const results = await Promise.all(
    queries.map((query) =>
      runCli(['search', query, '--wait', '--json', '--data', data], {
        cwd: world.code,
        cli: path.join(world.root, 'dist/cli.js'),
      }),
    ),
  );
  results.forEach(checkDone);
  const engines = productProcesses(data).filter(({ command }) => command.includes('engine.js'));
  assert.equal(engines.length, process.platform === 'win32' ? 0 : 1);
});

test('starts over when the engine dies under a search', async () => {
  checkDone(await world.run(['search', 'refreshToken']));
  await killEngine(world.data);
  assert.equal((await world.find('refreshToken', '--limit', '1'))[0], 'src/session.ts');
});

test('leaves no process behind when it was asked to stop', async () => {
  checkDone(await world.run(['search', 'refreshToken']));
  await stopEngine(world.data);
  assert.deepEqual(await waitForNoProcess(world.data), []);
});

async function indexerStarts(): Promise<void> {
  if (process.platform === 'win32') return;
  const end = performance.now() + 10_000;
  while (!productProcesses(world.data).some(({ command }) => command.includes('indexer.js'))) {
    assert.ok(performance.now() < end, 'no indexer came up');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Every file is found by its newest words, and no file by words it no longer has. */
async function checkAllFound(versions: ReadonlyMap<number, number>): Promise<void> {
  checkDone(await world.run(['index', '--wait']));
  const queries = [...versions].flatMap(([number, version]) => [
    { qid: `${number} now`, text: `"mark${number}v${version}p3"` },
    ...(version > 0 ? [{ qid: `${number} before`, text: `"mark${number}v${version - 1}p3"` }] : []),
  ]);
  const file = path.join(world.folder, 'marks.jsonl');
  fs.writeFileSync(file, queries.map((query) => JSON.stringify(query)).join('\n'));
  const result = await world.run(['search', '--queries', file, '--no-rerank', '--limit', '1']);
  checkDone(result);
  const wrong = result.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { qid: string; results: { path: string }[] })
    .filter(({ qid, results }) => {
      const [number, when] = qid.split(' ');
      return (results[0]?.path === `lib/file${number}.ts`) !== (when === 'now');
    });
  assert.deepEqual(wrong, []);
}

/** Half-written files that nobody finished and nobody removed. */
function draftsIn(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tmp$|\.draft$|\.[0-9a-f]{8}$/.test(name));
}
