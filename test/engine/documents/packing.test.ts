import * as assert from 'node:assert';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type Atom, packAtoms } from '../../../src/engine/documents/packing';

const budget = { maxTokens: 200, maxCharacters: 2_400 };

/** An atom of so many tokens; rows and characters follow. */
function atom(tokens: number, rest: Partial<Atom> = {}): Atom {
  const fields = { cutCost: 0, openCount: 0, holds: 'nothing' } as const;
  return { start: 0, end: 1, tokens, characters: tokens * 4, ...fields, ...rest };
}

/** Packs atoms and says which share a chunk, as in "0 1 | 2". */
function pack(atoms: readonly Atom[]): string {
  const starts = new Set(packAtoms(atoms, budget));
  return atoms
    .map((_, index) => (index > 0 && starts.has(index) ? `| ${index}` : `${index}`))
    .join(' ');
}

const small = { holds: 'smallDefinition' } as const;
const large = { holds: 'definition' } as const;

describe('packing', () => {
  it('keeps what fits together in one chunk', () => {
    assert.strictEqual(pack([atom(50), atom(60), atom(70)]), '0 1 2');
    assert.strictEqual(pack([]), '');
  });

  it('cuts what does not fit where that is cheapest', () => {
    const inside = { cutCost: 0.5 };
    assert.strictEqual(pack([atom(80), atom(80, inside), atom(80)]), '0 1 | 2');
    assert.strictEqual(pack([atom(80), atom(80), atom(80, inside)]), '0 | 1 2');
  });

  it('makes parts about equal where cuts cost the same', () => {
    assert.strictEqual(pack(Array.from({ length: 6 }, () => atom(50))), '0 1 2 | 3 4 5');
  });

  it('gives each definition of some size a chunk of its own', () => {
    assert.strictEqual(pack([atom(70, large), atom(70, large)]), '0 | 1');
  });

  it('lets small definitions share', () => {
    assert.strictEqual(pack([atom(20, small), atom(20, small), atom(20, small)]), '0 1 2');
  });

  it('adds a crumb to a definition rather than leaving it alone', () => {
    assert.strictEqual(pack([atom(8), atom(100, large)]), '0 1');
    assert.strictEqual(pack([atom(100, large), atom(8, small)]), '0 1');
  });

  it('parts imports of some size from the definition below', () => {
    assert.strictEqual(pack([atom(80), atom(100, large)]), '0 | 1');
  });

  it('never joins the end of one definition with another', () => {
    const tail = { openCount: 1, cutCost: 0.2 };
    assert.strictEqual(pack([atom(150), atom(60, tail), atom(60, small)]), '0 | 1 | 2');
  });

  it('keeps to the budget and to the order, whatever the atoms', () => {
    const atoms = fc.array(
      fc.record({
        start: fc.constant(0),
        end: fc.constant(1),
        tokens: fc.nat({ max: 300 }),
        characters: fc.nat({ max: 3_000 }),
        cutCost: fc.double({ min: 0, max: 1, noNaN: true }),
        openCount: fc.nat({ max: 3 }),
        holds: fc.constantFrom('nothing', 'smallDefinition', 'definition'),
      }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(atoms, (list) => {
        const starts = packAtoms(list, budget);
        assert.strictEqual(starts[0], 0);
        starts.forEach((from, index) => {
          const to = starts[index + 1] ?? list.length;
          assert.ok(from < to);
          const tokens = list.slice(from, to).reduce((sum, each) => sum + each.tokens, 0);
          assert.ok(tokens <= budget.maxTokens || to - from === 1);
        });
      }),
    );
  });
});
