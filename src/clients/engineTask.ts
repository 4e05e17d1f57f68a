/** Runs one task of the engine's bundle in a process of its own: what must work when no engine can start. */
import { spawn } from 'node:child_process';
import * as readline from 'node:readline';
import { deserializeError, NearmissError } from '../base/errors';
import type { Finding, TaskMessage } from '../protocol/engineLock';

export interface TaskOptions {
  readonly engineFile: string;
  readonly dataFolder: string;
  readonly task: 'doctor' | 'clear';
  readonly taskArguments?: readonly string[];
  readonly onFinding?: (finding: Finding) => void;
  /** Added to our own environment; what is undefined is taken out. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Resolves with what the task said at its end; rejects with its own error, or when it ended without a word. */
export async function runEngineTask(options: TaskOptions): Promise<{ freedBytes?: number }> {
  const { engineFile, dataFolder, task, taskArguments = [] } = options;
  const child = spawn(
    process.execPath,
    [engineFile, '--task', task, '--data', dataFolder, ...taskArguments],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      windowsHide: true,
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', ...options.environment },
    },
  );
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? `code ${code}`));
  });
  let last: TaskMessage | undefined;
  for await (const line of readline.createInterface({ input: child.stdout })) {
    last = JSON.parse(line) as TaskMessage;
    if (last.type === 'finding') options.onFinding?.(last.finding);
  }
  const how = await ended;
  if (last?.type === 'failed') throw deserializeError(last.error);
  if (last?.type === 'done') return last;
  throw new NearmissError('engine', `${task} ended before it was done (${how})`);
}
