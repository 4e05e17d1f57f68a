/** A candidate beside the version that answers: nothing waits for it, and only counts remain. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { silentLogger } from '../../src/base/log';
import { type Asked, Comparing } from '../../src/engine/comparing';
import { type Comparison, readComparison } from '../../src/engine/learning/comparison';
import { VersionStore } from '../../src/engine/learning/versionStore';
import type { Hit, SearchResult } from '../../src/engine/search/types';
import { temporaryFolder } from '../support/temporaryFolder';

const root = temporaryFolder(after);
let count = 0;
// What is compared silently keeps no process alive, and this one has nothing else to do.
const alive = setInterval(() => undefined, 1000);
after(() => clearInterval(alive));

interface Opened {
  readonly comparing: Comparing;
  readonly folder: string;
  readonly goLive: () => void;
  /** Resolves when the counts are as asked. */
  readonly until: (isSo: (counts: Comparison) => boolean) => Promise<Comparison>;
}

function open(how: 'silent' | 'live' | 'off', liveWithinMs = 60_000): Opened {
  const folder = path.join(root, `${count++}`);
  const pair = { current: 'base', candidate: 'c' };
  let isLive = how === 'live';
  const versions = {
    compared: () => (how === 'off' ? undefined : { ...pair, isLive }),
    storeOf: () => new VersionStore(folder),
  };
  const comparing = new Comparing({ versions, log: silentLogger, liveWithinMs });
  after(() => comparing.dispose());
  return {
    ...{ comparing, folder },
    goLive: () => void (isLive = true),
    async until(isSo) {
      for (;;) {
        const counts = await readComparison(folder);
        if (counts && isSo(counts)) return counts;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

function resultOf(...names: string[]): SearchResult {
  const hits = names.map((path): Hit => ({ ...HIT, path }));
  return { hits, tiers: [], noGoodMatch: false, isReranked: true, tookMs: {} };
}

const HIT = {
  ...{ chunkId: 1, span: { start: 0, end: 3 }, window: { start: 0, end: 3 }, symbol: '' },
  ...{ kind: 'code', language: 'ts', text: '', score: 1 },
} as const satisfies Omit<Hit, 'path'>;

const place = (name: string) => ({ path: name, start: 0, end: 3 });

function askedFor(candidate: SearchResult, more: Partial<Asked> = {}): Asked {
  const rankCandidate = () => Promise.resolve(candidate);
  return { id: 'folder', query: 'q', limit: 10, rankCandidate, ...more };
}

/** A candidate that never comes to an end by itself. */
function endless(): { readonly rank: Asked['rankCandidate']; readonly ended: Promise<void> } {
  let end: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const rank = (signal: AbortSignal): Promise<SearchResult> =>
    new Promise((_, reject) => {
      const stop = (): void => {
        reject(signal.reason as Error);
        end();
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop);
    });
  return { rank, ended };
}

test('where nobody is compared the answer is the answer, at once', () => {
  const { comparing } = open('off');
  const result = resultOf('a');
  const rankCandidate = (): never => assert.fail('nobody asks');
  comparing.begun('folder');
  assert.equal(comparing.answered(askedFor(result, { rankCandidate }), result), result);
});

test('silently: the answer is untouched, and counts say where the candidate differs', async () => {
  const { comparing, until, folder } = open('silent');
  const result = resultOf('a', 'b', 'c');
  assert.equal(comparing.answered(askedFor(resultOf('b', 'a', 'c')), result), result);
  await until(({ silent }) => silent.searches === 1);
  await comparing.opened('folder', place('b'));
  // One answer decides once.
  await comparing.opened('folder', place('a'));
  await comparing.opened('folder', place('elsewhere'));
  void comparing.answered(askedFor(resultOf('a', 'b', 'd')), result);
  await until(({ silent }) => silent.searches === 2);
  await comparing.opened('folder', place('c'));
  const { silent } = await until(({ silent: { opened } }) => opened === 2);
  assert.deepEqual(silent, { searches: 2, different: 2, opened: 2, higher: 1, lower: 1 });
  const kept = fs.readFileSync(path.join(folder, 'comparison.json'), 'utf8');
  assert.doesNotMatch(kept, /"q"|elsewhere|path/);
});

test('silently: the candidate steps back as soon as somebody searches', async () => {
  const { comparing, until } = open('silent');
  const { rank, ended } = endless();
  let begin: () => void;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const rankCandidate: Asked['rankCandidate'] = (signal) => {
    begin();
    return rank(signal);
  };
  const result = resultOf('a');
  void comparing.answered(askedFor(result, { rankCandidate }), result);
  await begun;
  comparing.begun('folder');
  await ended;
  void comparing.answered(askedFor(result), result);
  const { silent } = await until(({ silent: { searches } }) => searches > 0);
  assert.deepEqual([silent.searches, silent.different], [1, 0]);
});

test('live: the answer is shown before the mixture comes', async () => {
  const { comparing, until } = open('live');
  const [ours, theirs] = [resultOf('a', 'b'), resultOf('c', 'a')];
  const first: SearchResult[] = [];
  const asked = askedFor(theirs, { onFirst: (result) => first.push(result) });
  const shown = await comparing.answered(asked, ours);
  assert.deepEqual(first, [ours]);
  const names = shown.hits.map(({ path: name }) => name);
  assert.deepEqual([...names].sort(), ['a', 'b', 'c']);
  // Asked again it stands still, and counts once.
  assert.deepEqual(await comparing.answered(asked, ours), shown);
  await comparing.opened('folder', place('c'));
  await comparing.opened('folder', place('c'));
  const { live } = await until(({ live: { wins } }) => wins > 0);
  assert.deepEqual(live, { searches: 1, wins: 1, losses: 0, ties: 0 });
});

test('live: what is typed on does not count, and what nobody opens counts once', async () => {
  const { comparing, until, folder } = open('live');
  const ask = (query: string, ours: SearchResult, theirs: SearchResult) => {
    comparing.begun('folder');
    return comparing.answered(askedFor(theirs, { query, onFirst: () => undefined }), ours);
  };
  await ask('on', resultOf('p', 'q'), resultOf('q', 'p'));
  await ask('one', resultOf('a', 'b'), resultOf('b', 'a'));
  await until(({ live: { searches } }) => searches === 1);
  // The list has become another by an edit, the search has not.
  await ask('one', resultOf('a', 'e'), resultOf('e', 'a'));
  await ask('two', resultOf('c', 'd'), resultOf('d', 'c'));
  await until(({ live: { searches } }) => searches === 2);
  const { live } = (await readComparison(folder))!;
  assert.deepEqual(live, { searches: 2, wins: 0, losses: 0, ties: 0 });
});

test('an opened hit belongs to the answer it was opened from, also where that is not compared', async () => {
  const { comparing, until } = open('live');
  const onFirst = (): void => undefined;
  const ask = (query: string, ours: SearchResult, more: Partial<Asked> = {}) =>
    comparing.answered(askedFor(resultOf('b', 'a'), { query, onFirst, ...more }), ours);
  const fails = (): Promise<SearchResult> => Promise.reject(new Error('no'));
  const late = { rankCandidate: fails };
  const first = await ask('first', resultOf('a', 'b'));
  await ask('second', resultOf('a', 'c'), late);
  // The second answer stands alone, so that this says nothing about the first.
  await comparing.opened('folder', place('a'));
  // Asked again the first is the last one.
  assert.deepEqual(await ask('first', resultOf('a', 'b')), first);
  await comparing.opened('folder', place('a'));
  const { live } = await until(({ live: { wins, losses } }) => wins + losses > 0);
  assert.deepEqual(live, { searches: 1, wins: 0, losses: 1, ties: 0 });
});

test('a question that was compared silently is asked live, and counts as live', async () => {
  const { comparing, until, goLive } = open('silent');
  const [ours, theirs] = [resultOf('a', 'b'), resultOf('c', 'a')];
  void comparing.answered(askedFor(theirs), ours);
  await until(({ silent }) => silent.searches === 1);
  goLive();
  await comparing.answered(askedFor(theirs, { onFirst: () => undefined }), ours);
  await comparing.opened('folder', place('c'));
  const { live, silent } = await until(({ live: { wins } }) => wins > 0);
  assert.deepEqual(live, { searches: 1, wins: 1, losses: 0, ties: 0 });
  assert.equal(silent.opened, 0);
});

test('live: a hit at the same rank in both decides nothing, one of the answer is its own', async () => {
  const { comparing, until } = open('live');
  const onFirst = (): void => undefined;
  const ask = (query: string, theirs: SearchResult, ours: SearchResult) =>
    comparing.answered(askedFor(theirs, { query, onFirst }), ours);
  await ask('one', resultOf('a', 'c'), resultOf('a', 'b'));
  await comparing.opened('folder', place('a'));
  await ask('two', resultOf('x', 'y'), resultOf('b', 'c'));
  await comparing.opened('folder', place('b'));
  const { live } = await until(({ live: { losses } }) => losses > 0);
  assert.deepEqual(live, { searches: 2, wins: 0, losses: 1, ties: 1 });
});

test('live: a candidate that is late or fails leaves the answer as it is, and nothing is counted', async () => {
  const { comparing, folder } = open('live', 1);
  const { rank, ended } = endless();
  const result = resultOf('a');
  const onFirst = (): void => undefined;
  assert.equal(
    await comparing.answered(askedFor(result, { rankCandidate: rank, onFirst }), result),
    result,
  );
  await ended;
  const fails = (): Promise<SearchResult> => Promise.reject(new Error('no'));
  assert.equal(
    await comparing.answered(askedFor(result, { rankCandidate: fails, onFirst }), result),
    result,
  );
  assert.equal(await readComparison(folder), undefined);
});
