/**
 * What a person does about one question, as counts: it begins with words that rest, goes on in other words within a
 * minute, and ends with a hit opened or with nothing. Search as one types asks many times; only what rests counts.
 */
import type { UsageEvent } from '../../protocol/usage';

const REFORMULATED_WITHIN_MS = 60_000;
/** Whoever does not open a hit for so long has given up, or found the answer in the snippet. */
const GIVEN_UP_AFTER_MS = 10 * 60_000;

export class Episodes {
  private current: { beganMs: number; askedMs: number; query: string } | undefined;

  /** Words came to rest and were answered. `beganMs`: their first key press. */
  asked(query: string, beganMs: number, nowMs: number): UsageEvent[] {
    const before = this.current;
    if (before?.query === query) return [];
    const goesOn = before && nowMs - before.askedMs <= REFORMULATED_WITHIN_MS;
    this.current = { beganMs: goesOn ? before.beganMs : beganMs, askedMs: nowMs, query };
    if (goesOn) return [{ kind: 'reformulated' }];
    return before ? [{ kind: 'unresolved' }, { kind: 'search' }] : [{ kind: 'search' }];
  }

  /** A hit was opened to stay. Further hits of the same question do not count again. */
  opened(rank: number | undefined, nowMs: number): UsageEvent[] {
    const { current } = this;
    if (!current) return [];
    this.current = undefined;
    return [{ kind: 'opened', rank, seconds: Math.round((nowMs - current.beganMs) / 100) / 10 }];
  }

  /** To be called now and then. */
  passed(nowMs: number): UsageEvent[] {
    if (!this.current || nowMs - this.current.askedMs < GIVEN_UP_AFTER_MS) return [];
    this.current = undefined;
    return [{ kind: 'unresolved' }];
  }
}
