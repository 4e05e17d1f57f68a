/** Trains a query head or a shared head from files: embeds the texts once, runs the loop, writes the adapter. */
import * as path from 'node:path';
import { NearmissError } from '../../base/errors';
import { DisposableStore } from '../../base/lifecycle';
import {
  ADAPTER_FILE,
  type Head,
  type HeadKind,
  applyHead,
  checkBase,
  encodeHead,
  readHead,
} from '../encoders/heads';
import { HeadLearner } from './headLearner';
import { levelOfHead } from './headLevel';
import { type Settled, settle } from './kept';
import { type LoopResult, runLoop } from './loop';
import type { Plan } from './plan';
import type { Recipe } from './recipe';
import { embedTexts } from './texts';
import { type Tuned, tuneRecipe } from './tune';
import { reviewedPlan } from './quarantine';
import { RetrievalLossGraphs } from './retrievalLossGraph';
import { RUN_FILE, type RunFiles, writeWhole } from './runFiles';
import type { PartResult, TrainingContext } from './context';

const TUNED_FILE = 'tuned.json';

/** Runs to the end and publishes; `files` is ready and may hold the state of an earlier run. */
export async function trainHead(
  kind: HeadKind,
  context: TrainingContext,
  files: RunFiles,
): Promise<PartResult> {
  const { seed, base, control } = context;
  const owned = new DisposableStore();
  try {
    const embedder = owned.add(await context.openEmbedder());
    const { texts, train, heldOut } = context.plan;
    const queries = new Set([train, heldOut].flatMap(({ rows }) => rows.map((row) => row.query)));
    const vectors = await embedTexts(texts, (index) => queries.has(index), {
      embedder,
      dataFolder: context.dataFolder,
      control,
      onProgress: (done, total) => context.tell({ stage: 'embedding texts', done, total }),
    });
    const { dimension } = embedder.space;
    const losses = owned.add(new RetrievalLossGraphs(dimension));
    const given = { vectors, dimension, base: base.fingerprint, seed, losses };
    const makeLearner = (own: HeadKind, some: Plan, recipe: Recipe): HeadLearner =>
      new HeadLearner({ ...given, kind: own, plan: some, recipe });
    const plan = reviewedPlan(context, vectors, dimension);
    const tuned = await tunedHead(kind, { ...context, plan }, files, makeLearner);
    const { recipe } = tuned;
    const learner = makeLearner(tuned.kind, plan, recipe);
    const result = await runLoop({
      ...{ learner, recipe, control, resumed: context.resumed },
      save: (state) => files.saveState(state),
      onProgress: context.tellLoop,
    });
    const settled = await settle(learner, result, recipe, context);
    const { head } = learner;
    await publishHead(head, { context, files, result, settled, vectors, tuned });
    return { ...result, settled, part: head.kind };
  } finally {
    owned.dispose();
  }
}

/** What was asked for, or the best that was found around it; a run that is gone on with has found it already. */
async function tunedHead(
  kind: HeadKind,
  { plan, recipe, seed, control, tuneMinutes: minutes, note }: TrainingContext,
  files: RunFiles,
  makeLearner: (kind: HeadKind, plan: Plan, recipe: Recipe) => HeadLearner,
): Promise<Tuned> {
  if (minutes === undefined) return { kind, recipe, trials: [] };
  const known = await files.readNote<Tuned>(TUNED_FILE);
  if (known) return known;
  let most = -Infinity;
  const tuned = await tuneRecipe({
    ...{ kind, plan, recipe, minutes, seed, control, makeLearner },
    onTrial(count, { changes, gain }) {
      if (gain <= most) return;
      most = gain;
      note(
        `Tried ${count}: ${gain < 0 ? '' : '+'}${gain.toFixed(4)} held out, ${count === 1 ? 'as it was asked for' : `the best so far, with ${JSON.stringify(changes)}`}`,
      );
    },
  });
  const best = tuned.trials.findIndex(({ gain }) => gain === most);
  note(
    `Of ${tuned.trials.length} tried the best is number ${best + 1}, a ${tuned.kind}; ${RUN_FILE} will list all`,
  );
  await files.writeNote(TUNED_FILE, tuned);
  return tuned;
}

async function publishHead(
  head: Head,
  run: {
    readonly context: TrainingContext;
    readonly files: RunFiles;
    readonly result: LoopResult;
    readonly settled: Settled;
    readonly vectors: Float32Array;
    readonly tuned: Tuned;
  },
): Promise<void> {
  const { context, files, result, settled, vectors, tuned } = run;
  const row = vectors.subarray(0, head.dimension);
  const expected = applyHead(head, row);
  await files.publish(
    async (folder) => {
      await writeWhole(path.join(folder, ADAPTER_FILE), encodeHead(head));
      const level = levelOfHead(head, context.plan, vectors, context.seed);
      const tried = tuned.trials.length > 0 ? { recipe: tuned.recipe, tried: tuned.trials } : {};
      const more = { part: head.kind, ...tried, ...(level && { level }) };
      await context.writeRecord(folder, result, settled, more);
    },
    async (folder) => {
      const written = await readHead(path.join(folder, ADAPTER_FILE));
      checkBase(written, context.base.fingerprint);
      const actual = applyHead(written, row);
      if (actual.every((value, index) => value === expected[index])) return;
      throw new NearmissError(
        'model',
        'The adapter that was written does not give what was trained',
        'Look at the disk, then go on with --resume',
      );
    },
  );
}
