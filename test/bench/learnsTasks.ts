/**
 * One shared head for searches (marks of people; nDCG@10 on the judged queries) and for likeness (sentence pairs by folds;
 * Spearman): each task alone, both as one InfoNCE in mixed batches, and CoDiEmb, which gives each step one task and each
 * task its own loss.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { seededRandom } from '../../src/base/random';
import { dot } from '../../src/base/vector';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import { applyHead } from '../../src/engine/encoders/heads';
import { HeadLearner } from '../../src/engine/training/headLearner';
import { mean, spearman } from '../../src/engine/training/metrics';
import { makePlan } from '../../src/engine/training/plan';
import { type RecipeChanges, makeRecipe } from '../../src/engine/training/recipe';
import type { TrainingRecord } from '../../src/engine/training/recordFile';
import { bootstrapInterval } from '../../src/engine/training/statistics';
import { learn } from './learnsParts';
import { recordsOf } from './learnsRecords';
import { baseRows, embeddedTexts, nearest, rankedNdcg, readMarkedSet } from './markedSet';
import { requireBenchFolder } from './quality';
import { benchOption, type Figure, note, report } from './report';

interface Pair {
  readonly a: string;
  readonly b: string;
  /** 0 to 1. */
  readonly score: number;
}

function readPairs(): Pair[] {
  const file = path.join(requireBenchFolder(), 'sts-stsb-dev/pairs.tsv');
  const [, ...lines] = fs.readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [a, b, score] = line.split('\t') as [string, string, string];
    return { a, b, score: Number(score) / 5 };
  });
}

/** Pairs from here on pass for a search and its answer where there is one loss for both tasks. */
const alikeScore = 0.8;

const ARMS = {
  'searches alone': { search: true, pairs: 'none' },
  'pairs alone': { search: false, pairs: 'pairs' },
  'mixed batches': { search: true, pairs: 'rows' },
  CoDiEmb: { search: true, pairs: 'pairs' },
} as const;

export async function measureTasks(): Promise<void> {
  const set = readMarkedSet();
  const pairs = readPairs();
  const checkpoint = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const rows = await baseRows(set, checkpoint);
  const sentences = [...new Set(pairs.flatMap(({ a, b }) => [a, b]))];
  const vectorOf = new Map(await embeddedTexts(sentences, checkpoint));
  set.documents.forEach((text, at) => vectorOf.set(text, rows.documents[at]!));
  set.marks.forEach(({ query }, at) => vectorOf.set(query, rows.marks[at]!));
  const foldCount = Number(benchOption('folds') ?? 3);
  const first = Math.min(foldCount, Number(benchOption('first') ?? foldCount));
  const folds = Array.from({ length: first }, (_, fold) => fold);
  const isTest = (fold: number, at: number): boolean => at % foldCount === fold;
  const searches = recordsOf(set, rows);
  const judge = (fold: number, map: (row: Float32Array) => Float32Array): Judged => {
    const documents = rows.documents.map(map);
    const own = pairs.filter((_, at) => isTest(fold, at));
    return {
      ndcg: set.queries.map(({ relevant }, at) =>
        rankedNdcg(nearest(map(rows.queries[at]!), documents, 10), relevant),
      ),
      cosines: own.map(({ a, b }) => dot(map(vectorOf.get(a)!), map(vectorOf.get(b)!))),
      scores: own.map(({ score }) => score),
    };
  };
  const figures: Figure[] = [];
  const add = (label: string, values: readonly Judged[]): void => {
    figures.push({ label: `${label}: nDCG@10`, value: mean(byQuery(values)), digits: 4 });
    figures.push({ label: `${label}: Spearman`, value: meanSpearman(values), digits: 4 });
  };
  const base = folds.map((fold) => judge(fold, (row) => row));
  add('base', base);
  const byArm = new Map<string, readonly Judged[]>();
  for (const [name, arm] of Object.entries(ARMS)) {
    const values: Judged[] = [];
    for (const fold of folds) {
      note(`${name}, fold ${fold + 1} of ${foldCount}`);
      const known = pairs.filter((_, at) => !isTest(fold, at));
      const records = [...(arm.search ? searches : []), ...pairRecords(known, arm.pairs)];
      values.push(judge(fold, await taskHead(records, vectorOf, checkpoint.dimension)));
      const last = values.slice(-1);
      note(`${mean(byQuery(last)).toFixed(4)} ${meanSpearman(last).toFixed(4)}`);
    }
    add(name, values);
    byArm.set(name, values);
  }
  const codi = byArm.get('CoDiEmb')!;
  for (const [name, other] of [['base', base] as const, ...byArm])
    if (other !== codi) figures.push(...differences(`CoDiEmb beside ${name}`, other, codi));
  report('learns-tasks', figures);
}

/** What a head makes of the judged queries, and of the pairs that its fold holds out. */
interface Judged {
  /** Of each query. */
  readonly ndcg: readonly number[];
  /** Of each pair, and how alike people find it. */
  readonly cosines: readonly number[];
  readonly scores: readonly number[];
}

/** nDCG@10 of each query, the mean of the folds. */
function byQuery(values: readonly Judged[]): number[] {
  return values[0]!.ndcg.map((_, at) => mean(values.map(({ ndcg }) => ndcg[at]!)));
}

function meanSpearman(values: readonly Judged[]): number {
  return mean(values.map(({ cosines, scores }) => spearman(cosines, scores)));
}

/** With 95 % intervals: queries are drawn again for the one, the pairs of each fold for the other. */
function differences(label: string, from: readonly Judged[], to: readonly Judged[]): Figure[] {
  const [before, after] = [byQuery(from), byQuery(to)];
  const ndcg = bootstrapInterval(after.map((value, at) => value - before[at]!));
  const random = seededRandom(1);
  const drawn = Array.from({ length: RESAMPLES }, () => {
    const places = from.map(({ scores }) => scores.map(() => Math.floor(random() * scores.length)));
    return meanSpearman(drawnAt(to, places)) - meanSpearman(drawnAt(from, places));
  }).sort((a, b) => a - b);
  const at = (share: number): number => drawn[Math.round(share * (RESAMPLES - 1))]!;
  const gained = meanSpearman(to) - meanSpearman(from);
  const spread = { mean: gained, low: at(0.025), high: at(0.975) };
  const named = { 'nDCG@10': ndcg, Spearman: spread };
  return Object.entries(named).flatMap(([name, { mean: value, low, high }]) => [
    { label: `${label}: ${name}`, value, digits: 4 },
    { label: '  from', value: low, digits: 4 },
    { label: '  to', value: high, digits: 4 },
  ]);
}

const RESAMPLES = 1000;

function drawnAt(values: readonly Judged[], places: readonly (readonly number[])[]): Judged[] {
  return values.map(({ ndcg, cosines, scores }, fold) => ({
    ndcg,
    cosines: places[fold]!.map((at) => cosines[at]!),
    scores: places[fold]!.map((at) => scores[at]!),
  }));
}

function pairRecords(
  pairs: readonly Pair[],
  as: (typeof ARMS)[keyof typeof ARMS]['pairs'],
): TrainingRecord[] {
  return pairs.flatMap(({ a, b, score }, at): TrainingRecord[] => {
    const line = 10_000 + at;
    if (as === 'pairs') return [{ task: 'sts', a, b, score, line }];
    if (as === 'none' || score < alikeScore) return [];
    return [{ task: 'ir', query: a, positives: [b], negatives: [], line, source: 'mined' }];
  });
}

/** A shared head trained on the records, for all steps of the recipe. */
async function taskHead(
  records: readonly TrainingRecord[],
  vectorOf: ReadonlyMap<string, Float32Array>,
  dimension: number,
): Promise<(row: Float32Array) => Float32Array> {
  const changes = JSON.parse(benchOption('recipe') ?? '{}') as RecipeChanges;
  const recipe = makeRecipe('shared-head', 100, { steps: 150, evaluateEvery: 50, ...changes });
  const plan = makePlan({ train: records, heldOutShare: 0.1, seed: 1 });
  const vectors = new Float32Array(plan.texts.length * dimension);
  plan.texts.forEach((text, at) => vectors.set(vectorOf.get(text)!, at * dimension));
  const task = {
    kind: 'shared-head',
    plan,
    vectors,
    dimension,
    base: '',
    recipe,
    seed: 1,
  } as const;
  const learner = new HeadLearner(task);
  await learn(learner, recipe);
  return (row) => applyHead(learner.head, row);
}
