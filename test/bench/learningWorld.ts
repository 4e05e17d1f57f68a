/**
 * A judged set as the folder of somebody who learns: queries that the person asks and marks, and queries that are only
 * measured. Embeddings, BM25's answers and pair scores are computed once and kept, so that a trial costs what it trains.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { seededRandom, shuffle } from '../../src/base/random';
import { foldText } from '../../src/base/text';
import { readCheckpoint } from '../../src/engine/encoders/checkpoint';
import { inLearnedSpace } from '../../src/engine/encoders/learnedSpace';
import { openEmbedder, openReranker } from '../../src/engine/encoders/openEncoder';
import type { Tokenizer } from '../../src/engine/encoders/types';
import { followChunk } from '../../src/engine/feedback/follow';
import { placeOf, withId } from '../../src/engine/feedback/mark';
import type { KeptMark } from '../../src/engine/feedback/marks';
import type { LearnMeans } from '../../src/engine/learning/learn';
import { questionsFor } from '../../src/engine/questioning';
import type { SearchMark } from '../../src/engine/search/marks';
import { parseQuery } from '../../src/engine/search/query';
import { search } from '../../src/engine/search/search';
import type { Hit, SearchContext } from '../../src/engine/search/types';
import type { ChunkRow, Snapshot } from '../../src/engine/store/types';
import { RunControl } from '../../src/engine/training/control';
import { DEFAULT_VARIANT, indexSet, type Lab, openLab, rememberAnswers } from './lab';
import { withJargon } from './jargon';
import { benchCache, loadSet, readSource, type SetName } from './quality';
import { benchOption, note } from './report';

export interface BenchQuery {
  readonly text: string;
  /** Documents that answer it. */
  readonly relevant: ReadonlySet<string>;
}

/** What a person of a set said of one text. */
export interface Label {
  readonly query: string;
  readonly chunkId: number;
  readonly isRight: boolean;
}

export interface World {
  readonly name: string;
  readonly lab: Lab;
  readonly context: SearchContext;
  readonly snapshot: Snapshot;
  readonly seen: readonly BenchQuery[];
  readonly unseen: readonly BenchQuery[];
  /** Marks of people, where the set has some. */
  readonly labels: readonly Label[];
  readonly folder: string;
  isRight(query: BenchQuery, file: string): boolean;
}

/** Share of a set's queries that nobody marks. */
const UNSEEN_SHARE = 0.4;
/** Hits that a simulated user looks through. */
const LOOKED_THROUGH = 30;

export async function openWorld(name: Exclude<SetName, 'code-npm'>): Promise<World> {
  const lab = await openLab();
  const set = await loadSet(name);
  const readers = await indexSet(lab, set, DEFAULT_VARIANT);
  const snapshot = rememberAnswers(readers.get('')!.snapshot());
  const { qrels, feedback } = readSource(name);
  const documents = documentsByPath(name);
  const judged = set.queries
    .map(({ id, text }) => ({ text, relevant: new Set(qrels.get(id) ?? []) }))
    .filter(({ relevant }) => relevant.size > 0);
  const queries = shuffle(
    withJargon(judged, Number(benchOption('jargon') ?? 0)),
    seededRandom(2026),
  );
  const unseenCount = Number(benchOption('unseen') ?? Math.round(UNSEEN_SHARE * queries.length));
  const { embedder, reranker, staticEncoder, encoders } = lab;
  const tokenizer = rememberCounts(encoders.tokenizer);
  return {
    ...{ name, lab, snapshot, folder: set.folders[0]!.dir },
    context: { snapshot, embedder, reranker, staticEncoder, tokenizer },
    unseen: queries.slice(0, unseenCount),
    seen: queries.slice(unseenCount),
    labels: labelsOf(snapshot, documents, feedback),
    isRight: ({ relevant }, file) => relevant.has(documents.get(file) ?? ''),
  };
}

function documentsByPath(name: string): Map<string, string> {
  const lines = fs.readFileSync(benchCache('sets', name, 'map.tsv'), 'utf8').split('\n');
  const cells = lines.map((line) => line.split('\t')).filter(({ length }) => length > 1);
  return new Map(cells.map((row) => [row[0]!, row.at(-1)!]));
}

function labelsOf(
  snapshot: Snapshot,
  documents: ReadonlyMap<string, string>,
  feedback: ReturnType<typeof readSource>['feedback'],
): Label[] {
  const pathOf = new Map([...documents].map(([file, document]) => [document, file]));
  return feedback.flatMap(({ query, id, label }) => {
    const file = pathOf.get(id);
    const chunk = file && snapshot.chunksAt(file, 0, Number.MAX_SAFE_INTEGER)[0];
    return chunk ? [{ query, chunkId: chunk.id, isRight: label === 1 }] : [];
  });
}

/** Lines are counted again in every search of a run. */
function rememberCounts(tokenizer: Tokenizer): Tokenizer {
  const counts = new Map<string, number>();
  const { clsId, sepId, padId, vocabularySize } = tokenizer;
  return {
    ...{ clsId, sepId, padId, vocabularySize },
    encode: (text) => tokenizer.encode(text),
    unknownShare: (text) => tokenizer.unknownShare(text),
    countTokens(text) {
      const known = counts.get(text);
      if (known !== undefined) return known;
      const count = tokenizer.countTokens(text);
      counts.set(text, count);
      return count;
    },
  };
}

/** Marks of a user who goes through queries in an order of the seed, until there are enough. */
export async function simulate(
  world: World,
  count: number,
  seed: number,
  queries: readonly BenchQuery[] = world.seen,
): Promise<KeptMark[]> {
  const marks: KeptMark[] = [];
  for (const query of shuffle(queries, seededRandom(seed))) {
    if (marks.length >= count) break;
    const hits = await hitsOf(world, query.text);
    const at = hits.findIndex((hit) => world.isRight(query, hit.path));
    if (at < 0) continue;
    const wrong = hits
      .map((hit, rank) => ({ hit, rank }))
      .filter(({ hit }) => !world.isRight(query, hit.path))
      .sort((a, b) => Math.abs(a.rank - at) - Math.abs(b.rank - at) || a.rank - b.rank)
      .slice(0, 2);
    for (const { hit, rank } of [{ hit: hits[at]!, rank: at }, ...wrong])
      marks.push(markOn(query.text, hit, rank === at, marks.length));
  }
  return marks.slice(0, count);
}

const knownHits = new Map<string, readonly Hit[]>();

/** What the base shows; the same for every seed. */
async function hitsOf({ context }: World, query: string): Promise<readonly Hit[]> {
  const known = knownHits.get(query);
  if (known) return known;
  const request = { query, limit: LOOKED_THROUGH, rerank: true, rerankCount: 30 };
  const { hits } = await search(context, request);
  knownHits.set(query, hits);
  return hits;
}

/** A mark, a minute after the one before it. */
function markOn(
  query: string,
  chunk: Pick<ChunkRow, 'path' | 'span' | 'text' | 'symbol'>,
  isRight: boolean,
  minute: number,
): KeptMark {
  const time = new Date(Date.UTC(2026, 0, 1) + minute * 60_000).toISOString();
  const verdict = isRight ? 'relevant' : 'notRelevant';
  const place = placeOf(chunk, chunk.path);
  const mark = withId({ query, ...place, verdict, time, checkpoint: '' });
  return { mark, origin: mark, near: [] };
}

/** What people of the set said, as marks. */
export function marksOfLabels(world: World, labels: readonly Label[]): KeptMark[] {
  return labels.map(({ query, chunkId, isRight }, at) =>
    markOn(query, world.snapshot.chunks([chunkId])[0]!, isRight, at),
  );
}

/** Questions that are asked at a time. */
const SESSION = 10;

/**
 * What a user answers to so many of the best questions, ten at a time, about half of the seen queries: the first right place
 * is relevant and the others are not; where none is right, all are not.
 */
export async function answerQuestions(
  world: World,
  count: number,
  seed: number,
): Promise<readonly KeptMark[]> {
  const asked = shuffle(world.seen, seededRandom(seed)).slice(0, Math.ceil(world.seen.length / 2));
  const byText = new Map(asked.map((query) => [query.text, query]));
  const marks: KeptMark[] = [];
  let [answerCount, foundCount] = [0, 0];
  while (answerCount < count) {
    const before = { marks, past: [], typed: [...byText.keys()] };
    const limit = Math.min(SESSION, count - answerCount);
    const questions = await questionsFor(world.context, before, limit);
    if (questions.length === 0) break;
    for (const { query, places } of questions) {
      const own = byText.get(query);
      const right = own ? places.findIndex(({ path: file }) => world.isRight(own, file)) : -1;
      answerCount++;
      if (right >= 0) foundCount++;
      const chunks = places.map(({ path: file, start, end }) => chunkAt(world, file, start, end));
      for (const [at, chunk] of chunks.entries())
        marks.push(markOn(query, chunk, at === right, marks.length));
    }
  }
  note(`${answerCount} questions: ${foundCount} with a right place, ${marks.length} marks`);
  return marks;
}

function chunkAt({ snapshot }: World, file: string, start: number, end: number): ChunkRow {
  return snapshot.chunksAt(file, start, end).find(({ span }) => span.start === start)!;
}

/** Every `1 / share`-th mark, drawn by the seed, says the opposite. */
export function withWrongMarks(
  marks: readonly KeptMark[],
  share: number,
  seed: number,
): KeptMark[] {
  const count = Math.round(share * marks.length);
  const turned = new Set(shuffle([...marks.keys()], seededRandom(seed)).slice(0, count));
  return marks.map((kept, at) =>
    turned.has(at)
      ? withVerdict(kept, kept.mark.verdict === 'relevant' ? 'notRelevant' : 'relevant')
      : kept,
  );
}

/** Which of a query's chunks is the right one is drawn anew. */
export function shuffledLabels(marks: readonly KeptMark[], seed: number): KeptMark[] {
  const random = seededRandom(seed);
  const byQuery = new Map<string, KeptMark[]>();
  for (const kept of marks) {
    const key = kept.mark.query!;
    byQuery.set(key, [...(byQuery.get(key) ?? []), kept]);
  }
  return [...byQuery.values()].flatMap((group) => {
    const verdicts = shuffle(
      group.map(({ mark }) => mark.verdict),
      random,
    );
    return group.map((kept, at) => withVerdict(kept, verdicts[at]!));
  });
}

function withVerdict({ mark }: KeptMark, verdict: 'relevant' | 'notRelevant'): KeptMark {
  const { id: _id, v: _v, ...rest } = mark;
  const other = withId({ ...rest, verdict });
  return { mark: other, origin: other, near: [] };
}

/** Marks as a search takes them, for their instant effect. */
export async function searchMarks(
  { context, snapshot }: World,
  marks: readonly KeptMark[],
): Promise<SearchMark[]> {
  const out: SearchMark[] = [];
  for (const { mark, origin, near } of marks) {
    const { text } = parseQuery(mark.query!);
    const chunk = followChunk(snapshot, [mark, origin], near);
    out.push({
      ...{ id: mark.id, verdict: mark.verdict, isWeak: false, time: mark.time },
      ...{ setFor: text, query: foldText(text), vector: await context.embedder!.embedQuery(text) },
      chunk: () => chunk?.id,
    });
  }
  return out;
}

/** What a run of learning works with here. */
export function learnMeans({ context, folder }: World, seed: number): LearnMeans {
  const root = installationRoot();
  let lastStage = '';
  return {
    ...{ index: context, folder, control: new RunControl(), seed },
    dataFolder: benchCache('learning', 'data'),
    biEncoderFolder: path.join(root, 'models/bi-encoder'),
    crossEncoderFolder: path.join(root, 'models/cross-encoder'),
    openReranker: async (own) => {
      const choice = { arithmetic: 'int8-token', provider: 'cpu' } as const;
      return openReranker(await readCheckpoint(own), { choice, threads: 2 });
    },
    openEncoder: async (own) => {
      const choice = { arithmetic: 'int8-token', provider: 'cpu' } as const;
      return inLearnedSpace(await openEmbedder(await readCheckpoint(own), { choice, threads: 2 }));
    },
    onNews: () => undefined,
    onLimits: () => undefined,
    tellRun({ stage, fraction }) {
      if (stage !== lastStage) note(`  ${(100 * fraction).toFixed(0)} % ${stage}`);
      lastStage = stage;
    },
  };
}
