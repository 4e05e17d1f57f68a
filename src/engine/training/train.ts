/**
 * A run from request to result: read and check the records, settle the recipe, make the plan, train the part, publish.
 * Nothing is written before everything that was given has been checked.
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { NearmissError } from '../../base/errors';
import { installationRoot, productVersion } from '../../base/installation';
import { readBundledCheckpoint } from '../encoders/bundled';
import { type Checkpoint, readGivenCheckpoint } from '../encoders/checkpoint';
import { openEmbedder } from '../encoders/openEncoder';
import { runtimeVersion } from '../encoders/providers';
import type { SearchContext } from '../search/types';
import type { PartResult, TrainingContext, TrainingNews } from './context';
import type { RunControl } from './control';
import { figureName } from './heldOut';
import type { Settled } from './kept';
import type { LoopProgress, LoopResult } from './loop';
import { type Plan, makePlan } from './plan';
import { type Part, idleFlags, makeRecipe, readRecipe } from './recipe';
import { type TrainingRecord, readRecords } from './recordFile';
import { RUN_FILE, RunFiles, writeWhole } from './runFiles';
import { withPseudoRows } from './pseudoRows';
import { trainEncoder } from './trainEncoder';
import { trainFusion } from './trainFusion';
import { trainHead } from './trainHead';

/** What is asked for; paths are absolute. */
export interface TrainOrder {
  readonly data: string;
  readonly dev?: string;
  readonly base: string;
  readonly part: Part;
  readonly folder?: string;
  /** A recipe file. */
  readonly recipe?: string;
  readonly out: string;
  readonly seed: number;
  readonly device: 'auto' | 'cpu' | 'webgpu';
  readonly resume: boolean;
  /** Settings are tried for so long first; for heads. */
  readonly tuneMinutes?: number;
  /** How often this run was ended for want of memory; 0 when left out. */
  readonly memoryCuts?: number;
  readonly dataFolder: string;
}

export interface TrainingListener {
  readonly control: RunControl;
  readonly onNews: (news: TrainingNews) => void;
  readonly onNote: (note: string) => void;
  /** Told once: how much memory ends the process, and how far it stands back for others. */
  readonly onLimits: (limits: { readonly memoryBytes: number; readonly niceness: number }) => void;
  /** What searches in the order's folder rest on; there for the part that needs it. */
  readonly index?: SearchContext;
}

export interface TrainOutcome extends PartResult {
  /** What the held-out figures are: "nDCG@10", "Spearman", or the mean of the two. */
  readonly metric: string;
  readonly seconds: number;
  readonly notes: readonly string[];
}

/** All else is a matter of seconds on the processor. */
const TRAINED_ON_DEVICES: readonly Part[] = ['bi-encoder', 'cross-encoder'];

/** Trains and publishes. Throws an AbortedError when cancelled; the state is then there for --resume. */
export async function train(order: TrainOrder, listener: TrainingListener): Promise<TrainOutcome> {
  const startMs = performance.now();
  const base = await readBase(order);
  const changes = order.recipe === undefined ? {} : await readRecipe(order.recipe);
  const data = await readRecords(order.data);
  const dev = order.dev === undefined ? undefined : await readRecords(order.dev);
  checkTasks(order, data.records);
  const recipe = makeRecipe(order.part, data.records.length, changes);
  listener.onLimits({ memoryBytes: recipe.memoryMb * 2 ** 20, niceness: recipe.niceness });
  const { seed } = order;
  const { heldOutShare, pseudo } = recipe;
  const given = makePlan({ train: data.records, heldOut: dev?.records, seed, heldOutShare });
  // The fusion learns from places in a folder, which say nothing themselves.
  const plan = order.part === 'fusion' ? given : withPseudoRows(given, pseudo.share, seed);
  const notes = [...plan.notes];
  const idle = idleFlags(order.part, data.records.length, changes);
  if (idle.length > 0)
    notes.push(
      `Flags of the recipe that --part ${order.part} does not look at: ${idle.join(', ')}`,
    );
  if (order.device === 'webgpu' && !TRAINED_ON_DEVICES.includes(order.part))
    notes.push(`The processor trains: --device is for ${TRAINED_ON_DEVICES.join(' and ')}`);
  for (const note of notes) listener.onNote(note);
  const identity = {
    ...{ part: order.part, base: base.fingerprint, recipe, seed: order.seed },
    dataHash: data.hash,
    heldOutHash: dev?.hash ?? '',
  };
  const files = new RunFiles(order.out, identity);
  const resumed = await files.prepare(order.resume);
  const memoryCuts = order.memoryCuts ?? 0;
  if (order.resume && !resumed && memoryCuts === 0)
    listener.onNote('There is no unfinished run to go on with; this one starts anew');
  const context: TrainingContext = {
    ...{ plan, recipe, base, resumed, seed: order.seed, dataFolder: order.dataFolder },
    ...{ control: listener.control, index: listener.index },
    tell: listener.onNews,
    tellLoop: (progress) => listener.onNews(newsOf(progress)),
    note(text) {
      notes.push(text);
      listener.onNote(text);
    },
    openEmbedder: async () => {
      const choice = { arithmetic: 'fp32', provider: 'cpu' } as const;
      const isBi = base.kind === 'bi-encoder';
      const own = isBi ? base : await readBundledCheckpoint(installationRoot(), 'bi-encoder');
      return openEmbedder(own, { choice, threads: recipe.threads });
    },
    ...{ tuneMinutes: order.tuneMinutes, device: order.device, memoryCuts },
    writeRecord: (folder, result, settled, more = {}) =>
      writeRecord(folder, { order, identity, result, settled, plan, more }),
  };
  const result = await trainPart(order.part, context, files);
  if (result.problem !== undefined) context.note(result.problem);
  const seconds = (performance.now() - startMs) / 1000;
  return { ...result, metric: figureName(plan.heldOut), notes, seconds };
}

async function trainPart(
  part: Part,
  context: TrainingContext,
  files: RunFiles,
): Promise<PartResult> {
  switch (part) {
    case 'query-head':
    case 'shared-head':
      return trainHead(part, context, files);
    case 'bi-encoder':
    case 'cross-encoder':
      return trainEncoder(part, context, files);
    case 'fusion':
      return trainFusion(context, files);
  }
}

async function readBase({ base, part }: TrainOrder): Promise<Checkpoint> {
  const checkpoint = await readGivenCheckpoint(base);
  const wanted = part === 'cross-encoder' ? 'cross-encoder' : 'bi-encoder';
  if (checkpoint.kind === wanted) return checkpoint;
  throw new NearmissError(
    'usage',
    `${base} is a ${checkpoint.kind}, and ${part} needs a ${wanted}`,
    'Name another folder with --base',
  );
}

/** A query head sees queries alone, and both sides of a pair are documents. */
function checkTasks({ part, tuneMinutes }: TrainOrder, records: readonly TrainingRecord[]): void {
  if (tuneMinutes !== undefined && part !== 'query-head' && part !== 'shared-head')
    throw new NearmissError(
      'usage',
      `--tune tries hundreds of runs, which a ${part} is too slow for`,
      'Tune a head, or write a recipe',
    );
  if (part !== 'query-head' && part !== 'cross-encoder' && part !== 'fusion') return;
  const pair = records.find(({ task }) => task === 'sts');
  if (!pair) return;
  throw new NearmissError(
    'usage',
    `Line ${pair.line} is a pair of texts with a score, from which a ${part} cannot learn`,
    'Train the shared head or the bi-encoder, or leave pairs out',
  );
}

function newsOf(progress: LoopProgress): TrainingNews {
  const { step, stepCount, loss, metric, baseMetric, secondsLeft } = progress;
  return { stage: 'training', done: step, total: stepCount, loss, metric, baseMetric, secondsLeft };
}

async function writeRecord(
  folder: string,
  run: {
    readonly order: TrainOrder;
    readonly identity: RunFiles['identity'];
    readonly result: LoopResult;
    readonly settled: Settled;
    readonly plan: Plan;
    readonly more: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const { order, identity, result, settled, plan, more } = run;
  const { kept, baseMetric, stepCount, reason, problem } = result;
  const record = {
    ...identity,
    // With --tune another head than was asked for may come out, by another recipe.
    ...more,
    baseFolder: order.base,
    versions: {
      nearmiss: productVersion(),
      runtime: runtimeVersion(),
      node: process.versions.node,
    },
    records: {
      train: plan.train.rows.length + plan.train.pairs.length,
      heldOut: plan.heldOut.rows.length + plan.heldOut.pairs.length,
    },
    figures: {
      metric: figureName(plan.heldOut),
      before: baseMetric,
      after: settled.metric,
      settled: { steps: settled.steps, pull: settled.pull },
      kept: kept.map(({ step, metric }) => ({ step, metric })),
    },
    ...{ stepCount, reason, problem },
  };
  await fs.mkdir(folder, { recursive: true });
  await writeWhole(path.join(folder, RUN_FILE), `${JSON.stringify(record, null, 2)}\n`);
}
