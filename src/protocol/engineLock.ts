/**
 * Where engine and clients meet: the data folder, and the lock file in it that says which engine serves
 * it, at which socket, and which token a client must show. Only the engine writes it.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { NearmissError, type SerializedError, systemCode } from '../base/errors';

/** What a running engine says of itself. */
export interface EngineLock {
  readonly pid: number;
  /** Milliseconds since 1970 by the engine's clock; for people, nothing is decided by it. */
  readonly startedAt: number;
  /** Path of the socket, or name of the pipe on Windows. */
  readonly socket: string;
  readonly token: string;
  readonly protocolVersion: number;
}

/** What an engine says once about its start, to the client that started it. */
export type StartMessage =
  { readonly type: 'serving' } | { readonly type: 'failed'; readonly error: SerializedError };

/** One thing that doctor looked at. */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly name: string;
  /** One sentence; where something is wrong it says what to do, or what was done. */
  readonly text: string;
}

/** What a process that does one task says on its stdout, a line each. */
export type TaskMessage =
  | { readonly type: 'finding'; readonly finding: Finding }
  | { readonly type: 'done'; readonly freedBytes?: number }
  | { readonly type: 'failed'; readonly error: SerializedError };

interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** The data folder: asked for, else NEARMISS_HOME, else the platform's own place for data. Absolute. */
export function resolveDataFolder(
  asked: string | undefined,
  around: Surroundings = { platform: process.platform, env: process.env, home: os.homedir() },
): string {
  const chosen = asked ?? around.env.NEARMISS_HOME;
  return chosen ? path.resolve(chosen) : platformDataFolder(around);
}

function platformDataFolder({ platform, env, home }: Surroundings): string {
  if (platform === 'win32')
    return path.join(env.LOCALAPPDATA ?? path.join(home, 'AppData', 'Local'), 'Nearmiss');
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'Nearmiss');
  // The specification says that a relative XDG path is to be ignored.
  const xdg = env.XDG_DATA_HOME;
  const base = xdg && path.isAbsolute(xdg) ? xdg : path.join(home, '.local', 'share');
  return path.join(base, 'nearmiss');
}

/** Creates the data folder and its log folder for the user alone. */
export function createDataFolder(dataFolder: string): void {
  try {
    makeFolder(path.join(dataFolder, 'log'));
    fs.accessSync(dataFolder, fs.constants.W_OK);
    // `mode` above does not apply to a folder that was there before.
    if (process.platform !== 'win32' && (fs.statSync(dataFolder).mode & 0o077) !== 0)
      fs.chmodSync(dataFolder, 0o700);
  } catch (error) {
    throw new NearmissError(
      'permission',
      `The data folder ${dataFolder} cannot be used (${systemCode(error) ?? 'unknown'})`,
      'Choose a folder you can write to with --data DIR or NEARMISS_HOME',
      { cause: error },
    );
  }
}

/** Parents first: Node's own way never returns where a file system refuses with ENOENT (/proc). */
function makeFolder(folder: string): void {
  if (fs.existsSync(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    fs.mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Two clients may start at once.
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

export function lockPath(dataFolder: string): string {
  return path.join(dataFolder, 'engine.lock');
}

export function logPath(dataFolder: string): string {
  return path.join(dataFolder, 'log', 'engine.log');
}

/** What the runtime itself prints when the engine crashes goes here, nothing else does. */
export function crashLogPath(dataFolder: string): string {
  return path.join(dataFolder, 'log', 'crash.log');
}

/** The lock as it stands; undefined when there is none, or when it is not one of ours. */
export function readLock(dataFolder: string): EngineLock | undefined {
  return parseLock(readIfThere(lockPath(dataFolder)));
}

/** A lock file's text, checked. */
export function parseLock(text: string | undefined): EngineLock | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<EngineLock> | null;
    const isWhole =
      typeof value?.pid === 'number' &&
      typeof value.socket === 'string' &&
      typeof value.token === 'string' &&
      typeof value.protocolVersion === 'number' &&
      typeof value.startedAt === 'number';
    return isWhole ? (value as EngineLock) : undefined;
  } catch {
    return undefined;
  }
}

/** Which build a file of ours is: an engine of another build is replaced, not joined. */
export function buildOf(file: string): string {
  const { size, mtimeMs } = fs.statSync(file);
  return `${fs.realpathSync(file)}:${size}:${Math.floor(mtimeMs)}`;
}

function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
