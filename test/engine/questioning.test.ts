/** What is asked, about which places, and when no more: over a real store, with embeddings made by hand. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cosine } from '../../src/base/vector';
import type { Embedder, Reranker } from '../../src/engine/encoders/types';
import { type MarkedPlace, placeOf, withId } from '../../src/engine/feedback/mark';
import type { KeptMark } from '../../src/engine/feedback/marks';
import { distinctPlaces, MOST_PLACES } from '../../src/engine/learning/questionPlaces';
import { type AskedBefore, questionsFor } from '../../src/engine/questioning';
import type { SearchContext } from '../../src/engine/search/types';
import { openEmbeddingCache, openFolderWriter } from '../../src/engine/store/store';
import type { ChunkRow, Snapshot } from '../../src/engine/store/types';
import { indexPaths, keyOf, openSnapshot, putTexts, SPACE, unit } from '../support/folderIndex';
import { temporaryFolder } from '../support/temporaryFolder';

/** A word is known from its third chunk on, so each topic has three files. */
const TOPICS = ['login', 'upload', 'billing', 'export'];
const KINDS = ['keeps a value in the table', 'throttles calls by the second', 'draws a page'];
const folder = temporaryFolder(after);
let opened: Awaited<ReturnType<typeof openSnapshot>>;
let snapshot: Snapshot;

const textOf = (topic: number, kind: number): string => `${TOPICS[topic]!} ${KINDS[kind]!}`;
const pathOf = (topic: number, kind: number): string => `${TOPICS[topic]!}${kind}.ts`;
/** Topics on the first axes, kinds on the others. */
function vectorOf(topic: number, kind: number): Float32Array {
  const values = Array.from({ length: TOPICS.length + KINDS.length }, () => 0);
  values[topic] = 0.6;
  values[TOPICS.length + kind] = 0.8;
  return unit(...values);
}

before(async () => {
  const { index, embeddings } = indexPaths(folder);
  const cache = openEmbeddingCache(embeddings);
  const writer = openFolderWriter(index, { embeddingsFile: embeddings });
  for (const topic of TOPICS.keys())
    for (const kind of KINDS.keys()) {
      const text = textOf(topic, kind);
      cache.put(SPACE, [{ key: keyOf(text), vector: vectorOf(topic, kind) }]);
      putTexts(writer, pathOf(topic, kind), [text]);
    }
  writer.pendingEmbeddings(SPACE, 100);
  cache.dispose();
  writer.dispose();
  opened = await openSnapshot(folder);
  ({ snapshot } = opened);
});
after(() => opened.dispose());

/** Takes every query to be about throttling, of the topic that it names. */
const embedder = {
  space: { id: SPACE, checkpoint: 'toy', arithmetic: 'fp32', dimension: 7 },
  embedQuery: async (query: string) => vectorOf(topicOf(query), 1),
} as unknown as Embedder;
const topicOf = (query: string): number => TOPICS.findIndex((topic) => query.includes(topic));

/** Likes pages. */
const reranker: Reranker = {
  fingerprint: 'likes pages',
  score: async (_query, texts) =>
    Float32Array.from(texts, (text) => (text.includes('draws') ? 5 : text.length / 100)),
  dispose: () => undefined,
};

function ask(asked: Partial<AskedBefore>, context: Partial<SearchContext> = {}) {
  const means = { snapshot, embedder, reranker, ...context };
  return questionsFor(means, { marks: [], past: [], typed: [], ...asked }, 10);
}

const queriesOf = async (asked: Partial<AskedBefore>, context?: Partial<SearchContext>) =>
  (await ask(asked, context)).map(({ query }) => query);

function placeAt(topic: number, kind: number): MarkedPlace {
  const [chunk] = snapshot.chunksAt(pathOf(topic, kind), 0, 1);
  return placeOf(chunk!, chunk!.path);
}

function marked(
  query: string,
  place: MarkedPlace,
  verdict: 'relevant' | 'notRelevant',
  isWeak = false,
): KeptMark {
  const time = '2026-01-01T00:00:00.000Z';
  const weak = isWeak ? { weak: true as const } : {};
  const mark = withId({ query, ...place, verdict, time, checkpoint: '', ...weak });
  return { mark, origin: mark, near: [] };
}

test('offers what each way of searching puts first, each file once', async () => {
  const [question, ...others] = await ask({ typed: ['table of login'] });
  assert.deepEqual(others, []);
  assert.equal(question!.query, 'table of login');
  assert.equal(question!.places.length, MOST_PLACES);
  const paths = question!.places.map(({ path }) => path);
  assert.equal(new Set(paths).size, paths.length);
  // The first of the ranking, of meaning and of the re-ranker.
  for (const kind of [1, 2]) assert.ok(paths.includes(pathOf(0, kind)), paths.join(' '));
  assert.deepEqual(await ask({ typed: ['table of login'] }), [question], 'it looks the same again');
});

test('asks first what tells most about a word that many queries have and the folder has not', async () => {
  const typed = [
    'page of export',
    'page of upload',
    'speedbump of login',
    'speedbump of billing',
    'speedbump of upload',
    'once of login',
  ];
  const [first, second, third, ...rest] = await ask({ typed });
  const asked = [first, second, third].map((question) => question!.query).sort();
  assert.deepEqual(asked, typed.filter((query) => query.startsWith('speedbump')).sort());
  for (const { sentence } of [first!, second!, third!])
    assert.equal(sentence, 'Nothing here says “speedbump”, so the answer tells what it means');
  // A word that was asked once cannot be learned, so it is as good as none.
  for (const { sentence } of rest)
    assert.equal(sentence, 'Words and meaning do not put the same place first');
});

test('a word that marks have taught, or answered often enough, gives way to another', async () => {
  const typed = ['speedbump of login', 'speedbump of upload', 'gate of export', 'gate of billing'];
  const few = await queriesOf({ typed: [...typed, 'speedbump of billing'] });
  assert.ok(few[0]!.startsWith('speedbump'), few.join(', '));
  const words = new Map([['speedbump', 'throttles']]);
  const taught = await queriesOf({ typed: [...typed, 'speedbump of billing'] }, { words });
  assert.ok(taught[0]!.startsWith('gate') && taught[1]!.startsWith('gate'), taught.join(', '));
  const answers = Array.from({ length: 12 }, (_, at) =>
    marked(`speedbump of login ${at}`, placeAt(0, 1), 'relevant'),
  );
  const enough = await queriesOf({ typed, marks: answers });
  assert.ok(enough[0]!.startsWith('gate') && enough[1]!.startsWith('gate'), enough.join(', '));
});

test('asks nobody twice, and about no place that was judged', async () => {
  const query = 'table of login';
  const one = marked(query, placeAt(0, 0), 'notRelevant');
  const [again] = await ask({ typed: [query], marks: [one] });
  assert.equal(again?.query, query);
  assert.ok(again.places.every(({ path }) => path !== pathOf(0, 0)));
  // Case and space do not make it another query.
  const none = [one, marked('Table  of login', placeAt(0, 1), 'notRelevant')];
  assert.deepEqual(await ask({ typed: [query], marks: none }), []);
  const right = marked(query, placeAt(0, 0), 'relevant');
  assert.deepEqual(await ask({ typed: [query], marks: [right] }), []);
  // A marked query without an answer is asked about though nobody gave it to us.
  assert.deepEqual(await queriesOf({ marks: [one] }), [query]);
});

test('what was opened before is among the places, unless it stands first anyway', async () => {
  const query = 'table of login';
  const [kept] = await ask({ past: [{ query, place: placeAt(3, 2) }] });
  assert.ok(kept!.places.some(({ path }) => path === pathOf(3, 2)));
  assert.equal(
    kept!.sentence,
    'One of them was opened for this before, and another one stands first',
  );
  const opened = marked(query, placeAt(3, 2), 'relevant', true);
  assert.deepEqual(await ask({ marks: [opened] }), [kept]);
  const agreed = 'login throttles calls by the second';
  assert.deepEqual(await ask({ past: [{ query: agreed, place: placeAt(0, 1) }] }), []);
});

test('asks nothing where no embedding answers, and never about a secret', async () => {
  assert.deepEqual(await ask({ typed: ['table of login'] }, { embedder: undefined }), []);
  const secret = `login ghp_${'a1B2c3D4e5'.repeat(4).slice(0, 36)}`;
  assert.deepEqual(await ask({ typed: [secret] }), []);
});

test('takes one chunk of each file before it takes another, and none that says the same', () => {
  const chunk = (id: number, path: string, text: string): ChunkRow =>
    ({ id, path, text }) as ChunkRow;
  const chunks = [
    chunk(1, 'a.ts', 'one'),
    chunk(2, 'a.ts', 'two'),
    chunk(3, 'b.ts', 'one'),
    chunk(4, 'c.ts', 'three'),
    chunk(5, 'd.ts', 'four'),
  ];
  const ids = (of: readonly ChunkRow[]): number[] => distinctPlaces(of).map(({ id }) => id);
  assert.deepEqual(ids(chunks), [1, 4, 5, 2]);
  assert.deepEqual(ids([...chunks, chunk(6, 'e.ts', 'five')]), [1, 4, 5, 6]);
});

test('the embeddings made by hand say what the tests take them to say', () => {
  assert.ok(Math.abs(cosine(vectorOf(0, 1), vectorOf(0, 0)) - 0.36) < 1e-6);
  assert.ok(Math.abs(cosine(vectorOf(0, 1), vectorOf(1, 1)) - 0.64) < 1e-6);
});
