/**
 * What each training method is worth: `npm run bench -- methods`, or one table of it (`methods-ablation`,
 * `methods-miners`, `methods-encoder`), or one set (`methods-ablation-code-cosqa`). `--teacher off` leaves the cross-encoder
 * out, `--train off` the heads behind each miner, `--queries N` takes fewer, `--only PATTERN` some miners or encoder runs, `--folds N` only the
 * first folds, `--steps N` other steps, `--judge off` time and memory of encoder runs alone.
 *
 * Ablation: a query head with every method of its recipe, then with each switched off alone (or, where the recipe has it
 * off, on alone); nDCG@10 on judged queries that the head never saw, beside the paired difference to the full recipe
 * with its 95 % interval, and the time it took. Miners: one space against several, votes, and each filter off, with the
 * share of mined negatives that are judged relevant (positives hidden but one). Encoder: the last two layers of the
 * bi-encoder on one fold of `docs-cranfield`, each method off or on alone. Time is the processor's; memory is what the
 * process grew by at its peak.
 */
import { seededRandom, sample, shuffle } from '../../src/base/random';
import { mean } from '../../src/engine/training/metrics';
import {
  MINING_DEFAULTS,
  type MinedGroup,
  type MiningPool,
  type MiningSettings,
} from '../../src/engine/training/negatives';
import type { Row } from '../../src/engine/training/plan';
import { type Recipe, type RecipeChanges, makeRecipe } from '../../src/engine/training/recipe';
import { type Cost, withCost } from './cost';
import { openLab } from './lab';
import { ablateEncoder } from './methodEncoder';
import { costOfOne, line, type Outcome } from './methodLine';
import { foldCount, FOLDS, type Known, mineAll, rowsOf, type Split, splitsOf } from './methodRows';
import {
  type JudgedQuery,
  type MethodSet,
  furtherSetSpace,
  judgeHead,
  loadMethodSet,
  miningPool,
  trainSetHead,
} from './methods';
import { benchArgument, benchOption, note } from './report';

const VOTERS = ['base', 'static', 'words'];
const MIDDLE = 'layer:3';

/** Trains and judges on every split; values by query, averaged over seeds where all are judged each time. */
async function runArm(
  set: MethodSet,
  splits: readonly Split[],
  rows: readonly (readonly Row[])[],
  recipe: Recipe,
): Promise<Outcome> {
  const costs: Cost[] = [];
  const lists: number[][] = [];
  for (const [i, { test, seed }] of splits.entries()) {
    const { value: head, cost } = await withCost(() =>
      trainSetHead(set, { rows: rows[i]!, recipe, seed }),
    );
    costs.push(cost);
    lists.push(judgeHead(set, test, head));
  }
  const isRepeated = set.marks.length > 0;
  const values = isRepeated
    ? lists[0]!.map((_, q) => mean(lists.map((list) => list[q]!)))
    : lists.flat();
  return { values, cost: costOfOne(costs) };
}

const ARMS: Readonly<Record<string, RecipeChanges>> = {
  'without synthetic negatives (HNCSE-HNM)': { hnm: { k: 0, s: 0 } },
  'without columns (BSC)': { columnWeight: 0 },
  'without anchor': { anchor: 0 },
  'without dropout': { dropout: 0 },
  'without duplicate mask': { duplicateCosine: 1 },
  'with off-dropout (SimCSE++)': { offDropout: { enabled: true } },
  'with mixed positives (HNCSE-PM)': { pm: { enabled: true } },
  'with dimensions (SimCSE++), 32 rows': { dcl: { lambda: 0.1 }, rows: 32 },
  'with hard-negative weight 2 (SimCSE)': { hardNegativeAlpha: 2 },
  'at temperature .02': { tau: 0.02 },
  'at temperature .1': { tau: 0.1 },
};

async function ablate(set: MethodSet, teacher: MiningPool['teacher']): Promise<void> {
  const splits = splitsOf(set);
  const count = splits[0]!.known.filter(({ positives }) => positives.length > 0).length;
  const recipe = makeRecipe('query-head', count, stepChange);
  const mining = { pool: miningPool(set, VOTERS, teacher), settings: MINING_DEFAULTS };
  const rows: Row[][] = [];
  for (const { known } of splits) rows.push(rowsOf(set, known, await mineAll(known, mining)));
  console.log(
    `${set.name}: query head of rank ${recipe.rank}, ${recipe.steps} steps, nDCG@10 on unseen queries`,
  );
  const queries = set.marks.length > 0 ? set.queries : splits.flatMap(({ test }) => test);
  const base = { values: judgeHead(set, queries) };
  line('base, nothing trained', base);
  const full = await runArm(set, splits, rows, recipe);
  line('everything of the recipe', full, base);
  console.log('  differences from here on are to the recipe');
  for (const [label, changes] of Object.entries(ARMS))
    line(
      label,
      await runArm(
        set,
        splits,
        rows,
        makeRecipe('query-head', count, { ...stepChange, ...changes }),
      ),
      full,
    );
  const without = (keep: (row: Row) => Row | undefined): Row[][] =>
    rows.map((list) => list.flatMap((row) => keep(row) ?? []));
  const noMined = without((row) =>
    row.positives.length > 0 ? { ...row, negatives: [], negativeWeights: [] } : row,
  );
  line('without mined negatives', await runArm(set, splits, noMined, recipe), full);
  if (set.marks.length > 0) {
    const noLone = without((row) => (row.positives.length > 0 ? row : undefined));
    line('without negative-only rows', await runArm(set, splits, noLone, recipe), full);
  }
}

const MINERS: Readonly<Record<string, { spaces?: string[]; settings?: Partial<MiningSettings> }>> =
  {
    'three spaces, all filters': {},
    'base alone': { spaces: ['base'] },
    'words alone': { spaces: ['words'] },
    'base and words': { spaces: ['base', 'words'] },
    'a middle layer (the third) alone': { spaces: [MIDDLE] },
    'a middle layer votes too': { spaces: [...VOTERS, MIDDLE] },
    'fused votes': { settings: { voting: 'fused' } },
    'plain second condition': { settings: { condition: 'plain' } },
    'without second condition': { settings: { condition: 'off' } },
    'with first condition': { settings: { mustConfuse: true } },
    'without ceiling': { settings: { ceiling: Infinity } },
    'without teacher': { settings: { teacherMargin: -Infinity } },
    'from rank 1': { settings: { ranks: [1, 29] } },
    'without any filter': {
      settings: {
        ...{ condition: 'off', ceiling: Infinity, teacherMargin: -Infinity },
        ...{ duplicateCosine: Infinity, ranks: [1, 29] },
      },
    },
  };

/** One relevant document of each query shown, the others hidden: what is mined of those is a false negative. */
async function compareMiners(set: MethodSet, teacher: MiningPool['teacher']): Promise<void> {
  const queries = shuffle(set.queries, seededRandom(1)).slice(0, queryCount ?? set.queries.length);
  const known = queries.map(({ text, relevant }, i): Known => {
    return { query: text, positives: sample(relevant, 1, seededRandom(i)), explicit: [] };
  });
  const hidden = queries.map(({ relevant }) => new Set(relevant));
  console.log(`${set.name}: miners over ${queries.length} queries, one relevant document shown`);
  const middle = await furtherSetSpace(set, MIDDLE);
  let first: Outcome | undefined;
  const pools = new Map<string, MiningPool>();
  for (const [label, { spaces = VOTERS, settings }] of Object.entries(MINERS)) {
    if (!only.test(label)) continue;
    const pool = pools.get(spaces.join()) ?? miningPool(set, spaces, teacher, [middle]);
    pools.set(spaces.join(), pool);
    const mining = { pool, settings: { ...MINING_DEFAULTS, ...settings } };
    const { value: groups, cost } = await withCost(() => mineAll(known, mining));
    const mined = groups.map(({ negatives }) => negatives.filter((n) => n.source === 'mined'));
    const count = mined.flat().length;
    const wrong = mined.flatMap((list, i) => list.filter((n) => hidden[i]!.has(n.chunkId))).length;
    const ms = (1000 * cost.cpuSeconds) / queries.length;
    const rate = `${((100 * wrong) / Math.max(count, 1)).toFixed(1)} % false of ${(count / queries.length).toFixed(1)}, ${ms.toFixed(0)} ms, ${cost.grownMb.toFixed(0)} MB`;
    if (!isTraining) {
      console.log(`  ${label.padEnd(28)} ${rate}`);
      continue;
    }
    const outcome = await trainOnMined(set, queries, known, groups);
    line(`${label}: ${rate}`, outcome, first);
    first ??= outcome;
  }
}

/** Heads by folds over queries that were mined for. */
async function trainOnMined(
  set: MethodSet,
  queries: readonly JudgedQuery[],
  known: readonly Known[],
  groups: readonly MinedGroup[],
): Promise<Outcome> {
  const isTest = (fold: number, i: number): boolean => i % FOLDS === fold;
  const folds = Array.from({ length: foldCount }, (_, fold) => fold);
  const splits = folds.map((fold): Split => {
    return { known: [], test: queries.filter((_, i) => isTest(fold, i)), seed: fold };
  });
  const all = rowsOf(set, known, groups);
  const rows = folds.map((fold) => all.filter((_, i) => !isTest(fold, i)));
  return runArm(set, splits, rows, makeRecipe('query-head', 200, stepChange));
}

/** What is run: all tables on both sets, or one of them. */
const [table, setName] = [/ablation|miners|encoder/, /code-cosqa|docs-cranfield/].map(
  (pattern) => pattern.exec(benchArgument)?.[0],
);
/** Miners by what their names say. */
const only = new RegExp(benchOption('only') ?? '.');
const isTraining = benchOption('train') !== 'off';
/** For every arm alike, in place of the recipe's own. */
const stepChange: RecipeChanges = benchOption('steps')
  ? { steps: Number(benchOption('steps')) }
  : {};
const queryCount = benchOption('queries') ? Number(benchOption('queries')) : undefined;

function isAsked(name: string): boolean {
  return table === undefined || table === name;
}

async function main(): Promise<void> {
  const lab = await openLab();
  try {
    const teacher: MiningPool['teacher'] =
      benchOption('teacher') === 'off'
        ? undefined
        : (query, texts) => lab.reranker.score(query, texts);
    for (const name of ['code-cosqa', 'docs-cranfield'] as const) {
      if (setName !== undefined && setName !== name) continue;
      // Marks of people are for the ablation alone: some relevant documents can be hidden only where queries have several.
      const isMarked = name === 'code-cosqa';
      if (isMarked && !isAsked('ablation')) continue;
      const set = await loadMethodSet(lab, name);
      note(`${name}: ${set.documents.length} documents, ${set.queries.length} queries`);
      if (isAsked('ablation')) await ablate(set, teacher);
      if (isAsked('miners') && !isMarked) await compareMiners(set, teacher);
      if (isAsked('encoder') && !isMarked)
        await ablateEncoder(set, miningPool(set, VOTERS, teacher), only);
    }
  } finally {
    lab.close();
  }
}

void main();
