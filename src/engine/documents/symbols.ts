/** From the definitions of a document to the symbol path and the defined names of a span of its rows. */
import type { Span } from './document';

/** A named part of a document: a function, a class, a section. Rows, end exclusive. */
export interface Definition extends Span {
  /** Where it begins and ends on any rising scale finer than rows; says what lies inside what. */
  readonly from: number;
  readonly to: number;
  /** Names from outside in that this definition brings; one as a rule, two for `func (s *Server) Start`. */
  readonly names: readonly string[];
  /** The row that holds the name itself. */
  readonly nameRow: number;
  /** `scope` holds other definitions (class, module); `callable` holds statements; `value` neither. */
  readonly role: 'scope' | 'callable' | 'value';
  /** False for what only names a part: an impl block, a namespace, a heading, a key. */
  readonly isDefining: boolean;
  /** True for what lies in several neighbouring nodes: the equations of one Haskell function. */
  readonly isJoined?: boolean;
}

/** Definitions in document order, outer before inner, with what lies inside what. */
export class DefinitionTree {
  private readonly definitions: readonly Definition[];
  /** For each definition the index of the innermost one around it, or -1. */
  private readonly parents: Int32Array;
  /** Indexes of the definitions directly inside each; those at the top under -1. */
  private readonly children = new Map<number, number[]>();
  /** Most rows between the start of a definition, comments counted, and its name. */
  private readonly widestLead: number;

  constructor(definitions: readonly Definition[]) {
    this.definitions = [...definitions].sort(
      (a, b) => a.start - b.start || a.from - b.from || b.to - a.to || a.nameRow - b.nameRow,
    );
    this.parents = new Int32Array(this.definitions.length).fill(-1);
    const open: number[] = [];
    this.definitions.forEach((each, index) => {
      while (open.length > 0 && !isInside(each, this.definitions[open.at(-1)!]!)) open.pop();
      const parent = open.at(-1) ?? -1;
      this.parents[index] = parent;
      const siblings = this.children.get(parent);
      if (siblings) siblings.push(index);
      else this.children.set(parent, [index]);
      open.push(index);
    });
    this.widestLead = this.definitions.reduce(
      (most, each) => Math.max(most, each.nameRow - each.start),
      0,
    );
  }

  /** How many scopes and callables are open across the boundary before each row. */
  openCounts(rowCount: number): Int32Array {
    const counts = new Int32Array(rowCount + 1);
    for (const each of this.definitions) {
      if (each.role === 'value' || each.end - each.start < 2) continue;
      counts[each.start + 1]!++;
      counts[Math.min(each.end, rowCount)]!--;
    }
    for (let row = 1; row <= rowCount; row++) counts[row]! += counts[row - 1]!;
    return counts;
  }

  /** Definitions that lie wholly in rows `start` to `end` and in no other such definition. */
  outermostWithin(start: number, end: number): Definition[] {
    const found: Definition[] = [];
    for (let index = this.firstFrom(start); index < this.definitions.length; index++) {
      const each = this.definitions[index]!;
      if (each.start >= end) break;
      const last = found.at(-1);
      if (each.end <= end && !(last && isInside(each, last))) found.push(each);
    }
    return found;
  }

  /** The furthest row that a joined definition beginning in these rows goes on to, or `end`. */
  furthestEnd(start: number, end: number): number {
    let furthest = end;
    for (let index = this.firstFrom(start); index < this.definitions.length; index++) {
      const each = this.definitions[index]!;
      if (each.start >= end) break;
      if (each.isJoined) furthest = Math.max(furthest, each.end);
    }
    return furthest;
  }

  /** Own names of the definitions whose name stands in the span, in order, each once. */
  namesIn(span: Span): string[] {
    const names: string[] = [];
    const first = this.firstFrom(span.start - this.widestLead);
    for (let index = first; index < this.definitions.length; index++) {
      const each = this.definitions[index]!;
      if (each.start >= span.end) break;
      const name = each.names.at(-1)!;
      if (!each.isDefining || each.nameRow < span.start || each.nameRow >= span.end) continue;
      if (!names.includes(name)) names.push(name);
    }
    return names;
  }

  /**
   * Names from outside in: every definition around the span, then the one in it that begins there and
   * fills most of it, and so on inward until a whole definition is named.
   */
  symbolOf(span: Span): string {
    let parent = -1;
    const path: string[] = [];
    for (let next = this.around(span, parent); next >= 0; next = this.around(span, parent)) {
      this.append(path, next);
      parent = next;
    }
    for (let next = this.mainIn(span, parent); next >= 0; next = this.mainIn(span, parent)) {
      this.append(path, next);
      if (this.definitions[next]!.end <= span.end) break;
      parent = next;
    }
    return path.join(' > ');
  }

  private append(path: string[], index: number): void {
    // An impl block and the type it belongs to, a namespace and its only class: no name twice in a row.
    for (const name of this.definitions[index]!.names) if (path.at(-1) !== name) path.push(name);
  }

  /** The child of `parent` that begins before the span and fills most of it. */
  private around(span: Span, parent: number): number {
    const siblings = this.children.get(parent) ?? [];
    const before = countBefore(siblings, (index) => this.definitions[index]!.start < span.start);
    // Siblings do not overlap, but two may share a row: the one before the last is asked too.
    for (let at = before - 1; at >= Math.max(0, before - 2); at--) {
      const index = siblings[at]!;
      if (this.rowsIn(index, span) * 2 > span.end - span.start) return index;
    }
    return -1;
  }

  /** The child of `parent` that begins in the span, if it is the only one or fills most of it. */
  private mainIn(span: Span, parent: number): number {
    let main = -1;
    let childCount = 0;
    const first = Math.max(parent + 1, this.firstFrom(span.start));
    for (let index = first; index < this.definitions.length; index++) {
      const each = this.definitions[index]!;
      if (each.start >= span.end) break;
      if (this.parents[index] !== parent) continue;
      childCount++;
      if (main < 0 || this.rowsIn(index, span) > this.rowsIn(main, span)) main = index;
    }
    if (main < 0) return -1;
    const share = this.rowsIn(main, span) / (span.end - span.start);
    // Below a named parent a lone small member must not give its name to the whole of the rest.
    return share > 0.5 || (childCount === 1 && (parent < 0 || share === 0.5)) ? main : -1;
  }

  private rowsIn(index: number, span: Span): number {
    const each = this.definitions[index]!;
    return Math.min(each.end, span.end) - Math.max(each.start, span.start);
  }

  /** Index of the first definition that begins at `row` or later. */
  private firstFrom(row: number): number {
    return countBefore(this.definitions, (each) => each.start < row);
  }
}

/** How many items come before the first of which `isBefore` is false. */
function countBefore<T>(items: readonly T[], isBefore: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(items[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isInside(inner: Definition, outer: Definition): boolean {
  const isSame = inner.from === outer.from && inner.to === outer.to;
  return !isSame && inner.from >= outer.from && inner.to <= outer.to;
}
