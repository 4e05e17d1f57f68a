/**
 * Who may speak to the engine. A connection starts closed: `hello` with the token of this start opens it,
 * anything else before that ends it. Counts the clients, so that the engine knows when it is idle.
 */
import { timingSafeEqual } from 'node:crypto';
import * as net from 'node:net';
import { isAbort, NearmissError } from '../base/errors';
import type { Disposable } from '../base/lifecycle';
import type { Logger } from '../base/log';
import { Connection } from '../protocol/connection';
import {
  type HelloParams,
  type HelloResult,
  type Method,
  type NotificationName,
  type Notifications,
  PROTOCOL_VERSION,
} from '../protocol/methods';
import { isMethod, parseParams } from '../protocol/schemas';

/** A connection that has not said hello by then is ended. */
const helloWithinMs = 30_000;

const readRefusalMs = 100;

/** One client, as handlers see it. */
export interface Client {
  notify<N extends NotificationName>(name: N, params: Notifications[N]): void;
}

export interface ServerOptions {
  readonly token: string;
  readonly socketPath: string;
  readonly log: Logger;
  /** What a hello is answered with. */
  readonly hello: HelloResult;
  readonly handle: (
    method: Exclude<Method, 'hello'>,
    params: unknown,
    client: Client,
    signal: AbortSignal,
  ) => Promise<unknown>;
  /** A client that speaks a newer protocol came: finish and make room. */
  readonly onNewerClient: () => void;
}

/** Listens from `listen` on; `dispose` ends every connection and the socket. */
export class Server implements Disposable {
  private readonly server: net.Server;
  private readonly clients = new Set<Connection>();
  private readonly sockets = new Set<net.Socket>();
  private pendingCount = 0;
  private isLeaving = false;
  private lastActiveAt = performance.now();

  constructor(private readonly options: ServerOptions) {
    this.server = net.createServer((socket) => this.accept(socket));
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.options.socketPath, () => {
        this.server.removeListener('error', reject);
        this.server.on('error', (error) => this.options.log.error('socket', error));
        resolve();
      });
    });
  }

  /** Milliseconds since the last client left or a call ended; 0 while someone is here. */
  get idleForMs(): number {
    return this.clients.size > 0 || this.pendingCount > 0
      ? 0
      : performance.now() - this.lastActiveAt;
  }

  get hasPendingCalls(): boolean {
    return this.pendingCount > 0;
  }

  broadcast<N extends NotificationName>(name: N, params: Notifications[N]): void {
    for (const client of this.clients) client.notify(name, params);
  }

  /** Refuses newcomers from now on, so that they start an engine of their own once this one has left. */
  refuseNewClients(): void {
    this.isLeaving = true;
  }

  dispose(): void {
    this.server.close();
    for (const client of [...this.clients]) client.dispose();
    for (const socket of this.sockets) socket.destroy();
  }

  private accept(socket: net.Socket): void {
    this.sockets.add(socket);
    let isWelcome = false;
    const late = setTimeout(() => socket.destroy(), helloWithinMs);
    const connection = new Connection(
      { input: socket, output: socket },
      async (name, params, signal) => {
        if (!isWelcome && name !== 'hello') {
          endSoon(socket);
          throw new NearmissError('unauthorized', 'The engine answers only after a hello');
        }
        if (name !== 'hello') return this.serve(name, params, connection, signal);
        const result = this.welcome(parseParams('hello', params), socket);
        clearTimeout(late);
        isWelcome = true;
        this.clients.add(connection);
        return result;
      },
    );
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(late);
      this.sockets.delete(socket);
      this.clients.delete(connection);
      this.lastActiveAt = performance.now();
      connection.dispose();
    });
  }

  private welcome(hello: HelloParams, socket: net.Socket): HelloResult {
    const { hello: result, log, token } = this.options;
    if (!isSameToken(hello.token, token)) {
      log.warn('refused a client with a wrong token');
      endSoon(socket);
      throw new NearmissError('unauthorized', 'The token is not that of this engine');
    }
    if (this.isLeaving)
      throw new NearmissError('busy', 'This engine is leaving', 'A new one is started');
    if (hello.version > PROTOCOL_VERSION) this.options.onNewerClient();
    if (hello.version !== PROTOCOL_VERSION) throw versionMismatch(hello.version);
    log.debug('client', { client: hello.client });
    return result;
  }

  private async serve(
    name: string,
    params: unknown,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (!isMethod(name) || name === 'hello')
      throw new NearmissError('version', `This engine does not know ${name}`, 'Update Nearmiss');
    this.pendingCount++;
    // A client that is gone needs no answer: its calls are aborted with it.
    const gone = new AbortController();
    const left = connection.onClose(() => gone.abort());
    try {
      const both = AbortSignal.any([signal, gone.signal]);
      return await this.options.handle(name, parseParams(name, params), connection, both);
    } catch (error) {
      if (!isAbort(error)) this.options.log.warn(`${name} failed`, withoutText(error));
      throw error;
    } finally {
      left.dispose();
      this.pendingCount--;
      this.lastActiveAt = performance.now();
    }
  }
}

/** Lets the refusal be read first. */
function endSoon(socket: net.Socket): void {
  setTimeout(() => socket.end(), readRefusalMs).unref();
}

/** What the log may hold of a failed call: a message could repeat the query or a line of code. */
function withoutText(error: unknown): Record<string, unknown> {
  if (error instanceof NearmissError) return { code: error.code };
  const frames = error instanceof Error ? (error.stack ?? '').split('\n') : [];
  return { frames: frames.filter((line) => line.startsWith('    at ')).join('\n') };
}

function isSameToken(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}

function versionMismatch(theirs: number): NearmissError {
  return theirs > PROTOCOL_VERSION
    ? new NearmissError(
        'version',
        'This engine is older than its client and makes room for a new one',
      )
    : new NearmissError(
        'version',
        `The running engine is newer (protocol ${PROTOCOL_VERSION}) than this client (protocol ${theirs})`,
        'Update this Nearmiss, or close the newer one and wait until its engine has left',
      );
}
