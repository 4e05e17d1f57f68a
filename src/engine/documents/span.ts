/** Spans compared: lines 0-based, end exclusive. */
import type { Span } from './document';

/** Number of lines that both have. */
export function overlapOf(a: Span, b: Span): number {
  return Math.max(0, Math.min(a.end, b.end) - Math.max(a.start, b.start));
}

/** The item that has most lines of the span; the first of equals, also where none has any. */
export function mostOverlapping<T extends { readonly span: Span }>(
  items: readonly T[],
  span: Span,
): T | undefined {
  let best: T | undefined;
  for (const item of items)
    if (!best || overlapOf(item.span, span) > overlapOf(best.span, span)) best = item;
  return best;
}
