/**
 * Starts an engine as a process of its own that outlives its client. The child says over a pipe when it
 * serves, or why it cannot; after that the pipe is cut. A child that finds another engine in place says so too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { deserializeError, NearmissError } from '../base/errors';
import { crashLogPath, createDataFolder, logPath, type StartMessage } from '../protocol/engineLock';

/** A machine that is starting an editor and a browser beside it is slow. */
const startWithinMs = 60_000;
const shownLogLines = 5;
/** Lines of a crash that say nothing to a person. */
const noise = /^\s*$|^\s+at |^\s*\^|^Node\.js v/;

export interface StartOptions {
  readonly dataFolder: string;
  readonly engineFile: string;
  readonly engineArguments?: readonly string[];
  /** For the runtime itself, before the bundle: limits of memory. */
  readonly nodeArguments?: readonly string[];
  /** Added to our own environment; what is undefined is taken out. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Resolves when an engine serves the data folder: the one started here, or one that was quicker. */
export async function startEngine(options: StartOptions): Promise<void> {
  createDataFolder(options.dataFolder);
  const crashLog = fs.openSync(crashLogPath(options.dataFolder), 'a', 0o600);
  const child = spawn(
    process.execPath,
    [
      ...(options.nodeArguments ?? []),
      options.engineFile,
      '--data',
      options.dataFolder,
      ...(options.engineArguments ?? []),
    ],
    {
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'ignore', crashLog, 'ipc'],
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', ...options.environment },
    },
  );
  fs.closeSync(crashLog);
  try {
    await waitForStart(child, options.dataFolder);
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

function waitForStart(child: ChildProcess, dataFolder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (what: string, cause?: unknown): void => {
      clearTimeout(timer);
      reject(startFailed(what, dataFolder, cause));
    };
    const timer = setTimeout(
      () => fail(`did not start within ${startWithinMs / 1000} s`),
      startWithinMs,
    );
    child.once('error', (error) => fail('could not be started', error));
    child.once('exit', (code, signal) =>
      fail(`ended while starting (${signal ?? `code ${code}`})`),
    );
    child.once('message', (message: StartMessage) => {
      clearTimeout(timer);
      if (message.type === 'serving') resolve();
      else reject(deserializeError(message.error));
    });
  });
}

function startFailed(what: string, dataFolder: string, cause: unknown): NearmissError {
  const lines = [crashLogPath(dataFolder), logPath(dataFolder)].flatMap(lastLines);
  const said = lines.length > 0 ? `; the last it wrote:\n${lines.join('\n')}` : '';
  return new NearmissError(
    'engine',
    `The engine ${what}${said}`,
    'Run `nearmiss doctor` to see what is wrong',
    { cause },
  );
}

function lastLines(file: string): string[] {
  try {
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    return lines.filter((line) => !noise.test(line)).slice(-shownLogLines);
  } catch {
    // No log is no hindrance to saying that the start failed.
    return [];
  }
}
