/** The list of hits that F4 walks through, and the hit opened last. Both panel and palette set it. */
import * as vscode from 'vscode';
import type { Disposable } from '../../base/lifecycle';
import type { WorkspaceHit, WorkspaceResult } from './multiRoot';

/** A hit together with the question it answers. */
export interface OpenedHit {
  readonly hit: WorkspaceHit;
  readonly query: string;
}

export class HitCursor implements Disposable {
  private hits: readonly WorkspaceHit[] = [];
  private query = '';
  private index = -1;
  private opened: OpenedHit | undefined;
  private readonly moved = new vscode.EventEmitter<WorkspaceHit>();
  /** After F4 went to another hit, so that the panel can show which. */
  readonly onMove = this.moved.event;

  get lastOpened(): OpenedHit | undefined {
    return this.opened;
  }

  /** The hits that count from now on; where the hit opened last is among them the walk goes on from it. */
  follow({ query, hits }: Pick<WorkspaceResult, 'query' | 'hits'>): void {
    this.hits = hits;
    this.query = query;
    const last = this.opened?.hit;
    this.index = last ? hits.findIndex((hit) => isSamePlace(hit, last)) : -1;
    void vscode.commands.executeCommand('setContext', 'nearmiss.hasHits', hits.length > 0);
  }

  /** A hit was opened for good. */
  noteOpened(hit: WorkspaceHit, query: string): void {
    this.opened = { hit, query };
    this.index = this.hits.findIndex((other) => isSamePlace(other, hit));
    void vscode.commands.executeCommand('setContext', 'nearmiss.hasOpenedHit', true);
  }

  /** The next hit, or with -1 the previous one; round at the ends. */
  move(by: 1 | -1): OpenedHit | undefined {
    if (this.hits.length === 0) return undefined;
    const from = this.index < 0 && by < 0 ? 0 : this.index;
    this.index = (from + by + this.hits.length) % this.hits.length;
    const hit = this.hits[this.index]!;
    this.opened = { hit, query: this.query };
    void vscode.commands.executeCommand('setContext', 'nearmiss.hasOpenedHit', true);
    this.moved.fire(hit);
    return this.opened;
  }

  dispose(): void {
    this.moved.dispose();
  }
}

function isSamePlace(
  a: Pick<WorkspaceHit, 'folder' | 'path' | 'start' | 'end'>,
  b: Pick<WorkspaceHit, 'folder' | 'path' | 'start' | 'end'>,
): boolean {
  return a.folder === b.folder && a.path === b.path && a.start === b.start && a.end === b.end;
}
