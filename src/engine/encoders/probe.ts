/**
 * Runs in a child process what may crash, hang or eat the memory: drivers of devices, and checkpoints from
 * elsewhere. The child has a time limit, kept from here, and a memory limit, kept by a thread of its own.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { type SerializedError, messageOf } from '../../base/errors';
import type { StageRequest, StagedCheckpoint } from './stageCheckpoint';
import type { Probe, ProbeFigures, VariantRequest } from './variant';

export type ProbeRequest = VariantRequest | StageRequest;

/** What the child answers, once. */
export type ProbeReply =
  | { readonly type: 'figures'; readonly figures: ProbeFigures }
  | { readonly type: 'staged'; readonly staged: StagedCheckpoint }
  | { readonly type: 'failed'; readonly error: SerializedError };

export interface ProbeLimits {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** Added to the child's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A driver that compiles its shaders takes seconds; a minute is a hang. */
const DEFAULT_LIMITS: ProbeLimits = { timeoutMs: 60_000, memoryBytes: 4 * 2 ** 30 };

/** What the memory guard writes before it ends the process. */
export const MEMORY_WORD = 'probe: memory limit';

/** A `Probe` that forks the bundle at `file` (dist/probe.js) for each trial. */
export function forkedProbe(file: string, limits: Partial<ProbeLimits> = {}): Probe {
  return async (request, signal) => {
    const reply = await runProbe(file, request, { ...DEFAULT_LIMITS, ...limits }, signal);
    if (reply.type === 'figures') return { figures: reply.figures };
    return { problem: reply.type === 'failed' ? reply.error.message : 'it gave no figures' };
  };
}

/** Asks a child process of its own and waits for its answer or its end. Throws only on abort. */
export function runProbe(
  file: string,
  request: ProbeRequest,
  limits: ProbeLimits = DEFAULT_LIMITS,
  signal?: AbortSignal,
): Promise<ProbeReply> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = fork(file, [String(limits.memoryBytes)], {
      env: { ...process.env, ...limits.environment, ORT_DISABLE_TELEMETRY: '1' },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    let stderr = '';
    child.stderr?.on(
      'data',
      (bytes: Buffer) => (stderr = (stderr + bytes.toString()).slice(-4000)),
    );
    let end: ProbeReply | undefined;
    const stop = (message: string): void => {
      end ??= failed(message);
      child.kill('SIGKILL');
    };
    const seconds = Math.round(limits.timeoutMs / 1000);
    const timer = setTimeout(() => stop(`it gave no answer in ${seconds} s`), limits.timeoutMs);
    const onAbort = (): void => stop('aborted');
    signal?.addEventListener('abort', onAbort, { once: true });
    child.once('message', (reply) => {
      end ??= reply as ProbeReply;
      child.kill('SIGKILL');
    });
    child.once('error', (error) => (end ??= failed(`it cannot be started: ${messageOf(error)}`)));
    child.once('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (signal?.aborted) reject(signal.reason as Error);
      else resolve(end ?? failed(endOf(child, stderr, limits)));
    });
    // A child that is gone already is told of by 'close'.
    child.send(request, () => undefined);
  });
}

function failed(message: string): ProbeReply {
  return { type: 'failed', error: { kind: 'expected', code: 'provider', message } };
}

function endOf(child: ChildProcess, stderr: string, { memoryBytes }: ProbeLimits): string {
  if (stderr.includes(MEMORY_WORD)) {
    return `it took more than ${Math.round(memoryBytes / 2 ** 20)} MB of memory`;
  }
  return `its process ended with ${child.signalCode ?? `exit code ${child.exitCode}`}`;
}
