/**
 * Whose hit is whose in two orders shown as one, found out from the three lists alone: in each round both versions give
 * their best hit that is not shown yet, in an order that nobody is told. Where both ways of a round would look the same,
 * nobody can say whose its hits are.
 */

export type Side = 'current' | 'candidate';

/** One for each that is shown; undefined in place of a side where nobody can say. Undefined when this is no such mixture. */
export function sidesOf(
  shown: readonly string[],
  orders: Readonly<Record<Side, readonly string[]>>,
): (Side | undefined)[] | undefined {
  const sides: (Side | undefined)[] = [];
  while (sides.length < shown.length) {
    const taken = shown.slice(0, sides.length);
    const left = shown.slice(sides.length);
    const ways = [round(['current', 'candidate']), round(['candidate', 'current'])]
      .map((picks) => picks.slice(0, left.length))
      .filter((picks) => picks.every(({ hit }, at) => hit === left[at]));
    const [one, other = one] = ways;
    if (!one || one.length === 0) return undefined;
    sides.push(...one.map(({ side }, at) => (other?.[at]?.side === side ? side : undefined)));

    function round(order: readonly Side[]): { readonly side: Side; readonly hit: string }[] {
      const gone = new Set(taken);
      return order.flatMap((side) => {
        const hit = orders[side].find((each) => !gone.has(each));
        if (hit === undefined) return [];
        gone.add(hit);
        return [{ side, hit }];
      });
    }
  }
  return sides;
}

/** The two shares that so many wins lie 1.96 standard errors away from, in whole per cent: Wilson's interval, by halving. */
export function intervalOf(
  wins: number,
  of: number,
): { readonly low: number; readonly high: number } {
  const share = wins / of;
  const isOutside = (p: number): boolean =>
    Math.abs(share - p) > 1.959964 * Math.sqrt((p * (1 - p)) / of);
  const edge = (inside: number, outside: number): number => {
    for (let step = 0; step < 60; step++) {
      const middle = (inside + outside) / 2;
      if (isOutside(middle)) outside = middle;
      else inside = middle;
    }
    return Math.round(100 * inside);
  };
  return { low: edge(share, 0), high: edge(share, 1) };
}
