/**
 * Entry of the process that reads foreign documents, so that a hostile one costs nothing else. A thread does the work;
 * the main thread watches the memory of the whole process, of which a heap limit would see only a part.
 */
import { parentPort, Worker, isMainThread, workerData } from 'node:worker_threads';
import { convert, damagedSentence } from './documents/convert/convert';
import type { ConvertReply, ConvertRequest } from './documents/convert/messages';

const lookEveryMs = 50;
/** How long a conversion may go on after a failure that nobody waits for. */
const strayWaitMs = 5000;
/** Said to the owner by the way the process ends. */
const tooMuchMemory = 70;

if (isMainThread) watch(Number(process.argv[2]) * 1e6);
else work();

function watch(mostBytes: number): void {
  const worker = new Worker(__filename, { workerData: { role: 'convert' } });
  process.on('message', (request: ConvertRequest) => worker.postMessage(request));
  process.on('disconnect', () => process.exit(0));
  worker.on('message', (reply) => process.send?.(reply));
  worker.on('error', (error) =>
    process.exit(
      (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuchMemory : 1,
    ),
  );
  setInterval(() => {
    if (process.memoryUsage.rss() > mostBytes) process.exit(tooMuchMemory);
  }, lookEveryMs).unref();
}

function nothing(): void {}

function work(): void {
  if ((workerData as { role?: string }).role !== 'convert') return;
  // Libraries that print would write into the pipes of others.
  for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const)
    console[name] = () => undefined;
  let stray: (() => void) | undefined;
  // Of a damaged file a library may drop a failure that nobody waits for. Mostly the rest is read all the same; where
  // the file's own promise was lost with it, waiting for the time limit would be in vain.
  process.on('unhandledRejection', () => void setTimeout(stray ?? nothing, strayWaitMs));
  parentPort!.on('message', (request: ConvertRequest) => {
    const given: Promise<ConvertReply> = new Promise((resolve) => {
      stray = () => resolve({ id: request.id, type: 'refused', sentence: damagedSentence });
    });
    void Promise.race([convert(request), given]).then((reply) => {
      stray = undefined;
      parentPort!.postMessage(reply);
    });
  });
}
