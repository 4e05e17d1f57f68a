/**
 * Runs the training process by the path of its bundle. It is started here and not by the engine: a run of the command
 * line belongs to its terminal, needs no engine, and must not outlive the person who watches it.
 */
import { fork } from 'node:child_process';
import { AbortedError, NearmissError, deserializeError } from '../base/errors';
import {
  type FromTrainer,
  TRAINER_MEMORY_WORD,
  type ToTrainer,
  type TrainingProgress,
  type TrainingRequest,
  type TrainingResult,
} from '../protocol/training';

export interface TrainingTask<R extends TrainingRequest> {
  readonly trainerFile: string;
  readonly request: R;
  /** Cancels between two steps; what was done is saved first. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly onNote?: (text: string) => void;
}

/** Lines of a crash that are shown. */
const shownLineCount = 3;

/** Chunks are halved so often before a run is given up for want of memory. */
const mostMemoryCuts = 3;

/**
 * Resolves with the result; rejects with the process's own error, or with how it ended. An encoder's run that took more
 * memory than it was given goes on from its saved state in smaller chunks.
 */
export async function runTraining<R extends TrainingRequest>(
  task: TrainingTask<R>,
): Promise<Extract<TrainingResult, { kind: R['kind'] }>> {
  const { request } = task;
  for (let cuts = 0; ; cuts++) {
    try {
      const again = cuts > 0 ? { ...request, resume: true, memoryCuts: cuts } : request;
      return await runOnce({ ...task, request: again });
    } catch (error) {
      const isMemory = error instanceof NearmissError && error.code === 'memory';
      const isEncoder = request.kind === 'train' && request.part.endsWith('-encoder');
      if (!isMemory || !isEncoder || cuts === mostMemoryCuts || task.signal.aborted) throw error;
      task.onNote?.(`${error.message}; it goes on in chunks half as large`);
    }
  }
}

function runOnce<R extends TrainingRequest>(
  task: TrainingTask<R>,
): Promise<Extract<TrainingResult, { kind: R['kind'] }>> {
  const { trainerFile, request, signal } = task;
  if (signal.aborted) return Promise.reject(new AbortedError());
  return new Promise((resolve, reject) => {
    const child = fork(trainerFile, [], {
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    let stderr = '';
    let end: (() => void) | undefined;
    child.stderr?.on(
      'data',
      (bytes: Buffer) => (stderr = (stderr + bytes.toString()).slice(-4000)),
    );
    const order = (message: ToTrainer): void => void child.send(message, () => undefined);
    const cancel = (): void => order({ type: 'cancel' });
    signal.addEventListener('abort', cancel, { once: true });
    child.on('message', (message: FromTrainer) => {
      if (message.type === 'progress') task.onProgress?.(message.progress);
      else if (message.type === 'note') task.onNote?.(message.text);
      else if (message.type === 'failed') end = () => reject(deserializeError(message.error));
      else end = () => resolve(message.result as Extract<TrainingResult, { kind: R['kind'] }>);
    });
    child.once('error', (error) => (end ??= () => reject(error)));
    child.once('close', (code, how) => {
      signal.removeEventListener('abort', cancel);
      if (end) end();
      else reject(endedEarly(how ?? `code ${code}`, stderr));
    });
    order({ type: 'start', request });
  });
}

function endedEarly(how: string, stderr: string): NearmissError {
  if (stderr.includes(TRAINER_MEMORY_WORD))
    return new NearmissError(
      'memory',
      'Training took more memory than the recipe allows',
      'Raise memoryMb or lower chunkTokens in the recipe, then train again',
    );
  const lines = stderr
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-shownLineCount);
  const said = lines.length > 0 ? `; the last it wrote: ${lines.join(' ')}` : '';
  return new NearmissError(
    'engine',
    `The training process ended before it was done (${how})${said}`,
    'Go on with --resume',
  );
}
