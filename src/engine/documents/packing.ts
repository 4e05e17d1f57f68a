/**
 * Puts neighbouring pieces of a document together into chunks. Like breaking a paragraph into lines: every
 * way to cut is given a cost and dynamic programming finds the cheapest. Costs say what a person would
 * want: a function of some size alone, small ones together, no crumbs, no end of one with the start of another.
 */

/** Rows that are not cut, in document order, each beginning where the one before ends. */
export interface Atom {
  readonly start: number;
  readonly end: number;
  readonly tokens: number;
  readonly characters: number;
  /** Price of ending a chunk before this atom, from 0 (between functions) to about 1 (inside an expression). */
  readonly cutCost: number;
  /** How many definitions are open across the boundary before this atom. */
  readonly openCount: number;
  /** A definition that lies wholly in this atom, and whether it is large enough for a chunk of its own. */
  readonly holds: 'nothing' | 'smallDefinition' | 'definition';
}

export interface Budget {
  readonly maxTokens: number;
  readonly maxCharacters: number;
}

/** Below this a chunk is small: it says little, and short texts rank too high by words. */
const SMALL_TOKENS = 60;
const CHUNK_COST = 0.1;
const SMALLNESS_COST = 0.5;
/** Makes two halves of a long function about equal. */
const FULLNESS_COST = 0.05;
/** A chunk that begins inside a definition and goes on behind it; one that ends with the start of another. */
const TAIL_COST = 0.7;
const HEAD_COST = 0.45;
/** Company of a definition that deserves its own chunk: another definition, or what stands around it. */
const SECOND_DEFINITION_COST = 0.8;
const COMPANION_COST = 0.3;
const COMPANION_TOKENS = 40;

/** Start indexes of the chunks: the first atom of each, in order. */
export function packAtoms(atoms: readonly Atom[], budget: Budget): number[] {
  const best = new Float64Array(atoms.length + 1).fill(Infinity);
  const cameFrom = new Int32Array(atoms.length + 1);
  best[0] = 0;
  for (let end = 1; end <= atoms.length; end++) {
    const tally = new Tally(atoms[end]?.openCount ?? 0);
    for (let start = end - 1; start >= 0; start--) {
      tally.add(atoms[start]!);
      if (start < end - 1 && tally.isOver(budget)) break;
      const edge = start === 0 ? 0 : atoms[start]!.cutCost;
      const cost = best[start]! + edge + tally.cost(atoms[start]!, budget);
      if (cost < best[end]!) {
        best[end] = cost;
        cameFrom[end] = start;
      }
    }
  }
  const starts: number[] = [];
  for (let at = atoms.length; at > 0; at = cameFrom[at]!) starts.push(cameFrom[at]!);
  return starts.reverse();
}

/** What is in a chunk that grows from its last atom backwards. */
class Tally {
  private tokens = 0;
  private characters = 0;
  /** Fewest definitions open across any boundary inside the chunk. */
  private fewestOpen = Infinity;
  private innerEdge: number | undefined;
  private companionCost = 0;
  private definitionCost = 0;
  private largestDefinitionCost = 0;
  private hasLarge = false;

  constructor(private readonly openAtEnd: number) {}

  add(atom: Atom): void {
    if (this.innerEdge !== undefined) this.fewestOpen = Math.min(this.fewestOpen, this.innerEdge);
    this.innerEdge = atom.openCount;
    this.tokens += atom.tokens;
    this.characters += atom.characters + 1;
    const share = Math.min(1, atom.tokens / COMPANION_TOKENS);
    if (atom.holds === 'nothing') {
      this.companionCost += COMPANION_COST * share;
      return;
    }
    const cost = 0.15 + (SECOND_DEFINITION_COST - 0.15) * share;
    this.definitionCost += cost;
    this.largestDefinitionCost = Math.max(this.largestDefinitionCost, cost);
    if (atom.holds === 'definition') this.hasLarge = true;
  }

  isOver(budget: Budget): boolean {
    return this.tokens > budget.maxTokens || this.characters > budget.maxCharacters;
  }

  cost(first: Atom, budget: Budget): number {
    const small = Math.min(SMALL_TOKENS, budget.maxTokens * 0.3);
    const lack = Math.max(0, small - this.tokens) / small;
    const fullness = this.tokens / budget.maxTokens;
    const isWhole = this.fewestOpen === Infinity;
    const tailCount = isWhole ? 0 : Math.max(0, first.openCount - this.fewestOpen);
    const headCount = isWhole ? 0 : Math.max(0, this.openAtEnd - this.fewestOpen);
    const company = this.hasLarge
      ? Math.min(COMPANION_COST, this.companionCost) +
        this.definitionCost -
        this.largestDefinitionCost
      : 0;
    return (
      CHUNK_COST +
      SMALLNESS_COST * lack * lack +
      FULLNESS_COST * fullness * fullness +
      TAIL_COST * tailCount +
      HEAD_COST * headCount +
      company
    );
  }
}
