/** Unsaved buffers: cut and embedded by the engine, then searched by clients in place of the saved text. */
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { EngineClient } from '../../src/clients/engineClient';
import { silentLogger } from '../../src/base/log';
import { Overlays } from '../../src/engine/overlays';
import type { SearchParams } from '../../src/protocol/methods';
import type { SearchHit } from '../../src/protocol/types';
import { makeWorld } from '../badDays/world';
import { openFolder, type OpenFolder } from '../support/openFolder';
import { writeFiles } from '../support/temporaryFolder';
import { TOY_SPACE, toyEmbedder, toySplitters } from '../support/toyIndexing';

const world = makeWorld(after);
let client: EngineClient;
let folder: OpenFolder;
const splitters = toySplitters();

before(async () => {
  folder = await openFolder({ 'a.ts': functions(12), 'b.ts': 'export const b = 1;\n' });
  await world.install();
  writeFiles(world.code, { '.gitignore': 'hidden.ts\n', 'hidden.ts': 'export const h = 1;\n' });
  const engineFile = path.join(world.root, 'dist/engine.js');
  client = new EngineClient({ dataFolder: world.data, engineFile, client: 'test' });
  await client.call('index', { folder: world.code, waitFor: 'all' });
});
after(async () => {
  client.dispose();
  await folder.close();
  await splitters.dispose();
});

function functions(count: number, name = 'part'): string {
  return Array.from(
    { length: count },
    (_, index) => `export function ${name}${index}() {\n${`  tell(${index});\n`.repeat(20)}}\n`,
  ).join('\n');
}

function openOverlays(): { overlays: Overlays; splitCount: () => number } {
  let count = 0;
  const overlays = new Overlays({
    splitters: {
      version: () => splitters.version(),
      async splitter() {
        count++;
        return splitters.splitter();
      },
      dispose: () => undefined,
    },
    maxFileBytes: 100_000,
    log: silentLogger,
    cutWithinMs: 60_000,
  });
  return { overlays, splitCount: () => count };
}

test('embeds nothing again that is stored, and a few new chunks with each search', async () => {
  const { overlays, splitCount } = openOverlays();
  const embedder = toyEmbedder();
  const stored = folder.snapshot.chunksAt('a.ts', 0, 9999).length;
  const same = await overlays.over(
    folder.snapshot,
    [{ path: 'a.ts', text: functions(12) }],
    embedder,
  );
  assert.deepEqual(embedder.texts, []);
  assert.equal(same.counts.embeddedCount, same.counts.chunkCount);
  const all = { path: 'a.ts', text: functions(12, 'other') };
  const lacking: number[] = [];
  for (let search = 0; search < 3; search++) {
    const { counts } = await overlays.over(folder.snapshot, [all], embedder);
    lacking.push(counts.chunkCount - counts.embeddedCount);
  }
  assert.ok(stored > 8);
  assert.deepEqual(lacking, [stored - 8, Math.max(0, stored - 16), 0]);
  assert.equal(new Set(embedder.texts).size, stored);
  assert.equal(embedder.texts.length, stored, 'each once');
  assert.equal(splitCount(), 2, 'a buffer that stays is cut once');
});

test('takes secrets out of a buffer and leaves out what the index does not hold', async () => {
  const { overlays } = openOverlays();
  const key = `AKIA${'IOSFODNN7EXAMPL2'}`;
  const view = await overlays.over(
    folder.snapshot,
    [
      { path: 'b.ts', text: `\uFEFFexport const key = '${key}';\r\nexport const c = 2;\r\n` },
      { path: '.env', text: 'SECRET=1\n' },
    ],
    toyEmbedder(),
  );
  assert.deepEqual(view.chunksAt('.env', 0, 9), []);
  const [chunk] = view.chunksAt('b.ts', 0, 9);
  assert.equal(chunk!.text, "export const key = '[redacted]';\nexport const c = 2;");
});

test('searches the stored text where a buffer cannot be cut, or is too long', async () => {
  const failing = new Overlays({
    splitters: {
      version: () => splitters.version(),
      splitter: () => Promise.reject(new Error('no thread')),
      dispose: () => undefined,
    },
    maxFileBytes: 100,
    log: silentLogger,
  });
  for (const text of ['short', 'long'.repeat(100)]) {
    const view = await failing.over(folder.snapshot, [{ path: 'b.ts', text }], undefined);
    assert.equal(view, folder.snapshot);
  }
});

test('cuts by lines while the splitter is not there yet, and by syntax once it is', async () => {
  let letGo: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (letGo = resolve));
  const late = new Overlays({
    splitters: {
      version: () => splitters.version(),
      splitter: () => ready.then(() => splitters.splitter()),
      dispose: () => undefined,
    },
    maxFileBytes: 100_000,
    log: silentLogger,
    cutWithinMs: 1,
  });
  const embedder = toyEmbedder();
  const symbols = async (): Promise<string[]> => {
    const buffer = { path: 'b.ts', text: functions(2, 'late') };
    const view = await late.over(folder.snapshot, [buffer], embedder);
    assert.equal(view.searchWords({ terms: ['late1'] }, 9).length, 1);
    return view.chunksAt('b.ts', 0, 99).map(({ symbol }) => symbol);
  };
  assert.deepEqual(new Set(await symbols()), new Set(['']));
  assert.deepEqual(embedder.texts, [], 'what is cut in haste is not worth an embedding');
  // A mark would stand on wrong lines if it took what was cut in haste.
  const buffer = { path: 'b.ts', text: functions(2, 'late') };
  const exact = late.overExactly(folder.snapshot, [buffer]);
  letGo();
  const named = (await exact).chunksAt('b.ts', 0, 99).map(({ symbol }) => symbol);
  assert.deepEqual(named, ['late0', 'late1']);
  while ((await symbols()).includes('')) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(await symbols(), ['late0', 'late1']);
});

test('gives one embedding of a selection that is not saved', async () => {
  const { overlays } = openOverlays();
  const vector = await overlays.embedText({ path: 'a.ts', text: functions(3) }, toyEmbedder());
  assert.equal(vector?.length, TOY_SPACE.dimension);
  assert.ok(Math.abs(vector!.reduce((sum, value) => sum + value * value, 0) - 1) < 1e-5);
  assert.equal(await overlays.embedText({ path: 'a.ts', text: '' }, toyEmbedder()), undefined);
  assert.equal(await overlays.embedText({ path: 'a.ts', text: 'x' }, undefined), undefined);
});

function ask(query: string, more: Partial<SearchParams> = {}): Promise<readonly SearchHit[]> {
  const params = { folder: world.code, query, limit: 10, rerank: true, ...more };
  return client.call('search', params).then(({ hits }) => hits);
}

const buffer = `// A line that is not saved.

export function pourTeapot(cup: string): string {
  return cup;
}
`;

test('finds what an editor has not saved, at the lines of its buffer', async () => {
  const overlays = [{ path: path.join(world.code, 'src/session.ts'), text: buffer }];
  assert.deepEqual(
    (await ask('pourTeapot', { overlays })).map(({ path: file, start, end, snippet }) => ({
      file,
      start,
      end,
      hasText: snippet.includes('pourTeapot(cup'),
    }))[0],
    { file: 'src/session.ts', start: 0, end: 5, hasText: true },
  );
  const old = (await ask('refreshToken', { overlays })).filter(
    (hit) => hit.path === 'src/session.ts' && hit.snippet.includes('refreshToken'),
  );
  assert.deepEqual(old, []);
  assert.equal((await ask('refreshToken'))[0]?.path, 'src/session.ts');
  assert.ok(!(await ask('pourTeapot')).some(({ snippet }) => snippet.includes('pourTeapot')));
});

test('never searches the buffer of an ignored file, nor one outside the folder', async () => {
  const overlays = [{ path: 'hidden.ts', text: buffer }];
  assert.ok(!(await ask('pourTeapot', { overlays })).some((hit) => hit.path === 'hidden.ts'));
  const outside = [{ path: '../elsewhere.ts', text: buffer }];
  await assert.rejects(ask('pourTeapot', { overlays: outside }), { code: 'outsideFolder' });
});

test('answers from exactly the paths asked for, and more of one file when asked', async () => {
  const pathsOf = (hits: readonly SearchHit[]): string[] => hits.map((hit) => hit.path);
  const onlyPaths = ['README.md', 'src/parse.py'];
  assert.deepEqual(new Set(pathsOf(await ask('a', { onlyPaths }))), new Set(onlyPaths));
  assert.deepEqual(pathsOf(await ask('a', { onlyPaths: [] })), []);
  const both = { onlyPaths, paths: ['*.py'] };
  assert.deepEqual(pathsOf(await ask('a', both)), ['src/parse.py']);
  const overlays = [{ path: 'src/session.ts', text: functions(8) }];
  const ofFile = async (perFile?: number): Promise<number> =>
    (await ask('part tell', { overlays, perFile, limit: 50 })).filter(
      (hit) => hit.path === 'src/session.ts',
    ).length;
  assert.equal(await ofFile(), 3);
  // Until its splitter has started, the engine takes fewer, longer chunks.
  while ((await ofFile(50)) < 8) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await ofFile(6), 6);
});

test('finds the like of lines that are not saved', async () => {
  const params = { folder: world.code, path: 'src/session.ts', start: 0, end: 4, limit: 5 };
  const text = 'def parse_header(line):\n    name, value = line.split(":", 1)\n';
  const { hits } = await client.call('similar', { ...params, text });
  assert.ok(hits.length > 0);
  assert.ok(!hits.some((hit) => hit.path === 'src/session.ts'));
  const beyond = { ...params, start: 500, end: 510 };
  assert.ok((await client.call('similar', { ...beyond, text })).hits.length > 0);
  await assert.rejects(client.call('similar', beyond), { code: 'notFound' });
});
