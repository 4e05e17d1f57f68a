/** The product as its users meet it: the bundled command line with an engine of its own behind it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { productProcesses, waitForNoProcess } from './processes';

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Ends the command line itself at once, with SIGKILL unless another signal is named. */
  readonly signal?: AbortSignal;
  readonly killSignal?: NodeJS.Signals;
  /** Another installation's command line than the one this test was built with. */
  readonly cli?: string;
  /** Receives stderr as it comes, beside the result. */
  readonly onStderr?: (text: string) => void;
}

export interface CliResult {
  /** Null when a signal or the time limit ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** A machine that is busy with other things lets embedding rest for minutes. */
const MOST_MS = 300_000;

/** Runs `nearmiss ...` from dist/cli.js; stdin is empty. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const start = performance.now();
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  delete env.NODE_TEST_CONTEXT;
  const cli = options.cli ?? path.join(installationRoot(), 'dist/cli.js');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], {
      cwd: options.cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? MOST_MS,
    });
    const end = (): boolean => child.kill(options.killSignal ?? 'SIGKILL');
    options.signal?.addEventListener('abort', end, { once: true });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => {
      stderr.push(bytes);
      options.onStderr?.(bytes.toString());
    });
    child.once('error', reject);
    child.once('close', (status) =>
      resolve({
        status,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
        ms: performance.now() - start,
      }),
    );
  });
}

/** What every failure owes its user: the right exit code, one sentence on stderr, no stack, nothing on stdout. */
export function checkSentence(result: CliResult, status: number, sentence: RegExp): void {
  const { stdout, stderr } = result;
  assert.equal(result.status, status, `exit code ${result.status}:\n${stdout}${stderr}`);
  assert.match(stderr, sentence);
  assert.match(stderr.trim(), /^nearmiss: [^\n]+$/, 'not one sentence');
  checkNoStack(result);
  assert.equal(stdout, '');
}

/** Exit code 0, and no stack trace or unexpected failure anywhere. */
export function checkDone(result: CliResult): void {
  const { stdout, stderr } = result;
  assert.equal(result.status, 0, `exit code ${result.status}:\n${stdout}${stderr}`);
  checkNoStack(result);
}

function checkNoStack({ stdout, stderr }: CliResult): void {
  assert.doesNotMatch(stdout + stderr, /^\s+at .+:\d+:\d+\)?$/m);
  assert.doesNotMatch(stderr, /unexpected failure/);
}

/** Ends the engine of a data folder and everything it started; the data stays. */
export async function stopEngine(dataFolder: string): Promise<void> {
  signalAll(dataFolder, 'SIGTERM');
  if ((await waitForNoProcess(dataFolder, 5000)).length === 0) return;
  signalAll(dataFolder, 'SIGKILL');
  await waitForNoProcess(dataFolder, 5000);
}

/** Ends every process of a data folder at once, as a crash or a power cut would. */
export async function killEngine(dataFolder: string): Promise<void> {
  signalAll(dataFolder, 'SIGKILL');
  await waitForNoProcess(dataFolder, 5000);
}

function signalAll(dataFolder: string, signal: NodeJS.Signals): void {
  for (const { pid } of productProcesses(dataFolder)) {
    try {
      process.kill(pid, signal);
    } catch {
      continue; // it ended by itself in the meantime
    }
  }
}
