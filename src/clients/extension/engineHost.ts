/**
 * The engine as the extension sees it: up, coming back after it ended (at most three times in a row, each wait longer
 * than the one before), or stopped with a reason. Every engine process has a client of its own, so that the end of an
 * old one can never touch the calls of a new one.
 */
import { NearmissError } from '../../base/errors';
import { Emitter } from '../../base/event';
import type { Disposable } from '../../base/lifecycle';
import type {
  Method,
  NotificationName,
  Notifications,
  ParamsOf,
  ResultOf,
} from '../../protocol/methods';
import type { EngineClient } from '../engineClient';
import { english, type Translate } from '../../base/translate';

/** What a host needs of a client. */
export type EngineLike = Pick<EngineClient, 'call' | 'on' | 'onLost' | 'dispose'>;

export interface EngineHostOptions {
  readonly makeClient: () => EngineLike;
  /** Wait before each restart in a row; after the last one the engine stays down. */
  readonly delaysMs?: readonly number[];
  /** An engine that has served for so long has its earlier ends forgiven. */
  readonly calmMs?: number;
  readonly nowMs?: () => number;
  readonly t?: Translate;
}

export type EngineState =
  | { readonly kind: 'starting' | 'up' }
  | { readonly kind: 'restarting'; readonly attempt: number }
  | { readonly kind: 'stopped'; readonly error: Error };

const defaultDelaysMs = [300, 2000, 8000];
const defaultCalmMs = 300_000;
/** Starting again does not help against these. */
const lasting = new Set(['permission', 'usage', 'version', 'unauthorized', 'diskFull']);

interface Listener {
  readonly name: NotificationName;
  readonly listener: (params: never) => void;
}

export class EngineHost implements Disposable {
  private readonly states = new Emitter<EngineState>();
  private readonly listeners = new Set<Listener>();
  private readonly delaysMs: readonly number[];
  private readonly calmMs: number;
  private readonly nowMs: () => number;
  private readonly t: Translate;
  private client: EngineLike | undefined;
  private up: Promise<EngineLike> | undefined;
  private current: EngineState = { kind: 'starting' };
  private endCount = 0;
  private upSinceMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private isDisposed = false;

  constructor(private readonly options: EngineHostOptions) {
    this.delaysMs = options.delaysMs ?? defaultDelaysMs;
    this.calmMs = options.calmMs ?? defaultCalmMs;
    this.nowMs = options.nowMs ?? (() => performance.now());
    this.t = options.t ?? english;
  }

  get state(): EngineState {
    return this.current;
  }

  /** At each change; "up" comes once for every engine process. */
  onState(listener: (state: EngineState) => void): Disposable {
    return this.states.on(listener);
  }

  /** Calls `listener` for each such notification of every engine, also of those started later. */
  on<N extends NotificationName>(
    name: N,
    listener: (params: Notifications[N]) => void,
  ): Disposable {
    const entry: Listener = { name, listener };
    this.listeners.add(entry);
    if (this.client) this.connect(this.client, entry);
    return { dispose: () => this.listeners.delete(entry) };
  }

  /** The engine's answer; waits while one is being started. Rejects at once when the engine is stopped. */
  async call<M extends Method>(
    method: M,
    params: ParamsOf<M>,
    signal?: AbortSignal,
  ): Promise<ResultOf<M>> {
    const client = await this.whenUp();
    signal?.throwIfAborted();
    return client.call(method, params, signal);
  }

  /** The same for questions, which may be put twice: asked again of the next engine when this one ends. */
  async ask<M extends Method>(
    method: M,
    params: ParamsOf<M>,
    signal?: AbortSignal,
  ): Promise<ResultOf<M>> {
    const asked = this.client;
    try {
      return await this.call(method, params, signal);
    } catch (error) {
      const isLost = error instanceof NearmissError && error.code === 'engine';
      if (!isLost || this.isDisposed || this.client === asked) throw error;
      return await this.call(method, params, signal);
    }
  }

  /** Starts at first, or anew after the engine was given up or its options became others. */
  restart(): void {
    if (this.isDisposed) return;
    this.endCount = 0;
    this.begin({ kind: 'starting' }, 0);
  }

  /** Ends the engine, which other windows may use too, and starts one with the options of now. */
  async replace(): Promise<void> {
    const client = this.client;
    this.enter({ kind: 'starting' });
    // One that is not there any more has been ended already.
    await client?.call('shutdown', {}).catch(() => undefined);
    this.restart();
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.timer);
    this.dropClient();
    this.states.dispose();
    this.listeners.clear();
  }

  private whenUp(): Promise<EngineLike> {
    if (this.isDisposed)
      return Promise.reject(new NearmissError('engine', this.t('The editor is closing')));
    if (!this.up) this.restart();
    return this.up!;
  }

  private begin(state: EngineState, delayMs: number): void {
    clearTimeout(this.timer);
    this.dropClient();
    this.up = new Promise((resolve, reject) => {
      const open = (): void => void this.open().then(resolve, reject);
      if (delayMs > 0) this.timer = setTimeout(open, delayMs);
      else open();
    });
    // Whoever waits is told; that nobody waits is no fault.
    this.up.catch(() => undefined);
    this.enter(state);
  }

  private async open(): Promise<EngineLike> {
    const client = this.options.makeClient();
    this.client = client;
    for (const entry of this.listeners) this.connect(client, entry);
    client.onLost(() => this.lose(client));
    try {
      await client.call('status', {});
    } catch (error) {
      if (this.client !== client) return this.whenUp();
      return await this.retry(error as Error);
    }
    if (this.client !== client) return this.whenUp();
    this.upSinceMs = this.nowMs();
    this.enter({ kind: 'up' });
    return client;
  }

  /** The engine did not start. */
  private retry(error: Error): Promise<EngineLike> {
    if (error instanceof NearmissError && lasting.has(error.code)) this.endCount = Infinity;
    return this.comeBack(error) ? this.whenUp() : Promise.reject(error);
  }

  /** The engine ended in service; an end during its start is told by the start itself. */
  private lose(client: EngineLike): void {
    if (this.isDisposed || this.client !== client || this.current.kind !== 'up') return;
    if (this.nowMs() - this.upSinceMs >= this.calmMs) this.endCount = 0;
    const said = this.t('The engine ended {0} times in a row', this.endCount + 1);
    this.comeBack(new NearmissError('engine', said));
  }

  /** False when it has ended too often and stays down. */
  private comeBack(error: Error): boolean {
    const delayMs = this.delaysMs[this.endCount];
    this.endCount++;
    if (delayMs !== undefined) {
      this.begin({ kind: 'restarting', attempt: this.endCount }, delayMs);
      return true;
    }
    this.dropClient();
    this.up = Promise.reject(error);
    this.up.catch(() => undefined);
    this.enter({ kind: 'stopped', error });
    return false;
  }

  private connect(client: EngineLike, entry: Listener): void {
    client.on(entry.name, (params) => {
      if (this.listeners.has(entry)) (entry.listener as (params: unknown) => void)(params);
    });
  }

  /** Ending a client is no loss of the engine. */
  private dropClient(): void {
    const old = this.client;
    this.client = undefined;
    old?.dispose();
  }

  private enter(state: EngineState): void {
    this.current = state;
    this.states.fire(state);
  }
}
