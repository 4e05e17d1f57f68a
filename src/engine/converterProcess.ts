/**
 * Entry of the process that reads foreign documents, so that a hostile one costs nothing else. A thread does the work;
 * the main thread watches the memory of the whole process, of which a heap limit would see only a part.
 */
import { parentPort, Worker, isMainThread, workerData } from 'node:worker_threads';
import { convert } from './documents/convert/convert';
import type { ConvertRequest } from './documents/convert/messages';

const lookEveryMs = 50;
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

function work(): void {
  if ((workerData as { role?: string }).role !== 'convert') return;
  // Libraries that print would write into the pipes of others.
  for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const)
    console[name] = () => undefined;
  parentPort!.on('message', (request: ConvertRequest) => {
    void convert(request).then((reply) => parentPort!.postMessage(reply));
  });
}
