/** Starts slow reads before their results are needed, some at a time, and gives them in order. */

/** How much may be under way or waiting to be taken: so many items, and together so many bytes. */
export interface ReadLimits<T> {
  readonly count: number;
  readonly bytes: number;
  readonly bytesOf: (item: T) => number;
}

/**
 * The results of `read` for each item, in the order of the items. An item that is too large for the limits is read
 * when no other is under way. A caller that stops early leaves no rejection unhandled.
 */
export async function* readAhead<T, R>(
  items: readonly T[],
  limits: ReadLimits<T>,
  read: (item: T) => Promise<R>,
): AsyncGenerator<{ readonly item: T; readonly result: R }> {
  const pending: { item: T; result: Promise<R> }[] = [];
  let nextIndex = 0;
  let bytes = 0;
  const fill = (): void => {
    while (nextIndex < items.length && pending.length < limits.count) {
      const item = items[nextIndex]!;
      if (pending.length > 0 && bytes + limits.bytesOf(item) > limits.bytes) return;
      nextIndex++;
      bytes += limits.bytesOf(item);
      const result = read(item);
      result.catch(() => undefined);
      pending.push({ item, result });
    }
  };
  for (fill(); pending.length > 0; fill()) {
    const { item, result } = pending.shift()!;
    yield { item, result: await result };
    bytes -= limits.bytesOf(item);
  }
}
