/**
 * The life of an engine process: listen, take the lock, serve, and leave when idle, asked to, or displaced.
 * Leaving means: refuse newcomers, finish pending calls, end the indexing process, give the lock back.
 */
import { randomBytes } from 'node:crypto';
import * as path from 'node:path';
import { BugError, serializeError } from '../base/errors';
import { productVersion } from '../base/installation';
import type { Logger } from '../base/log';
import {
  buildOf,
  createDataFolder,
  type EngineLock,
  type StartMessage,
} from '../protocol/engineLock';
import { type Method, type ParamsOf, PROTOCOL_VERSION } from '../protocol/methods';
import { isMethod } from '../protocol/schemas';
import type { EngineStatus } from '../protocol/types';
import type { EngineArguments } from './arguments';
import { buildEngine, type BuiltEngine } from './build';
import { newSocketPath } from './dataFolder';
import { type CallerContext, type HandledMethod, handlers, type Services } from './handlers';
import { isStillOwner, releaseLock, takeLock } from './lock';
import { type LogLevel, openLog } from './log';
import { Server } from './server';
import { readSettings, type Settings } from './settings';

const watchEveryMs = 500;
/** Pending calls get so long to finish before the engine leaves without them. */
const finishWithinMs = 15_000;

/** Serves the data folder until the engine has a reason to leave; ends the process. */
export async function serve(options: EngineArguments): Promise<void> {
  process.umask(0o077);
  // Processes of ours can be told by the data folder they work for.
  process.env.NEARMISS_HOME = options.dataFolder;
  try {
    createDataFolder(options.dataFolder);
    const { dataFolder, provider, isMeasuringOff } = options;
    const settings = readSettings(dataFolder, {
      ...(provider !== undefined && { provider }),
      ...(isMeasuringOff && { measureAgainAfterMs: 0 }),
    });
    const log = openLog(options.dataFolder, settings.logLevel as LogLevel);
    process.on('unhandledRejection', (error) => log.error('unhandled rejection', error));
    const engine = new EngineProcess(options, settings, log);
    const isServing = await engine.start();
    await tellStarter({ type: 'serving' });
    if (!isServing) process.exit(0);
  } catch (error) {
    await tellStarter({ type: 'failed', error: serializeError(error) });
    process.exit(1);
  }
}

class EngineProcess {
  private readonly startedAt = performance.now();
  private readonly lock: EngineLock;
  private readonly server: Server;
  private built: BuiltEngine | undefined;
  private watch: NodeJS.Timeout | undefined;
  private isLeaving = false;

  constructor(
    private readonly options: EngineArguments,
    private readonly settings: Settings,
    private readonly log: Logger,
  ) {
    this.lock = {
      pid: process.pid,
      startedAt: Date.now(),
      socket: newSocketPath(options.dataFolder),
      token: randomBytes(32).toString('hex'),
      protocolVersion: PROTOCOL_VERSION,
    };
    this.server = new Server({
      token: this.lock.token,
      socketPath: this.lock.socket,
      log,
      hello: {
        version: PROTOCOL_VERSION,
        productVersion: productVersion(),
        pid: process.pid,
        build: buildOf(__filename),
      },
      handle: (method, params, client, signal) => this.handle(method, params, { client, signal }),
      onNewerClient: () => void this.leave('a newer client came'),
    });
  }

  /** False when another engine serves this data folder. */
  async start(): Promise<boolean> {
    const { dataFolder } = this.options;
    await this.server.listen();
    const outcome = await takeLock(dataFolder, this.lock);
    if (!outcome.isOwner) {
      this.server.dispose();
      return false;
    }
    this.built = buildEngine(dataFolder, this.settings, this.log);
    this.built.engine.onProgress((status) => this.server.broadcast('indexProgress', status));
    this.built.engine.marking.onChange((change) => this.server.broadcast('marksChanged', change));
    this.built.engine.learning.onProgress((progress) =>
      this.server.broadcast('learningProgress', progress),
    );
    this.built.engine.onVersions((change) => this.server.broadcast('versionsChanged', change));
    this.log.info('serving', { version: productVersion(), node: process.version });
    this.watch = setInterval(() => this.look(), watchEveryMs);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.on(signal, () => void this.leave(signal));
    return true;
  }

  private async handle(method: Method, params: unknown, caller: CallerContext): Promise<unknown> {
    if (!this.built) throw new BugError('A call came before the engine was built');
    const services: Services = {
      engine: this.built.engine,
      models: this.built.models,
      usage: this.built.usage,
      describe: () => this.describe(),
      leave: () => void this.leave('a client asked'),
    };
    return answer(services, method, params, caller);
  }

  private look(): void {
    const idleMs = this.options.idleMs ?? this.settings.idleMs;
    if (!isStillOwner(this.options.dataFolder, this.lock))
      void this.leave('another engine is in place');
    else if (this.server.idleForMs > idleMs && !this.built?.engine.isWorking)
      void this.leave('idle');
  }

  private async leave(why: string): Promise<void> {
    if (this.isLeaving) return;
    this.isLeaving = true;
    this.log.info('leaving', { why });
    clearInterval(this.watch);
    this.server.refuseNewClients();
    const deadline = performance.now() + finishWithinMs;
    while (this.server.hasPendingCalls && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10));
    await this.built?.end();
    releaseLock(this.options.dataFolder, this.lock);
    this.server.dispose();
    process.exit(0);
  }

  private describe(): Omit<EngineStatus, 'folders'> {
    return {
      version: productVersion(),
      protocolVersion: PROTOCOL_VERSION,
      pid: process.pid,
      dataFolder: path.resolve(this.options.dataFolder),
      uptimeMs: Math.round(performance.now() - this.startedAt),
      memoryBytes: process.memoryUsage.rss(),
      isPaused: this.built?.indexer.isPaused ?? false,
      problems: this.built?.engine.problems ?? [],
      encoder: this.built?.plan.status(),
    };
  }
}

/** Params are those of the method: the server checked them by its schema. */
function answer(
  services: Services,
  method: Method,
  params: unknown,
  caller: CallerContext,
): unknown {
  if (!isMethod(method) || method === 'hello') throw new BugError(`No handler for ${method}`);
  return callHandler(services, method, params as ParamsOf<typeof method>, caller);
}

function callHandler<M extends HandledMethod>(
  services: Services,
  method: M,
  params: ParamsOf<M>,
  caller: CallerContext,
): unknown {
  return handlers[method](services, params, caller);
}

/** Nothing when nobody is listening: an engine can be started by hand. */
function tellStarter(message: StartMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(message, () => resolve());
    else resolve();
  });
}
