/** An engine to measure: the real one from dist, started for a data folder of the bench, spoken to as clients do. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { EngineClient } from '../../src/clients/engineClient';
import { productProcesses } from '../support/processes';

export { stopEngine } from '../support/product';

/** What an interactive client asks for: the engine then waits for no model that is still being loaded. */
export const budgetMs = 400;

export function openClient(dataFolder: string): EngineClient {
  return new EngineClient({
    dataFolder,
    engineFile: path.join(installationRoot(), 'dist/engine.js'),
    client: 'bench',
  });
}

/** Asks again every few milliseconds until the answer is not undefined; says how long it took since `start`. */
export async function msUntil<T>(
  start: number,
  ask: () => Promise<T | undefined>,
  everyMs = 25,
): Promise<{ readonly ms: number; readonly value: T }> {
  for (;;) {
    const value = await ask();
    if (value !== undefined) return { ms: performance.now() - start, value };
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export interface Memory {
  /** Resident memory of the engine alone, and with the processes it started. */
  readonly engineMb: number;
  readonly allMb: number;
}

/** Resident memory of the processes of a data folder, now; NaN where /proc is missing. */
export function residentMemory(dataFolder: string): Memory {
  const processes = productProcesses(dataFolder).map(({ pid, command }) => ({
    isEngine: command.includes('engine.js'),
    mb: residentMb(pid),
  }));
  const sum = (list: readonly { mb: number }[]): number =>
    list.reduce((total, { mb }) => total + mb, 0);
  return { engineMb: sum(processes.filter((item) => item.isEngine)), allMb: sum(processes) };
}

function residentMb(pid: number): number {
  try {
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? NaN) / 1024;
  } catch {
    return NaN;
  }
}

/** Queries of every kind, answered by the corpus or not: names, paths, words, questions. */
export const sampleQueries: readonly string[] = [
  'parse command line arguments',
  'how is a file watcher stopped',
  'EventEmitter',
  'tokenizer',
  'read a file line by line',
  'createServer',
  'schema validation error message',
  'convert camel case to snake case',
  'tree-sitter query capture',
  'what happens when the connection is lost',
  'sqlite prepared statement',
  'package.json',
  'z.object',
  'http agent with proxy',
  'generate random values for property tests',
  'logger transport worker thread',
  'markdown inline rule',
  'BufferReader',
  'decode base64',
  'compare two version numbers',
  'abort signal timeout',
  'print a progress bar',
  'unicode character width in a terminal',
  'quantized tensor inference session',
  'ignore files by glob pattern',
  'stringify json with cycles',
  'src/index.ts',
  'deep clone an object',
  'retry with exponential backoff',
  'memory allocation failed',
  'protobuf wire format varint',
  'format code with prettier options',
];
