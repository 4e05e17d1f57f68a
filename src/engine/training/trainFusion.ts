/** Trains the weights of the ranking on marks in one folder, and writes them as a small JSON file. */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { BugError, NearmissError } from '../../base/errors';
import { DEFAULT_WEIGHTS } from '../search/weights';
import { FusionLearner, type FusionRecord, gatherQueries } from './fusionLearner';
import { settle } from './kept';
import { runLoop } from './loop';
import type { Plan, Row } from './plan';
import { reviewedPlan } from './quarantine';
import { type RunFiles, writeWhole } from './runFiles';
import type { PartResult, TrainingContext } from './context';

/** The file of learned weights in the folder of a result: those of `FusionWeights`, all of them. */
const WEIGHTS_FILE = 'weights.json';

export async function trainFusion(context: TrainingContext, files: RunFiles): Promise<PartResult> {
  const { plan, recipe, seed, control, index } = context;
  if (!index) throw new BugError('Fusion weights are trained without an index');
  const gather = (rows: readonly Row[], stage: string): ReturnType<typeof gatherQueries> =>
    gatherQueries(
      index,
      rows.map((row) => recordOf(row, plan)),
      control,
      (done, total) => context.tell({ stage, done, total }),
    );
  const reviewed = reviewedPlan(context, undefined, 0);
  const train = await gather(reviewed.train.rows, 'searching');
  const heldOut = await gather(plan.heldOut.rows, 'searching for held-out queries');
  const learner = new FusionLearner(train, heldOut, recipe, seed);
  if (learner.usableCount === 0)
    throw new NearmissError(
      'usage',
      'No query finds what was marked relevant for it, so there is no order to learn',
      'Mark hits of searches in this folder',
    );
  const missed = train.length - learner.usableCount;
  if (missed > 0)
    context.note(
      `Queries that teach nothing, for they find nothing that is marked relevant for them: ${missed}`,
    );
  const result = await runLoop({
    ...{ learner, recipe, control, resumed: context.resumed },
    save: (state) => files.saveState(state),
    onProgress: context.tellLoop,
  });
  const settled = await settle(learner, result, recipe, context);
  const weights = learner.fusionWeights();
  await files.publish(
    async (folder) => {
      await writeWhole(path.join(folder, WEIGHTS_FILE), `${JSON.stringify(weights, null, 2)}\n`);
      await context.writeRecord(folder, result, settled);
    },
    async (folder) => checkWritten(path.join(folder, WEIGHTS_FILE)),
  );
  return { ...result, settled, part: 'fusion' };
}

function recordOf(
  { line, query, positives, negatives, weight }: Row,
  { texts }: Plan,
): FusionRecord {
  const placesOf = (numbers: readonly number[]): string[] =>
    numbers.map((number) => texts[number]!);
  return {
    line,
    weight,
    query: texts[query]!,
    positives: placesOf(positives),
    negatives: placesOf(negatives),
  };
}

async function checkWritten(file: string): Promise<void> {
  const read = JSON.parse(await fs.readFile(file, 'utf8')) as Record<string, unknown>;
  const isWhole = Object.keys(DEFAULT_WEIGHTS).every((name) => Number.isFinite(read[name]));
  if (!isWhole)
    throw new NearmissError('model', `${file} does not hold what was trained`, 'Look at the disk');
}
