/** A query to several folders at once, over a stand-in for the engine that answers when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AbortedError, NearmissError } from '../../../src/base/errors';
import type { EngineHost } from '../../../src/clients/extension/engineHost';
import type { WorkspaceResult } from '../../../src/clients/extension/multiRoot';
import { WorkspaceSearch } from '../../../src/clients/extension/searching';
import type { SearchParams } from '../../../src/protocol/methods';
import type { SearchResult } from '../../../src/protocol/types';

type FirstHits = (params: { ticket: number; result: SearchResult }) => void;

interface Asked {
  readonly params: SearchParams;
  readonly answer: (result: SearchResult) => void;
  readonly fail: (error: Error) => void;
}

function answerOf(...paths: string[]): SearchResult {
  const hits = paths.map((path, index) => ({
    rank: index + 1,
    path,
    start: 0,
    end: 1,
    score: 1,
    symbol: '',
    kind: 'code',
    language: 'c',
    snippet: path,
    snippetStart: 0,
    why: '',
  }));
  const rest = { tiers: [], tookMs: { total: 1 }, noGoodMatch: false, notes: [], isReranked: true };
  return { query: 'q', ...rest, hits };
}

class ToyHost {
  readonly asked: Asked[] = [];
  private first: FirstHits | undefined;

  on(_name: string, listener: FirstHits): { dispose(): void } {
    this.first = listener;
    return { dispose: () => undefined };
  }

  ask(_method: string, params: SearchParams): Promise<SearchResult> {
    return new Promise((answer, fail) => this.asked.push({ params, answer, fail }));
  }

  sayFirst(of: Asked, result: SearchResult): void {
    this.first?.({ ticket: of.params.ticket!, result });
  }
}

interface Play {
  readonly host: ToyHost;
  readonly firsts: string[][];
  readonly result: Promise<WorkspaceResult>;
  readonly controller: AbortController;
}

async function play(folders: readonly string[], changedOnly = false): Promise<Play> {
  const host = new ToyHost();
  const search = new WorkspaceSearch(host as unknown as EngineHost, {
    folders: () => folders.map((path) => ({ path, name: path })),
    overlays: (folder) => [{ path: 'open.ts', text: `unsaved in ${folder}` }],
    changedPaths: (folder) => Promise.resolve([`${folder}.ts`]),
    unsavedText: () => undefined,
  });
  const firsts: string[][] = [];
  const controller = new AbortController();
  const query = { query: 'q', limit: 10, rerank: true, changedOnly };
  const result = search.search(query, controller.signal, (early) =>
    firsts.push(early.hits.map(({ path }) => path)),
  );
  await new Promise(setImmediate);
  return { host, firsts, result, controller };
}

async function pathsOf(result: Promise<WorkspaceResult>): Promise<string[]> {
  return (await result).hits.map(({ folder, path }) => `${folder}/${path}`);
}

test('shows fused hits first and the re-ranked ones as the answer', async () => {
  const { host, firsts, result } = await play(['one']);
  host.sayFirst(host.asked[0]!, answerOf('b', 'a'));
  host.asked[0]!.answer(answerOf('a', 'b'));
  assert.deepEqual(await pathsOf(result), ['one/a', 'one/b']);
  assert.deepEqual(firsts, [['b', 'a']]);
});

test('waits with first hits until every folder has some, and gives none after the answer', async () => {
  const { host, firsts, result } = await play(['one', 'two']);
  const [one, two] = host.asked;
  host.sayFirst(one!, answerOf('a'));
  assert.deepEqual(firsts, []);
  host.sayFirst(two!, answerOf('b'));
  assert.equal(firsts.length, 1);
  one!.answer(answerOf('a'));
  two!.answer(answerOf('b'));
  assert.deepEqual(await pathsOf(result), ['one/a', 'two/b']);
  const told = firsts.length;
  host.sayFirst(one!, answerOf('late'));
  assert.equal(firsts.length, told);
});

test('takes the final hits of a quick folder for its first ones', async () => {
  const { host, firsts, result } = await play(['one', 'two']);
  const [one, two] = host.asked;
  one!.answer(answerOf('a'));
  await new Promise(setImmediate);
  host.sayFirst(two!, answerOf('b'));
  assert.deepEqual(firsts, [['a', 'b']]);
  two!.answer(answerOf('b'));
  await result;
});

test('answers without a folder that fails, says why, and fails where all do', async () => {
  const { host, result } = await play(['one', 'two']);
  host.asked[0]!.fail(new NearmissError('index', 'The index of one is damaged'));
  host.asked[1]!.answer(answerOf('b'));
  assert.deepEqual((await result).notes, ['The index of one is damaged']);
  const other = await play(['one']);
  other.host.asked[0]!.fail(new NearmissError('index', 'It is damaged'));
  await assert.rejects(other.result, /It is damaged/);
});

test('lets an abort through, whatever else happened', async () => {
  const { host, result } = await play(['one', 'two']);
  host.asked[0]!.fail(new NearmissError('index', 'broken'));
  host.asked[1]!.fail(new AbortedError());
  await assert.rejects(result, { name: 'AbortError' });
});

test('adds to each folder its own unsaved text, and its changed files when asked', async () => {
  const { host, result } = await play(['one', 'two'], true);
  assert.deepEqual(
    host.asked.map(({ params }) => [params.folder, params.overlays?.[0]?.text, params.onlyPaths]),
    [
      ['one', 'unsaved in one', ['one.ts']],
      ['two', 'unsaved in two', ['two.ts']],
    ],
  );
  assert.equal('changedOnly' in host.asked[0]!.params, false);
  for (const { answer } of host.asked) answer(answerOf());
  await result;
});
