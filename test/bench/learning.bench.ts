/**
 * What learning from marks is worth, on judged sets through the real search (`--set NAME`); a simulated user marks the first
 * right hit relevant and up to two wrong hits next to it not relevant. With `--jargon 20` the people who ask have twenty words
 * of their own (`jargon.ts`). Each piece ends in minutes:
 *
 *   learning-parts [--marks 20,100] [--seeds 1,2] [--parts fusion,query-head,shared-head,cross-encoder,bi-encoder,instant,control]
 *       [--wrong .1] [--mining off|unfiltered] [--recipe JSON]   each part alone on unseen queries, with intervals
 *   learning-limits     where right answers stand, and what each part gains when it may look at the unseen queries themselves
 *   learning-questions  the curve of best questions beside that of passive marks
 *   learning-people     real marks of a set by five folds of queries: area under ROC of the cosine by label
 *   learning-methods [--marks 100] [--seeds 1,2] [--tier head|fusion]   what each method of a part brings there
 *   learning-gate [--marks 100] [--seeds 1,2] [--shuffled] [--tiers words,fusion,head]   whole runs, and what came of them unseen
 *   learning-adapt [--seeds 1,2]   whole runs without marks, and what came of them unseen
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { DisposableStore } from '../../src/base/lifecycle';
import { seededRandom, shuffle } from '../../src/base/random';
import { dot } from '../../src/base/vector';
import { applyHead, newHead } from '../../src/engine/encoders/heads';
import type { KeptMark } from '../../src/engine/feedback/marks';
import { encodedContestant } from '../../src/engine/learning/encoderTier';
import {
  crossRecords,
  fusionRecords,
  type Group,
  headRecords,
  mineGroups,
} from '../../src/engine/learning/groups';
import { pseudoGuard } from '../../src/engine/learning/guard';
import { gatherMarks, type MarkedQuery } from '../../src/engine/learning/markData';
import type { LearningTier } from '../../src/engine/learning/report';
import { openTier, trainTier } from '../../src/engine/learning/trainTier';
import { recipeOf } from '../../src/engine/learning/triedTier';
import { learnWords, wordExamples, wordMap } from '../../src/engine/learning/learnedWords';
import { search } from '../../src/engine/search/search';
import { RunControl } from '../../src/engine/training/control';
import { mean } from '../../src/engine/training/metrics';
import type { MiningSettings } from '../../src/engine/training/negatives';
import type { Part, RecipeChanges } from '../../src/engine/training/recipe';
import { figuresOf, type Gains, lead, type Ranker, Yardstick } from './learningMeasures';
import { measureMethods } from './learningMethods';
import { measureAdapt, measureGate } from './learningRuns';
import {
  answerQuestions,
  type Label,
  learnMeans,
  marksOfLabels,
  openWorld,
  searchMarks,
  simulate,
  type World,
  withWrongMarks,
} from './learningWorld';
import type { SetName } from './quality';
import { benchArgument, benchOption, type Figure, note, report } from './report';

const setName = (benchOption('set') ?? 'code-cosqa') as Exclude<SetName, 'code-npm'>;
const numbers = (text: string): number[] => text.split(',').map(Number);
const levels = numbers(benchOption('marks') ?? '100');
const seeds = numbers(benchOption('seeds') ?? '1,2,3,4,5');
const parts = (benchOption('parts') ?? 'fusion,query-head,shared-head,control').split(',');
const wrongShare = Number(benchOption('wrong') ?? 0);
const mining = benchOption('mining') ?? 'on';
const changes = JSON.parse(benchOption('recipe') ?? '{}') as RecipeChanges;
/** Guard queries that are measured; fillers are others. */
const MEASURED_GUARD = 60;
const FILLER = 120;

const PIECES: Readonly<Record<string, (world: World) => Promise<Figure[]>>> = {
  parts: measureParts,
  limits: measureLimits,
  questions: measureQuestions,
  people: measurePeople,
  methods: (world) =>
    measureMethods(world, { levels, seeds, guardCount: MEASURED_GUARD, fillerCount: FILLER }),
  gate: (world) => measureGate(world, { levels, seeds, wrongShare }),
  adapt: (world) => measureAdapt(world, seeds),
};

async function main(): Promise<void> {
  const piece = PIECES[benchArgument];
  if (!piece) {
    note(
      `Say one of ${Object.keys(PIECES)
        .map((name) => `learning-${name}`)
        .join(', ')}`,
    );
    process.exitCode = 2;
    return;
  }
  const world = await openWorld(setName);
  try {
    const figures = await piece(world);
    encoders.dispose();
    report([`learning-${benchArgument}`, setName, ...process.argv.slice(3)].join(' '), figures);
  } finally {
    world.lab.close();
  }
}

/** Gains of each part by seed, and the figures of them. */
interface Curve {
  readonly gains: ReadonlyMap<string, readonly Gains[]>;
  readonly figures: readonly Figure[];
}

/** Trains each part for each seed on marks that `marksOf` gives, and measures all of it. */
async function measureCurve(
  world: World,
  yardstick: Yardstick,
  label: string,
  marksOf: (seed: number) => Promise<readonly KeptMark[]>,
): Promise<Curve> {
  const trials = new Map<string, Gains[]>(parts.map((part) => [part, []]));
  let count = 0;
  for (const seed of seeds) {
    const marks = await marksOf(seed);
    count = marks.length;
    for (const part of parts) {
      const ranker = await trained(world, part, marks, seed);
      const gains = await yardstick.gainsOf(ranker);
      ranker.reranker?.dispose();
      const kept = ranker.learned?.head
        ? `, cosine to the base ${(await closeness(world, ranker)).toFixed(3)}`
        : '';
      trials.get(part)!.push(gains);
      note(
        `${world.name} ${label} (${count}), seed ${seed}, ${part}: MRR ${mean(gains.reciprocal).toFixed(4)} accuracy ${mean(gains.accuracy).toFixed(4)} guard ${mean(gains.guard).toFixed(4)}${kept}`,
      );
    }
  }
  const figures = [...trials].flatMap(([part, gains]) =>
    figuresOf(`${label} (${count}), ${part}`, gains),
  );
  return { gains: trials, figures };
}

async function measureParts(world: World): Promise<Figure[]> {
  const yardstick = await Yardstick.make(world);
  const figures = yardstick.baseFigures();
  for (const figure of figures) note(`${figure.label} ${figure.value.toFixed(4)}`);
  for (const level of levels)
    figures.push(
      ...(
        await measureCurve(world, yardstick, `${level} marks`, async (seed) =>
          withWrongMarks(await simulate(world, level, seed), wrongShare, seed),
        )
      ).figures,
    );
  return figures;
}

async function measureLimits(world: World): Promise<Figure[]> {
  const yardstick = await Yardstick.make(world);
  const places = new Map([1, 3, 10, 30, 60].map((depth) => [depth, 0]));
  for (const query of world.unseen) {
    const request = { query: query.text, limit: 60, rerank: true, rerankCount: 30 };
    const { hits } = await search(world.context, request);
    const at = hits.findIndex(({ path: file }) => world.isRight(query, file));
    for (const [depth, count] of places) if (at >= 0 && at < depth) places.set(depth, count + 1);
  }
  const found = [...places].map(([depth, count]) => ({
    label: `a right answer among the first ${depth}`,
    value: count / world.unseen.length,
  }));
  const looked = await measureCurve(
    world,
    yardstick,
    'learned from the unseen themselves',
    (seed) => simulate(world, Infinity, seed, world.unseen),
  );
  return [...yardstick.baseFigures(), ...found, ...looked.figures];
}

/** The same effort on both sides: so many marks made while searching, and so many questions answered. */
async function measureQuestions(world: World): Promise<Figure[]> {
  const yardstick = await Yardstick.make(world);
  const figures = yardstick.baseFigures();
  for (const level of levels) {
    const passive = await measureCurve(world, yardstick, `${level} passive marks`, (seed) =>
      simulate(world, level, seed),
    );
    const best = await measureCurve(world, yardstick, `${level} questions, marks of them`, (seed) =>
      answerQuestions(world, level, seed),
    );
    figures.push(...passive.figures, ...best.figures);
    for (const [part, gains] of best.gains) {
      const leads = gains.map((own, at) => lead(own, passive.gains.get(part)![at]!));
      figures.push(...figuresOf(`${level} questions lead passive marks, ${part}`, leads));
    }
  }
  return figures;
}

async function trained(
  world: World,
  part: string,
  marks: readonly KeptMark[],
  seed: number,
): Promise<Ranker> {
  if (part === 'control') return controlOf(world, seed);
  if (part === 'instant') return { marks: await searchMarks(world, marks) };
  const means = learnMeans(world, seed);
  const data = gatherMarks(world.snapshot, marks);
  if (part === 'words') {
    const words = learnWords(wordExamples(world.snapshot, data.queries), world.snapshot);
    note(words.map(({ word, as, count, of }) => `${word} = ${as} (${count} of ${of})`).join(', '));
    return { words: wordMap(words) };
  }
  const groups = await groupsOf(world, marks, data.queries, seed);
  const made = pseudoGuard(world.snapshot, MEASURED_GUARD + FILLER, seededRandom(1));
  const filler = made.slice(MEASURED_GUARD);
  const out = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-')), 'out');
  const isWhole = part === 'fusion' || part === 'cross-encoder';
  const tier: LearningTier = isWhole ? part : part === 'bi-encoder' ? 'encoder' : 'head';
  const records =
    tier === 'fusion'
      ? fusionRecords(groups)
      : tier === 'head' || tier === 'encoder'
        ? headRecords(world.context, groups, filler, [])
        : crossRecords(world.context, groups);
  const recipe = { ...recipeOf(tier, records.length), ...changes };
  await trainTier({ part: part as Part, records, recipe, out }, means);
  const opened =
    tier === 'encoder'
      ? await encodedContestant(
          {
            ...{ checkpointFolder: out, cacheFile: `${out}.db`, owned: encoders },
            texts: groups.map(({ query }) => query.text),
            onProgress: () => undefined,
          },
          means,
        )
      : await openTier(tier, out, means.openReranker);
  fs.rmSync(path.dirname(out), { recursive: true, force: true });
  return opened;
}

/** Encoders of trials, open until the end. */
const encoders = new DisposableStore();

const knownGroups = new WeakMap<readonly KeptMark[], Group[]>();

/** Marks with mined negatives beside them; the same for every part that learns from them. */
async function groupsOf(
  { context }: World,
  marks: readonly KeptMark[],
  queries: readonly MarkedQuery[],
  seed: number,
): Promise<Group[]> {
  const known = knownGroups.get(marks);
  if (known) return known;
  const settings = mining === 'unfiltered' ? UNFILTERED : undefined;
  const options = { control: new RunControl(), seed, onQuery: () => undefined, settings };
  const groups =
    mining === 'off'
      ? queries.map((query) => ({ query, mined: [] }))
      : await mineGroups(context, queries, options);
  knownGroups.set(marks, groups);
  return groups;
}

/** How near mapped queries stay to what they were. */
async function closeness({ unseen, context }: World, { learned }: Ranker): Promise<number> {
  const cosines: number[] = [];
  for (const { text } of unseen) {
    const vector = await context.embedder!.embedQuery(text);
    cosines.push(dot(applyHead(learned!.head!, vector), vector));
  }
  return mean(cosines);
}

/** Everything that any retriever proposes, as it comes. */
const UNFILTERED: Partial<MiningSettings> = {
  ...{ condition: 'off', ceiling: Infinity, teacherMargin: -Infinity, duplicateCosine: Infinity },
  ranks: [1, 30],
};

/** A random map of the size that training gives. */
function controlOf({ lab }: World, seed: number): Ranker {
  const { dimension, checkpoint } = lab.embedder.space;
  const head = newHead({ kind: 'query-head', base: checkpoint, dimension, rank: 8 }, seed);
  const random = seededRandom(seed);
  for (let i = 0; i < head.b.length; i++) head.b[i] = (random() - 0.5) * 0.3;
  return { learned: { head, mapsSimilar: true } };
}

const FOLDS = 5;

/** Each label is scored by a map that was learned from the labels of other queries. */
async function measurePeople(world: World): Promise<Figure[]> {
  const { labels, context, snapshot } = world;
  if (labels.length === 0) return [];
  const { embedder } = context;
  const vectors = new Map<string, Float32Array>();
  for (const { query } of labels) vectors.set(query, await embedder!.embedQuery(query));
  const scoreOf = ({ query, chunkId }: Label, { learned }: Ranker): number => {
    const head = learned?.head;
    const map = (vector: Float32Array): Float32Array => (head ? applyHead(head, vector) : vector);
    const chunk = snapshot.meanVector(embedder!.space.id, [chunkId])!;
    const cosine = dot(map(vectors.get(query)!), head?.kind === 'shared-head' ? map(chunk) : chunk);
    // As a search takes it: maps of other folds would otherwise have scales of their own.
    const { factor, shift } = learned?.level ?? { factor: 1, shift: 0 };
    return factor * cosine + shift;
  };
  const isRight = labels.map((label) => label.isRight);
  const base = labels.map((label) => scoreOf(label, {}));
  const queries = [...new Set(labels.map(({ query }) => query))];
  const figures: Figure[] = [
    {
      label: `area under ROC of the base, ${labels.length} labels`,
      value: areaUnder(base, isRight),
      digits: 4,
    },
  ];
  for (const part of parts) {
    const runs: number[][] = [];
    for (const seed of seeds) {
      const foldOf = new Map(
        shuffle(queries, seededRandom(seed)).map((query, at) => [query, at % FOLDS]),
      );
      const scores: number[] = [];
      for (let fold = 0; fold < FOLDS; fold++) {
        const learned = labels.filter(({ query }) => foldOf.get(query) !== fold);
        const ranker = await trained(world, part, marksOfLabels(world, learned), seed);
        labels.forEach((label, at) => {
          if (foldOf.get(label.query) === fold) scores[at] = scoreOf(label, ranker);
        });
      }
      note(`${part}, seed ${seed}: area ${areaUnder(scores, isRight).toFixed(4)}`);
      runs.push(scores);
    }
    figures.push(...areaFigures(part, isRight, base, runs));
  }
  return figures;
}

const RESAMPLES = 1000;

/** The mean gain over seeds, with the interval by resampling labels. */
function areaFigures(
  part: string,
  isRight: readonly boolean[],
  base: readonly number[],
  runs: readonly (readonly number[])[],
): Figure[] {
  const random = seededRandom(1);
  const gainOn = (drawn: readonly number[]): number => {
    const pick = <T>(values: readonly T[]): T[] => drawn.map((at) => values[at]!);
    const before = areaUnder(pick(base), pick(isRight));
    return mean(runs.map((run) => areaUnder(pick(run), pick(isRight)) - before));
  };
  const all = [...base.keys()];
  const gains = Array.from({ length: RESAMPLES }, () =>
    gainOn(all.map(() => Math.floor(random() * all.length))),
  ).sort((a, b) => a - b);
  return [
    { label: `${part}: area gained, mean of ${runs.length} seeds`, value: gainOn(all), digits: 4 },
    { label: '  from', value: gains[Math.round(0.025 * RESAMPLES)]!, digits: 4 },
    { label: '  to', value: gains[Math.round(0.975 * RESAMPLES) - 1]!, digits: 4 },
  ];
}

/** Share of pairs of a right and a wrong one that stand in order; ties count one half. */
function areaUnder(scores: readonly number[], isRight: readonly boolean[]): number {
  const order = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!);
  let rankSum = 0;
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) to++;
    const rank = (from + 1 + to) / 2;
    for (let at = from; at < to; at++) if (isRight[order[at]!]) rankSum += rank;
    from = to;
  }
  const right = isRight.filter(Boolean).length;
  return (rankSum - (right * (right + 1)) / 2) / (right * (scores.length - right));
}

void main();
