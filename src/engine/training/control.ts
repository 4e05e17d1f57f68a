/** How a run is steered from outside: paused, gone on with, cancelled. It is looked at between steps, never within one. */
import { AbortedError } from '../../base/errors';

export class RunControl {
  private isPaused = false;
  private wake: (() => void) | undefined;
  private isCancelled = false;

  pause(): void {
    this.isPaused = true;
  }

  continue(): void {
    this.isPaused = false;
    this.wake?.();
  }

  cancel(): void {
    this.isCancelled = true;
    this.wake?.();
  }

  /** Lets waiting events have their turn, waits while paused, and throws an AbortedError when cancelled. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.isPaused && !this.isCancelled)
      await new Promise<void>((resolve) => (this.wake = resolve));
    if (this.isCancelled) throw new AbortedError();
  }
}
