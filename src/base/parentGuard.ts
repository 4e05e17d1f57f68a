/** Ends this process when the one that started it is gone, even while a long computation holds the main thread. */
import { Worker } from 'node:worker_threads';

const lookEveryMs = 500;

/**
 * A thread, for news of a closed channel waits until the main one has a turn, which one long piece of work may not give for
 * a minute. Unix gives orphans another parent; on Windows the old one's number is no process any more.
 */
const guard = `
  const { workerData: { parentPid, lookEveryMs } } = require('node:worker_threads');
  const isThere = () => {
    if (process.ppid !== parentPid) return false;
    try {
      process.kill(parentPid, 0);
      return true;
    } catch (error) {
      return error.code !== 'ESRCH';
    }
  };
  setInterval(() => {
    if (!isThere()) process.kill(process.pid, 'SIGKILL');
  }, lookEveryMs);
`;

/** From now on the process ends soon after its parent has, as by a kill. */
export function startParentGuard(): void {
  const workerData = { parentPid: process.ppid, lookEveryMs };
  new Worker(guard, { eval: true, workerData }).unref();
}
