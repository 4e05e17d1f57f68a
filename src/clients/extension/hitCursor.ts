/**
 * The list of hits that F4 walks through, and the hit opened last. The list is the palette's, or the panel's, which
 * knows its own order: whichever was shown later.
 */
import { setContextKey } from './contextKeys';
import type { MarkableHit, Question } from './marking';
import type { WorkspaceHit, WorkspaceResult } from './multiRoot';

/** A hit together with the question it answers. */
export interface OpenedHit {
  readonly hit: MarkableHit;
  readonly question: Question;
}

export class HitCursor {
  private hits: readonly WorkspaceHit[] = [];
  private query = '';
  private index = -1;
  private opened: OpenedHit | undefined;
  private isOfPanel = false;

  get lastOpened(): OpenedHit | undefined {
    return this.opened;
  }

  /** The hits that count from now on; where the hit opened last is among them the walk goes on from it. */
  follow({ query, hits }: Pick<WorkspaceResult, 'query' | 'hits'>): void {
    this.isOfPanel = false;
    this.hits = hits;
    this.query = query;
    const last = this.opened?.hit;
    this.index = last ? hits.findIndex((hit) => isSamePlace(hit, last)) : -1;
    setContextKey('nearmiss.hasHits', hits.length > 0);
  }

  /** The panel shows so many hits and walks through them itself. */
  followPanel(hitCount: number): void {
    this.isOfPanel = true;
    setContextKey('nearmiss.hasHits', hitCount > 0);
  }

  /** True when the panel's list is the one to walk through. */
  get isPanels(): boolean {
    return this.isOfPanel;
  }

  /** A hit was opened for good. */
  noteOpened(hit: MarkableHit, question: Question): void {
    this.opened = { hit, question };
    this.index = this.hits.findIndex((other) => isSamePlace(other, hit));
    setContextKey('nearmiss.hasOpenedHit', true);
  }

  /** The next hit of the palette's list, or with -1 the previous one; round at the ends. */
  move(by: 1 | -1): WorkspaceHit | undefined {
    if (this.hits.length === 0) return undefined;
    const from = this.index < 0 && by < 0 ? 0 : this.index;
    const hit = this.hits[(from + by + this.hits.length) % this.hits.length]!;
    this.noteOpened(hit, { query: this.query });
    return hit;
  }
}

function isSamePlace(a: Omit<MarkableHit, 'rank'>, b: Omit<MarkableHit, 'rank'>): boolean {
  return a.folder === b.folder && a.path === b.path && a.start === b.start && a.end === b.end;
}
