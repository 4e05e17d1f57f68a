/**
 * The methods that a part's training uses, and how each is left out alone (training-methods 9.7): by a flag of the recipe,
 * or by records that lack what it adds. A method that is off, or that has nothing to work on, is none.
 */
import { makeRecipe, type Part, type Recipe, type RecipeChanges } from '../training/recipe';
import { DIMENSION_WISE_MIN_ROWS } from '../training/retrievalStep';
import type { Group } from './groups';
import type { GuardQuery } from './guard';
import type { MarkData } from './markData';
import type { LearningMethod, LearningTier } from './report';
import { foldCountOf } from './split';
import { partOf, recipeOf, trainWeight } from './triedTier';

/** Parts whose training holds methods and is quick enough to be done again for each. */
const QUICK = ['fusion', 'head'] as const satisfies readonly LearningTier[];
export type QuickTier = (typeof QUICK)[number];

/** What a part learns from, as far as a method can be taken out of it. */
export interface MethodMaterial {
  readonly groups: readonly Group[];
  readonly filler: readonly GuardQuery[];
  readonly data: MarkData;
}

/** What decides whether a method is at work. */
export interface MethodUse {
  readonly part: Part;
  /** As the trainer takes it, all flags. */
  readonly recipe: Recipe;
  readonly rowCount: number;
  /** Queries that have something marked right and something marked wrong. */
  readonly hasMarked: boolean;
  readonly hasMined: boolean;
  readonly hasFiller: boolean;
  /** Judged pairs of similar places, in a part that learns from them. */
  readonly hasPairs: boolean;
  /** Queries that have something marked wrong and nothing right. */
  readonly hasLone: boolean;
}

interface Method {
  readonly of: readonly QuickTier[];
  readonly isOn: (use: MethodUse) => boolean;
  /** Flags without it. */
  readonly changes?: RecipeChanges;
  /** What is learned from without it. */
  readonly leave?: (material: MethodMaterial) => MethodMaterial;
}

const METHODS: { readonly [M in LearningMethod]: Method } = {
  markedNegatives: {
    of: ['fusion', 'head'],
    // The weights of the ranking learn from all candidates, and a wrong one is no more than that at a weight of 1.
    isOn: ({ part, recipe, hasMarked }) =>
      hasMarked && (part !== 'fusion' || recipe.hardNegativeAlpha !== 1),
    // What has no answer teaches by itself, which is a method of its own.
    leave: (material) => ({
      ...material,
      groups: material.groups.map((group) =>
        isAnswered(group.query) ? { ...group, query: { ...group.query, wrong: [] } } : group,
      ),
    }),
  },
  minedNegatives: {
    of: ['head'],
    isOn: ({ hasMined }) => hasMined,
    leave: (material) => ({
      ...material,
      groups: material.groups.map((group) => ({ ...group, mined: [] })),
    }),
  },
  syntheticNegatives: {
    of: ['head'],
    isOn: ({ recipe: { hnm } }) => hnm.k >= 2 && hnm.s > 0,
    changes: { hnm: { k: 0, s: 0 } },
  },
  columns: {
    of: ['head'],
    isOn: ({ recipe }) => recipe.columnWeight > 0,
    changes: { columnWeight: 0 },
  },
  shuffledGroups: {
    of: ['head'],
    // In a single batch there is nothing to put together.
    isOn: ({ recipe, rowCount, hasPairs }) =>
      recipe.shuffleGroup >= 2 && rowCount > recipe.rows && !hasPairs,
    changes: { shuffleGroup: 1 },
  },
  duplicateMask: {
    of: ['head'],
    isOn: ({ recipe }) => recipe.duplicateCosine < 1,
    changes: { duplicateCosine: 1 },
  },
  anchor: {
    of: ['head'],
    isOn: ({ recipe }) => recipe.anchor > 0,
    changes: { anchor: 0 },
  },
  dropout: {
    of: ['head'],
    isOn: ({ recipe }) => recipe.dropout > 0,
    changes: { dropout: 0 },
  },
  mixedPositives: {
    of: ['head'],
    // Rows of marks are never mixed.
    isOn: ({ recipe, hasFiller }) => recipe.pm.enabled && hasFiller,
    changes: { pm: { enabled: false } },
  },
  dimensionWise: {
    of: ['head'],
    isOn: ({ recipe, rowCount }) =>
      recipe.dcl.lambda > 0 && Math.min(recipe.rows, rowCount) >= DIMENSION_WISE_MIN_ROWS,
    changes: { dcl: { lambda: 0 } },
  },
  offDropout: {
    of: ['head'],
    isOn: ({ recipe }) => recipe.offDropout.enabled && recipe.dropout > 0,
    changes: { offDropout: { enabled: false } },
  },
  loneNegatives: {
    of: ['head'],
    isOn: ({ recipe, hasLone }) => recipe.negativeOnly > 0 && hasLone,
    changes: { negativeOnly: 0 },
  },
  filler: {
    of: ['head'],
    isOn: ({ hasFiller }) => hasFiller,
    leave: (material) => ({ ...material, filler: [] }),
  },
  pairs: {
    of: ['head'],
    isOn: ({ hasPairs }) => hasPairs,
    leave: (material) => ({ ...material, data: { ...material.data, pairs: [] } }),
  },
  merging: {
    of: ['head'],
    isOn: ({ recipe }) => recipe.keep > 1 && recipe.merge !== 'best',
    changes: { keep: 1, merge: 'best' },
  },
  basePull: {
    of: ['fusion', 'head'],
    isOn: ({ recipe }) => recipe.pulls.some((pull) => pull < 1),
    changes: { pulls: [1] },
  },
  defaultsPull: {
    of: ['fusion'],
    isOn: ({ recipe }) => recipe.fusionPull > 0,
    changes: { fusionPull: 0 },
  },
};

export function isQuick(tier: LearningTier): tier is QuickTier {
  return (QUICK as readonly LearningTier[]).includes(tier);
}

/** Methods at work in a part, in a fixed order. */
export function methodsOf(tier: QuickTier, use: MethodUse): LearningMethod[] {
  return (Object.keys(METHODS) as LearningMethod[]).filter(
    (method) => METHODS[method].of.includes(tier) && METHODS[method].isOn(use),
  );
}

/** What of a part's training is at work on this material. */
export function useOf(part: Part, recipe: Recipe, material: MethodMaterial): MethodUse {
  const { groups, filler, data } = material;
  return {
    ...{ part, recipe, rowCount: groups.length + Math.min(groups.length, filler.length) },
    hasMarked: groups.some(({ query }) => isAnswered(query) && query.wrong.length > 0),
    hasMined: groups.some(({ mined }) => mined.length > 0),
    hasFiller: filler.some(({ rest }) => rest !== undefined),
    hasPairs: part === 'shared-head' && data.pairs.length > 0,
    hasLone: data.queries.some(isLone),
  };
}

/** All flags and what is learned from, without the method. */
export function withoutMethod(
  method: LearningMethod,
  material: MethodMaterial,
  recipe: Recipe,
): { readonly material: MethodMaterial; readonly recipe: RecipeChanges } {
  const { changes = {}, leave = (same: MethodMaterial) => same } = METHODS[method];
  return { material: leave(material), recipe: { ...recipe, ...changes } };
}

/** Rough seconds of training and asking once more without a method. */
export function methodWeight(
  tier: QuickTier,
  queryCount: number,
): { readonly training: number; readonly searching: number } {
  const training = foldCountOf(tier, queryCount) * trainWeight(tier, queryCount);
  return { training, searching: queryCount * 0.2 };
}

/** What measuring methods would add to a run, before anything is mined: how many there are, and how many seconds. */
export function plannedMethods(
  tiers: readonly LearningTier[],
  data: MarkData,
): { readonly count: number; readonly seconds: number } {
  const queryCount = data.queries.length;
  const planned = tiers.filter(isQuick).map((tier) => {
    const part = partOf(tier, data);
    const recordCount = tier === 'fusion' ? queryCount : 2 * queryCount + data.pairs.length;
    const { length } = methodsOf(tier, {
      part,
      recipe: makeRecipe(part, recordCount, recipeOf(tier, recordCount)),
      rowCount: recordCount,
      hasMarked: data.queries.some((query) => isAnswered(query) && query.wrong.length > 0),
      // A run that trains a map mines for it, and the folder asks itself.
      ...{ hasMined: true, hasFiller: true },
      hasPairs: part === 'shared-head' && data.pairs.length > 0,
      hasLone: data.queries.some(isLone),
    });
    const { training, searching } = methodWeight(tier, queryCount);
    return { count: length, seconds: length * (training + searching) };
  });
  return planned.reduce(
    (sum, { count, seconds }) => ({ count: sum.count + count, seconds: sum.seconds + seconds }),
    { count: 0, seconds: 0 },
  );
}

function isAnswered({ relevant }: MarkData['queries'][number]): boolean {
  return relevant.length > 0;
}

function isLone({ relevant, wrong }: MarkData['queries'][number]): boolean {
  return relevant.length === 0 && wrong.length > 0;
}
