/**
 * Who owns what, and when it ends. Register in the statement that creates; a store that is already
 * disposed disposes late arrivals at once.
 */

/** Something that must be ended. `dispose` may be called twice and does its work once. */
export interface Disposable {
  dispose(): void;
}

/** A Disposable made from a function, which runs at most once. */
export function toDisposable(end: () => void): Disposable {
  let isDone = false;
  return {
    dispose() {
      if (isDone) return;
      isDone = true;
      end();
    },
  };
}

/** Ends everything given to it, last added first. */
export class DisposableStore implements Disposable {
  private readonly items: Disposable[] = [];
  private disposed = false;

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** Takes ownership and returns the item, so that it can be registered where it is made. */
  add<T extends Disposable>(item: T): T {
    if (this.disposed) item.dispose();
    else this.items.push(item);
    return item;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    const errors: unknown[] = [];
    for (const item of this.items.splice(0).reverse()) {
      try {
        item.dispose();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'Some resources did not close');
  }
}

/** Holds one value that is swapped now and then; the old one is disposed when a new one is set. */
export class MutableDisposable<T extends Disposable> implements Disposable {
  private current: T | undefined;
  private disposed = false;

  get value(): T | undefined {
    return this.current;
  }

  set value(next: T | undefined) {
    if (next === this.current) return;
    this.current?.dispose();
    this.current = this.disposed ? undefined : next;
    if (this.disposed) next?.dispose();
  }

  dispose(): void {
    this.value = undefined;
    this.disposed = true;
  }
}

/** One resource with several users: disposed when the last lease ends. */
export class Shared<T extends Disposable> {
  private leaseCount = 0;
  private retired = false;

  constructor(private readonly resource: T) {}

  /** The resource, and the lease that keeps it alive. */
  acquire(): { readonly value: T } & Disposable {
    this.leaseCount++;
    const lease = toDisposable(() => {
      this.leaseCount--;
      this.endIfUnused();
    });
    return { value: this.resource, dispose: () => lease.dispose() };
  }

  /** No further leases are expected; the resource ends with the last one, or now. */
  retire(): void {
    this.retired = true;
    this.endIfUnused();
  }

  private endIfUnused(): void {
    if (this.retired && this.leaseCount === 0) this.resource.dispose();
  }
}
