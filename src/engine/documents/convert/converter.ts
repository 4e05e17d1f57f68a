/**
 * The owner of the converting process: one file at a time, each within a time and a limit of memory. A process that
 * dies or hangs takes only its file along; the next file gets a new one. Idle ones end by themselves.
 */
import { type ChildProcess, fork } from 'node:child_process';
import * as path from 'node:path';
import { installationRoot } from '../../../base/installation';
import type { Disposable } from '../../../base/lifecycle';
import { type Converted, conversionLimits, type DocumentFormat } from './converted';
import type { ConvertReply, ConvertRequest } from './messages';

export interface ConverterOptions {
  /** The bundle of `converterProcess.ts`. */
  readonly file: string;
  /** For one document. */
  readonly timeoutMs?: number;
  readonly memoryMb?: number;
  readonly limits?: ConvertRequest['limits'];
}

/** A document of some thousand pages takes seconds; on a busy machine many. */
const defaultTimeoutMs = 120_000;
const defaultMemoryMb = 1200;
const idleMs = 20_000;
const tooMuchMemory = 70;

/** Text, or the sentence that says why there is none. */
export type Conversion = { readonly converted: Converted } | { readonly refusal: string };

export class Converter implements Disposable {
  private child: ChildProcess | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private lastId = 0;
  private idle: NodeJS.Timeout | undefined;

  constructor(private readonly options: ConverterOptions) {}

  /** Never rejects: whatever a file does is a sentence. */
  convert(format: DocumentFormat, bytes: Uint8Array): Promise<Conversion> {
    const turn = this.queue.then(() => this.run(format, bytes));
    this.queue = turn;
    return turn;
  }

  dispose(): void {
    clearTimeout(this.idle);
    this.child?.kill('SIGKILL');
    this.child = undefined;
  }

  private run(format: DocumentFormat, bytes: Uint8Array): Promise<Conversion> {
    clearTimeout(this.idle);
    const child = (this.child ??= this.start());
    child.ref();
    child.channel?.ref();
    const id = ++this.lastId;
    const timeoutMs = this.options.timeoutMs ?? defaultTimeoutMs;
    const limits = this.options.limits ?? conversionLimits;
    return new Promise((resolve) => {
      const end = (conversion: Conversion, isOver: boolean): void => {
        clearTimeout(timer);
        child.off('message', take);
        child.off('exit', exited);
        child.off('error', failed);
        if (isOver) {
          child.kill('SIGKILL');
          this.child = undefined;
        } else this.rest();
        resolve(conversion);
      };
      const take = (reply: ConvertReply): void => {
        if (reply.id !== id) return;
        if (reply.type === 'converted') end({ converted: reply.converted }, false);
        else end({ refusal: reply.sentence }, false);
      };
      const exited = (code: number | null): void =>
        end({ refusal: code === tooMuchMemory ? memorySentence : crashSentence }, true);
      const failed = (): void => end({ refusal: crashSentence }, true);
      const timer = setTimeout(
        () => end({ refusal: `reading it took more than ${Math.ceil(timeoutMs / 1000)} s` }, true),
        timeoutMs,
      );
      child.on('message', take);
      child.on('exit', exited);
      child.on('error', failed);
      const request: ConvertRequest = { id, format, bytes, limits };
      child.send(request, (error) => error && failed());
    });
  }

  private start(): ChildProcess {
    const { file, memoryMb = defaultMemoryMb } = this.options;
    const child = fork(file, [String(memoryMb)], {
      execArgv: [`--max-old-space-size=${memoryMb}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: undefined },
    });
    child.on('error', () => undefined);
    return child;
  }

  /** Nothing to do: the process must keep nobody alive, and ends soon. */
  private rest(): void {
    this.idle = setTimeout(() => this.dispose(), idleMs);
    this.idle.unref();
    this.child?.unref();
    this.child?.channel?.unref();
  }
}

const memorySentence = 'reading it took too much memory';
const crashSentence = 'reading it ended in a crash';

let shared: Converter | undefined;

/** This process's converter; it starts nothing before the first document. */
export function sharedConverter(): Converter {
  shared ??= new Converter({ file: path.join(installationRoot(), 'dist', 'converter.js') });
  return shared;
}
