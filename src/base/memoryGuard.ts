/** Ends this process when it takes more memory than it was given: better by our word than by the system's choice. */
import { Worker } from 'node:worker_threads';

const lookEveryMs = 20;

/** A thread, for native libraries hold the main one while they work. A worker's process.exit would end the worker alone. */
const guard = `
  const { workerData } = require('node:worker_threads');
  setInterval(() => {
    if (process.memoryUsage.rss() <= workerData.memoryBytes) return;
    require('node:fs').writeSync(2, workerData.word);
    process.kill(process.pid, 'SIGKILL');
  }, workerData.lookEveryMs);
`;

/** From now on more than `memoryBytes` ends the process, after `word` was written to stderr. 0 asks for no limit. */
export function startMemoryGuard(memoryBytes: number, word: string): void {
  if (!(memoryBytes > 0)) return;
  new Worker(guard, {
    eval: true,
    workerData: { memoryBytes, lookEveryMs, word: `${word}\n` },
  }).unref();
}
