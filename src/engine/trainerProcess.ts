/**
 * Entry of the training process: one request by IPC, orders while it runs, progress and a result back, the end. A process
 * of its own, so that memory goes back to the system, a crash of a driver stays contained, and a kill costs the steps
 * since the last saved state. Orders take effect between two steps: the runtime holds this thread while it works.
 */
// Before anything can load the runtime, which reports home unless told otherwise.
process.env.ORT_DISABLE_TELEMETRY = '1';

import * as os from 'node:os';
import { NearmissError, serializeError } from '../base/errors';
import { startMemoryGuard } from '../base/memoryGuard';
import { startParentGuard } from '../base/parentGuard';
import {
  type FromTrainer,
  type MineRequest,
  TRAINER_MEMORY_WORD,
  type ToTrainer,
  type TrainingProgress,
  type TrainingRequest,
  type TrainingResult,
} from '../protocol/training';
import { RunControl } from './training/control';
import type { TrainingIndex } from './trainingIndex';

const control = new RunControl();
let isStarted = false;

process.umask(0o077);
// The parent decides when this process ends, not the terminal they share.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => control.cancel());
process.on('message', (message: ToTrainer) => {
  if (message.type === 'start') void start(message.request);
  else control[message.type]();
});
// The parent is gone: what was saved last is what the next run goes on from.
process.on('disconnect', () => process.exit(1));
// Said by the channel only between two steps, and a step may be long.
startParentGuard();

async function start(request: TrainingRequest): Promise<void> {
  if (isStarted) return;
  isStarted = true;
  const last = await run(request).then(
    (result): FromTrainer => ({ type: 'done', result }),
    (error: unknown): FromTrainer => ({ type: 'failed', error: serializeError(error) }),
  );
  // Native libraries may keep threads alive.
  process.send?.(last, undefined, undefined, () => process.exit(0));
}

async function run(request: TrainingRequest): Promise<TrainingResult> {
  const onNews = (progress: TrainingProgress): void => send({ type: 'progress', progress });
  const onNote = (text: string): void => send({ type: 'note', text });
  switch (request.kind) {
    case 'train': {
      const { train } = await import('./training/train');
      const opened = request.part === 'fusion' ? await openIndex(request) : undefined;
      const index = opened?.context;
      const outcome = await train(request, { control, onNews, onNote, onLimits, index });
      opened?.dispose();
      const { part, settled, metric, baseMetric, stepCount, reason, seconds, notes } = outcome;
      const figures = {
        metric,
        before: baseMetric,
        after: settled.metric,
        bestStep: settled.steps[0] ?? 0,
      };
      const { kind, out } = request;
      return { kind, out, part, stepCount, reason, seconds, notes, ...figures };
    }
    case 'evaluate': {
      const { evaluate } = await import('./training/evaluate');
      return { kind: 'evaluate', ...(await evaluate(request, { control, onNews })) };
    }
    case 'merge': {
      const { mergeModels } = await import('./training/mergeModels');
      return {
        kind: 'merge',
        out: request.out,
        ...(await mergeModels(request, control, onNews)),
      };
    }
    case 'learn': {
      const { learnInFolder } = await import('./learnInFolder');
      const opened = await openIndex(request);
      const learned = await learnInFolder(request, opened, { control, onNews, onLimits });
      opened.dispose();
      return { kind: 'learn', ...learned };
    }
    case 'mine': {
      const { mineFile } = await import('./training/mineFile');
      const opened = await openIndex(request);
      const mined = await mineFile(
        request,
        opened.context,
        { control, base: opened.biEncoder, dataFolder: request.dataFolder },
        onNews,
      );
      opened.dispose();
      return { kind: 'mine', out: request.out, ...mined };
    }
  }
}

async function openIndex({
  folder,
  dataFolder,
}: Pick<MineRequest, 'dataFolder'> & { readonly folder?: string }): Promise<TrainingIndex> {
  if (folder === undefined)
    throw new NearmissError(
      'usage',
      'Fusion weights are trained on one folder',
      'Name it with --folder',
    );
  const { openTrainingIndex } = await import('./trainingIndex');
  return openTrainingIndex(dataFolder, folder);
}

function send(message: FromTrainer): void {
  // A message to a parent that has just gone is of no use to anybody.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

let isLimited = false;

/** Of a run of several trainings the first one's limits count. */
function onLimits(limits: { readonly memoryBytes: number; readonly niceness: number }): void {
  if (isLimited) return;
  isLimited = true;
  startMemoryGuard(limits.memoryBytes, TRAINER_MEMORY_WORD);
  try {
    os.setPriority(limits.niceness);
  } catch {
    // Some systems do not let a process be nice; it then trains at the priority it has.
  }
}
