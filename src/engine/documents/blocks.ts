/**
 * From a tree over rows to the atoms that chunks are packed from. Whatever fits a chunk stays whole; what
 * does not is opened, and its children share its rows. Comments, decorators and attributes stay with what
 * follows them, closing brackets with what they close. Every row ends up in exactly one atom.
 */
import type { Lines } from './lines';
import type { Atom, Budget } from './packing';
import type { Definition, DefinitionTree } from './symbols';

/** A node of any tree over a text: syntax, sections, indentation. Neighbours may share a row. */
export interface Block {
  /** Rows, end exclusive. */
  readonly start: number;
  readonly end: number;
  /** `leading` belongs to the next block (a comment, a decorator), `closing` to the one before. */
  readonly role: 'leading' | 'closing' | 'body';
  /** True for a leading block that reaches over one blank row: a doc comment set apart. */
  readonly reachesOver?: boolean;
  /** What the block's inside is to cuts: between members of a scope cuts are free, in a callable they are not. */
  readonly opens: 'scope' | 'callable' | 'nothing';
  /** Inner blocks in order; empty for a leaf. */
  children(): readonly Block[];
}

/** Deeper trees are cut by rows from here on: hostile nesting must not exhaust the stack. */
const MAX_DEPTH = 150;
/** Costs of a cut inside a callable, rising with depth, and inside a leaf; a blank row makes both cheaper. */
const INSIDE_COST = 0.2;
const DEPTH_COST = 0.08;
const LEAF_COST = 0.6;
const BLANK_ROW_DISCOUNT = 0.15;
/** A definition of so many rows or tokens deserves a chunk of its own. */
const OWN_CHUNK_ROWS = 8;
const OWN_CHUNK_TOKENS = 60;

/** Blocks that lie on the same rows, or belong together for another reason, and the rows they take. */
interface Unit {
  readonly blocks: Block[];
  start: number;
  end: number;
}

/** Cuts all rows of a text into atoms along the blocks. */
export function cutBlocks(
  blocks: readonly Block[],
  lines: Lines,
  definitions: DefinitionTree,
  budget: Budget,
): Atom[] {
  return new BlockCutter(lines, definitions, budget).cut(blocks);
}

class BlockCutter {
  private readonly atoms: Atom[] = [];
  private readonly openCounts: Int32Array;

  constructor(
    private readonly lines: Lines,
    private readonly definitions: DefinitionTree,
    private readonly budget: Budget,
  ) {
    this.openCounts = definitions.openCounts(lines.count);
  }

  cut(blocks: readonly Block[]): Atom[] {
    this.cutRows({ blocks: [...blocks], start: 0, end: this.lines.count }, 0, 0, 0);
    return this.atoms;
  }

  /** `level` counts splits below the innermost scope; `cutCost` is the price of a cut before these rows. */
  private cutRows(unit: Unit, level: number, cutCost: number, depth: number): void {
    if (this.fits(unit.start, unit.end)) {
      this.push(unit.start, unit.end, cutCost);
      return;
    }
    let { blocks } = unit;
    let inner = level;
    let isScope = false;
    let units = depth < MAX_DEPTH ? groupUnits(blocks, unit.start, unit.end) : [];
    for (; units.length === 1 && depth < MAX_DEPTH; depth++) {
      const opened = openBlocks(blocks);
      if (!opened) break;
      blocks = opened.blocks;
      if (opened.opens !== 'nothing') {
        isScope = opened.opens === 'scope';
        inner = isScope ? 0 : 1;
      }
      units = groupUnits(blocks, unit.start, unit.end);
    }
    if (units.length < 2) {
      this.cutLeaf(unit.start, unit.end, cutCost);
      return;
    }
    units = this.joinParts(units);
    units.forEach((each, index) => {
      const cost = index === 0 ? cutCost : this.costOfCut(inner, each.start);
      const isBody = isScope && isBodyOf(unit, each);
      this.cutRows(each, isBody ? 0 : inner + 1, cost, depth + 1);
    });
  }

  /** Puts units together that are one definition in several nodes, as the equations of a function are. */
  private joinParts(units: readonly Unit[]): Unit[] {
    const joined: Unit[] = [];
    let joinedEnd = 0;
    for (const unit of units) {
      const last = joined.at(-1);
      if (last && unit.end <= joinedEnd && this.fits(last.start, unit.end)) {
        last.blocks.push(...unit.blocks);
        last.end = unit.end;
        continue;
      }
      joined.push(unit);
      joinedEnd = this.definitions.furthestEnd(unit.start, unit.end);
    }
    return joined;
  }

  private cutLeaf(start: number, end: number, cutCost: number): void {
    for (let row = start; row < end; row++) {
      const isAfterBlank = row > 0 && this.lines.isBlank(row - 1);
      const cost = LEAF_COST - (isAfterBlank ? 2 * BLANK_ROW_DISCOUNT : 0);
      this.push(row, row + 1, row === start ? cutCost : cost);
    }
  }

  private costOfCut(level: number, row: number): number {
    if (level === 0) return 0;
    const isAfterBlank = this.lines.isBlank(row) || (row > 0 && this.lines.isBlank(row - 1));
    const cost = INSIDE_COST + DEPTH_COST * Math.min(level - 1, 5);
    return isAfterBlank ? cost - BLANK_ROW_DISCOUNT : cost;
  }

  private fits(start: number, end: number): boolean {
    return (
      this.lines.tokens(start, end) <= this.budget.maxTokens &&
      this.lines.characters(start, end) <= this.budget.maxCharacters
    );
  }

  private push(start: number, end: number, cutCost: number): void {
    this.atoms.push({
      start,
      end,
      tokens: this.lines.tokens(start, end),
      characters: this.lines.characters(start, end),
      cutCost,
      openCount: this.openCounts[start]!,
      holds: this.holds(this.definitions.outermostWithin(start, end)),
    });
  }

  private holds(within: readonly Definition[]): Atom['holds'] {
    if (within.length === 0) return 'nothing';
    const isLarge = within.some(
      (each) =>
        each.end - each.start >= OWN_CHUNK_ROWS ||
        this.lines.tokens(each.start, each.end) >= OWN_CHUNK_TOKENS,
    );
    return isLarge ? 'definition' : 'smallDefinition';
  }
}

/** Groups blocks into units that may be cut apart; the units take all rows from `start` to `end`. */
function groupUnits(blocks: readonly Block[], start: number, end: number): Unit[] {
  const units: Unit[] = [];
  for (const block of blocks) {
    const unit = units.at(-1);
    if (unit && (block.start < unit.end || belongsTogether(unit, block))) {
      unit.blocks.push(block);
      unit.end = Math.max(unit.end, block.end);
    } else {
      units.push({ blocks: [block], start: block.start, end: block.end });
    }
  }
  // Rows between units (blank ones, as a rule) go to the later one; nothing is left over.
  let from = start;
  for (const unit of units) {
    unit.start = from;
    unit.end = Math.min(Math.max(unit.end, from), end);
    from = unit.end;
  }
  if (units.length > 0) units.at(-1)!.end = end;
  return units.filter((unit) => unit.end > unit.start);
}

function belongsTogether(unit: Unit, block: Block): boolean {
  if (block.role === 'closing') return true;
  const isLeading =
    unit.blocks[0]!.role === 'leading' && unit.blocks.every((each) => each.role !== 'body');
  const reach = unit.blocks.at(-1)!.reachesOver ? 1 : 0;
  return isLeading && block.start <= unit.end + reach;
}

/** A body on rows of its own, as Python's and YAML's are: cuts inside it are as free as in the scope. */
function isBodyOf(scope: Unit, unit: Unit): boolean {
  const bodies = unit.blocks.filter((block) => block.role === 'body');
  const isMost = (unit.end - unit.start) * 2 > scope.end - scope.start;
  return isMost && bodies.length === 1 && bodies[0]!.opens === 'nothing';
}

/** Puts the children of all blocks of several rows in their places; undefined when none has any. */
function openBlocks(
  blocks: readonly Block[],
): { readonly blocks: Block[]; readonly opens: Block['opens'] } | undefined {
  let hasOpened = false;
  let opens: Block['opens'] = 'nothing';
  const inner = blocks.flatMap((block) => {
    const children = block.end - block.start > 1 ? block.children() : [];
    if (children.length === 0) return [block];
    hasOpened = true;
    if (block.opens !== 'nothing') opens = block.opens;
    return children;
  });
  return hasOpened ? { blocks: inner, opens } : undefined;
}
