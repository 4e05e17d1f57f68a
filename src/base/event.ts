/** Events that only tell (progress, status); they never carry requests. */
import { type Disposable, toDisposable } from './lifecycle';

export class Emitter<T> implements Disposable {
  private readonly listeners = new Set<(value: T) => void>();

  /** Calls `listener` for each later `fire`, until the result is disposed. */
  on(listener: (value: T) => void): Disposable {
    // Wrapped, so that one function may listen twice.
    const own = (value: T): void => listener(value);
    this.listeners.add(own);
    return toDisposable(() => this.listeners.delete(own));
  }

  fire(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }

  dispose(): void {
    this.listeners.clear();
  }
}
