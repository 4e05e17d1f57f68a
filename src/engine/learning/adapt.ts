/**
 * Adapting to a folder without any mark: the unsupervised methods on its own chunks. A chunk seen twice under different
 * dropout is a pair (SimCSE), the hardest other chunks are mixed into further negatives (HNCSE), negatives are compared
 * without dropout and dimensions against one another (SimCSE++). What is trained is a shared map of stored embeddings.
 * Queries that the folder asks itself are the gate: half stop the training, the other half decide, each against the rest of
 * its own chunk, from which the query was taken out.
 */
import * as fsp from 'node:fs/promises';
import * as path from 'node:path';
import { seededRandom, shuffle } from '../../base/random';
import { dot } from '../../base/vector';
import { encoderText } from '../documents/encoderText';
import { applyHead, type Head } from '../encoders/heads';
import type { SearchContext } from '../search/types';
import { seedFor } from '../training/plan';
import type { RecipeChanges } from '../training/recipe';
import { rememberScores } from './arena';
import { adaptVerdict, decideAdapted, type GateResult } from './gate';
import { commitGuard, type GuardQuery, guardWithin, pseudoGuard } from './guard';
import type { Learned, LearnMeans, LearnOrder } from './learn';
import { adaptedReport, earlierCurve } from './makeReport';
import type { LearningReport } from './report';
import { answersOf, judgedGuard } from './measuring';
import { geometryOf, similarChange } from './geometryOf';
import type { Paired } from './measures';
import { beginRun, identityOf } from './runIdentity';
import { RunProgress } from './runProgress';
import { reachOf } from './scope';
import { copyTier, openTier, trainTier } from './trainTier';
import { writeSketch } from './workspaceSketch';

/** Chunks that are learned from at most, and queries of the folder that are asked. */
const CHUNK_COUNT = 2000;
const QUERY_COUNT = 240;
const COMMIT_COUNT = 20;
/** Chunks that a query's own rest must stand out from. */
const CROWD = 1000;
/** Guard queries put through the real search. */
const SEARCHED_COUNT = 60;
/** Fewer queries decide nothing. */
const LEAST_QUERIES = 16;

const RECIPE: RecipeChanges = {
  ...{ rank: 16, steps: 200, rows: 32, columnWeight: 0, quarantine: false, shuffleGroup: 1 },
  ...{ hnm: { k: 10, s: 40 }, dcl: { lambda: 0.1, t: 5 }, offDropout: { enabled: true } },
  ...{ anchor: 0.5, learningRate: 5e-4 },
};

/** Adapts, measures, and makes a version where nothing was lost and something gained. */
export async function adapt(order: LearnOrder, given: LearnMeans): Promise<Learned> {
  const startMs = performance.now();
  const { reranker } = given.index;
  const means = {
    ...given,
    index: { ...given.index, reranker: reranker && rememberScores(reranker) },
  };
  const { index, seed, control } = means;
  const { store, base } = order;
  const progress = new RunProgress(120, (news) => means.tellRun(news));
  const random = seededRandom(seedFor(seed, 'adapt', 0));
  const reach = reachOf(order.scope, index.snapshot);
  const queries = pseudoGuard(index.snapshot, QUERY_COUNT, random, reach.hasPath).filter(
    ({ kind }) => kind !== 'name',
  );
  const half = Math.floor(queries.length / 2);
  const [stopping, deciding] = [queries.slice(0, half), queries.slice(half)];
  const curve = await earlierCurve(store);
  const about = { store, folder: means.folder, seed, startMs, curve };
  if (deciding.length < LEAST_QUERIES || !index.embedder) {
    const refusal = `Queries that can be made of this folder's comments, headings and tests: ${queries.length}, and ${2 * LEAST_QUERIES} are the least to measure on`;
    const report = adaptedReport({ ...about, id: 'none', verdict: `Not promoted: ${refusal}` });
    await store.keepReport(report);
    return { report };
  }
  const measuredIds = new Set(queries.flatMap(({ chunkIds }) => chunkIds));
  const texts = chunkTexts(index, measuredIds, seed);
  const records = texts.map((text) => ({
    task: 'ir',
    query: text,
    positives: [text],
    source: 'explicit',
  }));
  const dev = stopping.map((query) => ({
    task: 'ir',
    query: query.query,
    positives: [restOf(query)],
  }));
  const identity = identityOf([seed, base, records, dev, 'adapt']);
  await beginRun(store.runFolder, identity, order.resume);
  progress.begin({ stage: 'learning a map of embeddings', weight: 70 });
  const out = path.join(store.runFolder, 'head');
  const limits = order.niceness === undefined ? {} : { niceness: order.niceness };
  const recipe = { ...RECIPE, ...limits, ...order.recipes?.head };
  await trainTier(
    { part: 'shared-head', records, recipe, out, dev },
    { ...means, onNews: ({ done, total }) => progress.at(done, total) },
  );
  const whole = await openTier('head', out, means.openReranker);
  progress.begin({ stage: 'measuring a map of embeddings', weight: 50 });
  const rank = await rankRests(index, deciding, whole.learned!.head!, seed, () => control.turn());
  const guard = guardWithin(reach, [
    ...deciding.slice(0, SEARCHED_COUNT),
    ...(await commitGuard(means.folder, index.snapshot, COMMIT_COUNT)),
  ]).map((query) => judgedGuard(query));
  const trial = { means, rerankCount: order.rerankCount, reach, progress };
  const guardBefore = await answersOf(trial, undefined, guard);
  const guardAfter = await answersOf(trial, whole, guard);
  const evidence = {
    ...{ rank, guard, guardBefore, guardAfter },
    geometry: geometryOf(index, whole, [], seed),
    similar: similarChange(index, whole, seed),
  };
  const result = decideAdapted(evidence);
  const id = `adapted-${new Date().toISOString().slice(0, 10)}-${identity.slice(0, 8)}`;
  const verdict = adaptVerdict(result, rank);
  const report = adaptedReport({
    ...{ ...about, id, verdict, result, evidence, chunkCount: texts.length },
    seconds: (performance.now() - startMs) / 1000,
  });
  if (result.isPassed)
    await publish(order, report, { out, result, level: whole.learned!.level, index });
  await store.keepReport(report);
  await fsp.rm(store.runFolder, { recursive: true, force: true });
  return { version: result.isPassed ? id : undefined, report };
}

async function publish(
  { store, base, scope }: LearnOrder,
  report: LearningReport,
  made: {
    readonly out: string;
    readonly result: GateResult;
    readonly level?: { readonly factor: number; readonly shift: number };
    readonly index: SearchContext;
  },
): Promise<void> {
  const draft = path.join(store.runFolder, 'draft');
  await fsp.rm(draft, { recursive: true, force: true });
  await copyTier('head', made.out, draft);
  const { version: id, time, verdict } = report;
  const parts = {
    tiers: ['head' as const],
    mapsSimilar: made.result.mapsSimilar,
    markCount: 0,
    scope,
  };
  await store.publish(
    draft,
    { id, time, kind: 'adapt', isPromoted: true, verdict, base, level: made.level, ...parts },
    report,
  );
  await writeSketch(store.root, id, made.index.snapshot);
  await store.prune();
}

function restOf({ path: file, symbol, rest }: GuardQuery): string {
  return encoderText(file, { symbol, text: rest ?? '' });
}

/** Texts of chunks as encoders read them, without those that queries were made of. */
function chunkTexts(
  { snapshot }: SearchContext,
  without: ReadonlySet<number>,
  seed: number,
): string[] {
  const ids = snapshot
    .paths()
    .flatMap((file) => snapshot.chunksAt(file, 0, Number.MAX_SAFE_INTEGER).map(({ id }) => id))
    .filter((id) => !without.has(id));
  const drawn = shuffle(ids, seededRandom(seedFor(seed, 'chunks', 0))).slice(0, CHUNK_COUNT);
  const texts = snapshot
    .chunks(drawn)
    .map(({ path: file, symbol, text }) => encoderText(file, { symbol, text }));
  return [...new Set(texts)];
}

/** Reciprocal ranks of each query's own rest among a crowd of chunks, by base embeddings and by mapped ones. */
async function rankRests(
  { snapshot, embedder }: SearchContext,
  queries: readonly GuardQuery[],
  head: Head,
  seed: number,
  turn: () => Promise<void>,
): Promise<Paired> {
  const own = new Set(queries.flatMap(({ chunkIds }) => chunkIds));
  const ids = snapshot
    .paths()
    .flatMap((file) => snapshot.chunksAt(file, 0, Number.MAX_SAFE_INTEGER).map(({ id }) => id))
    .filter((id) => !own.has(id));
  const space = embedder!.space.id;
  const crowd = shuffle(ids, seededRandom(seedFor(seed, 'crowd', 0)))
    .slice(0, CROWD)
    .flatMap((id) => snapshot.meanVector(space, [id]) ?? []);
  const mappedCrowd = crowd.map((row) => applyHead(head, row));
  const out = { before: [] as number[], after: [] as number[] };
  for (const query of queries) {
    await turn();
    const asked = await embedder!.embedQuery(query.query);
    const rest = await embedder!.embedDocuments([restOf(query)]);
    out.before.push(reciprocal(asked, rest, crowd));
    out.after.push(reciprocal(applyHead(head, asked), applyHead(head, rest), mappedCrowd));
  }
  return out;
}

function reciprocal(
  query: Float32Array,
  own: Float32Array,
  crowd: readonly Float32Array[],
): number {
  const score = dot(query, own);
  return 1 / (1 + crowd.filter((row) => dot(query, row) >= score).length);
}
