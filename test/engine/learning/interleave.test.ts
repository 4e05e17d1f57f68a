/** Two rankings in one list: nobody is favoured, nothing comes twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../../src/base/random';
import { teamDraft, type Team } from '../../../src/engine/learning/interleave';
import { sidesOf } from '../../support/mixture';

const keyOf = (item: number): string => `${item}`;
const heads = () => 0;
const tails = () => 0.9;

test('whoever the coin says picks first, then the other', () => {
  const [a, b] = [
    [1, 2, 3],
    [2, 4, 1],
  ];
  assert.deepEqual(teamDraft(a!, b!, { keyOf, random: heads, limit: 10 }), {
    items: [1, 2, 3, 4],
    teams: ['current', 'candidate', 'current', 'candidate'],
  });
  assert.deepEqual(teamDraft(a!, b!, { keyOf, random: tails, limit: 10 }), {
    items: [2, 1, 4, 3],
    teams: ['candidate', 'current', 'candidate', 'current'],
  });
});

const ranking = fc.uniqueArray(fc.nat(30), { maxLength: 15 });

test('every hit of both comes once, in no order that either would turn round alone', () => {
  fc.assert(
    fc.property(ranking, ranking, fc.nat(), (a, b, seed) => {
      const { items, teams } = teamDraft(a, b, { keyOf, random: seededRandom(seed), limit: 100 });
      assert.deepEqual(
        [...items].sort((x, y) => x - y),
        [...new Set([...a, ...b])].sort((x, y) => x - y),
      );
      assert.equal(teams.length, items.length);
      const mine = items.filter((_, at) => teams[at] === 'current');
      assert.deepEqual(
        mine,
        a.filter((item) => mine.includes(item)),
      );
      const theirs = items.filter((_, at) => teams[at] === 'candidate');
      assert.deepEqual(
        theirs,
        b.filter((item) => theirs.includes(item)),
      );
    }),
  );
});

test('equal rankings give that ranking, and a limit holds', () => {
  fc.assert(
    fc.property(ranking, fc.nat(), fc.nat(20), (a, seed, limit) => {
      const { items } = teamDraft(a, a, { keyOf, random: seededRandom(seed), limit });
      assert.deepEqual(items, a.slice(0, limit));
    }),
  );
});

test('while both have hits of their own, neither is ever two ahead', () => {
  const a = Array.from({ length: 20 }, (_, at) => at);
  const b = a.map((at) => 100 + at);
  for (let seed = 0; seed < 50; seed++) {
    const { teams } = teamDraft(a, b, { keyOf, random: seededRandom(seed), limit: 40 });
    let ahead = 0;
    for (const team of teams) {
      ahead += team === 'current' ? 1 : -1;
      assert.ok(Math.abs(ahead) <= 1);
    }
  }
});

test('whose each hit is can be found out from the lists, and is what was said', () => {
  fc.assert(
    fc.property(ranking, ranking, fc.nat(), fc.nat(20), (a, b, seed, limit) => {
      const { items, teams } = teamDraft(a, b, { keyOf, random: seededRandom(seed), limit });
      const orders = { current: a.map(keyOf), candidate: b.map(keyOf) };
      const sides = sidesOf(items.map(keyOf), orders);
      assert.ok(sides);
      const said = (side: Team | undefined, at: number): Team => side ?? teams[at]!;
      assert.deepEqual(sides.map(said), teams);
      // Where nobody can say, both have it as their next one.
      assert.ok(sides.length < 2 || a[0] === b[0] || sides[0] !== undefined);
    }),
  );
});
