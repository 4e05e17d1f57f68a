/**
 * `npm run bench -- learning-parts --set NAME [--marks 100,500] [--seeds 1,2,3] [--parts fusion,query-head,shared-head]`:
 * a simulated user searches, marks the first right hit relevant and up to two wrong hits next to it not relevant; each part
 * learns from that alone, and unseen queries are measured through the real search, with the 95 % interval of the difference.
 * `learning-gate --set NAME [--marks 100] [--seeds 10] [--shuffled] [--tiers fusion,head]`: whole runs with their gate, on marks
 * as they are or with right and wrong swapped at random. Near-miss accuracy is over all right and wrong pairs of a neutral
 * pool: what words, the base and its re-ranker put among their first twenty.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { seededRandom, shuffle } from '../../src/base/random';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import { readCheckpoint } from '../../src/engine/encoders/checkpoint';
import { newHead } from '../../src/engine/encoders/heads';
import { openReranker } from '../../src/engine/encoders/openEncoder';
import type { Reranker } from '../../src/engine/encoders/types';
import { placeOf, withId } from '../../src/engine/feedback/mark';
import type { KeptMark } from '../../src/engine/feedback/marks';
import type { Contestant } from '../../src/engine/learning/arena';
import {
  crossRecords,
  fusionRecords,
  headRecords,
  mineGroups,
} from '../../src/engine/learning/groups';
import { pseudoGuard } from '../../src/engine/learning/guard';
import { learn, type LearnMeans } from '../../src/engine/learning/learn';
import { recipeOf } from '../../src/engine/learning/triedTier';
import { gatherMarks } from '../../src/engine/learning/markData';
import type { LearningTier } from '../../src/engine/learning/report';
import { openTier, trainTier } from '../../src/engine/learning/trainTier';
import { VersionStore } from '../../src/engine/learning/versionStore';
import { search } from '../../src/engine/search/search';
import type { SearchContext } from '../../src/engine/search/types';
import type { Snapshot } from '../../src/engine/store/types';
import { RunControl } from '../../src/engine/training/control';
import { mean, nearMissAccuracy, reciprocalRankAt } from '../../src/engine/training/metrics';
import type { Part, RecipeChanges } from '../../src/engine/training/recipe';
import { bootstrapInterval } from '../../src/engine/training/statistics';
import { queryTermsOf } from '../../src/engine/store/terms';
import { DEFAULT_VARIANT, indexSet, type Lab, openLab } from './lab';
import { benchCache, loadSet, readSource, type SetName } from './quality';
import { benchArgument, benchOption, type Figure, note, report } from './report';

/** Unseen queries that are measured, and hits that a figure looks at. */
const UNSEEN = Number(benchOption('unseen') ?? 120);
const DEPTH = 60;
const POOL_DEPTH = 20;
const GUARD = 60;
const setName = (benchOption('set') ?? 'code-cosqa') as Exclude<SetName, 'code-npm'>;

interface BenchQuery {
  readonly text: string;
  readonly relevant: ReadonlySet<string>;
}

interface World {
  readonly lab: Lab;
  readonly context: SearchContext;
  readonly snapshot: Snapshot;
  readonly documentOf: (path: string) => string | undefined;
  readonly seen: readonly BenchQuery[];
  readonly unseen: readonly BenchQuery[];
  readonly folder: string;
}

async function main(): Promise<void> {
  if (benchArgument === 'parts') return measureParts();
  if (benchArgument === 'gate') return measureGate();
  note('Say learning-parts or learning-gate');
  process.exitCode = 2;
}

async function openWorld(): Promise<World> {
  const lab = await openLab();
  const set = await loadSet(setName);
  const readers = await indexSet(lab, set, DEFAULT_VARIANT);
  const snapshot = readers.get('')!.snapshot();
  const { qrels } = readSource(setName);
  const map = new Map(
    fs
      .readFileSync(benchCache('sets', setName, 'map.tsv'), 'utf8')
      .split('\n')
      .map((line) => line.split('\t'))
      .filter((cells) => cells.length > 1)
      .map((cells) => [cells[0]!, cells.at(-1)!] as const),
  );
  const queries = shuffle(
    set.queries
      .map(({ id, text }) => ({ text, relevant: new Set(qrels.get(id) ?? []) }))
      .filter(({ relevant }) => relevant.size > 0),
    seededRandom(2026),
  );
  const { embedder, reranker, staticEncoder, encoders } = lab;
  const context = { snapshot, embedder, reranker, staticEncoder, tokenizer: encoders.tokenizer };
  const unseen = queries.slice(0, UNSEEN);
  const seen = queries.slice(UNSEEN);
  const documentOf = (file: string): string | undefined => map.get(file);
  return { lab, context, snapshot, documentOf, seen, unseen, folder: set.folders[0]!.dir };
}

function rightOf(world: World, { relevant }: BenchQuery, file: string): boolean {
  const document = world.documentOf(file);
  return document !== undefined && relevant.has(document);
}

/** Marks of a user who goes through seen queries in an order of the seed, until there are enough. */
async function simulate(world: World, count: number, seed: number): Promise<KeptMark[]> {
  const marks: KeptMark[] = [];
  for (const query of shuffle(world.seen, seededRandom(seed))) {
    if (marks.length >= count) break;
    const request = { query: query.text, limit: 30, rerank: true, rerankCount: 30 };
    const { hits } = await search(world.context, request);
    const at = hits.findIndex((hit) => rightOf(world, query, hit.path));
    if (at < 0) continue;
    const wrong = hits
      .map((hit, rank) => ({ hit, rank }))
      .filter(({ hit }) => !rightOf(world, query, hit.path))
      .sort((a, b) => Math.abs(a.rank - at) - Math.abs(b.rank - at) || a.rank - b.rank)
      .slice(0, 2);
    for (const { hit, rank } of [{ hit: hits[at]!, rank: at }, ...wrong]) {
      const verdict = rank === at ? 'relevant' : 'notRelevant';
      const time = new Date(Date.UTC(2026, 0, 1) + marks.length * 60_000).toISOString();
      const place = placeOf(hit, hit.path);
      const mark = withId({ query: query.text, ...place, verdict, time, checkpoint: '' });
      marks.push({ mark, origin: mark, near: [] });
    }
  }
  return marks.slice(0, count);
}

interface Answers {
  readonly reciprocal: number;
  /** Undefined where the pool has no right or no wrong chunk. */
  readonly accuracy?: number;
}

/** Ids of the neutral pool, right and wrong ones. */
async function poolOf(world: World, query: BenchQuery): Promise<[number[], number[]]> {
  const { context, snapshot } = world;
  const first = await search(context, { query: query.text, limit: POOL_DEPTH, rerank: false });
  const reranked = await search(context, {
    ...{ query: query.text, limit: POOL_DEPTH, rerank: true, rerankCount: 30 },
  });
  const terms = queryTermsOf(query.text);
  const words = terms.length > 0 ? snapshot.searchWords({ terms }, POOL_DEPTH) : [];
  const ids = new Set([
    ...[...first.hits, ...reranked.hits].map(({ chunkId }) => chunkId),
    ...words.map(({ chunkId }) => chunkId),
  ]);
  const rows = snapshot.chunks([...ids]);
  const right = rows.filter(({ path: file }) => rightOf(world, query, file)).map(({ id }) => id);
  const wrong = rows.filter(({ path: file }) => !rightOf(world, query, file)).map(({ id }) => id);
  return [right, wrong];
}

async function answersOf(
  world: World,
  contestant: Contestant,
  pools: readonly (readonly [readonly number[], readonly number[]])[],
): Promise<Answers[]> {
  const out: Answers[] = [];
  for (const [at, query] of world.unseen.entries()) {
    const { hits } = await search(
      { ...world.context, ...contestant },
      { query: query.text, limit: DEPTH, rerank: true, rerankCount: 30 },
    );
    const reciprocal = reciprocalRankAt(
      10,
      hits.map((hit) => rightOf(world, query, hit.path)),
    );
    const [right, wrong] = pools[at]!;
    const place = new Map(hits.map(({ chunkId }, rank) => [chunkId, -rank]));
    const valueOf = (id: number): number => place.get(id) ?? -DEPTH;
    const pairs = right.flatMap((a) => wrong.map((b) => [valueOf(a), valueOf(b)] as const));
    const accuracy =
      pairs.length === 0
        ? undefined
        : nearMissAccuracy(
            pairs.map(([a]) => a),
            pairs.map(([, b]) => b),
          );
    out.push({ reciprocal, accuracy });
  }
  return out;
}

async function guardOf(
  world: World,
  contestant: Contestant,
  guard: ReturnType<typeof pseudoGuard>,
): Promise<number[]> {
  const values: number[] = [];
  for (const { query, chunkIds } of guard) {
    const { hits } = await search(
      { ...world.context, ...contestant },
      { query, limit: 10, rerank: true, rerankCount: 30 },
    );
    values.push(
      reciprocalRankAt(
        10,
        hits.map(({ chunkId }) => chunkIds.includes(chunkId)),
      ),
    );
  }
  return values;
}

async function meansOf(world: World, seed: number): Promise<LearnMeans> {
  const root = installationRoot();
  const { context, folder } = world;
  return {
    ...{ index: context, folder, control: new RunControl(), seed },
    dataFolder: benchCache('learning', 'data'),
    biEncoderFolder: path.join(root, 'models/bi-encoder'),
    crossEncoderFolder: path.join(root, 'models/cross-encoder'),
    openReranker: (own) => openTuned(own),
    onNews: () => undefined,
    onLimits: () => undefined,
    tellRun: ({ stage, fraction }) => progress(stage, fraction),
  };
}

let lastStage = '';
function progress(stage: string, fraction: number): void {
  if (stage === lastStage) return;
  lastStage = stage;
  note(`  ${(100 * fraction).toFixed(0)} % ${stage}`);
}

async function openTuned(folder: string): Promise<Reranker> {
  const choice = { arithmetic: 'int8-token', provider: 'cpu' } as const;
  return openReranker(await readCheckpoint(folder), { choice, threads: 2 });
}

const numbers = (text: string): number[] => text.split(',').map(Number);

async function measureParts(): Promise<void> {
  const world = await openWorld();
  const levels = numbers(benchOption('marks') ?? '100');
  const seeds = numbers(benchOption('seeds') ?? '1,2,3');
  const parts = (benchOption('parts') ?? 'fusion,query-head,shared-head,control').split(',');
  const recipe = JSON.parse(benchOption('recipe') ?? '{}') as RecipeChanges;
  const pools = [];
  for (const query of world.unseen) pools.push(await poolOf(world, query));
  const guard = pseudoGuard(world.snapshot, GUARD, seededRandom(1));
  const base = await answersOf(world, {}, pools);
  const guardBase = await guardOf(world, {}, guard);
  note(`base: MRR@10 ${mean(base.map(({ reciprocal }) => reciprocal)).toFixed(4)}`);
  const figures: Figure[] = [];
  for (const level of levels) {
    const trials = new Map<string, { rr: number[][]; accuracy: number[][]; guard: number[] }>();
    for (const seed of seeds) {
      const marks = await simulate(world, level, seed);
      for (const part of parts) {
        note(`${setName} ${level} marks, seed ${seed}, ${part} (${marks.length})`);
        const contestant = await trained(world, part, marks, seed, recipe);
        const after = await answersOf(world, contestant, pools);
        const guardAfter = await guardOf(world, contestant, guard);
        contestant.reranker?.dispose();
        const trial = trials.get(part) ?? { rr: [], accuracy: [], guard: [] };
        trials.set(part, trial);
        trial.rr.push(after.map(({ reciprocal }, at) => reciprocal - base[at]!.reciprocal));
        trial.accuracy.push(
          after.flatMap(({ accuracy }, at) =>
            accuracy === undefined ? [] : [accuracy - base[at]!.accuracy!],
          ),
        );
        trial.guard.push(mean(guardAfter) - mean(guardBase));
        note(
          `  MRR ${mean(trial.rr.at(-1)!).toFixed(4)} accuracy ${mean(trial.accuracy.at(-1)!).toFixed(4)} guard ${trial.guard.at(-1)!.toFixed(4)}`,
        );
      }
    }
    for (const [part, trial] of trials)
      figures.push(...figuresOf(`${level} marks, ${part}`, trial));
  }
  const accuracies = base.flatMap(({ accuracy }) => accuracy ?? []);
  report(`learning-parts ${setName}`, [
    { label: 'base MRR@10', value: mean(base.map(({ reciprocal }) => reciprocal)), digits: 4 },
    { label: 'base near-miss accuracy', value: mean(accuracies), digits: 4 },
    { label: 'guard MRR@10', value: mean(guardBase), digits: 4 },
    ...figures,
  ]);
  world.lab.close();
}

/** Means over seeds for each query, then the interval over queries. */
function figuresOf(
  label: string,
  { rr, accuracy, guard }: { rr: number[][]; accuracy: number[][]; guard: number[] },
): Figure[] {
  const over = (name: string, runs: number[][]): Figure[] => {
    const byQuery = runs[0]!.map((_, at) => mean(runs.map((run) => run[at]!)));
    const { low, high } = bootstrapInterval(byQuery);
    return [
      { label: `${label}: ${name}`, value: mean(byQuery), digits: 4 },
      { label: '  from', value: low, digits: 4 },
      { label: '  to', value: high, digits: 4 },
    ];
  };
  return [
    ...over('MRR@10', rr),
    ...over('near-miss accuracy', accuracy),
    { label: `${label}: guard MRR@10`, value: mean(guard), digits: 4 },
  ];
}

async function trained(
  world: World,
  part: string,
  marks: readonly KeptMark[],
  seed: number,
  changes: RecipeChanges,
): Promise<Contestant> {
  const means = await meansOf(world, seed);
  const { dimension, checkpoint } = world.lab.embedder.space;
  if (part === 'control') {
    const head = newHead({ kind: 'query-head', base: checkpoint, dimension, rank: 8 }, seed);
    const random = seededRandom(seed);
    for (let i = 0; i < head.b.length; i++) head.b[i] = (random() - 0.5) * 0.3;
    return { learned: { head, mapsSimilar: true } };
  }
  const data = gatherMarks(world.snapshot, marks);
  const options = { control: new RunControl(), seed, onQuery: () => undefined };
  const groups = await mineGroups(world.context, data.queries, options);
  const filler = pseudoGuard(world.snapshot, GUARD + 120, seededRandom(1)).slice(GUARD);
  const out = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-')), 'out');
  const tier: LearningTier = part === 'fusion' || part === 'cross-encoder' ? part : 'head';
  const records =
    tier === 'fusion'
      ? fusionRecords(groups)
      : tier === 'head'
        ? headRecords(world.context, groups, filler, [])
        : crossRecords(world.context, groups);
  const own = recipeOf(tier, records.length);
  await trainTier({ part: part as Part, records, recipe: { ...own, ...changes }, out }, means);
  const opened = await openTier(tier, out, means.openReranker);
  fs.rmSync(path.dirname(out), { recursive: true, force: true });
  return opened;
}

async function measureGate(): Promise<void> {
  const world = await openWorld();
  const count = Number(benchOption('marks') ?? 100);
  const seedCount = Number(benchOption('seeds') ?? 10);
  const isShuffled = process.argv.includes('--shuffled');
  const tiers = (benchOption('tiers') ?? 'fusion,head').split(',') as LearningTier[];
  const root = installationRoot();
  const biEncoder = (await readBundledCheckpoint(root, 'bi-encoder')).fingerprint;
  const crossEncoder = (await readBundledCheckpoint(root, 'cross-encoder')).fingerprint;
  let promoted = 0;
  const seconds: number[] = [];
  for (let seed = 1; seed <= seedCount; seed++) {
    const marks = await simulate(world, count, seed);
    const given = isShuffled ? shuffledLabels(marks, seed) : marks;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-'));
    const order = {
      ...{ store: new VersionStore(folder), marks: given, base: { biEncoder, crossEncoder } },
      ...{ rerankCount: 30, resume: false, tiers },
    };
    const { report: made, version } = await learn(order, await meansOf(world, seed));
    fs.rmSync(folder, { recursive: true, force: true });
    if (version !== undefined) promoted++;
    seconds.push(made.seconds);
    note(`${setName} seed ${seed}: ${made.verdict} (${made.seconds.toFixed(0)} s)`);
    for (const { tier, sentence } of made.tiers) note(`  ${tier}: ${sentence}`);
  }
  report(`learning-gate ${setName}${isShuffled ? ' shuffled' : ''}`, [
    { label: `promoted of ${seedCount}, ${count} marks`, value: promoted, digits: 0 },
    { label: 'seconds a run', value: mean(seconds), unit: 's' },
  ]);
  world.lab.close();
}

/** Which of a query's chunks is the right one is drawn anew. */
function shuffledLabels(marks: readonly KeptMark[], seed: number): KeptMark[] {
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
    return group.map(({ mark }, at) => {
      const { id: _id, v: _v, ...rest } = mark;
      const other = withId({ ...rest, verdict: verdicts[at]! });
      return { mark: other, origin: other, near: [] };
    });
  });
}

void main();
