/**
 * The engine's log: one file, written at once and by this process alone, so that the last line before a
 * crash is there. It is turned over when it has grown, at the start of an engine. It never holds a query,
 * a file's content or a token: callers give counts, times and paths of the data folder, errors their code.
 */
import * as fs from 'node:fs';
import pino from 'pino';
import { NearmissError } from '../base/errors';
import type { Logger } from '../base/log';
import { crashLogPath, logPath } from '../protocol/engineLock';

const turnOverBytes = 2_000_000;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Opens the log of a data folder. Writing is synchronous. */
export function openLog(dataFolder: string, level: LogLevel): Logger {
  const file = logPath(dataFolder);
  turnOver(file);
  turnOver(crashLogPath(dataFolder));
  const destination = pino.destination({ dest: file, sync: true, mode: 0o600 });
  const log = pino(
    { level, base: { pid: process.pid }, redact: ['token', 'query', 'text'] },
    destination,
  );
  return {
    debug: (message, data) => log.debug(data ?? {}, message),
    info: (message, data) => log.info(data ?? {}, message),
    warn: (message, data) => log.warn(data ?? {}, message),
    error: (message, error) => log.error(describe(error), message),
  };
}

/** Expected errors by their sentence; bugs whole. */
function describe(error: unknown): Record<string, unknown> {
  if (error instanceof NearmissError)
    return { code: error.code, reason: error.message, cause: causeOf(error) };
  if (error instanceof Error)
    return { reason: error.message, stack: error.stack, cause: causeOf(error) };
  return { reason: String(error) };
}

function causeOf({ cause }: Error): string | undefined {
  return cause instanceof Error ? cause.message : undefined;
}

function turnOver(file: string): void {
  const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > turnOverBytes) fs.renameSync(file, `${file}.old`);
}
