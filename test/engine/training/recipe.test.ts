/** The recipe and the page that describes it: every flag with its default and the parts that look at it. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { MINING_DEFAULTS } from '../../../src/engine/training/negatives';
import {
  type Part,
  USED_BY,
  type Recipe,
  idleFlags,
  makeRecipe,
} from '../../../src/engine/training/recipe';

const page = fs.readFileSync(path.join(installationRoot(), 'docs/training.md'), 'utf8');

/** Rows of a section's table whose first cell is a flag: its cells, without the ticks. */
function rowsOf(heading: string): string[][] {
  const section = page.split(/^## /mu).find((text) => text.startsWith(heading)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

/** Flags by name, those of a group behind its name: "hnm.k". */
function flattened(flags: object, before = ''): [string, unknown][] {
  return Object.entries(flags).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flattened(value, `${before}${name}.`)
      : [[`${before}${name}`, value] as [string, unknown]],
  );
}

const LETTERS: Readonly<Record<string, readonly Part[]>> = {
  h: ['query-head', 'shared-head'],
  b: ['bi-encoder'],
  c: ['cross-encoder'],
  f: ['fusion'],
};

test('the page has every flag of a recipe with its default and its parts, and no other', () => {
  const parts = (flag: keyof Recipe): string =>
    Object.keys(LETTERS)
      .filter((letter) => LETTERS[letter]!.some((part) => USED_BY[flag].includes(part)))
      .join(' ');
  const expected = flattened(makeRecipe('query-head', 0)).map(([name, value]) => {
    const [flag] = name.split('.') as [keyof Recipe];
    return [name, JSON.stringify(value), name.startsWith('sts.middle') ? 'b' : parts(flag)];
  });
  const actual = rowsOf('Flags of a recipe').map(([name, value, own]) => [name, value, own]);
  assert.deepEqual(
    actual.sort(([a], [b]) => a!.localeCompare(b!)),
    expected.sort(([a], [b]) => a!.localeCompare(b!)),
  );
});

test('the page has every flag of the miner with its default, and no other', () => {
  const actual = rowsOf('Mining').map(([name, value]) => [name!, value!]);
  const flags = { ...MINING_DEFAULTS };
  const expected = Object.entries(flags).map(([name, value]) => [name, JSON.stringify(value)]);
  const byName = ([a]: string[], [b]: string[]): number => a!.localeCompare(b!);
  assert.deepEqual(actual.sort(byName), [...expected, ['weights', '{}']].sort(byName));
});

test('flags that a part does not look at are named where they were changed', () => {
  assert.deepEqual(idleFlags('query-head', 10, { layers: 3, steps: 5, weights: 'fp32' }), [
    'layers',
    'weights',
  ]);
  // The recipe of a run holds all flags; what it leaves as it was is no matter.
  assert.deepEqual(idleFlags('fusion', 10, makeRecipe('fusion', 10)), []);
  assert.deepEqual(idleFlags('cross-encoder', 10, { dcl: { lambda: 0.1 } }), ['dcl']);
});
