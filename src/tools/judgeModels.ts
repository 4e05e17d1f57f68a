/** Whether newly trained models may take the place of the bundled ones: by the figures of the development sets. */

/** The headline figure of each set. */
export type Figures = Readonly<Record<string, number>>;

/** No set may fall by more. */
const MOST_LOST = 0.005;

/** What `npm run bench -- quality --json` printed: a line of JSON for each set, its headline first. */
export function readFigures(printed: string): Figures {
  const lines = printed.split('\n').filter((line) => line.startsWith('{'));
  const sets = lines.map(
    (line) => JSON.parse(line) as { bench: string; figures: readonly { value: number }[] },
  );
  return Object.fromEntries(sets.map(({ bench, figures }) => [bench, figures[0]!.value]));
}

/** Kept when the mean of the sets rises and none falls too far. */
export function judgeFigures(
  before: Figures,
  after: Figures,
): { readonly isKept: boolean; readonly reason: string } {
  const sets = Object.keys(before);
  const missing = sets.filter((set) => after[set] === undefined);
  if (sets.length === 0 || missing.length > 0)
    return { isKept: false, reason: `No figure of ${missing.join(', ') || 'any set'}` };
  const changes = sets.map((set) => ({ set, change: after[set]! - before[set]! }));
  const worst = changes.reduce((a, b) => (b.change < a.change ? b : a));
  const mean = changes.reduce((sum, { change }) => sum + change, 0) / changes.length;
  // Figures have four digits: a fall of exactly the limit is none of rounding.
  if (worst.change < -MOST_LOST - 1e-9)
    return { isKept: false, reason: `${worst.set} falls by ${(-worst.change).toFixed(4)}` };
  if (mean <= 0) return { isKept: false, reason: `The mean changes by ${mean.toFixed(4)}` };
  return { isKept: true, reason: `The mean rises by ${mean.toFixed(4)}, no set falls too far` };
}
