/** Starts slow reads before their results are needed, a few at a time, and gives them in order. */

/**
 * The results of `read` for each item, in the order of the items; at most `width` reads are under way or
 * waiting to be taken. A caller that stops early leaves no rejection unhandled.
 */
export async function* readAhead<T, R>(
  items: Iterable<T>,
  width: number,
  read: (item: T) => Promise<R>,
): AsyncGenerator<{ readonly item: T; readonly result: R }> {
  const pending: { item: T; result: Promise<R> }[] = [];
  const iterator = items[Symbol.iterator]();
  const fill = (): void => {
    while (pending.length < width) {
      const next = iterator.next();
      if (next.done) return;
      const result = read(next.value);
      result.catch(() => undefined);
      pending.push({ item: next.value, result });
    }
  };
  for (fill(); pending.length > 0; fill()) {
    const { item, result } = pending.shift()!;
    yield { item, result: await result };
  }
}
