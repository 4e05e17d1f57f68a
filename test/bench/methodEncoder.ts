/**
 * Each method in the encoder itself: its last two layers learn from four folds of a set, every document is embedded anew,
 * and the queries of the fifth fold are asked. One fold: intervals are wide, time and memory are not.
 */
import { installationRoot } from '../../src/base/installation';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import { type Checkpoint, readModelBytes } from '../../src/engine/encoders/checkpoint';
import { loadTokenizer } from '../../src/engine/encoders/tokenizer';
import { BiEncoderLearner } from '../../src/engine/training/biEncoderLearner';
import { MINING_DEFAULTS, type MiningPool } from '../../src/engine/training/negatives';
import type { Row } from '../../src/engine/training/plan';
import { type Recipe, type RecipeChanges, makeRecipe } from '../../src/engine/training/recipe';
import { openTrainableEncoder } from '../../src/engine/training/trainableEncoder';
import { withCost } from './cost';
import { nearest, rankedNdcg } from './markedSet';
import { line, type Outcome } from './methodLine';
import { mineAll, rowsOf, splitsOf } from './methodRows';
import { type JudgedQuery, type MethodSet, takeAllSteps } from './methods';
import { benchOption, note } from './report';
import { embedWith } from './trainedRows';

/** Off where time and memory alone are asked for: embedding everything anew takes longer than the steps. */
const isJudged = benchOption('judge') !== 'off';

/** All methods that an encoder's step has room for, at strengths of the papers; longer texts are cut. */
const EVERYTHING: RecipeChanges = {
  ...{
    scope: 'last-layers',
    layers: 2,
    learningRate: 3e-5,
    rows: 16,
    negatives: 2,
    maxTokens: 128,
  },
  ...{ dropout: 0.1, columnWeight: 0.5, anchor: 0.2, anchorTexts: 8, hnm: { k: 4, s: 6 } },
  ...{ steps: Number(benchOption('steps') ?? 24), threads: Number(benchOption('threads') ?? 2) },
};

const ARMS: Readonly<Record<string, RecipeChanges>> = {
  'without synthetic negatives (HNCSE-HNM)': { hnm: { k: 0, s: 0 } },
  'without columns (BSC)': { columnWeight: 0 },
  'without anchor': { anchor: 0 },
  'without dropout (SimCSE)': { dropout: 0 },
  'without mined negatives': { negatives: 0 },
  'with off-dropout (SimCSE++)': { offDropout: { enabled: true } },
  'with mixed positives (HNCSE-PM)': { pm: { enabled: true } },
  'with dimensions (SimCSE++), 32 rows': { dcl: { lambda: 0.1 }, rows: 32 },
  'with hard-negative weight 2 (SimCSE)': { hardNegativeAlpha: 2 },
  'without shuffling by neighbours (BSC)': { shuffleGroup: 1 },
};

export async function ablateEncoder(set: MethodSet, pool: MiningPool, only: RegExp): Promise<void> {
  const [split] = splitsOf(set);
  const { known, test } = split!;
  const rows = rowsOf(set, known, await mineAll(known, { pool, settings: MINING_DEFAULTS }));
  const whole = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const recipe = makeRecipe('bi-encoder', known.length, EVERYTHING);
  const checkpoint = { ...whole, maxTokens: recipe.maxTokens };
  console.log(
    `${set.name}: last ${recipe.layers} layers, ${recipe.steps} steps of ${recipe.rows} rows, one fold, nDCG@10 of ${test.length} unseen queries`,
  );
  const base = isJudged ? await runEncoder(set, checkpoint, test) : { values: [] };
  line('base, nothing trained', base);
  const full = await runEncoder(set, checkpoint, test, { rows, recipe });
  line('everything', full, base);
  console.log('  differences from here on are to everything');
  for (const [label, changes] of Object.entries(ARMS)) {
    if (!only.test(label)) continue;
    note(label);
    const own = makeRecipe('bi-encoder', known.length, { ...EVERYTHING, ...changes });
    line(label, await runEncoder(set, checkpoint, test, { rows, recipe: own }), full);
  }
}

interface EncoderRun {
  readonly rows: readonly Row[];
  readonly recipe: Recipe;
}

/** The cost is that of the steps, without embedding the set anew. */
async function runEncoder(
  set: MethodSet,
  checkpoint: Checkpoint,
  test: readonly JudgedQuery[],
  run?: EncoderRun,
): Promise<Outcome> {
  const { layers, threads } = makeRecipe('bi-encoder', 0, EVERYTHING);
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const encoder = await openTrainableEncoder(await readModelBytes(checkpoint.modelFile), {
    ...{ pooling: checkpoint.pooling, selection: { lastLayers: layers }, threads },
    dropout: run && run.recipe.dropout > 0 ? ['hidden', 'attention'] : undefined,
  });
  try {
    const cost =
      run &&
      (await withCost(async () => {
        const plan = { texts: set.texts, train: { rows: run.rows, pairs: [] }, ...nothingHeldOut };
        const task = { plan, recipe: run.recipe, seed: 1, checkpoint, tokenizer, encoder };
        const learner = new BiEncoderLearner({ ...task, vectors: set.base });
        await takeAllSteps(learner, run.recipe);
        learner.dispose();
      }));
    if (!isJudged) return { values: [], cost: cost?.cost };
    const as = { tokenizer, checkpoint };
    const documents = await embedWith(encoder, { ...as, role: 'document' }, set.documents);
    const texts = test.map(({ text }) => text);
    const queries = await embedWith(encoder, { ...as, role: 'query' }, texts);
    const values = test.map(({ relevant }, at) =>
      rankedNdcg(nearest(queries[at]!, documents, 10), relevant),
    );
    return { values, cost: cost?.cost };
  } finally {
    encoder.dispose();
  }
}

const nothingHeldOut = { heldOut: { rows: [], pairs: [] }, notes: [] };
