/** Entry of the probe: `probe.js MEMORY_BYTES`, one request by IPC, one reply, the end. */
// Before anything can load the runtime, which reports home unless told otherwise.
process.env.ORT_DISABLE_TELEMETRY = '1';

import { Worker } from 'node:worker_threads';
import { serializeError } from '../base/errors';
import { MEMORY_WORD, type ProbeReply, type ProbeRequest } from './encoders/probe';

const lookEveryMs = 20;

/** A thread, for the library holds the main one while it works. A worker's process.exit would end the worker alone. */
const guard = `
  const { workerData } = require('node:worker_threads');
  setInterval(() => {
    if (process.memoryUsage.rss() <= workerData.memoryBytes) return;
    require('node:fs').writeSync(2, workerData.word);
    process.kill(process.pid, 'SIGKILL');
  }, workerData.lookEveryMs);
`;

startGuard(Number(process.argv[2]));
process.once('message', (request: ProbeRequest) => void reply(request));
// The parent is gone, and with it the reason to go on.
process.once('disconnect', () => process.exit(1));

function startGuard(memoryBytes: number): void {
  if (!(memoryBytes > 0)) return;
  const workerData = { memoryBytes, lookEveryMs, word: `${MEMORY_WORD}\n` };
  new Worker(guard, { eval: true, workerData }).unref();
}

async function reply(request: ProbeRequest): Promise<void> {
  const answer = await run(request).catch((error: unknown): ProbeReply => ({
    type: 'failed',
    error: serializeError(error),
  }));
  process.send?.(answer);
}

async function run(request: ProbeRequest): Promise<ProbeReply> {
  if (request.kind === 'variant') {
    const { measureVariant } = await import('./encoders/measure');
    return { type: 'figures', figures: await measureVariant(request) };
  }
  const { stageCheckpoint } = await import('./encoders/stageCheckpoint');
  return { type: 'staged', staged: await stageCheckpoint(request) };
}
