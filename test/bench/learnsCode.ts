/**
 * What marks make of a part on queries that nobody marked, with the 95 % interval of the difference: marks of people in
 * `code-cosqa` and its judged queries, or `docs-cranfield` by folds.
 */
import { installationRoot } from '../../src/base/installation';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import type { Checkpoint } from '../../src/engine/encoders/checkpoint';
import { mean } from '../../src/engine/training/metrics';
import { withPseudoRows } from '../../src/engine/training/pseudoRows';
import { type Part, type RecipeChanges, makeRecipe } from '../../src/engine/training/recipe';
import { bootstrapInterval } from '../../src/engine/training/statistics';
import { type Learned, learnBi, learnCross, learnHead, threads } from './learnsParts';
import { heldOutAs, recordsOf, splitPlan, taughtRecords } from './learnsRecords';
import {
  type BaseRows,
  baseRows,
  foldOf,
  type MarkedSet,
  readFoldedSet,
  readMarkedSet,
} from './markedSet';
import { benchOption, type Figure, note, report } from './report';

const part = (benchOption('part') ?? 'cross-encoder') as Part;

export async function measureCode(): Promise<void> {
  const set = readMarkedSet();
  const checkpoint = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const rows = await baseRows(set, checkpoint);
  say('learns-code', await learnPart(set, rows, checkpoint));
}

/** Every query is judged once, by what was learnt from those of the other folds. */
export async function measureCranfield(): Promise<void> {
  const whole = readFoldedSet();
  const checkpoint = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const all = await baseRows(whole, checkpoint);
  const foldCount = Number(benchOption('folds') ?? 5);
  const first = Math.min(foldCount, Number(benchOption('first') ?? foldCount));
  const results: Learned[] = [];
  for (let fold = 0; fold < first; fold++) {
    note(`fold ${fold + 1} of ${foldCount}`);
    const { set, rows } = foldOf(whole, all, fold, foldCount);
    results.push(await learnPart(set, rows, checkpoint));
  }
  const beside = results.flatMap(({ beside }) => beside ?? []);
  say('learns-cranfield', {
    before: results.flatMap(({ before }) => before),
    after: results.flatMap(({ after }) => after),
    seconds: mean(results.map(({ seconds }) => seconds)),
    ...(beside.length > 0 && {
      beside: {
        label: beside[0]!.label,
        before: beside.flatMap(({ before }) => before),
        after: beside.flatMap(({ after }) => after),
      },
    }),
  });
}

async function learnPart(set: MarkedSet, rows: BaseRows, checkpoint: Checkpoint): Promise<Learned> {
  const changes = JSON.parse(benchOption('recipe') ?? '{}') as RecipeChanges;
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
  const task = { set, rows, plan, recipe };
  if (part === 'cross-encoder') return learnCross(task);
  if (part === 'bi-encoder') return learnBi({ ...task, checkpoint });
  return learnHead(part as 'query-head' | 'shared-head', { ...task, checkpoint });
}

function say(bench: string, learned: Learned): void {
  report(`${bench} ${part}`, [
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
