/**
 * One model on several threads at once. ONNX Runtime's own threads share out each small operator and lose most
 * of what they gain to waking up; whole batches side by side lose nothing, and the calling thread stays free.
 * Each lane is a worker thread with a session of its own. A thread that ends in the middle of a native run takes
 * the process with it, so lanes end by themselves, and the process waits for them when it exits.
 */
import { Worker } from 'node:worker_threads';
import { AbortedError, NearmissError } from '../../base/errors';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import {
  type SessionInput,
  type Runtime,
  type RuntimeTensor,
  type Session,
  type SessionOptions,
  type SessionOutput,
  createSession,
  runtimeOptions,
  runtimePath,
  startError,
} from './session';

export interface LaneOptions extends SessionOptions {
  readonly laneCount: number;
}

/** More lanes need more memory, half a hundred megabytes each; further threads are shared out among these. */
const MOST_LANES = 4;

/** The session for many batches on the CPU: lanes where there are threads for them, a plain session otherwise. */
export function createWideSession(model: Uint8Array, threads = 1): Promise<Session> {
  const laneCount = Math.min(threads, MOST_LANES);
  if (laneCount <= 1) return createSession(model, { threads });
  return createLanes(model, { laneCount, threads: Math.floor(threads / laneCount) });
}

/** A session that runs up to `laneCount` batches at the same time, none of them on the calling thread. */
export async function createLanes(model: Uint8Array, options: LaneOptions): Promise<Session> {
  const { laneCount, ...each } = options;
  const store = new DisposableStore();
  try {
    const started = Array.from({ length: laneCount }, () => store.add(new Lane(model, each)));
    const [names] = await Promise.all(started.map((lane) => lane.ready));
    return sessionOver(started, names!, store);
  } catch (error) {
    store.dispose();
    throw startError(options.provider ?? 'cpu', error);
  }
}

function sessionOver(all: readonly Lane[], names: ModelNames, store: Disposable): Session {
  return {
    ...names,
    laneCount: all.length,
    run(inputs, output) {
      const leastBusy = all.reduce((best, lane) => (lane.load < best.load ? lane : best));
      return leastBusy.run(inputs, output);
    },
    dispose: () => store.dispose(),
  };
}

interface ModelNames {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
}

/** What goes to a lane's thread and what comes back. */
interface Request {
  readonly inputs: Readonly<Record<string, SessionInput>>;
  readonly output: string;
}
type Reply =
  | { readonly names: ModelNames }
  | { readonly result: SessionOutput }
  | { readonly problem: string };

/** Slots of the memory that a lane shares with us. */
const ORDER = 0;
const RUNNING = 1;

/** Orders to a lane: end in good order; or touch nothing native any more, the process ends. */
const END = 1;
const FREEZE = 2;

/** Longer than any run; a lane that is stuck must not keep a process from ending. */
const LONGEST_WAIT_MS = 10_000;

const CLOSED = 'The model was closed';

/** Every lane whose thread lives. */
const lanes = new Set<Lane>();

function freezeAll(): void {
  for (const lane of lanes) lane.freeze();
}

class Lane implements Disposable {
  private readonly state = new Int32Array(new SharedArrayBuffer(8));
  private readonly worker: Worker;
  /** In the order of requests: a lane answers one after the other. */
  private readonly waiting: { resolve(reply: Reply): void; reject(error: Error): void }[] = [];
  private isEnded = false;
  readonly ready: Promise<ModelNames>;

  constructor(model: Uint8Array, options: SessionOptions) {
    // Before the thread starts: it must find itself running until its session is made.
    this.state[RUNNING] = 1;
    this.worker = new Worker(`(${serveLane.toString()})()`, {
      eval: true,
      workerData: {
        runtime: runtimePath(),
        options: runtimeOptions({ threads: 1, ...options }),
        model,
        state: this.state,
      },
    });
    this.ready = this.next().then((reply) => {
      if ('names' in reply) return reply.names;
      throw new Error('problem' in reply ? reply.problem : 'it answered out of turn');
    });
    this.worker.on('message', (reply: Reply) => this.settle((one) => one.resolve(reply)));
    this.worker.on('error', (error) => this.failAll(error));
    this.worker.on('exit', () => {
      this.isEnded = true;
      lanes.delete(this);
      if (lanes.size === 0) process.removeListener('exit', freezeAll);
      this.failAll(new AbortedError(CLOSED));
    });
    if (lanes.size === 0) process.on('exit', freezeAll);
    lanes.add(this);
  }

  /** Runs asked for and not answered. */
  get load(): number {
    return this.waiting.length;
  }

  async run(inputs: Request['inputs'], output: string): Promise<SessionOutput> {
    if (this.isEnded) throw new AbortedError(CLOSED);
    this.worker.postMessage({ inputs, output } satisfies Request);
    const reply = await this.next();
    if ('result' in reply) return reply.result;
    throw new NearmissError(
      'model',
      `The model does not run: ${'problem' in reply ? reply.problem : ''}`,
    );
  }

  /** The thread ends after the run it is in; what waits behind it is rejected. */
  dispose(): void {
    this.isEnded = true;
    Atomics.store(this.state, ORDER, END);
    this.worker.postMessage(undefined);
  }

  /** At the end of the process: no new run begins, and we wait here for the one under way. */
  freeze(): void {
    Atomics.store(this.state, ORDER, FREEZE);
    Atomics.wait(this.state, RUNNING, 1, LONGEST_WAIT_MS);
  }

  private next(): Promise<Reply> {
    // Only work that somebody waits for keeps the process alive.
    this.worker.ref();
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  private settle(
    how: (one: { resolve(reply: Reply): void; reject(error: Error): void }) => void,
  ): void {
    const one = this.waiting.shift();
    if (one) how(one);
    if (this.waiting.length === 0) this.worker.unref();
  }

  private failAll(error: Error): void {
    while (this.waiting.length > 0) this.settle((one) => one.reject(error));
  }
}

/**
 * What a lane's thread does. It is handed over as text, so that it works from every bundle without a file of
 * its own; hence it names nothing from outside itself.
 */
function serveLane(): void {
  /* oxlint-disable typescript/no-require-imports, typescript/consistent-type-imports -- see above */
  const { parentPort, workerData } =
    require('node:worker_threads') as typeof import('node:worker_threads');
  const { runtime, model, options, state } = workerData as {
    runtime: string;
    model: Uint8Array;
    options: ReturnType<typeof runtimeOptions>;
    state: Int32Array;
  };
  const ort = require(runtime) as Runtime;
  const port = parentPort!;
  const setRunning = (value: 0 | 1): void => {
    Atomics.store(state, 1, value);
    Atomics.notify(state, 1);
  };
  const start = async (): Promise<void> => {
    const session = await ort.InferenceSession.create(model, options);
    const answer = async ({ inputs, output }: Request): Promise<Reply> => {
      const feeds: Record<string, RuntimeTensor> = {};
      for (const [name, { data, shape }] of Object.entries(inputs)) {
        if (session.inputNames.includes(name)) feeds[name] = new ort.Tensor(data, shape);
      }
      const results = await session.run(feeds, [output]);
      const value = results[output];
      if (!(value?.data instanceof Float32Array)) {
        return { problem: `its output ${output} is not of 32-bit floats` };
      }
      const result = { data: Float32Array.from(value.data), shape: [...value.dims] };
      for (const tensor of [...Object.values(feeds), value]) tensor.dispose();
      return { result };
    };
    let hasEnded = false;
    const end = (): void => {
      if (hasEnded) return;
      hasEnded = true;
      port.close();
      void session.release();
    };
    let last = Promise.resolve();
    port.on('message', (request: Request | undefined) => {
      last = last.then(async () => {
        setRunning(1);
        const order = Atomics.load(state, 0);
        if (order === 0 && request) {
          const reply = await answer(request).catch((error: unknown) => ({
            problem: error instanceof Error ? error.message : String(error),
          }));
          port.postMessage(
            reply,
            'result' in reply ? [reply.result.data.buffer as ArrayBuffer] : [],
          );
        }
        if (order === 1) end();
        setRunning(0);
      });
    });
    port.postMessage({
      names: { inputNames: [...session.inputNames], outputNames: [...session.outputNames] },
    });
  };
  start()
    .catch((error: unknown) => {
      port.postMessage({ problem: error instanceof Error ? error.message : String(error) });
      port.close();
    })
    .finally(() => setRunning(0));
}
