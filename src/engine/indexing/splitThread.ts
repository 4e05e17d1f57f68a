/**
 * Splitting and static embedding in a thread of their own: they are most of the work of a first pass, and the
 * thread that reads and writes goes on meanwhile, hears a stop at once, and outlives a parser that fails.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import {
  BugError,
  deserializeError,
  serializeError,
  type SerializedError,
} from '../../base/errors';
import type { Logger } from '../../base/log';
import type { Document } from '../documents/document';
import type { NewChunk } from '../store/types';
import { loadSplitter } from './models';
import type { ThreadSplitter } from './splitPool';

/** Marks the data that a splitting thread is started with. */
interface SplitThreadData {
  readonly role: 'split';
  readonly modelsFolder: string;
}

type FromThread =
  | { readonly type: 'ready' }
  | { readonly type: 'chunks'; readonly id: number; readonly chunks: NewChunk[] }
  | { readonly type: 'failed'; readonly id: number; readonly error: SerializedError }
  | {
      readonly type: 'warn';
      readonly message: string;
      readonly data?: Readonly<Record<string, unknown>>;
    };

interface Task {
  readonly id: number;
  readonly document: Document;
}

interface Pending {
  resolve(chunks: NewChunk[]): void;
  reject(error: unknown): void;
}

/**
 * A splitter in a thread that runs `file`, which must call `serveSplitThread` when it is not the main thread.
 * When the thread ends before its time, all that it was given is rejected.
 */
export async function openSplitThread(
  file: string,
  modelsFolder: string,
  log: Logger,
): Promise<ThreadSplitter> {
  const data: SplitThreadData = { role: 'split', modelsFolder };
  const worker = new Worker(file, { workerData: data });
  const pending = new Map<number, Pending>();
  let lastId = 0;
  const ended = new Promise<void>((resolve) => {
    const end = (error: unknown): void => {
      for (const task of pending.values()) task.reject(error);
      pending.clear();
      resolve();
    };
    worker.on('error', end);
    worker.on('exit', () => end(new BugError('The splitting thread ended')));
  });
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', (message: FromThread) => {
      if (message.type === 'ready') resolve();
      else if (message.type === 'warn') log.warn(message.message, message.data);
      else settle(pending, message);
    });
  });
  return {
    ended,
    split: (document) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        pending.set(id, { resolve, reject });
        const task: Task = { id, document };
        worker.postMessage(task);
      }),
    dispose: () => void worker.terminate(),
  };
}

function settle(
  pending: Map<number, Pending>,
  message: Extract<FromThread, { readonly id: number }>,
): void {
  const waiting = pending.get(message.id);
  pending.delete(message.id);
  if (message.type === 'chunks') waiting?.resolve(message.chunks);
  else waiting?.reject(deserializeError(message.error));
}

/** The other side: answers documents with chunks, one after the other. To be called in the thread. */
export async function serveSplitThread(): Promise<void> {
  const port = parentPort;
  const { role, modelsFolder } = workerData as SplitThreadData;
  if (!port || role !== 'split') throw new BugError('This is no splitting thread');
  const post = (message: FromThread): void => port.postMessage(message);
  const drop = (): void => undefined;
  const splitter = await loadSplitter(modelsFolder, {
    debug: drop,
    info: drop,
    error: drop,
    warn: (message, data) => post({ type: 'warn', message, data }),
  });
  port.on('message', (task: Task) => {
    splitter.split(task.document).then(
      (chunks) => post({ type: 'chunks', id: task.id, chunks }),
      (error: unknown) => post({ type: 'failed', id: task.id, error: serializeError(error) }),
    );
  });
  post({ type: 'ready' });
}
