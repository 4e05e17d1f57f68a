/**
 * What marks do to an answer, on a real index, with the fixed number of re-ranked candidates. Query embeddings
 * here are hand-made, so that a reader can verify each cosine.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { normalize } from '../../../src/base/vector';
import type { Embedder, Reranker } from '../../../src/engine/encoders/types';
import { FOLD, type SearchMark } from '../../../src/engine/search/marks';
import { search } from '../../../src/engine/search/search';
import { findSimilar } from '../../../src/engine/search/similar';
import type { Hit, SearchRequest, SearchResult } from '../../../src/engine/search/types';
import type { Snapshot } from '../../../src/engine/store/types';
import { hashVector, TOY_SPACE, toyEmbedder } from '../../support/toyIndexing';
import { openFolder, type OpenFolder } from '../../support/openFolder';

/** 24 files that mention uploads, four functions of one file, and one file that says nothing of them. */
const files = {
  ...Object.fromEntries(
    Array.from({ length: 24 }, (_, index) => [
      `src/part${index}.ts`,
      `export function part${index}() {\n  return 'retry upload ${'again '.repeat(index % 5)}${index}';\n}\n`,
    ]),
  ),
  'src/retryUpload.ts': Array.from(
    { length: 4 },
    (_, index) =>
      `/** Retry an upload, way ${index}. */\nexport function retryUpload${index}() {\n${'  retry(upload);\n'.repeat(30)}}\n`,
  ).join('\n'),
  'docs/tea.md': '# Tea\n\nHow to boil water.\n',
};

let folder: OpenFolder;
before(async () => {
  folder = await openFolder(files);
});
after(() => folder.close());

/** Base embeddings of queries: one direction, and others at a known cosine to it. */
const queryVectors: Readonly<Record<string, Float32Array>> = {
  'retry upload': atCosine(1),
  'upload retrying': atCosine(0.97),
  'uploads again': atCosine(0.91),
  'upload something': atCosine(0.89),
};

function atCosine(cosine: number): Float32Array {
  const vector = new Float32Array(TOY_SPACE.dimension);
  vector[0] = cosine;
  vector[1] = Math.sqrt(1 - cosine * cosine);
  return normalize(vector);
}

const embedder: Embedder = {
  ...toyEmbedder(),
  embedQuery: async (text) => queryVectors[text.toLowerCase()] ?? hashVector(text),
};

/** Likes long texts: reorders what it reads. */
const reranker: Reranker = {
  fingerprint: 'likes long texts',
  score: async (_query, texts) => Float32Array.from(texts, (text) => text.length / 50),
  dispose() {},
};

function ask(
  query: string,
  marks?: readonly SearchMark[],
  more: Partial<SearchRequest> = {},
): Promise<SearchResult> {
  const context = {
    snapshot: folder.snapshot,
    embedder,
    reranker,
    marks,
    weights: { rerank: 0.4 },
  };
  const request = { query, limit: 100, rerank: true, rerankCount: 30, explain: true, ...more };
  return search(context, request);
}

let count = 0;
function markOn(chunkId: number, more: Partial<SearchMark> = {}): SearchMark {
  const query = more.query ?? 'retry upload';
  return {
    id: `m${count++}`,
    verdict: 'notRelevant',
    isWeak: false,
    time: `2026-11-25T12:00:${String(count % 60).padStart(2, '0')}.000Z`,
    setFor: `“${query}”`,
    query,
    vector: queryVectors[query],
    chunk: () => chunkId,
    ...more,
  };
}

function idsOf({ hits }: SearchResult): number[] {
  return hits.map((hit) => hit.chunkId);
}

/** All but the times, which no run repeats. */
function withoutTimes(result: SearchResult): object {
  return { ...result, tookMs: undefined };
}

function rankOf(result: SearchResult, chunkId: number): number {
  return idsOf(result).indexOf(chunkId) + 1;
}

for (const rerank of [true, false]) {
  test(`sinks each of the first ten below the fold when it is marked, ${rerank ? '' : 'not '}re-ranked`, async () => {
    const unmarked = await ask('retry upload', undefined, { rerank });
    for (const { chunkId } of unmarked.hits.slice(0, FOLD)) {
      const marked = await ask('retry upload', [markOn(chunkId)], { rerank });
      assert.ok(rankOf(marked, chunkId) > FOLD, `rank ${rankOf(marked, chunkId)}`);
      assert.deepEqual(
        idsOf(marked).filter((id) => id !== chunkId && idsOf(unmarked).includes(id)),
        idsOf(unmarked).filter((id) => id !== chunkId),
        'other hits keep their order',
      );
      checkScores(marked);
    }
  });
}

test('sinks all of the first ten at once, and what was eleventh comes first', async () => {
  const unmarked = idsOf(await ask('retry upload'));
  const marks = unmarked.slice(0, FOLD).map((id) => markOn(id));
  const marked = idsOf(await ask('retry upload', marks, { limit: FOLD }));
  assert.equal(marked[0], unmarked[FOLD]);
  assert.equal(marked.filter((id) => unmarked.slice(0, FOLD).includes(id)).length, 0);
});

test('keeps a sunk hit in the last place of the page it was on, where the page goes below the fold', async () => {
  const limit = FOLD + 2;
  const unmarked = idsOf(await ask('retry upload', undefined, { limit }));
  const [first, second, third] = unmarked;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const one = idsOf(await ask('retry upload', [markOn(first)], { limit }));
  assert.deepEqual(one, [...unmarked.slice(1), first]);
  const marks = [first, second, third].map((id) => markOn(id));
  const three = idsOf(await ask('retry upload', marks, { limit }));
  assert.deepEqual(three.slice(0, FOLD - 1), unmarked.slice(3), 'the fold is whole');
  assert.deepEqual(new Set(three.slice(FOLD)), new Set([first, second]), 'room for two');
  assert.equal(three.length, limit);
  const last = (await ask('retry upload')).hits.at(-1)!.chunkId;
  const none = idsOf(await ask('retry upload', [markOn(last)], { limit }));
  assert.deepEqual(none, unmarked, 'what was on no page comes on none');
});

test('puts a sunk hit last where there are fewer than ten others', async () => {
  const unmarked = await ask('boil water path:docs');
  const [tea] = unmarked.hits;
  const marked = await ask('boil water', [markOn(tea!.chunkId, { query: 'boil water' })], {
    filter: { path: (path) => path.startsWith('docs/') || path === 'src/part1.ts' },
  });
  assert.equal(marked.hits.at(-1)?.path, 'docs/tea.md');
  assert.ok(marked.hits.length > 1);
});

test('raises what is marked relevant to the top, also what was not among the hits', async () => {
  const unmarked = await ask('retry upload');
  for (const chunkId of [unmarked.hits[5]!.chunkId, unmarked.hits.at(-1)!.chunkId]) {
    const marked = await ask('retry upload', [markOn(chunkId, { verdict: 'relevant' })]);
    assert.equal(rankOf(marked, chunkId), 1);
    checkScores(marked);
  }
  const tea = folder.snapshot.chunksAt('docs/tea.md', 0, 9)[0]!.id;
  const narrow = { limit: 5, filter: { languages: new Set(['markdown']) } };
  const mark = markOn(tea, { verdict: 'relevant' });
  assert.equal((await ask('retry upload', [mark])).hits[0]?.chunkId, tea);
  assert.equal((await ask('retry upload', [mark], narrow)).hits[0]?.chunkId, tea);
  const other = { filter: { languages: new Set(['typescript']) } };
  assert.equal(rankOf(await ask('retry upload', [mark], other), tea), 0, 'filters come first');
});

test('shows a further chunk of a file in place of one that was sunk', async () => {
  const isOfFile = (hit: Hit): boolean => hit.path === 'src/retryUpload.ts';
  const unmarked = (await ask('retry upload', undefined, { perFile: 2 })).hits.filter(isOfFile);
  const mark = markOn(unmarked[0]!.chunkId);
  const marked = (await ask('retry upload', [mark], { perFile: 2 })).hits.filter(isOfFile);
  assert.equal(unmarked.length, 2);
  assert.equal(marked.length, 3);
  assert.equal(marked.filter(({ chunkId }) => chunkId !== unmarked[0]!.chunkId).length, 2);
});

test('counts for the query however it is typed, and whatever filters stand beside it', async () => {
  const [first] = (await ask('retry upload')).hits;
  const marks = [markOn(first!.chunkId)];
  for (const query of ['Retry  UPLOAD', ' retry upload ', 'retry upload lang:ts', 'ｒetry upload'])
    assert.ok(rankOf(await ask(query, marks), first!.chunkId) > FOLD, query);
});

test('counts for close paraphrases, the more the closer', async () => {
  const [first] = (await ask('retry upload')).hits;
  const raised = async (query: string): Promise<number> => {
    const { hits } = await ask(query, [markOn(first!.chunkId, { verdict: 'relevant' })]);
    // Where the mark does not count, the chunk need not be among the hits at all.
    const hit = hits.find(({ chunkId }) => chunkId === first!.chunkId);
    if (!hit?.mark) return 0;
    const part = hit.explain!.find(({ name }) => name === 'your marks');
    const top = Math.max(...(await ask(query)).hits.map((hit) => hit.score));
    return part!.contribution / top;
  };
  const gains = [await raised('retry upload'), await raised('upload retrying')];
  gains.push(await raised('uploads again'), await raised('upload something'));
  assert.deepEqual(
    gains.map((gain) => gain.toFixed(2)),
    // 1.25 times (.25 + .75 times the share of the way from cosine .9 to 1); nothing below .9.
    ['1.25', '0.97', '0.41', '0.00'],
  );
  for (const query of ['upload retrying', 'uploads again']) {
    const marked = await ask(query, [markOn(first!.chunkId)]);
    assert.ok(rankOf(marked, first!.chunkId) > FOLD, query);
  }
});

test('leaves other queries as they were, bit for bit', async () => {
  const { hits } = await ask('retry upload');
  const marks = hits.map(({ chunkId }, index) =>
    markOn(chunkId, { verdict: index % 2 ? 'relevant' : 'notRelevant' }),
  );
  for (const query of ['upload something', 'part3', 'boil water', 'retry', 'src/part1.ts', ''])
    assert.deepEqual(
      withoutTimes(await ask(query, marks)),
      withoutTimes(await ask(query)),
      `"${query}"`,
    );
});

test('takes a name for exact: a mark on one says nothing of another spelled like it', async () => {
  const vector = atCosine(1);
  const alike: Embedder = { ...embedder, embedQuery: async () => vector };
  const context = { snapshot: folder.snapshot, embedder: alike };
  const request = { query: 'retryUpload1', limit: 50, rerank: false };
  const before = await search(context, request);
  const marks = [markOn(before.hits[0]!.chunkId, { query: 'retryupload2', vector })];
  const marked = await search({ ...context, marks }, request);
  assert.deepEqual(withoutTimes(marked), withoutTimes(before));
});

test('has the order exactly back when the mark is taken back', async () => {
  const before = await ask('retry upload');
  const marks = before.hits.slice(0, 3).map(({ chunkId }) => markOn(chunkId));
  assert.notDeepEqual(idsOf(await ask('retry upload', marks)), idsOf(before));
  assert.deepEqual(withoutTimes(await ask('retry upload', [])), withoutTimes(before));
});

test('names the mark, and its part adds up with the others', async () => {
  const [first, second] = (await ask('retry upload')).hits;
  const marks = [
    markOn(first!.chunkId),
    markOn(second!.chunkId, { verdict: 'relevant', query: 'upload retrying' }),
  ];
  const { hits } = await ask('retry upload', marks);
  for (const hit of hits) {
    const sum = hit.explain!.reduce((total, part) => total + part.contribution, 0);
    assert.ok(Math.abs(sum - hit.score) < 1e-9, `${hit.path}: ${sum} is not ${hit.score}`);
  }
  const saidOf = (chunkId: number): string | undefined =>
    hits.find((hit) => hit.chunkId === chunkId)?.explain?.find((part) => part.name === 'your marks')
      ?.sentence;
  assert.equal(
    saidOf(first!.chunkId),
    'you marked it not relevant for “retry upload” on 2026-11-25',
  );
  assert.equal(
    saidOf(second!.chunkId),
    'you marked it relevant for “upload retrying” on 2026-11-25, which is close to this (cosine 0.97)',
  );
});

test('lets the closer mark decide, then the later one, and a judged one before an opened one', async () => {
  const [first] = (await ask('retry upload')).hits;
  const on = (more: Partial<SearchMark>): SearchMark => markOn(first!.chunkId, more);
  const down = on({});
  const up = on({ verdict: 'relevant' });
  const nearUp = on({ verdict: 'relevant', query: 'upload retrying' });
  const opened = on({ verdict: 'relevant', isWeak: true, time: '2026-12-01T00:00:00.000Z' });
  const deciding = async (...marks: SearchMark[]): Promise<string | undefined> =>
    (await ask('retry upload', marks)).hits.find(({ chunkId }) => chunkId === first!.chunkId)?.mark
      ?.mark.id;
  assert.equal(await deciding(down, nearUp), down.id);
  assert.equal(await deciding(down, up), up.id);
  assert.equal(await deciding(up, down), up.id);
  assert.equal(await deciding(opened, down), down.id);
});

test('counts for the same words where nothing can be embedded', async () => {
  const context = { snapshot: folder.snapshot };
  const request = { query: 'retry upload', limit: 50, rerank: false };
  const [first] = (await search(context, request)).hits;
  const marks = [markOn(first!.chunkId, { vector: undefined })];
  assert.ok(rankOf(await search({ ...context, marks }, request), first!.chunkId) > FOLD);
});

test('does not use a mark whose code is gone', async () => {
  const before = await ask('retry upload');
  const marks = [markOn(before.hits[0]!.chunkId, { chunk: () => undefined })];
  assert.deepEqual(withoutTimes(await ask('retry upload', marks)), withoutTimes(before));
});

test('no longer says that nothing answers when one hit was marked relevant for the query', async () => {
  const { snapshot } = folder;
  const query = 'supersonic wing upload';
  const request = { query, limit: 10, rerank: false };
  const before = await search({ snapshot }, request);
  assert.equal(before.noGoodMatch, true);
  const mark = markOn(before.hits[0]!.chunkId, { verdict: 'relevant', query });
  assert.equal((await search({ snapshot, marks: [mark] }, request)).noGoodMatch, false);
  const wrong = before.hits.map(({ chunkId }) => markOn(chunkId, { query }));
  assert.equal((await search({ snapshot, marks: wrong }, request)).noGoodMatch, true);
});

test('moves places like a span by marks that were set for it, and no others', async () => {
  const { snapshot } = folder;
  const source = snapshot.chunksAt('src/part1.ts', 0, 3)[0]!;
  const like = (marks: readonly SearchMark[], path = 'src/part1.ts'): SearchResult =>
    findSimilar({ snapshot, embedder, marks }, { path, span: { start: 0, end: 3 }, limit: 20 });
  const before = like([]);
  const [first, , third] = before.hits;
  const of = (chunkId: number, verdict: SearchMark['verdict']): SearchMark =>
    markOn(chunkId, { verdict, query: undefined, vector: undefined, source: () => source.id });
  const marks = [of(first!.chunkId, 'notRelevant'), of(third!.chunkId, 'relevant')];
  const marked = like(marks);
  assert.equal(marked.hits[0]?.chunkId, third!.chunkId);
  assert.ok(rankOf(marked, first!.chunkId) > FOLD);
  assert.match(marked.hits[0]!.explain![0]!.sentence, /^you marked it relevant for/);
  checkScores(marked);
  assert.deepEqual(withoutTimes(like([])), withoutTimes(before));
  const other = 'src/part2.ts';
  assert.deepEqual(withoutTimes(like(marks, other)), withoutTimes(like([], other)));
  // A mark of a query has nothing to say about places like a span.
  assert.deepEqual(withoutTimes(like([markOn(first!.chunkId)])), withoutTimes(before));
});

/** Scores never rise with rank. */
function checkScores({ hits }: SearchResult): void {
  hits.forEach((hit, at) => assert.ok(at === 0 || hit.score <= hits[at - 1]!.score, `rank ${at}`));
}

test('asks nothing of the index where there are no marks', async () => {
  let asked = 0;
  const snapshot: Snapshot = new Proxy(folder.snapshot, {
    get(target, name) {
      if (name === 'chunksOfShape') asked++;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  await search({ snapshot, embedder }, { query: 'retry upload', limit: 10, rerank: false });
  assert.equal(asked, 0);
});
