/** What the bench of the training methods learns from: splits of a set, and rows with mined negatives. */
import { seededRandom, shuffle } from '../../src/base/random';
import {
  type MinedGroup,
  type MiningPool,
  type MiningSettings,
  mineGroup,
} from '../../src/engine/training/negatives';
import type { Row } from '../../src/engine/training/plan';
import type { JudgedQuery, MethodSet } from './methods';
import { benchOption } from './report';

const SEEDS = [1, 2, 3];
export const FOLDS = 5;
/** Only so many of them are run. */
export const foldCount = Math.min(FOLDS, Number(benchOption('folds') ?? FOLDS));

/** What training starts from: queries with the documents that are known to answer them, or marked not to. */
export interface Known {
  readonly query: string;
  readonly positives: readonly number[];
  readonly explicit: readonly number[];
}

/** A split: what may be learnt from, and what is judged. */
export interface Split {
  readonly known: readonly Known[];
  readonly test: readonly JudgedQuery[];
  readonly seed: number;
}

/** Marks of people and the judged queries, by three seeds; without marks the judged queries by folds. */
export function splitsOf(set: MethodSet): Split[] {
  if (set.marks.length > 0) {
    const known = set.marks.map(({ query, document, label }) => ({
      query,
      positives: label === 1 ? [document] : [],
      explicit: label === 1 ? [] : [document],
    }));
    return SEEDS.map((seed) => ({ known, test: set.queries, seed }));
  }
  const order = shuffle(set.queries, seededRandom(1));
  return Array.from({ length: foldCount }, (_, fold) => {
    const isTest = (_: JudgedQuery, i: number): boolean => i % FOLDS === fold;
    const train = order.filter((query, i) => !isTest(query, i));
    return {
      known: train.map(({ text, relevant }) => ({
        query: text,
        positives: relevant,
        explicit: [],
      })),
      test: order.filter(isTest),
      seed: fold,
    };
  });
}

interface Mining {
  readonly pool: MiningPool;
  readonly settings: MiningSettings;
}

export async function mineAll(
  known: readonly Known[],
  { pool, settings }: Mining,
): Promise<MinedGroup[]> {
  const groups: MinedGroup[] = [];
  for (const [i, { query, positives, explicit }] of known.entries())
    groups.push(
      await mineGroup({ text: query, positives, explicit }, pool, settings, seededRandom(i)),
    );
  return groups;
}

export function rowsOf(
  set: MethodSet,
  known: readonly Known[],
  groups: readonly MinedGroup[],
): Row[] {
  return known.flatMap(({ query, positives, explicit }, line) => {
    const mined = positives.length > 0 ? groups[line]!.negatives.map((n) => n.chunkId) : explicit;
    return [
      {
        ...{ line: line + 1, query: set.numberOf(query), positives, negatives: mined, weight: 1 },
        negativeWeights: mined.map(() => 1),
        isExplicit: explicit.length > 0,
      },
    ];
  });
}
