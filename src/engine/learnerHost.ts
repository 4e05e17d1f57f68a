/** Runs the training process of a learning run: one at a time a folder, paused, cancelled, its progress passed on. */
import { type ChildProcess, fork } from 'node:child_process';
import { AbortedError, deserializeError, NearmissError } from '../base/errors';
import type {
  FromTrainer,
  LearnRequest,
  LearnTaskResult,
  ToTrainer,
  TrainingProgress,
} from '../protocol/training';

export interface LearnerTask {
  readonly trainerFile: string;
  readonly request: LearnRequest;
  readonly onProgress: (progress: TrainingProgress) => void;
}

/** A run that cancelling could not end in time is ended by force; what was saved is gone on with. */
const cancelWithinMs = 30_000;
const shownLineCount = 3;

export class LearnerRun {
  private readonly child: ChildProcess;
  private killer: NodeJS.Timeout | undefined;
  private hasCancelled = false;
  /** Resolves with the result; rejects with the process's own error, or with how it ended. */
  readonly result: Promise<LearnTaskResult>;

  constructor({ trainerFile, request, onProgress }: LearnerTask) {
    this.child = fork(trainerFile, [], {
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    this.result = this.follow(onProgress);
    this.order({ type: 'start', request });
  }

  /** Cancelled, whether it has ended or not. */
  get isCancelled(): boolean {
    return this.hasCancelled;
  }

  pause(isPaused: boolean): void {
    this.order({ type: isPaused ? 'pause' : 'continue' });
  }

  cancel(): void {
    if (this.hasCancelled) return;
    this.hasCancelled = true;
    this.order({ type: 'cancel' });
    this.killer = setTimeout(() => this.child.kill('SIGKILL'), cancelWithinMs);
    this.killer.unref();
  }

  private follow(onProgress: (progress: TrainingProgress) => void): Promise<LearnTaskResult> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      let stderr = '';
      let end: (() => void) | undefined;
      child.stderr?.on('data', (bytes: Buffer) => {
        stderr = (stderr + bytes.toString()).slice(-4000);
      });
      child.on('message', (message: FromTrainer) => {
        if (message.type === 'progress') onProgress(message.progress);
        else if (message.type === 'failed') end = () => reject(deserializeError(message.error));
        else if (message.type === 'done') end = () => resolve(message.result as LearnTaskResult);
      });
      child.once('error', (error) => (end ??= () => reject(error)));
      child.once('close', (code, how) => {
        clearTimeout(this.killer);
        if (end) end();
        else if (this.hasCancelled) reject(new AbortedError());
        else reject(endedEarly(how ?? `code ${code}`, stderr));
      });
    });
  }

  private order(message: ToTrainer): void {
    this.child.send(message, () => undefined);
  }
}

function endedEarly(how: string, stderr: string): NearmissError {
  const lines = stderr
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-shownLineCount);
  const said = lines.length > 0 ? `; the last it wrote: ${lines.join(' ')}` : '';
  return new NearmissError(
    'engine',
    `Learning ended before it was done (${how})${said}`,
    'Learn again: it goes on from what was saved',
  );
}
