/** Which paths a person cares about now: open files, then files changed lately, then files that searches hit. */
import type { PriorityReason } from './messages';

type Reason = PriorityReason | 'recent';
const order: readonly Reason[] = ['open', 'recent', 'hit'];
/** Of each kind; older ones fall out. */
const MAX_PATHS = 200;

export class PathPriority {
  private readonly byReason: Record<Reason, string[]> = { open: [], recent: [], hit: [] };

  /** Puts paths before those given earlier for the same reason. */
  add(paths: readonly string[], reason: Reason): void {
    const known = this.byReason[reason].filter((path) => !paths.includes(path));
    this.byReason[reason] = [...paths, ...known].slice(0, MAX_PATHS);
  }

  /** All of them, most wanted first, each once. */
  paths(): string[] {
    return [...new Set(order.flatMap((reason) => this.byReason[reason]))];
  }

  /** Those that a person pointed at, as a set. */
  wanted(): ReadonlySet<string> {
    return new Set([...this.byReason.open, ...this.byReason.hit]);
  }
}
