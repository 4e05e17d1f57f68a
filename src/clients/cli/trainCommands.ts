/** `nearmiss train`, `evaluate`, `merge` and `mine`. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { NearmissError, isAbort } from '../../base/errors';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import { resolveDataFolder } from '../../protocol/engineLock';
import {
  type FigureWithInterval,
  TRAINING_PARTS,
  type TrainingPart,
  type TrainingProgress,
  type TrainingRequest,
  type TrainingResult,
  type TrainResult,
} from '../../protocol/training';
import { runTraining } from '../trainingTask';
import { exitDone, exitFailed } from './failure';
import { plural } from './format';
import {
  type CommonOptions,
  existingFolder,
  printJson,
  printLine,
  tell,
  withSession,
} from './session';

/** The training process's bundle lies beside the command line's. */
const trainerFile = path.join(__dirname, 'trainer.js');
/** Between two plain lines of progress. */
const lineEveryMs = 5000;

/** Where indexes live is `--home` here: `--data` names the records. */
interface TrainingOptions extends CommonOptions {
  readonly home?: string;
}

interface TrainOptions extends TrainingOptions {
  readonly data: string;
  readonly dev?: string;
  readonly base: string;
  readonly part: string;
  readonly folder?: string;
  readonly recipe?: string;
  readonly out: string;
  readonly seed: number;
  readonly device: 'auto' | 'cpu' | 'webgpu';
  readonly resume?: boolean;
  readonly tune?: number;
}

export async function train(options: TrainOptions): Promise<number> {
  const part = partOf(options.part);
  if (part === 'fusion') await indexFirst(options, options.folder);
  const result = await run({
    kind: 'train',
    part,
    data: path.resolve(options.data),
    dev: absolute(options.dev),
    base: existingFolder(options.base),
    folder: options.folder === undefined ? undefined : existingFolder(options.folder),
    recipe: absolute(options.recipe),
    out: path.resolve(options.out),
    seed: options.seed,
    device: options.device,
    resume: options.resume ?? false,
    tuneMinutes: options.tune,
    dataFolder: resolveDataFolder(options.home),
  });
  if (options.json) printJson(result);
  else for (const line of trainLines(result)) printLine(line);
  return result.reason === 'notFinite' ? exitFailed : exitDone;
}

/** What rests on a folder's index needs all of it. */
async function indexFirst(options: TrainingOptions, given: string | undefined): Promise<void> {
  if (given === undefined)
    throw new NearmissError(
      'usage',
      'Fusion weights are trained on one folder',
      'Name it with --folder',
    );
  const folder = existingFolder(given);
  await withSession({ ...options, data: options.home }, async (session) => {
    const { status } = await session.index({
      folder,
      waitFor: 'nothing',
      isConfirmed: options.yes,
    });
    await session.indexVisibly({ folder, waitFor: 'all' }, status.folderId);
    return exitDone;
  });
}

interface MineOptions extends TrainingOptions {
  readonly queries: string;
  readonly recipe?: string;
  readonly also?: readonly string[];
  readonly folder: string;
  readonly out: string;
  readonly seed: number;
}

export async function mine(options: MineOptions): Promise<number> {
  const out = path.resolve(options.out);
  if (fs.existsSync(out))
    throw new NearmissError('usage', `${options.out} is there already`, 'Name another file');
  await indexFirst(options, options.folder);
  const result = await run({
    kind: 'mine',
    queries: path.resolve(options.queries),
    recipe: absolute(options.recipe),
    also: (options.also ?? []).map((name) =>
      name.startsWith('layer:') ? name : existingFolder(name),
    ),
    ...{ folder: existingFolder(options.folder), out, seed: options.seed },
    dataFolder: resolveDataFolder(options.home),
  });
  for (const note of result.notes) tell(note);
  if (options.json) printJson(result);
  else
    printLine(
      `${plural(result.groupCount, 'group')} with ${plural(result.negativeCount, 'negative')} in ${out}`,
    );
  return exitDone;
}

interface EvaluateOptions extends TrainingOptions {
  readonly data: string;
  readonly model: string;
}

export async function evaluate(options: EvaluateOptions): Promise<number> {
  const { figures, notes } = await run({
    kind: 'evaluate',
    data: path.resolve(options.data),
    model: existingFolder(options.model),
    dataFolder: resolveDataFolder(options.home),
  });
  for (const note of notes) tell(note);
  if (options.json) printJson(figures);
  else for (const figure of figures) printLine(figureLine(figure));
  return exitDone;
}

/** One line: name, value, the ends of its interval, and of how many it is the mean. */
function figureLine({ name, value, low, high, count }: FigureWithInterval): string {
  const interval = `${low.toFixed(4)} to ${high.toFixed(4)}`;
  return `${name.padEnd(22)} ${value.toFixed(4)}  (95 %: ${interval}, ${count})`;
}

interface MergeOptions extends TrainingOptions {
  readonly base: string;
  readonly out: string;
  readonly how: 'deviation' | 'slerp' | 'average';
  readonly pull: number;
}

export async function merge(models: readonly string[], options: MergeOptions): Promise<number> {
  const { how, pull } = options;
  const result = await run({
    kind: 'merge',
    base: existingFolder(options.base),
    models: models.map(existingFolder),
    ...{ how, pull, out: path.resolve(options.out) },
  });
  if (options.json) printJson(result);
  else
    printLine(
      `${result.out}: ${plural(models.length, 'model')} merged, ${plural(result.tensorCount, 'tensor')} changed`,
    );
  return exitDone;
}

function partOf(given: string): TrainingPart {
  const part = TRAINING_PARTS.find((name) => name === given);
  if (part) return part;
  throw new NearmissError(
    'usage',
    `There is no part ${given}`,
    `The parts are ${TRAINING_PARTS.join(', ')}`,
  );
}

function absolute(file: string | undefined): string | undefined {
  return file === undefined ? undefined : path.resolve(file);
}

/** Runs a request with progress on stderr; Ctrl-C ends it between two steps. */
async function run<R extends TrainingRequest>(
  request: R,
): Promise<Extract<TrainingResult, { kind: R['kind'] }>> {
  const store = new DisposableStore();
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  process.once('SIGINT', interrupt);
  store.add({ dispose: () => process.off('SIGINT', interrupt) });
  const view = store.add(progressLines());
  try {
    return await runTraining({
      ...{ trainerFile, request, signal: controller.signal },
      onProgress: (progress) => view.update(progress),
      onNote: tell,
    });
  } catch (error) {
    if (isAbort(error))
      tell(
        request.kind === 'train' ? 'Stopped; go on with --resume' : 'Stopped; nothing was written',
      );
    throw error;
  } finally {
    store.dispose();
  }
}

function progressLines(): { update(progress: TrainingProgress): void } & Disposable {
  let lastAt = performance.now();
  let lastStage: string | undefined;
  return {
    update(progress) {
      const isDue = performance.now() - lastAt > lineEveryMs || progress.stage !== lastStage;
      if (!isDue) return;
      lastAt = performance.now();
      lastStage = progress.stage;
      tell(progressLine(progress));
    },
    dispose() {},
  };
}

/** One line: what is being done, how far, and what came of it so far. */
export function progressLine(progress: TrainingProgress): string {
  const { stage, done, total, loss, metric, baseMetric, secondsLeft } = progress;
  const parts = [`${stage}: ${done} of ${total}`];
  if (loss !== undefined && Number.isFinite(loss)) parts.push(`loss ${loss.toFixed(4)}`);
  if (metric !== undefined) parts.push(`held out ${metric.toFixed(4)}`);
  if (baseMetric !== undefined) parts.push(`base ${baseMetric.toFixed(4)}`);
  if (secondsLeft !== undefined && Number.isFinite(secondsLeft))
    parts.push(`about ${Math.ceil(secondsLeft)} s left`);
  return parts.join(', ');
}

function trainLines(result: TrainResult): string[] {
  const { part, stepCount, reason, metric, before, after, bestStep, seconds, out } = result;
  const why = {
    steps: 'all steps done',
    patience: 'no gain any more',
    time: 'the time was up',
    notFinite: 'a loss was no finite number',
  }[reason];
  const change = after > before ? 'better' : after < before ? 'worse' : 'no better';
  return [
    `${part}: ${stepCount} steps in ${seconds.toFixed(1)} s (${why}), the best after ${bestStep}`,
    `held-out ${metric}: ${before.toFixed(4)} before, ${after.toFixed(4)} after: ${change}`,
    out,
  ];
}
