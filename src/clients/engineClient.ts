/**
 * The one way to the engine: finds the engine of a data folder or starts it, says hello, makes typed calls.
 * When an engine dies, its pending calls are rejected with a sentence and the next call starts a new one, a
 * limited number of times in a row.
 */
import * as net from 'node:net';
import { NearmissError } from '../base/errors';
import { Emitter } from '../base/event';
import type { Disposable } from '../base/lifecycle';
import { Connection } from '../protocol/connection';
import { buildOf, type EngineLock, readLock } from '../protocol/engineLock';
import {
  type HelloResult,
  type Method,
  type NotificationName,
  notificationNames,
  type Notifications,
  type ParamsOf,
  PROTOCOL_VERSION,
  type ResultOf,
} from '../protocol/methods';
import { startEngine, type StartOptions } from './engineStart';

const connectWithinMs = 10_000;
const helloWithinMs = 30_000;
/** How long an engine that was asked to leave may take. */
const leaveWithinMs = 30_000;
const startsInARow = 3;

/** `engineFile` is the bundle to start, `dist/engine.js`. */
export interface EngineClientOptions extends StartOptions {
  /** Name for the engine's log. */
  readonly client: string;
  /** Another number than ours is for tests of what happens then. */
  readonly protocolVersion?: number;
}

interface Listener {
  readonly name: NotificationName;
  readonly listener: (params: never) => void;
}

export class EngineClient implements Disposable {
  private connection: Connection | undefined;
  private opening: Promise<Connection> | undefined;
  private readonly listeners = new Set<Listener>();
  private readonly lost = new Emitter<void>();
  private failedStarts = 0;
  private isDisposed = false;

  constructor(private readonly options: EngineClientOptions) {}

  /** The engine's answer; finds or starts an engine first. */
  async call<M extends Method>(
    method: M,
    params: ParamsOf<M>,
    signal?: AbortSignal,
  ): Promise<ResultOf<M>> {
    const connection = await this.connect();
    signal?.throwIfAborted();
    return connection.call(method, params, signal);
  }

  /** Calls `listener` for each such notification, also of engines started later. */
  on<N extends NotificationName>(
    name: N,
    listener: (params: Notifications[N]) => void,
  ): Disposable {
    const entry: Listener = { name, listener };
    this.listeners.add(entry);
    return { dispose: () => this.listeners.delete(entry) };
  }

  /** Whenever an engine ended that this client was connected to. */
  onLost(listener: () => void): Disposable {
    return this.lost.on(listener);
  }

  dispose(): void {
    this.isDisposed = true;
    this.connection?.dispose();
    this.listeners.clear();
    this.lost.dispose();
  }

  private connect(): Promise<Connection> {
    if (this.isDisposed)
      return Promise.reject(new NearmissError('engine', 'This client has been closed'));
    if (this.connection?.isAlive) return Promise.resolve(this.connection);
    this.opening ??= this.open().finally(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  private async open(): Promise<Connection> {
    if (this.failedStarts >= startsInARow)
      throw new NearmissError(
        'engine',
        `The engine ended ${startsInARow} times in a row`,
        'Run `nearmiss doctor` to see what is wrong',
      );
    this.failedStarts++;
    const connection = (await this.join()) ?? (await this.start());
    this.failedStarts = 0;
    this.connection = connection;
    connection.onClose(() => this.lost.fire());
    // Through `listeners` at the time it arrives: a listener that comes or goes later counts as well.
    for (const name of notificationNames)
      connection.onNotification(name, (params) => this.deliver(name, params));
    return connection;
  }

  private deliver(name: NotificationName, params: unknown): void {
    for (const entry of [...this.listeners])
      if (entry.name === name) (entry.listener as (params: unknown) => void)(params);
  }

  /** The running engine, if there is one that this client can use. */
  private async join(): Promise<Connection | undefined> {
    const lock = readLock(this.options.dataFolder);
    const channel = lock && (await connectSocket(lock.socket));
    if (!lock || !channel) return undefined;
    const connection = new Connection({ input: channel, output: channel });
    connection.onClose(() => channel.destroy());
    try {
      const hello = await this.sayHello(connection, lock);
      if (hello.build === buildOf(this.options.engineFile)) return connection;
      // Another build of the same version: its code may be gone from the disk by now.
      await connection.call('shutdown', {});
      connection.dispose();
    } catch (error) {
      if (connection.isAlive && !this.isMakingRoom(error, lock)) throw error;
      connection.dispose();
    }
    await waitUntilLeft(this.options.dataFolder, lock);
    return undefined;
  }

  private async start(): Promise<Connection> {
    await startEngine(this.options);
    const connection = await this.join();
    if (connection) return connection;
    throw new NearmissError(
      'engine',
      'The engine started but cannot be reached',
      'Run `nearmiss doctor` to see what is wrong',
    );
  }

  /** True when the engine is about to leave, by itself or because it is older than this client. */
  private isMakingRoom(error: unknown, lock: EngineLock): boolean {
    if (!(error instanceof NearmissError)) return false;
    return (
      error.code === 'busy' || (error.code === 'version' && lock.protocolVersion < this.version)
    );
  }

  private get version(): number {
    return this.options.protocolVersion ?? PROTOCOL_VERSION;
  }

  private sayHello(connection: Connection, lock: EngineLock): Promise<HelloResult> {
    const { client } = this.options;
    const hello = { version: this.version, token: lock.token, client };
    return withDeadline(
      connection.call('hello', hello),
      helloWithinMs,
      `The engine (process ${lock.pid}) does not answer`,
      'Wait a moment and try again, or end that process',
    );
  }
}

/** True when a process listens at the socket that the lock names. */
export async function isEngineThere(dataFolder: string): Promise<boolean> {
  const lock = readLock(dataFolder);
  const socket = lock && (await connectSocket(lock.socket));
  socket?.destroy();
  return socket !== undefined;
}

/** Ends the engine of a data folder, if one is running that can be spoken to; true when it has left. */
export async function stopEngine(dataFolder: string): Promise<boolean> {
  const lock = readLock(dataFolder);
  const socket = lock && (await connectSocket(lock.socket));
  if (!lock || !socket) return true;
  const connection = new Connection({ input: socket, output: socket });
  try {
    const version = lock.protocolVersion;
    await connection.call('hello', { version, token: lock.token, client: 'stop' });
    await connection.call('shutdown', {});
    await waitUntilLeft(dataFolder, lock);
    return true;
  } catch {
    return false;
  } finally {
    connection.dispose();
    socket.destroy();
  }
}

/** A connected socket, or undefined when nobody listens there. */
function connectSocket(socketPath: string): Promise<net.Socket | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    const fail = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(undefined);
    };
    const timer = setTimeout(fail, connectWithinMs);
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      // What goes wrong from here on ends the connection, which tells its callers.
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}

async function waitUntilLeft(dataFolder: string, lock: EngineLock): Promise<void> {
  const deadline = performance.now() + leaveWithinMs;
  while (readLock(dataFolder)?.token === lock.token) {
    const socket = await connectSocket(lock.socket);
    // Nobody listens any more: it left in a hurry, and the next engine takes the lock over.
    if (!socket) return;
    socket.destroy();
    if (performance.now() > deadline)
      throw new NearmissError(
        'engine',
        `The engine (process ${lock.pid}) of another version does not leave`,
        'Close the programs that use it, or end that process',
      );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function withDeadline<T>(
  work: Promise<T>,
  withinMs: number,
  message: string,
  advice: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NearmissError('engine', message, advice)), withinMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
