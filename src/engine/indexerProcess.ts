/**
 * Entry of the indexing process, forked by the engine and the only writer of indexes. It runs at low
 * priority, speaks by the channel it was forked with, and leaves when that channel closes.
 */
import * as os from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { messageOf } from '../base/errors';
import type { FromIndexer, ToIndexer } from './indexing/messages';
import { IndexingService } from './indexing/service';
import { serveSplitThread } from './indexing/splitThread';
import { openThreadModels } from './indexing/threadModels';

// ONNX Runtime sends telemetry unless this is set before it loads, and it loads with the first session.
process.env.ORT_DISABLE_TELEMETRY = '1';

/** How long a parent that is gone is followed: closing files is tidy, nothing depends on it. */
const CLOSE_WITHIN_MS = 1000;

function main(): void {
  lowerPriority();
  const service = new IndexingService({
    send,
    openModels: (configure, log) => openThreadModels({ file: __filename, ...configure }, log),
  });
  let isLeaving = false;
  const leave = async (): Promise<void> => {
    if (isLeaving) return;
    isLeaving = true;
    setTimeout(() => process.exit(0), CLOSE_WITHIN_MS).unref();
    await service.shutdown();
    process.exit(0);
  };
  process.on('disconnect', () => void leave());
  // The parent decides when this process ends, not the terminal they share.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => void leave());
  process.on('message', (message: ToIndexer) => {
    if (message.type === 'shutdown') void leave();
    else void service.handle(message);
  });
  send({ type: 'ready', pid: process.pid });
}

function send(message: FromIndexer): void {
  // A message to a parent that has just gone is of no use to anybody.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function lowerPriority(): void {
  try {
    os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch (error) {
    send({ type: 'log', level: 'debug', message: messageOf(error) });
  }
}

if (isMainThread) main();
else void serveSplitThread();
