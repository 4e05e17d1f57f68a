/** A sleep that can be ended by a call which may come before the sleep begins. */
export class Alarm {
  private isRung = false;
  private end: (() => void) | undefined;

  /** Ends the sleep at hand, or the next one at its beginning. */
  ring(): void {
    this.isRung = true;
    this.end?.();
  }

  /** Forgets calls so far; to be called before looking at what there is to do. */
  clear(): void {
    this.isRung = false;
  }

  /** Until `ring`, an abort, or `maxMs`; never throws. */
  async sleep(signal: AbortSignal, maxMs?: number): Promise<void> {
    if (this.isRung) return;
    await sleepUntil(signal, maxMs, (end) => {
      this.end = end;
      return () => (this.end = undefined);
    });
  }
}

/** Resolves when `listen`'s argument is called, on abort, or after `maxMs`. No AbortSignal.any: on Node 20 it leaks. */
export async function sleepUntil(
  signal: AbortSignal,
  maxMs: number | undefined,
  listen: (end: () => void) => () => void,
): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = maxMs === undefined ? undefined : setTimeout(() => end(), maxMs);
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      stopListening();
      resolve();
    };
    const stopListening = listen(end);
    signal.addEventListener('abort', end);
  });
}
