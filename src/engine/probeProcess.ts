/** Entry of the probe: `probe.js MEMORY_BYTES`, one request by IPC, one reply, the end. */
// Before anything can load the runtime, which reports home unless told otherwise.
process.env.ORT_DISABLE_TELEMETRY = '1';

import { serializeError } from '../base/errors';
import { startMemoryGuard } from '../base/memoryGuard';
import { MEMORY_WORD, type ProbeReply, type ProbeRequest } from './encoders/probe';

startMemoryGuard(Number(process.argv[2]), MEMORY_WORD);
process.once('message', (request: ProbeRequest) => void reply(request));
// The parent is gone, and with it the reason to go on.
process.once('disconnect', () => process.exit(1));

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
