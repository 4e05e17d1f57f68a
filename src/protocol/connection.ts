/**
 * Typed calls over any byte channel, on vscode-jsonrpc. An AbortSignal on one side becomes an AbortSignal
 * on the other; errors cross in our own serialised form; when the other side dies, every pending call is
 * rejected with a sentence (the library alone would leave them unsettled).
 */
import {
  CancellationTokenSource,
  type CancellationToken,
  createMessageConnection,
  type MessageConnection,
  ParameterStructures,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import {
  AbortedError,
  deserializeError,
  NearmissError,
  type SerializedError,
  serializeError,
} from '../base/errors';
import { Emitter } from '../base/event';
import type { Disposable } from '../base/lifecycle';
import type { Method, NotificationName, Notifications, ParamsOf, ResultOf } from './methods';

/** Code of every error reply of ours; the serialised error is in its data. */
const applicationErrorCode = -32000;

export interface ByteChannel {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** Answers one request; `params` is unchecked. Runs until `signal` aborts or it returns. */
export type RequestListener = (
  method: string,
  params: unknown,
  signal: AbortSignal,
) => Promise<unknown>;

/** One end of a conversation. Whoever creates it disposes it; the channel itself is the caller's. */
export class Connection implements Disposable {
  private readonly rpc: MessageConnection;
  private readonly pending = new Set<(error: Error) => void>();
  private readonly closed = new Emitter<void>();
  private isOpen = true;

  constructor(channel: ByteChannel, answer?: RequestListener) {
    const reader = new StreamMessageReader(channel.input);
    // Its timer for half a message outlives the reader: the process of a client whose engine died while it spoke would
    // never end. Nobody listens to it here.
    reader.partialMessageTimeout = 0;
    this.rpc = createMessageConnection(reader, new StreamMessageWriter(channel.output));
    if (answer) this.rpc.onRequest((method, params, token) => reply(answer, method, params, token));
    this.rpc.onClose(() => this.close());
    this.rpc.onError(() => this.close());
    this.rpc.listen();
  }

  get isAlive(): boolean {
    return this.isOpen;
  }

  /** Once, when either side ends. */
  onClose(listener: () => void): Disposable {
    return this.closed.on(listener);
  }

  /** The engine's answer. Rejects with the engine's own error, or `engine` when it died meanwhile. */
  call<M extends Method>(
    method: M,
    params: ParamsOf<M>,
    signal?: AbortSignal,
  ): Promise<ResultOf<M>> {
    if (signal?.aborted) return Promise.reject(new AbortedError());
    if (!this.isOpen) return Promise.reject(connectionLost(method));
    const source = new CancellationTokenSource();
    return new Promise<ResultOf<M>>((resolve, reject) => {
      const abort = (): void => {
        source.cancel();
        reject(new AbortedError());
      };
      const fail = (error: unknown): void => reject(fromWire(error, method));
      signal?.addEventListener('abort', abort, { once: true });
      this.pending.add(fail);
      this.rpc
        .sendRequest<ResultOf<M>>(method, ParameterStructures.byName, params, source.token)
        .then(resolve, fail)
        .finally(() => {
          this.pending.delete(fail);
          signal?.removeEventListener('abort', abort);
        });
    });
  }

  /** Tells the other side; silently nothing when it is gone. */
  notify<N extends NotificationName>(name: N, params: Notifications[N]): void {
    if (!this.isOpen) return;
    this.rpc.sendNotification(name, ParameterStructures.byName, params).catch(() => this.close());
  }

  onNotification<N extends NotificationName>(
    name: N,
    listener: (params: Notifications[N]) => void,
  ): Disposable {
    return this.rpc.onNotification(name, (params: Notifications[N]) => listener(params));
  }

  dispose(): void {
    this.close();
  }

  private close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const fail of [...this.pending]) fail(connectionLost());
    this.closed.fire();
    this.closed.dispose();
    this.rpc.dispose();
  }
}

async function reply(
  answer: RequestListener,
  method: string,
  params: unknown,
  token: CancellationToken,
): Promise<unknown> {
  const controller = new AbortController();
  const cancelled = token.onCancellationRequested(() => controller.abort(new AbortedError()));
  try {
    return await answer(method, params, controller.signal);
  } catch (error) {
    const wire = serializeError(error);
    return new ResponseError(applicationErrorCode, wire.message, wire);
  } finally {
    cancelled.dispose();
  }
}

function fromWire(error: unknown, method: string): Error {
  if (error instanceof NearmissError) return error;
  const data = (error as { data?: SerializedError } | undefined)?.data;
  if (data?.kind) return deserializeError(data);
  return new NearmissError(
    'engine',
    `The engine did not answer ${method}`,
    'Try again; if it stays, run `nearmiss doctor`',
    { cause: error },
  );
}

function connectionLost(method?: string): NearmissError {
  const what =
    method === undefined ? 'while a call was pending' : `before ${method} could be asked`;
  return new NearmissError(
    'engine',
    `The engine ended ${what}`,
    'Try again, a new engine is started; if it stays, run `nearmiss doctor`',
  );
}
