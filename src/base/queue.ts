/** Order in time: one task after the other, and the last of a burst. */
import { type Disposable } from './lifecycle';

/** Runs tasks one after the other, in the order given; a failing task does not stop the next. */
export class Sequencer {
  private last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T> | T): Promise<T> {
    const result = this.last.then(task);
    this.last = result.catch(() => undefined);
    return result;
  }
}

/** Calls `action` once, `delayMs` after the last of a burst of `trigger` calls. */
export function debounce(action: () => void, delayMs: number): { trigger(): void } & Disposable {
  let timer: NodeJS.Timeout | undefined;
  return {
    trigger() {
      clearTimeout(timer);
      timer = setTimeout(action, delayMs);
      timer.unref();
    },
    dispose: () => clearTimeout(timer),
  };
}
