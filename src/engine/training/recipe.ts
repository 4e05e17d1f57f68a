/**
 * The recipe of a run: every flag with its range and default. The one that was used is stored with the result, so that
 * a run can be repeated. Defaults follow the tiers of training-methods, section 10, by the number of marks.
 */
import * as z from 'zod';
import { readFlags } from './flagFile';

export const PARTS = [
  'query-head',
  'shared-head',
  'bi-encoder',
  'cross-encoder',
  'fusion',
] as const;
export type Part = (typeof PARTS)[number];

const share = z.number().min(0).max(1);
const positive = z.number().positive();
const count = z.int().nonnegative();

/** A flag of its own for each method of the papers; 0 or false leaves it out, and then the numbers are those of the plain loss. */
const recipeSchema = z.strictObject({
  /** What of an encoder learns: its last layers, low-rank adapters on its products, everything. The table of word embeddings stays frozen unless asked for. */
  scope: z.enum(['last-layers', 'adapters', 'all']),
  layers: z.int().min(1).max(48),
  trainEmbeddings: z.boolean(),
  /** Rank of a head or of each adapter. */
  rank: z.int().min(1).max(256),
  /** Optimiser. */
  learningRate: positive,
  steps: z.int().min(1).max(1_000_000),
  warmupShare: share,
  weightDecay: z.number().nonnegative(),
  clipNorm: positive,
  /** Rows (queries) of a step, and texts beside the positive of each. */
  rows: z.int().min(1).max(4096),
  negatives: count,
  positives: z.int().min(1).max(16),
  /** Temperature of the softmax; a cross-encoder's logits are divided by it. */
  tau: positive,
  /** Weight of the other direction, each text against all queries. */
  columnWeight: z.number().nonnegative(),
  /** Weight of the variance of queries' cosines with their own answers: one level of scores for all (BSC's diagonal). */
  diagonal: z.number().nonnegative(),
  /** Learns the temperature of the search loss, beginning with tau; it is never shared with that of pairs. */
  learnTau: z.boolean(),
  /** Weight of a row's own negatives inside its softmax. */
  hardNegativeAlpha: positive,
  /** Weight of mean(1 - cos(f(x), base(x))). */
  anchor: z.number().nonnegative(),
  anchorTexts: count,
  dropout: z.number().min(0).max(0.9),
  /** Cosine with a positive from which on a text is taken for a duplicate of it. */
  duplicateCosine: share,
  /** Weight of marks "not relevant" where nothing is marked relevant. */
  negativeOnly: z.number().nonnegative(),
  /** GPL: a positive leads each negative by the teacher's margin, times `scale`. Only negatives with a margin take part. */
  gpl: z.strictObject({ weight: z.number().nonnegative(), scale: positive }),
  /** Rows made of what texts say about themselves, at most this share of all rows. */
  pseudo: z.strictObject({ share: z.number().min(0).max(0.5) }),
  /** Sets marks aside that contradict one another or lie on what is likely the answer. */
  quarantine: z.boolean(),
  /** Probability that a row's vectors are mixed in a step, as hnm and pm say; drawn for each of the two. */
  mixing: share,
  hnm: z.strictObject({ k: count, s: count, alpha: share }),
  pm: z.strictObject({ enabled: z.boolean(), delta: z.number().nonnegative() }),
  dcl: z.strictObject({ lambda: z.number().nonnegative(), t: positive }),
  offDropout: z.strictObject({ enabled: z.boolean(), rho: positive }),
  shuffleGroup: z.int().min(1).max(100),
  /** Search steps to steps of pairs, at least and at most, and how often a record may come in an epoch to keep that. */
  sampler: z.strictObject({
    ratio: z
      .tuple([positive, positive])
      .refine(([least, most]) => least <= most, 'least comes first'),
    repeats: z.int().min(1).max(100),
  }),
  sts: z.strictObject({
    pearson: z.number().nonnegative(),
    pro: z.number().nonnegative(),
    rankKl: z.number().nonnegative(),
    tau: positive,
    cosentLambda: positive,
    rows: z.int().min(1).max(4096),
    /** BSC's combo in place of the three losses: this share of its softmax, the rest squared error. */
    combo: z.strictObject({ enabled: z.boolean(), mu: share }),
    /** What the combo's softmax compares: unit vectors, or vectors divided by each coordinate's range (tau 1.2 suits). */
    normalization: z.enum(['cosine', 'coordinate']),
    /** Weight of the contrast of alike pairs in a middle layer; encoders only. */
    middle: z.strictObject({ weight: z.number().nonnegative(), layer: z.int().min(1).max(48) }),
  }),
  /** Pulls fusion weights to their defaults. */
  fusionPull: z.number().nonnegative(),
  /** Early stop. */
  evaluateEvery: z.int().min(1),
  patience: z.int().min(1),
  /** Best states kept and merged at the end; 1 takes the best alone. */
  keep: z.int().min(1).max(10),
  merge: z.enum(['deviation', 'average', 'best']),
  /** How far from the base to the result to try at the end: 1 is all the way. */
  pulls: z.array(share).min(1).max(20),
  heldOutShare: z.number().min(0).max(0.5),
  /** Resources. */
  chunkTokens: z.int().min(16).max(65_536),
  maxTokens: z.int().min(8).max(1024),
  threads: z.int().min(1).max(256),
  memoryMb: z.int().min(64),
  /** How far training stands back for other programs, 0 (not at all) to 19. */
  niceness: z.int().min(0).max(19),
  minutes: positive,
  /** Weights of the written model: as the base has them, 32-bit floats, or floats where it was trained and kept so. */
  weights: z.enum(['as-base', 'fp32', 'mixed']),
});
export type Recipe = z.infer<typeof recipeSchema>;

const partialSchema = recipeSchema.partial().extend({
  hnm: recipeSchema.shape.hnm.partial().optional(),
  pm: recipeSchema.shape.pm.partial().optional(),
  dcl: recipeSchema.shape.dcl.partial().optional(),
  offDropout: recipeSchema.shape.offDropout.partial().optional(),
  sts: recipeSchema.shape.sts.partial().optional(),
  gpl: recipeSchema.shape.gpl.partial().optional(),
  pseudo: recipeSchema.shape.pseudo.partial().optional(),
  sampler: recipeSchema.shape.sampler.partial().optional(),
});
/** What a recipe file may hold: any of the flags; the others keep their defaults. */
export type RecipeChanges = z.infer<typeof partialSchema>;

const COMMON: Recipe = {
  scope: 'last-layers',
  layers: 2,
  trainEmbeddings: false,
  rank: 8,
  learningRate: 1e-3,
  steps: 150,
  warmupShare: 0.1,
  weightDecay: 0.01,
  clipNorm: 1,
  rows: 16,
  negatives: 7,
  positives: 1,
  tau: 0.05,
  columnWeight: 0.5,
  diagonal: 0,
  learnTau: false,
  hardNegativeAlpha: 1,
  anchor: 1,
  anchorTexts: 32,
  dropout: 0.1,
  duplicateCosine: 0.98,
  negativeOnly: 1,
  gpl: { weight: 0, scale: 0.05 },
  pseudo: { share: 0 },
  quarantine: true,
  mixing: 1,
  hnm: { k: 4, s: 6, alpha: 0.5 },
  pm: { enabled: false, delta: 0.1 },
  dcl: { lambda: 0, t: 5 },
  offDropout: { enabled: false, rho: 1 },
  shuffleGroup: 4,
  sampler: { ratio: [1, 4], repeats: 3 },
  sts: {
    ...{ pearson: 2, pro: 0.5, rankKl: 5, tau: 0.05, cosentLambda: 20, rows: 32 },
    ...{
      combo: { enabled: false, mu: 0.1 },
      normalization: 'cosine',
      middle: { weight: 0, layer: 3 },
    },
  },
  fusionPull: 1,
  evaluateEvery: 10,
  patience: 5,
  keep: 3,
  merge: 'deviation',
  pulls: [0.25, 0.5, 0.75, 1],
  heldOutShare: 0.2,
  chunkTokens: 1000,
  maxTokens: 256,
  threads: 2,
  memoryMb: 4096,
  niceness: 10,
  minutes: 600,
  weights: 'as-base',
};

/** Tiers of section 10 by the number of marks: more of them bear more weights and a weaker pull to the base. */
const TIERS: readonly { readonly from: number; readonly changes: RecipeChanges }[] = [
  { from: 0, changes: {} },
  {
    from: 100,
    changes: { rank: 16, steps: 300, hnm: { k: 6, s: 15 }, shuffleGroup: 7, anchor: 0.5 },
  },
  {
    from: 300,
    changes: {
      ...{ rank: 32, steps: 600, rows: 32, positives: 2, shuffleGroup: 7, anchor: 0.2 },
      ...{ hnm: { k: 10, s: 40 }, pm: { enabled: true }, dcl: { lambda: 0.1 } },
    },
  },
];

/** Encoders take what their papers took. */
const BY_PART: Readonly<Record<Part, RecipeChanges>> = {
  'query-head': {},
  'shared-head': {},
  'bi-encoder': {
    ...{ learningRate: 2e-5, rank: 8, dropout: 0, anchor: 0, keep: 1, merge: 'best', pulls: [1] },
    // Each further positive is one more text to encode.
    positives: 1,
    ...{ hnm: { k: 0, s: 0 }, pm: { enabled: false }, dcl: { lambda: 0 } },
  },
  'cross-encoder': {
    ...{ learningRate: 2e-5, rank: 8, dropout: 0, tau: 1, rows: 8, columnWeight: 0, anchor: 0 },
    // Logits are compared as they are; a negative alone says little to one that reads pairs.
    ...{ gpl: { scale: 1 }, negativeOnly: 0 },
    ...{
      hnm: { k: 0, s: 0 },
      pm: { enabled: false },
      dcl: { lambda: 0 },
      keep: 1,
      merge: 'best',
      pulls: [1],
    },
  },
  fusion: {
    learningRate: 0.05,
    steps: 100,
    dropout: 0,
    tau: 0.1,
    anchor: 0,
    keep: 1,
    merge: 'best',
  },
};

const HEADS: readonly Part[] = ['query-head', 'shared-head'];
const ENCODERS: readonly Part[] = ['bi-encoder', 'cross-encoder'];
const EMBEDDINGS: readonly Part[] = [...HEADS, 'bi-encoder'];
const MODELS: readonly Part[] = [...HEADS, ...ENCODERS];

/** The parts that look at a flag. */
export const USED_BY: { readonly [Flag in keyof Recipe]: readonly Part[] } = {
  ...{ scope: ENCODERS, layers: ENCODERS, trainEmbeddings: ENCODERS, rank: MODELS },
  ...{ learningRate: PARTS, steps: PARTS, warmupShare: PARTS, clipNorm: PARTS },
  ...{ weightDecay: MODELS, rows: PARTS, negatives: MODELS, positives: MODELS },
  ...{ tau: PARTS, learnTau: EMBEDDINGS, columnWeight: EMBEDDINGS, diagonal: EMBEDDINGS },
  ...{ hardNegativeAlpha: [...EMBEDDINGS, 'fusion'], anchor: EMBEDDINGS, anchorTexts: EMBEDDINGS },
  ...{ dropout: MODELS, duplicateCosine: MODELS, negativeOnly: MODELS, gpl: MODELS },
  ...{
    mixing: EMBEDDINGS,
    pseudo: MODELS,
    quarantine: PARTS,
    hnm: EMBEDDINGS,
    pm: EMBEDDINGS,
    dcl: EMBEDDINGS,
  },
  ...{ offDropout: EMBEDDINGS, shuffleGroup: EMBEDDINGS, sampler: ['shared-head', 'bi-encoder'] },
  ...{ sts: ['shared-head', 'bi-encoder'], fusionPull: ['fusion'] },
  ...{ evaluateEvery: PARTS, patience: PARTS, keep: PARTS, merge: PARTS, pulls: PARTS },
  ...{ heldOutShare: PARTS, chunkTokens: ENCODERS, maxTokens: ENCODERS, threads: MODELS },
  ...{ memoryMb: PARTS, niceness: PARTS, minutes: PARTS, weights: ENCODERS },
};

/** Flags that were changed from what they are otherwise, and that the part does not look at. */
export function idleFlags(part: Part, markCount: number, changes: RecipeChanges): string[] {
  const [plain, changed] = [makeRecipe(part, markCount), makeRecipe(part, markCount, changes)];
  return (Object.keys(changes) as (keyof Recipe)[]).filter(
    (flag) =>
      !USED_BY[flag].includes(part) &&
      JSON.stringify(plain[flag]) !== JSON.stringify(changed[flag]),
  );
}

/** The defaults for a part and a number of marks, with the changes on top. */
export function makeRecipe(part: Part, markCount: number, changes: RecipeChanges = {}): Recipe {
  const tier = TIERS.findLast(({ from }) => markCount >= from) ?? TIERS[0]!;
  return [tier.changes, BY_PART[part], changes].reduce(withChanges, COMMON);
}

function withChanges(recipe: Recipe, changes: RecipeChanges): Recipe {
  const { hnm, pm, dcl, offDropout, sampler, sts, gpl, pseudo, ...flat } = changes;
  return {
    ...recipe,
    ...flat,
    hnm: { ...recipe.hnm, ...hnm },
    pm: { ...recipe.pm, ...pm },
    dcl: { ...recipe.dcl, ...dcl },
    offDropout: { ...recipe.offDropout, ...offDropout },
    sampler: { ...recipe.sampler, ...sampler },
    sts: { ...recipe.sts, ...sts },
    gpl: { ...recipe.gpl, ...gpl },
    pseudo: { ...recipe.pseudo, ...pseudo },
  };
}

/** Reads a recipe file, or the record of a run to be repeated. Throws as `readFlags` does. */
export function readRecipe(file: string): Promise<RecipeChanges> {
  return readFlags(file, partialSchema);
}
