/**
 * The three kinds of failure. Expected errors carry a code, one sentence and what to do next; bugs are
 * logged whole; aborts are neither logged nor shown. One serialised form crosses process borders.
 */

/** Every expected failure a user can meet. Factories below this table's users name the thing that failed. */
export type ErrorCode =
  | 'usage'
  | 'notFound'
  | 'outsideFolder'
  | 'needsConfirmation'
  | 'model'
  | 'provider'
  | 'index'
  | 'diskFull'
  | 'memory'
  | 'permission'
  | 'engine'
  | 'version'
  | 'unauthorized'
  | 'busy';

/** An expected failure: `message` is one sentence without a final full stop, `advice` says what to do next. */
export class NearmissError extends Error {
  override readonly name = 'NearmissError';
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly advice?: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** A fault of ours: a state that must not occur. */
export class BugError extends Error {
  override readonly name = 'BugError';
}

/** The caller gave up. Compatible with what `AbortSignal.throwIfAborted` throws. */
export class AbortedError extends Error {
  override readonly name = 'AbortError';
  constructor(message = 'Aborted') {
    super(message);
  }
}

/** True for an abort of ours, of an AbortSignal, or of Node's own timers and streams. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** What crosses a process border in place of an Error. */
export interface SerializedError {
  readonly kind: 'expected' | 'bug' | 'abort';
  readonly message: string;
  readonly code?: ErrorCode;
  readonly advice?: string;
  readonly stack?: string;
}

/** Turns anything thrown into its wire form. */
export function serializeError(error: unknown): SerializedError {
  if (isAbort(error)) return { kind: 'abort', message: 'Aborted' };
  if (error instanceof NearmissError) {
    const { code, message, advice, stack } = error;
    return { kind: 'expected', code, message, advice, stack };
  }
  if (error instanceof Error) return { kind: 'bug', message: error.message, stack: error.stack };
  return { kind: 'bug', message: String(error) };
}

/** The Error that `serializeError` was given, as near as the wire form allows. */
export function deserializeError(wire: SerializedError): Error {
  const error =
    wire.kind === 'abort'
      ? new AbortedError()
      : wire.kind === 'expected'
        ? new NearmissError(wire.code ?? 'engine', wire.message, wire.advice)
        : new BugError(wire.message);
  if (wire.stack) error.stack = wire.stack;
  return error;
}

/** The message of anything thrown, for a sentence that wraps it. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error ("ENOENT"), or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
