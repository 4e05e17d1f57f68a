/**
 * `npm run bench -- learns-speed`: how long a query head and a cross-encoder take to learn from a hundred marks.
 * `npm run bench -- learns-code [--recipe JSON] [--judge off]`: marks of people on other queries than the judged ones, and what each part
 * makes of them on the judged ones, with the 95 % interval of the difference. A mark there names one text; negatives are
 * mined from the whole corpus by the base bi-encoder. `--part query-head|shared-head|cross-encoder|bi-encoder`. The
 * cross-encoder learns from the frozen bi-encoder as well (GPL): a mark "not relevant" alone takes the bi-encoder's best
 * other text for its positive, and every negative has the bi-encoder's margin, never against what a person said.
 * `npm run bench -- learns-tasks [--folds N] [--first N of them] [--recipe JSON]`: one shared head for searches (marks of people; nDCG@10 on
 * the judged queries) and for likeness (sentence pairs by folds; Spearman): each task alone, both as one InfoNCE in mixed
 * batches, and CoDiEmb, which gives each step one task and each task its own loss.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { seededRandom, shuffle } from '../../src/base/random';
import { dot } from '../../src/base/vector';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import { type Checkpoint, readModelBytes } from '../../src/engine/encoders/checkpoint';
import { framePair } from '../../src/engine/encoders/crossEncoder';
import { applyHead } from '../../src/engine/encoders/heads';
import { type FramedTokenizer, loadTokenizer } from '../../src/engine/encoders/tokenizer';
import { frameText } from '../../src/engine/encoders/biEncoder';
import { firstStageConfidence, rerankShares } from '../../src/engine/search/rerank';
import { DEFAULT_WEIGHTS } from '../../src/engine/search/weights';
import { BiEncoderLearner } from '../../src/engine/training/biEncoderLearner';
import { chunkInputs, cutChunks } from '../../src/engine/training/chunks';
import { RunControl } from '../../src/engine/training/control';
import { CrossEncoderLearner, groupLoss } from '../../src/engine/training/crossEncoderLearner';
import { HeadLearner } from '../../src/engine/training/headLearner';
import { settle } from '../../src/engine/training/kept';
import { type Learner, type LoopProgress, runLoop } from '../../src/engine/training/loop';
import { mean, spearman } from '../../src/engine/training/metrics';
import { type Plan, makePlan } from '../../src/engine/training/plan';
import {
  type Part,
  type Recipe,
  type RecipeChanges,
  makeRecipe,
} from '../../src/engine/training/recipe';
import type { TrainingRecord } from '../../src/engine/training/recordFile';
import { RetrievalLossGraphs } from '../../src/engine/training/retrievalLossGraph';
import { bootstrapInterval } from '../../src/engine/training/statistics';
import {
  type TrainableEncoder,
  openTrainableEncoder,
} from '../../src/engine/training/trainableEncoder';
import { withPseudoRows } from '../../src/engine/training/pseudoRows';
import {
  answerNdcg,
  type BaseRows,
  baseRows,
  embeddedTexts,
  type MarkedSet,
  nearest,
  readMarkedSet,
} from './markedSet';
import { makeCorpus } from './corpus';
import { benchCache, requireBenchFolder } from './quality';
import { benchArgument, benchOption, type Figure, note, report, timed } from './report';

const threads = 2;

async function main(): Promise<void> {
  if (benchArgument === 'speed') return measureSpeed();
  if (benchArgument === 'code') return measureCode();
  if (benchArgument === 'tasks') return measureTasks();
  note('Say learns-speed, learns-code or learns-tasks');
  process.exitCode = 2;
}

async function measureSpeed(): Promise<void> {
  const only = benchOption('only');
  const figures: Figure[] = [];
  const add = (label: string, { seconds, cpuSeconds }: Took, atMost: number): void => {
    figures.push({ label, value: seconds, unit: 's', atMost });
    // On a busy machine the processor's own time says more.
    figures.push({ label: '  of the processor', value: cpuSeconds, unit: 's' });
  };
  if (only !== 'cross') add('query head, 100 marks, 150 steps', await headTook(), 5);
  if (only !== 'head')
    add('LCE, 100 groups of 8 at 128 tokens, last 2 layers, one epoch', await crossTook(), 90);
  report('learns-speed', figures);
}

interface Took {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function took(action: () => Promise<unknown>): Promise<Took> {
  const start = process.cpuUsage();
  const { ms } = await timed(action);
  const { user, system } = process.cpuUsage(start);
  return { seconds: ms / 1000, cpuSeconds: (user + system) / 1e6 };
}

/** Over random embeddings: the arithmetic does not look at what they mean. */
async function headTook(): Promise<Took> {
  const plan = makePlan({ train: syntheticMarks(100), heldOutShare: 0.2, seed: 1 });
  const recipe = makeRecipe('query-head', 20, { steps: 150, patience: 1000 });
  const random = seededRandom(1);
  const dimension = 384;
  const vectors = Float32Array.from(
    { length: plan.texts.length * dimension },
    () => random() - 0.5,
  );
  const learner = new HeadLearner({
    kind: 'query-head',
    plan,
    vectors,
    dimension,
    base: '',
    recipe,
    seed: 1,
    losses: new RetrievalLossGraphs(dimension),
  });
  return took(() => runLoop({ learner, recipe, control: new RunControl() }));
}

async function crossTook(): Promise<Took> {
  const texts = makeCorpus(800, 800 * 700).map(({ text }) => text);
  const marks = syntheticMarks(100, (group, place) => texts[group * 8 + place]!);
  const plan = makePlan({ train: marks, heldOut: marks.slice(0, 1), heldOutShare: 0, seed: 1 });
  const changes = {
    maxTokens: 128,
    rows: 10,
    negatives: 7,
    steps: 10,
    evaluateEvery: 10,
    layers: 2,
  };
  const recipe = makeRecipe('cross-encoder', 100, { ...changes, chunkTokens: 1024, threads });
  const { encoder, learner } = await openCross(plan, recipe);
  const result = await took(() => runLoop({ learner, recipe, control: new RunControl() }));
  encoder.dispose();
  return result;
}

function syntheticMarks(
  count: number,
  textAt: (group: number, place: number) => string = (group, place) => `text ${group} ${place}`,
): TrainingRecord[] {
  return Array.from({ length: count }, (_, group) => ({
    task: 'ir',
    query: `how is thing number ${group} done in this code`,
    positives: [textAt(group, 0)],
    negatives: Array.from({ length: 7 }, (_, place) => textAt(group, place + 1)),
    line: group + 1,
  }));
}

async function openCross(
  plan: Plan,
  recipe: Recipe,
): Promise<{
  readonly encoder: TrainableEncoder;
  readonly learner: CrossEncoderLearner;
  readonly tokenizer: FramedTokenizer;
}> {
  const checkpoint = await readBundledCheckpoint(installationRoot(), 'cross-encoder');
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const encoder = await openTrainableEncoder(await readModelBytes(checkpoint.modelFile), {
    selection: recipe.scope === 'last-layers' ? { lastLayers: recipe.layers } : {},
    loss: groupLoss(recipe),
    threads: recipe.threads,
  });
  const learner = new CrossEncoderLearner({
    plan,
    recipe,
    seed: 1,
    checkpoint,
    tokenizer,
    encoder,
  });
  return { encoder, learner, tokenizer };
}

/** Mined negatives come no nearer to the query than this share of the positive's cosine: nearer ones may be answers. */
const ceiling = 0.9;
const minedFrom = 60;
const minedCount = 20;

/** Negatives of a record that is learnt from the teacher: its nearest texts, what a person marked first. */
const taughtCount = 12;
/** A person's word against the teacher's: the least margin of what was marked, either way. */
const leastMargin = 0.02;

/** A record for every mark, with margins of the base bi-encoder; all of them cosines. */
function taughtRecords(set: MarkedSet, rows: BaseRows): TrainingRecord[] {
  return set.marks.map(({ query, document, isRight }, at) => {
    const cosine = (other: number): number => dot(rows.marks[at]!, rows.documents[other]!);
    const near = nearest(rows.marks[at]!, rows.documents, minedFrom);
    const others = near.filter((other) => other !== document);
    const positive = isRight ? document : others.shift()!;
    const limit = isRight ? ceiling * cosine(positive) : Infinity;
    const mined = others.filter((other) => cosine(other) <= limit);
    const negatives = [...(isRight ? [] : [document]), ...mined].slice(0, taughtCount);
    return {
      ...{ task: 'ir', query, line: at + 1, source: isRight ? 'explicit' : 'mined' },
      positives: [set.documents[positive]!],
      negatives: negatives.map((other) => set.documents[other]!),
      margins: negatives.map((other) => {
        const margin = cosine(positive) - cosine(other);
        return isRight || other === document ? Math.max(margin, leastMargin) : margin;
      }),
    };
  });
}

function recordsOf(set: MarkedSet, rows: BaseRows): TrainingRecord[] {
  return set.marks.flatMap(({ query, document, isRight }, at): TrainingRecord[] => {
    const row = rows.marks[at]!;
    const record = { task: 'ir', query, line: at + 1 } as const;
    const own = set.documents[document]!;
    if (!isRight) return [];
    const limit = ceiling * dot(row, rows.documents[document]!);
    const negatives = nearest(row, rows.documents, minedFrom)
      .filter((other) => other !== document && dot(row, rows.documents[other]!) <= limit)
      .slice(0, minedCount)
      .map((other) => set.documents[other]!);
    return [{ ...record, positives: [own], negatives, source: 'mined' }];
  });
}

async function measureCode(): Promise<void> {
  const part = (benchOption('part') ?? 'cross-encoder') as Part;
  const changes = JSON.parse(benchOption('recipe') ?? '{}') as RecipeChanges;
  const set = readMarkedSet();
  const checkpoint = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const rows = await baseRows(set, checkpoint);
  const isTaught = part === 'cross-encoder';
  const records = isTaught ? taughtRecords(set, rows) : recordsOf(set, rows);
  const recipe = makeRecipe(part, records.length, {
    ...{ threads },
    ...(isTaught ? taughtRecipe : part === 'bi-encoder' ? deepRecipe : {}),
    ...changes,
  });
  const split = splitPlan(records, recipe, heldOutAs(set, rows, part));
  const plan = withPseudoRows(split, recipe.pseudo.share, 1);
  note(`${plan.train.rows.length} marks to learn from, ${plan.heldOut.rows.length} to stop by`);
  const learned =
    part === 'cross-encoder'
      ? await learnCross(set, rows, plan, recipe)
      : part === 'bi-encoder'
        ? await learnBi(set, rows, plan, recipe, checkpoint)
        : await learnHead(
            part as 'query-head' | 'shared-head',
            set,
            rows,
            plan,
            recipe,
            checkpoint,
          );
  report(`learns-code ${part}`, [
    ...gainFigures(`the base, ${learned.before.length} queries`, learned, 0),
    ...(learned.beside ? gainFigures(learned.beside.label, learned.beside) : []),
    { label: 'time to learn', value: learned.seconds, unit: 's' },
  ]);
}

function gainFigures(
  of: string,
  { before, after }: Pick<Learned, 'before' | 'after'>,
  atLeast?: number,
): Figure[] {
  if (before.length === 0) return [];
  const gain = bootstrapInterval(after.map((value, at) => value - before[at]!));
  return [
    { label: `nDCG@10 of ${of}`, value: mean(before), digits: 4 },
    { label: '  after learning', value: mean(after), digits: 4 },
    { label: '  gained', value: gain.mean, digits: 4 },
    { label: '  lower end of the 95 % interval', value: gain.low, atLeast, digits: 4 },
    { label: '  upper end', value: gain.high, digits: 4 },
  ];
}

/** Margins of cosines (spread .05 within a query's best texts) on the scale of the logits (1.2), of the marks' queries. */
const taughtRecipe: RecipeChanges = {
  ...{ learningRate: 1e-4, rows: 8, negatives: 6, maxTokens: 128, gpl: { weight: 0.5, scale: 25 } },
  // Once over all marks, looked at after each third.
  ...{ steps: 72, evaluateEvery: 24, patience: 3, quarantine: false },
  ...{ keep: 3, merge: 'deviation', pulls: [0.5, 1] },
};
const deepRecipe: RecipeChanges = {
  ...{
    learningRate: 3e-5,
    rows: 16,
    negatives: 2,
    maxTokens: 128,
    anchor: 0.2,
    hnm: { k: 0, s: 0 },
  },
  ...{ steps: 56, evaluateEvery: 14, patience: 3, quarantine: false },
};

/** What people marked relevant, a share of it, is held out to stop by, and looked at as the judged queries are. */
function splitPlan(
  records: readonly TrainingRecord[],
  { heldOutShare }: Recipe,
  judged: (record: TrainingRecord) => TrainingRecord,
): Plan {
  const isMarked = new Set(records.filter((record) => record.task === 'ir' && isRelevant(record)));
  const order = shuffle([...isMarked], seededRandom(1));
  const heldOut = order.slice(0, Math.round(heldOutShare * order.length));
  const train = records.filter((record) => !heldOut.includes(record));
  return makePlan({ train, heldOut: heldOut.map(judged), heldOutShare, seed: 1 });
}

/** A cross-encoder puts the base's best in order, so that is what a held-out mark asks of it, without a ceiling. */
function heldOutAs(
  set: MarkedSet,
  rows: BaseRows,
  part: Part,
): (record: TrainingRecord) => TrainingRecord {
  return (record) => {
    if (part !== 'cross-encoder' || record.task !== 'ir') return record;
    const { document } = set.marks[record.line - 1]!;
    const near = nearest(rows.marks[record.line - 1]!, rows.documents, judgedDepth);
    const negatives = near.filter((other) => other !== document).slice(0, judgedDepth - 1);
    const { task, query, positives, line, source } = record;
    return {
      task,
      query,
      positives,
      line,
      source,
      negatives: negatives.map((other) => set.documents[other]!),
    };
  };
}

/** A teacher's choice is "mined" where it has margins; so is what was mined for a person's mark, which has none. */
function isRelevant(record: TrainingRecord & { readonly task: 'ir' }): boolean {
  return record.source === 'explicit' || record.margins === undefined;
}

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

async function measureTasks(): Promise<void> {
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
  const judge = (fold: number, map: (row: Float32Array) => Float32Array): [number, number] => {
    const documents = rows.documents.map(map);
    const own = pairs.filter((_, at) => isTest(fold, at));
    const cosines = own.map(({ a, b }) => dot(map(vectorOf.get(a)!), map(vectorOf.get(b)!)));
    return [
      mean(
        set.queries.map(({ answer }, at) =>
          answerNdcg(nearest(map(rows.queries[at]!), documents, 10), answer),
        ),
      ),
      spearman(
        cosines,
        own.map(({ score }) => score),
      ),
    ];
  };
  const figures: Figure[] = [];
  const add = (label: string, values: readonly (readonly [number, number])[]): void => {
    for (const [at, name] of ['nDCG@10', 'Spearman'].entries())
      figures.push({
        label: `${label}: ${name}`,
        value: mean(values.map((pair) => pair[at]!)),
        digits: 4,
      });
  };
  add(
    'base',
    folds.map((fold) => judge(fold, (row) => row)),
  );
  for (const [name, arm] of Object.entries(ARMS)) {
    const values: [number, number][] = [];
    for (const fold of folds) {
      note(`${name}, fold ${fold + 1} of ${foldCount}`);
      const known = pairs.filter((_, at) => !isTest(fold, at));
      const records = [...(arm.search ? searches : []), ...pairRecords(known, arm.pairs)];
      values.push(judge(fold, await taskHead(records, vectorOf, checkpoint.dimension)));
      note(
        values
          .at(-1)!
          .map((value) => value.toFixed(4))
          .join(' '),
      );
    }
    add(name, values);
  }
  report('learns-tasks', figures);
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

interface Learned {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly seconds: number;
  /** The same in another way of asking. */
  readonly beside?: {
    readonly label: string;
    readonly before: readonly number[];
    readonly after: readonly number[];
  };
}

async function learnHead(
  kind: 'query-head' | 'shared-head',
  set: MarkedSet,
  rows: BaseRows,
  plan: Plan,
  recipe: Recipe,
  checkpoint: Checkpoint,
): Promise<Learned> {
  const { dimension } = checkpoint;
  const vectors = await vectorsOf(set, rows, plan, checkpoint);
  const losses = new RetrievalLossGraphs(dimension);
  const task = { kind, plan, vectors, dimension, base: '', recipe, seed: 1, losses };
  const learner = new HeadLearner(task);
  const { ms } = await timed(() => learn(learner, recipe));
  if (!isJudged) return { before: [], after: [], seconds: ms / 1000 };
  const map = (row: Float32Array): Float32Array => applyHead(learner.head, row);
  const documents = kind === 'shared-head' ? rows.documents.map(map) : rows.documents;
  const figures = (
    of: (row: Float32Array) => Float32Array,
    against: readonly Float32Array[],
  ): number[] =>
    set.queries.map(({ answer }, at) =>
      answerNdcg(nearest(of(rows.queries[at]!), against, 10), answer),
    );
  return {
    before: figures((row) => row, rows.documents),
    after: figures(map, documents),
    seconds: ms / 1000,
  };
}

/** The last layers; the corpus is embedded anew with what was learnt. */
async function learnBi(
  set: MarkedSet,
  rows: BaseRows,
  plan: Plan,
  recipe: Recipe,
  checkpoint: Checkpoint,
): Promise<Learned> {
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const encoder = await openTrainableEncoder(await readModelBytes(checkpoint.modelFile), {
    ...{ pooling: checkpoint.pooling, selection: { lastLayers: recipe.layers } },
    threads: recipe.threads,
  });
  const vectors = await vectorsOf(set, rows, plan, checkpoint);
  const task = { plan, recipe, seed: 1, checkpoint, tokenizer, encoder, vectors };
  const learner = new BiEncoderLearner(task);
  const { ms } = await timed(() => learn(learner, recipe));
  if (!isJudged) return { before: [], after: [], seconds: ms / 1000 };
  const embed = async (texts: readonly string[], role: 'query' | 'document') => {
    const sequences = texts.map((text) =>
      frameText({ tokenizer, checkpoint }, checkpoint.templates[role] + text),
    );
    const out: Float32Array[] = [];
    const options = { padId: tokenizer.padId, tokenBudget: 1024, masks: [], dropout: 0, seed: 0 };
    for (const places of cutChunks(sequences, options.tokenBudget)) {
      const own = places.map((place) => sequences[place]!);
      const values = await encoder.encode(chunkInputs(own, options, undefined));
      const { dimension } = checkpoint;
      places.forEach(
        (place, row) => (out[place] = values.slice(row * dimension, (row + 1) * dimension)),
      );
    }
    return out;
  };
  const queries = await embed(
    set.queries.map(({ text }) => text),
    'query',
  );
  note('embedding the corpus anew');
  const documents = await embed(set.documents, 'document');
  encoder.dispose();
  const figures = (asked: readonly Float32Array[], found: readonly Float32Array[]): number[] =>
    set.queries.map(({ answer }, at) => answerNdcg(nearest(asked[at]!, found, 10), answer));
  return {
    before: figures(rows.queries, rows.documents),
    after: figures(queries, documents),
    seconds: ms / 1000,
  };
}

/** Runs to the end and leaves the best state in the learner. */
async function learn(learner: Learner, recipe: Recipe): Promise<void> {
  const onProgress = ({ step, loss, metric }: LoopProgress): void => {
    if (step % 10 === 0)
      note(`step ${step}, loss ${loss.toFixed(4)}, held out ${metric?.toFixed(4) ?? '-'}`);
  };
  const result = await runLoop({ learner, recipe, control: new RunControl(), onProgress });
  const { metric, steps, pull } = await settle(learner, result, recipe);
  note(
    `held out ${result.baseMetric.toFixed(4)} -> ${metric.toFixed(4)}, steps ${steps.join()}, pull ${pull}`,
  );
}

/** Base embeddings of the plan's texts: documents, marked queries, and what texts say of themselves. */
async function vectorsOf(
  set: MarkedSet,
  rows: BaseRows,
  plan: Plan,
  checkpoint: Checkpoint,
): Promise<Float32Array> {
  const { dimension } = checkpoint;
  const rowOf = new Map<string, Float32Array>();
  set.documents.forEach((text, at) => rowOf.set(text, rows.documents[at]!));
  set.marks.forEach(({ query }, at) => rowOf.set(query, rows.marks[at]!));
  const others = plan.texts.filter((text) => !rowOf.has(text));
  for (const [text, row] of await embeddedTexts(others, checkpoint)) rowOf.set(text, row);
  const vectors = new Float32Array(plan.texts.length * dimension);
  plan.texts.forEach((text, at) => vectors.set(rowOf.get(text)!, at * dimension));
  return vectors;
}

/** The cross-encoder alone puts the base's best in order, and then as the product does it: blended with the base. */
async function learnCross(
  set: MarkedSet,
  rows: BaseRows,
  plan: Plan,
  recipe: Recipe,
): Promise<Learned> {
  const { encoder, learner, tokenizer } = await openCross(plan, recipe);
  const candidates = rows.queries.map((row) => nearest(row, rows.documents, judgedDepth));
  const scoresNow = async (): Promise<(readonly number[] | undefined)[]> => {
    const all: (readonly number[] | undefined)[] = [];
    for (const [at, { text, answer }] of set.queries.entries()) {
      const own = candidates[at]!;
      // Where the answer is not among them no order can help.
      const isHopeless = !own.includes(answer);
      const texts = own.map((document) => set.documents[document]!);
      all.push(
        isHopeless ? undefined : [...(await scorePairs(encoder, tokenizer, text, texts, recipe))],
      );
    }
    return all;
  };
  const ordered = (scores: readonly (readonly number[] | undefined)[]): number[] =>
    set.queries.map(({ answer }, at) => {
      const [own, values] = [candidates[at]!, scores[at]];
      if (!values) return 0;
      const order = own.map((_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
      return answerNdcg(
        order.map((i) => own[i]!),
        answer,
      );
    });
  const blended = (scores: readonly (readonly number[] | undefined)[]): number[] =>
    ordered(
      scores.map((values, at) => {
        const cosines = candidates[at]!.map((other) =>
          dot(rows.queries[at]!, rows.documents[other]!),
        );
        const most = DEFAULT_WEIGHTS.rerank * (1 - firstStageConfidence(cosines)) * cosines[0]!;
        return values && rerankShares(values).map(({ share }, i) => cosines[i]! + most * share);
      }),
    );
  const start = isJudged ? await kept(`cross-${judgedDepth}-${recipe.maxTokens}`, scoresNow) : [];
  const { ms } = await timed(() => learn(learner, recipe));
  const end = isJudged ? await scoresNow() : [];
  encoder.dispose();
  return {
    ...{ before: ordered(start), after: ordered(end), seconds: ms / 1000 },
    beside: { label: 'blended with the base', before: blended(start), after: blended(end) },
  };
}

/** Off while recipes are chosen: the held-out marks alone say which is better. */
const isJudged = benchOption('judge') !== 'off';
/** Candidates of the base that a cross-encoder puts in order. */
const judgedDepth = Number(benchOption('depth') ?? 10);

/** What does not change between runs, from a file below .cache/bench/learns, or worked out and kept there. */
async function kept<T>(name: string, make: () => Promise<T>): Promise<T> {
  const file = benchCache('learns', `${name}.json`);
  if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, 'utf8')) as T;
  const made = await make();
  fs.writeFileSync(file, JSON.stringify(made));
  return made;
}

async function scorePairs(
  encoder: TrainableEncoder,
  tokenizer: FramedTokenizer,
  query: string,
  texts: readonly string[],
  { maxTokens }: Recipe,
): Promise<Float32Array> {
  const ids = tokenizer.encode(query);
  const sequences = texts.map((text) =>
    framePair({ tokenizer, checkpoint: { maxTokens } }, ids, text),
  );
  const out = new Float32Array(texts.length);
  const options = { padId: tokenizer.padId, tokenBudget: 1024, masks: [], dropout: 0, seed: 0 };
  for (const places of cutChunks(sequences, options.tokenBudget)) {
    const inputs = chunkInputs(
      places.map((place) => sequences[place]!),
      options,
      undefined,
    );
    const scores = await encoder.encode(inputs);
    places.forEach((place, row) => (out[place] = scores[row]!));
  }
  return out;
}

void main();
